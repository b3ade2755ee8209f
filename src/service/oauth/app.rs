//! Apps: registered, listed and revoked by an organization's admins. An app belongs to one organization, and
//! asks people of any to let it in.

use crate::auth::oauth::{CLIENT_SECRET_PREFIX, redirect};
use crate::core::action::Action;
use crate::core::id::{AppId, OrgId, UserId};
use crate::core::node::Node;
use crate::core::oauth::ScopeSet;
use crate::core::page::Page;
use crate::core::role::{ManageApps, Scope, ViewApps};
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::service::app::App;
use crate::service::audit::{self, Actor, Change};
use crate::service::authority::May;
use crate::service::oauth::grant;
use crate::service::words;
use crate::store::oauth::app::{self as apps, AppRow};
use crate::store::oauth::grant as grants;
use crate::store::{Read, Tx};

/// Apps that one organization has at most.
const MOST: i64 = 200;

/// An app to be registered.
#[derive(Clone, Debug)]
pub struct NewApp {
    pub name: String,
    pub redirect_uris: Vec<String>,
    /// Where it has browsers led after a log-out.
    pub post_logout_redirect_uris: Vec<String>,
    /// It can keep no secret: a program on a phone or a desktop.
    pub public: bool,
    /// The most that it may ask for; none: everything.
    pub scopes: Option<Vec<Scope>>,
}

/// An app that was just registered, with its secret, unless it is public: it is known here, and never again.
#[derive(Debug)]
pub struct Registered {
    pub app: AppRow,
    pub secret: Option<Secret>,
}

/// Registers an app.
pub async fn register(app: &App, may: &May<ManageApps>, new: NewApp) -> Result<Registered> {
    let now = app.now();
    let secret = (!new.public).then(|| Secret::random(CLIENT_SECRET_PREFIX));
    let row = AppRow {
        id: AppId::new(now),
        org_id: may.org(),
        name: words::name(&new.name)?,
        secret: secret.as_ref().map(Secret::hash),
        redirect_uris: redirects(new.redirect_uris)?,
        post_logout_redirect_uris: redirects(new.post_logout_redirect_uris)?,
        scopes: scopes(new.scopes)?,
        created_by: may.user(),
        created_at: now,
        revoked_at: None,
    };
    let (actor, kept) = (may.actor().clone(), row.clone());
    let insert = move |tx: &mut Tx<'_>| {
        if apps::count(tx, kept.org_id)? >= MOST {
            return Err(Error::new(
                Kind::Conflict,
                "too_many_apps",
                format!("there are {MOST} apps already"),
            )
            .hint("revoke those that nobody uses"));
        }
        apps::insert(tx, &kept)?;
        audit::record(tx, now, &actor, Change::new(Action::AppRegister, kept.id, &kept.name).of(kept.org_id))
    };
    app.store().write(insert).await?;
    Ok(Registered { app: row, secret })
}

/// Every one is checked. An app needs none that uses device codes, or acts for its own organization alone.
fn redirects(mut uris: Vec<String>) -> Result<Vec<String>> {
    uris.iter().try_for_each(|uri| redirect::check(uri))?;
    uris.sort_unstable();
    uris.dedup();
    if uris.len() > redirect::MOST {
        return Err(Error::usage(
            "too_many_redirect_uris",
            format!("an app has at most {} redirect URIs", redirect::MOST),
        ));
    }
    Ok(uris)
}

fn scopes(asked: Option<Vec<Scope>>) -> Result<ScopeSet> {
    match asked {
        None => Ok(ScopeSet::all()),
        Some(scopes) if scopes.is_empty() => {
            Err(Error::usage("no_scope", "an app without a scope could do nothing")
                .hint("leave the scopes out for all"))
        }
        // Who logged in may be asked by every app: it tells a name, and nothing of the organization.
        Some(scopes) => Ok(ScopeSet::of(scopes).with_openid()),
    }
}

/// A page of the organization's apps, the newest first, and the cursor of the next one.
pub async fn list(app: &App, may: &May<ViewApps>, page: Page) -> Result<(Vec<AppRow>, Option<String>)> {
    let (org, before, rows) = (may.org(), page.after()?, page.rows());
    let found = app.store().read(move |read| apps::list_of_org(read, org, before, rows)).await?;
    Ok(page.cut(found, |app| app.id.to_string()))
}

/// One app, by its id or an unambiguous name.
pub async fn show(app: &App, may: &May<ViewApps>, reference: &str) -> Result<AppRow> {
    let (org, reference) = (may.org(), reference.to_owned());
    app.store().read(move |read| find(read, org, &reference)).await
}

/// Revokes an app, with all that anybody granted it: at once.
pub async fn revoke(app: &App, may: &May<ManageApps>, reference: &str) -> Result<AppRow> {
    let (org, reference, actor, now) = (may.org(), reference.to_owned(), may.actor().clone(), app.now());
    let revoke = move |tx: &mut Tx<'_>| {
        let row = find(tx, org, &reference)?;
        let nodes = end(tx, &actor, &row, now)?;
        Ok((find(tx, org, &row.id.to_string())?, nodes))
    };
    grant::change(app, revoke).await
}

/// Ends an app within a transaction; gives the nodes whose keys ended with it.
fn end(tx: &mut Tx<'_>, actor: &Actor, app: &AppRow, now: Timestamp) -> Result<Vec<Node>> {
    let mut nodes = Vec::new();
    if apps::revoke(tx, app.id, now)? {
        audit::record(tx, now, actor, Change::new(Action::AppRevoke, app.id, &app.name).of(app.org_id))?;
        let granted = grants::live_of_app(tx, app.id)?;
        nodes = grant::end_all(tx, actor, &granted, now)?;
    }
    Ok(nodes)
}

/// Ends the apps that somebody registered for an organization and may register no more. Tells how many there
/// were, and gives the nodes whose keys ended.
pub(in crate::service) fn end_all_of_member(
    tx: &mut Tx<'_>,
    actor: &Actor,
    (org, user): (OrgId, UserId),
    now: Timestamp,
) -> Result<(u64, Vec<Node>)> {
    let made = apps::live_made_by(tx, org, user)?;
    Ok((made.len() as u64, end_all(tx, actor, &made, now)?))
}

/// Ends every app of an organization that is about to be deleted, in whatever organization something was granted
/// to it. Gives the nodes whose keys ended.
pub(in crate::service) fn end_all_of_org(
    tx: &mut Tx<'_>,
    actor: &Actor,
    org: OrgId,
    now: Timestamp,
) -> Result<Vec<Node>> {
    let all = apps::live_of_org(tx, org)?;
    end_all(tx, actor, &all, now)
}

fn end_all(tx: &mut Tx<'_>, actor: &Actor, all: &[AppRow], now: Timestamp) -> Result<Vec<Node>> {
    let mut nodes = Vec::new();
    for app in all {
        nodes.extend(end(tx, actor, app, now)?);
    }
    Ok(nodes)
}

fn find(read: &mut Read<'_>, org: OrgId, reference: &str) -> Result<AppRow> {
    let mut found = match reference.parse() {
        Ok(id) => apps::by_id(read, org, id)?.into_iter().collect(),
        Err(_) => apps::by_name(read, org, reference)?,
    };
    match found.len() {
        0 | 1 => found.pop().ok_or_else(|| Error::not_found("app", reference)),
        _ => Err(Error::new(
            Kind::Conflict,
            "ambiguous_name",
            format!("more than one app is called {reference}"),
        )
        .hint("name it by its id, which `wonder app list` shows")),
    }
}
