//! `wonder app`: OAuth 2.0 clients of third parties.

use clap::{Args, Subcommand};

use super::ctx::Ctx;
use super::value::{SCOPES, scope, scope_name};
use crate::api::{App, NewApp, RegisterApp};
use crate::core::Result;
use crate::ui::{Cell, Table, ago, clean, fields, under};

const REGISTER: &str = "\
Examples:
  wonder app register Platform --redirect https://platform.example.org/callback
      a service that keeps a secret

  wonder app register Desktop --public --redirect http://127.0.0.1/callback --scope nodes:read
      a program on people's own machines, which may ask for little";

/// Apps of third parties, which people let in with one click (OAuth 2.0)
#[derive(Debug, Subcommand)]
pub enum AppCommand {
    Register(Register),
    /// List the apps of the organization
    List,
    /// Show an app
    Show {
        /// Its id or name
        app: String,
    },
    /// Revoke an app: what anybody allowed it is over
    Revoke {
        /// Its id or name
        app: String,
    },
}

/// Register an app
#[derive(Debug, Args)]
#[command(after_help = REGISTER)]
pub struct Register {
    /// Its name, as people see it when they are asked
    name: String,
    /// Where browsers may be sent back to; can be given several times
    #[arg(long = "redirect", value_name = "URI")]
    redirects: Vec<String>,
    /// Where browsers may be led after a log-out; can be given several times
    #[arg(long = "post-logout-redirect", value_name = "URI")]
    post_logout_redirects: Vec<String>,
    /// It can keep no secret: a program on a phone or a desktop
    #[arg(long)]
    public: bool,
    /// The most that it may ask for; can be given several times [default: all]
    #[arg(long = "scope", value_name = "SCOPE",
          value_parser = clap::builder::PossibleValuesParser::new(SCOPES.map(|(name, _)| name)))]
    scopes: Vec<String>,
}

pub fn run(ctx: &Ctx, command: AppCommand) -> Result<()> {
    match command {
        AppCommand::Register(what) => register(ctx, what),
        AppCommand::List => list(ctx),
        AppCommand::Show { app } => show(ctx, &app),
        AppCommand::Revoke { app } => revoke(ctx, &app),
    }
}

fn register(ctx: &Ctx, what: Register) -> Result<()> {
    let scopes = what.scopes.iter().map(|name| scope(name)).collect::<Result<Vec<_>>>()?;
    let acting = ctx.acting()?;
    let asked = RegisterApp {
        name: what.name,
        redirect_uris: what.redirects,
        post_logout_redirect_uris: what.post_logout_redirects,
        public: what.public,
        scopes: (!scopes.is_empty()).then_some(scopes),
    };
    let made = acting.client.register_app(&acting.org, &asked)?;
    ctx.ui.show(&made, || shown(ctx, &made))
}

/// With `-q` the secret alone, or the id of an app without one.
fn shown(ctx: &Ctx, made: &NewApp) -> String {
    let id = made.app.id.to_string();
    match (&made.secret, ctx.ui.quiet) {
        (Some(secret), true) => secret.reveal().to_owned(),
        (None, true) => id,
        (Some(secret), false) => format!(
            "Registered {}. Its secret is shown this once.\n\n  client_id      {id}\n  client_secret  {}",
            clean(&made.app.name),
            clean(secret.reveal())
        ),
        (None, false) => {
            format!("Registered {}, which keeps no secret.\n\n  client_id  {id}", clean(&made.app.name))
        }
    }
}

fn list(ctx: &Ctx) -> Result<()> {
    let acting = ctx.acting()?;
    let apps = acting.client.apps(&acting.org)?;
    ctx.ui.show(&under("apps", &apps), || {
        let mut table = Table::new(&["CLIENT ID", "NAME", "SECRET", "REGISTERED", "STATE"]).whole(0);
        for app in &apps {
            table.row([
                app.id.to_string().into(),
                app.name.clone().into(),
                if app.public { "none" } else { "yes" }.into(),
                ago(ctx.now(), app.created_at).into(),
                state(app),
            ]);
        }
        table.text("No apps. `wonder app register NAME --redirect URI` registers one.")
    })
}

fn state(app: &App) -> Cell {
    match app.revoked_at {
        Some(_) => Cell::Faint("revoked".into()),
        None => Cell::Good("good".into()),
    }
}

fn show(ctx: &Ctx, app: &str) -> Result<()> {
    let acting = ctx.acting()?;
    let app = acting.client.app(&acting.org, app)?;
    ctx.ui.show(&under("app", &app), || {
        let scopes: Vec<&str> = app.scopes.iter().map(|scope| scope_name(*scope)).collect();
        let all = [
            ("Client id", app.id.to_string()),
            ("Secret", if app.public { "none: a public client" } else { "yes" }.to_owned()),
            ("Redirects to", app.redirect_uris.join("\n")),
            ("After log-out", app.post_logout_redirect_uris.join("\n")),
            ("May ask for", scopes.join(", ")),
            ("Registered", ago(ctx.now(), app.created_at)),
            ("Revoked", app.revoked_at.map(|at| ago(ctx.now(), at)).unwrap_or_default()),
        ];
        fields(&app.name, &all)
    })
}

fn revoke(ctx: &Ctx, app: &str) -> Result<()> {
    ctx.ui.confirm(&format!("Revoke app {app}? What anybody allowed it is over at once."))?;
    let acting = ctx.acting()?;
    let revoked = acting.client.revoke_app(&acting.org, app)?;
    ctx.ui.changed(&under("app", &revoked), || format!("Revoked app {}.", revoked.name))
}
