//! `wonder login`, `logout`, `whoami`.

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::ctx::Ctx;
use super::device;
use super::value::secret;
use crate::api::{LogIn, NewSession, Organization, SetUp, User};
use crate::client::Client;
use crate::config::profile::{Profile, Profiles};
use crate::core::secret::Secret;
use crate::core::url::BaseUrl;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::ui::{can_ask, clean, fields, secret_from_stdin, until};

const LOGIN: &str = "\
Examples:
  wonder login http://192.168.1.10:8080
      opens a browser, and shows a code to type there

  wonder login https://mesh.example.org --device
      shows the code only: for the browser of another machine

  wonder login https://mesh.example.org --profile work
      a second log-in, under a name of its own

  wonder login URL --email ada@example.org --password-stdin < password
      without anybody at the keyboard";

/// Log in to a coordinator
#[derive(Debug, Args)]
#[command(after_help = LOGIN)]
pub struct Login {
    /// The coordinator, like http://192.168.1.10:8080 [default: the current one]
    url: Option<BaseUrl>,
    /// The e-mail address of the account
    #[arg(long)]
    email: Option<String>,
    /// Read the password from stdin
    #[arg(long)]
    password_stdin: bool,
    /// Make the first account with the one-time code that the first start printed ("-": from stdin)
    #[arg(long, value_name = "CODE", value_parser = secret, conflicts_with = "device")]
    setup_code: Option<Secret>,
    /// Log in with a code that is entered in a browser, on this or another machine
    #[arg(long, conflicts_with_all = ["email", "password_stdin"])]
    device: bool,
    /// A code of the account's authenticator app, or a recovery code, where it has a second factor
    #[arg(long, value_name = "CODE", value_parser = secret, requires = "email")]
    code: Option<Secret>,
}

/// Log out: the log-in ends at the coordinator, and its profile goes
#[derive(Debug, Args)]
pub struct Logout {}

/// Show who is logged in, where
#[derive(Debug, Args)]
pub struct Whoami {}

pub fn login(ctx: &Ctx, flags: Login) -> Result<()> {
    answerable(&flags)?;
    let url = coordinator(ctx, &flags)?;
    let client = ctx.client(&url)?;
    // Nobody is asked for a password that cannot be sent.
    client.version()?;
    warn_of_plain_http(ctx, &url);
    let session = match by_password(&flags) {
        true => {
            let email = match &flags.email {
                Some(email) => email.clone(),
                None => ctx.ui.ask("E-mail address", "--email")?,
            };
            log_in(ctx, &client, &flags, email)?
        }
        false => device::log_in(ctx, &client, &label(), !flags.device)?,
    };
    let name = remember(ctx, &url, &session)?;
    show(
        ctx,
        &Standing {
            user: &session.user,
            coordinator: &url,
            profile: Some(&name),
            organization: Some(&session.organization),
            expires_at: session.expires_at,
        },
    )?;
    ctx.ui.next("wonder token create", "makes a token that a device joins with");
    Ok(())
}

/// Whether the password is asked for, or given, here; else a browser has the log-in.
fn by_password(flags: &Login) -> bool {
    flags.email.is_some() || flags.password_stdin || flags.setup_code.is_some()
}

/// Everything that would have to be asked is given, or there is somebody to ask.
fn answerable(flags: &Login) -> Result<()> {
    if can_ask() || flags.device || (flags.email.is_some() && flags.password_stdin) {
        return Ok(());
    }
    Err(Error::usage("missing_answer", "there is no terminal to ask at for e-mail address and password")
        .hint("give them with --email and --password-stdin, or log in by a browser with --device"))
}

fn coordinator(ctx: &Ctx, flags: &Login) -> Result<BaseUrl> {
    let named = &ctx.globals.coordinator;
    if let (Some(url), Some(other)) = (&flags.url, named)
        && url != other
    {
        let message = format!("two coordinators are named: {url} and {other}");
        return Err(
            Error::usage("contradiction", message).hint("leave out --coordinator, or WONDER_COORDINATOR")
        );
    }
    if let Some(url) = flags.url.as_ref().or(named.as_ref()) {
        return Ok(url.clone());
    }
    match ctx.profiles()?.read()?.find(ctx.globals.profile.as_deref()) {
        Some((_, profile)) => Ok(profile.coordinator.clone()),
        None => ctx.ui.ask("URL of the coordinator", "the first argument: `wonder login URL`")?.parse(),
    }
}

fn log_in(ctx: &Ctx, client: &Client, flags: &Login, email: String) -> Result<NewSession> {
    let password = match &flags.setup_code {
        Some(code) => set_up(ctx, client, flags, code, &email)?,
        None if flags.password_stdin => secret_from_stdin("password")?,
        None => ctx.ui.ask_password("--password-stdin")?,
    };
    let log_in = LogIn { email, password, label: label(), code: flags.code.clone() };
    match client.log_in(&log_in) {
        Err(error) if error.code() == "second_factor_required" && can_ask() => {
            let code = ctx.ui.ask("Code of your authenticator app, or a recovery code", "--code")?;
            client.log_in(&LogIn { code: Some(Secret::new(code)), ..log_in })
        }
        begun => begun,
    }
}

/// Makes the first account; gives its password.
fn set_up(ctx: &Ctx, client: &Client, flags: &Login, code: &Secret, email: &str) -> Result<Secret> {
    if code.reveal() == "-" && flags.password_stdin {
        return Err(Error::usage("contradiction", "stdin cannot give both the set-up code and the password")
            .hint("give the code as it is, or be asked for the password"));
    }
    let code = if code.reveal() == "-" { secret_from_stdin("set-up code")? } else { code.clone() };
    let password = if flags.password_stdin {
        secret_from_stdin("password")?
    } else {
        ctx.ui.ask_new_password("--password-stdin")?
    };
    let user = client.set_up(&SetUp { code, email: email.to_owned(), password: password.clone() })?;
    ctx.ui.say(&format!("Created {}, an administrator.", clean(&user.email)));
    Ok(password)
}

/// How the log-in is called in a list of log-ins.
fn label() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("wonder on {host}").chars().take(100).collect()
}

/// Keeps the log-in as a profile, whose name this gives. One that was there before for the same coordinator is
/// replaced, and ended.
fn remember(ctx: &Ctx, url: &BaseUrl, session: &NewSession) -> Result<String> {
    let profile = Profile::new(
        url.clone(),
        session.user.email.clone(),
        session.organization.id,
        session.token.clone(),
        session.expires_at,
    );
    let (name, replaced) = ctx.profiles()?.update(|profiles| {
        let name = profile_name(ctx, profiles, url);
        profiles.current = Some(name.clone());
        Ok((name.clone(), profiles.profiles.insert(name, profile)))
    })?;
    if let Some(old) = replaced {
        // It would end by itself; that nobody is told of it is no failure.
        let _ = ctx.client(&old.coordinator)?.bearer(&old.token).log_out();
    }
    Ok(name)
}

/// `--profile`, else the name that this coordinator's profile has, else its host and port.
fn profile_name(ctx: &Ctx, profiles: &Profiles, url: &BaseUrl) -> String {
    if let Some(name) = &ctx.globals.profile {
        return name.clone();
    }
    match profiles.of_coordinator(url) {
        Some((name, _)) => name.to_owned(),
        None => url.as_str().rsplit('/').next().unwrap_or_default().to_owned(),
    }
}

fn warn_of_plain_http(ctx: &Ctx, url: &BaseUrl) {
    if !url.is_dependable() {
        ctx.ui.warn(&format!(
            "{url} is not encrypted: whoever is on the way reads the password. Use https:// there"
        ));
    }
}

pub fn logout(ctx: &Ctx) -> Result<()> {
    let Some((name, profile)) = ctx.profile()? else {
        return ctx
            .ui
            .changed(&json!({ "profile": null, "coordinator": null, "coordinator_told": false }), || {
                "Not logged in; nothing to do.".into()
            });
    };
    let told = end(ctx, &profile)?;
    ctx.profiles()?.update(|profiles| Ok(profiles.remove(&name)))?;
    let document = json!({ "profile": name, "coordinator": profile.coordinator, "coordinator_told": told });
    ctx.ui.changed(&document, || format!("Logged out from {}.", profile.coordinator))?;
    if !told {
        ctx.ui.warn("the coordinator could not be told; there the log-in ends by itself");
    }
    Ok(())
}

/// Ends the log-in at the coordinator; tells whether that worked. One that is over already has ended.
fn end(ctx: &Ctx, profile: &Profile) -> Result<bool> {
    match ctx.client(&profile.coordinator)?.bearer(&profile.token).log_out() {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == Kind::Unauthenticated => Ok(true),
        Err(_) => Ok(false),
    }
}

pub fn whoami(ctx: &Ctx) -> Result<()> {
    let session = ctx.session()?;
    let answer = session.client.session()?;
    let profile = session.profile.as_ref().map(|(name, _)| name.as_str());
    let organization = match session.profile.as_ref().and_then(|(_, profile)| profile.organization) {
        Some(id) => match session.client.organization(&id.to_string()) {
            Ok(current) => Some(current),
            Err(error) if error.kind() == Kind::NotFound => {
                ctx.ui.warn("you are not in the current organization any more: `wonder org use` makes another one current");
                answer.organization
            }
            Err(error) => return Err(error),
        },
        None => answer.organization,
    };
    show(
        ctx,
        &Standing {
            user: &answer.user,
            coordinator: session.client.coordinator(),
            profile,
            organization: organization.as_ref(),
            expires_at: answer.expires_at,
        },
    )
}

/// Who is logged in, where, and how long.
#[derive(Serialize)]
struct Standing<'a> {
    user: &'a User,
    coordinator: &'a BaseUrl,
    profile: Option<&'a str>,
    organization: Option<&'a Organization>,
    expires_at: Timestamp,
}

fn show(ctx: &Ctx, standing: &Standing<'_>) -> Result<()> {
    ctx.ui.show(standing, || {
        let source = standing.profile.unwrap_or("none: WONDER_TOKEN is used");
        fields(
            &standing.user.email,
            &[
                ("Coordinator", standing.coordinator.to_string()),
                ("Organization", standing.organization.map(|org| org.name.clone()).unwrap_or_default()),
                ("Profile", source.to_owned()),
                ("Expires", until(ctx.now(), standing.expires_at)),
            ],
        )
    })
}
