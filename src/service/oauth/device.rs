//! Logging in on a device without a browser (RFC 8628): the device shows a code, a person types it elsewhere,
//! and decides. For apps, and for the command line of `wonder` itself, which is given a log-in.

use std::time::Duration;

use super::authorize::{self, Consent};
use super::client::{self, Client};
use super::exchange::{Issued, Settled, begin as begin_tokens, need_secret};
use super::{denied, invalid_grant, limits};
use crate::auth::oauth::client::Form;
use crate::auth::oauth::{DEVICE_PREFIX, user_code};
use crate::auth::session::Beginning;
use crate::core::action::Action;
use crate::core::evidence::Evidence;
use crate::core::oauth::ScopeSet;
use crate::core::secret::Secret;
use crate::core::session::SessionKind;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::service::app::App;
use crate::service::audit::{self, Change, Origin};
use crate::service::authority::Caller;
use crate::service::factor::proof::Proven;
use crate::service::session::{self, LoggedIn};
use crate::store::oauth::app::AppRow;
use crate::store::oauth::device::{self as devices, DeviceRow};
use crate::store::oauth::token as tokens;
use crate::store::{Tx, user};

/// How long a device waits for a person.
const LIFETIME: Duration = Duration::from_secs(600);
/// How long a device waits between two looks, to begin with.
const INTERVAL: Duration = Duration::from_secs(5);
/// By how much it waits longer that looked too soon (RFC 8628 section 3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// What the network may take off the time between two looks.
const SLACK: Duration = Duration::from_millis(1500);
/// Devices that may wait at once.
const MOST_WAITING: i64 = 10_000;
/// The longest label, in characters.
const LONGEST_LABEL: usize = 100;

/// What a device is told.
#[derive(Debug)]
pub struct Begun {
    pub device_code: Secret,
    pub user_code: Secret,
    pub expires_in: Duration,
    pub interval: Duration,
}

/// A device that waits for a decision.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub row: DeviceRow,
    /// None: the command line of `wonder` itself.
    pub app: Option<AppRow>,
}

/// A device asks for a code.
pub async fn begin(app: &App, client: Client, form: &Form, origin: Origin) -> Result<Begun> {
    let now = app.now();
    limits::device(app, &origin)?;
    let (id, label, scopes) = match client {
        Client::CommandLine => (None, label(form.get("label")), ScopeSet::default()),
        Client::App(row) => {
            let scopes = authorize::wanted(form.get("scope"), &row)?;
            (Some(row.id), row.name, scopes)
        }
    };
    let (device_code, user_code) = (Secret::random(DEVICE_PREFIX), user_code::generate());
    let row = DeviceRow {
        device: device_code.hash(),
        user_code: user_code.hash(),
        app: id,
        label,
        address: origin.address,
        scopes,
        interval: INTERVAL,
        polled_at: None,
        created_at: now,
        expires_at: now.plus(LIFETIME),
        refused_at: None,
        approved_by: None,
        family: None,
    };
    let insert = move |tx: &mut Tx<'_>| {
        let full = || Error::new(Kind::RateLimited, "too_many_devices", "too many devices wait for a person");
        let taken = || Error::new(Kind::Unavailable, "code_taken", "another device has this code: try again");
        match devices::count(tx, now)? < MOST_WAITING {
            true if devices::insert(tx, &row)? => Ok(()),
            true => Err(taken()),
            false => Err(full()),
        }
    };
    app.store().write(insert).await?;
    Ok(Begun { device_code, user_code, expires_in: LIFETIME, interval: INTERVAL })
}

fn label(given: Option<&str>) -> String {
    let label: String =
        given.unwrap_or_default().chars().filter(|c| !c.is_control()).take(LONGEST_LABEL).collect();
    if label.trim().is_empty() { "wonder".to_owned() } else { label.trim().to_owned() }
}

/// The device that shows the code which a person typed.
pub async fn look(app: &App, caller: &Caller, typed: &str) -> Result<Waiting> {
    let (user, now) = (caller.person()?.user, app.now());
    limits::user_code(app, user)?;
    let hash = user_code::read(typed).ok_or_else(no_such_code)?.hash();
    let row =
        app.store().read(move |read| devices::waiting(read, hash, now)).await?.ok_or_else(no_such_code)?;
    let asking = match row.app {
        None => None,
        Some(id) => Some(client::find(app, &id.to_string()).await?.ok_or_else(no_such_code)?),
    };
    limits::user_code_known(app, user);
    Ok(Waiting { row, app: asking })
}

fn no_such_code() -> Error {
    Error::new(Kind::NotFound, "code_not_found", "no device waits under this code")
        .hint("look at the device again: a code is good for ten minutes, and for one try")
}

/// The person lets the device in. `consent` says where and what, for an app. The command line is given a log-in, which
/// counts as a new proof of who they are: so they have just shown that (`proof_needed`).
pub async fn approve(app: &App, caller: &Caller, typed: &str, consent: Option<Consent>) -> Result<Waiting> {
    let waiting = look(app, caller, typed).await?;
    let (by, now) = (caller.person()?.user, app.now());
    let granting = match &waiting.app {
        None => Proven::check(app, caller).map(|_| None)?,
        Some(to) => {
            let consent = consent.ok_or_else(|| super::invalid_request("choose an organization"))?;
            let granting = authorize::granting(app, caller, to, &waiting.row.scopes, consent).await?;
            Some(granting.ok_or_else(|| denied("access_denied", "nothing is left that the app may do"))?)
        }
    };
    let (device, actor, change) =
        (waiting.row.device, caller.actor(), decided(&waiting, Action::DeviceApprove));
    let decide = move |tx: &mut Tx<'_>| {
        let family = granting.map(|granting| granting.record(tx, None, now)).transpose()?;
        match devices::approve(tx, device, by, family)? {
            true => audit::record(tx, now, &actor, change),
            false => Err(no_such_code()),
        }
    };
    app.store().write(decide).await?;
    Ok(waiting)
}

/// The person does not.
pub async fn refuse(app: &App, caller: &Caller, typed: &str) -> Result<Waiting> {
    let waiting = look(app, caller, typed).await?;
    let (device, now) = (waiting.row.device, app.now());
    let (actor, change) = (caller.actor(), decided(&waiting, Action::DeviceRefuse));
    let refuse = move |tx: &mut Tx<'_>| match devices::refuse(tx, device, now)? {
        true => audit::record(tx, now, &actor, change),
        false => Err(no_such_code()),
    };
    app.store().write(refuse).await?;
    Ok(waiting)
}

/// A decision, with what was decided about: the device as the person saw it.
fn decided(waiting: &Waiting, decision: Action) -> Change {
    let from = waiting.row.address.map(|address| format!(" at {address}")).unwrap_or_default();
    Change::nameless(decision, format!("{}{from}", waiting.row.label))
}

/// A device looks whether somebody has decided.
pub(super) async fn redeem(app: &App, client: Client, form: &Form, origin: Origin) -> Result<Issued> {
    let (code, now) = (need_secret(form, "device_code")?.hash(), app.now());
    let id = match client {
        Client::CommandLine => None,
        Client::App(row) => Some(row.id),
    };
    let unknown = || invalid_grant("this device code is unknown, was redeemed, or is another client's");
    // What nobody knows is not worth a turn at the database's writer.
    let known = app.store().read(move |read| devices::by_device_code(read, code)).await?;
    known.filter(|row| row.app == id).ok_or_else(unknown)?;
    let redeem = move |tx: &mut Tx<'_>| -> Result<Settled> {
        let row = devices::by_device_code(tx, code)?.filter(|row| row.app == id).ok_or_else(unknown)?;
        if row.refused_at.is_some() {
            devices::delete(tx, code)?;
            return Ok(Err(Error::usage("access_denied", "the person did not allow it")));
        }
        if row.expires_at <= now {
            return Err(Error::usage("expired_token", "nobody decided in time: begin again"));
        }
        if row.approved_by.is_none() {
            return wait(tx, &row, now).map(Err);
        }
        match devices::delete(tx, code)? {
            true => hand_over(tx, row, origin, now).map(Ok),
            false => Err(unknown()),
        }
    };
    app.store().write(redeem).await?
}

/// Nobody has decided yet.
fn wait(tx: &mut Tx<'_>, row: &DeviceRow, now: Timestamp) -> Result<Error> {
    let too_soon = row.polled_at.is_some_and(|at| now.since(at) + SLACK < row.interval);
    let interval = if too_soon { row.interval + SLOWER } else { row.interval };
    devices::polled(tx, row.device, now, interval)?;
    Ok(match too_soon {
        true => Error::usage("slow_down", "this is asked too often: wait five seconds longer each time"),
        false => Error::usage("authorization_pending", "nobody has decided yet"),
    })
}

/// Tokens for an app; a log-in for the command line.
fn hand_over(tx: &mut Tx<'_>, row: DeviceRow, origin: Origin, now: Timestamp) -> Result<Issued> {
    let over = || invalid_grant("what was granted has been revoked");
    if let Some(family) = row.family {
        let family = tokens::live_family(tx, family)?.ok_or_else(over)?;
        return begin_tokens(tx, &family, now);
    }
    let by = row.approved_by.ok_or_else(over)?;
    let user = user::by_id(tx, by)?.filter(|user| user.disabled_at.is_none()).ok_or_else(over)?;
    let (kind, by) = (SessionKind::Cli, Evidence::Browser);
    let beginning = Beginning { kind, label: row.label, address: origin.address, by };
    let LoggedIn { session, token, .. } = session::open(tx, user, beginning, origin, now)?;
    let (access, expires_in) = (token, session.expires_at.since(now));
    let scopes = ScopeSet::default();
    Ok(Issued { access, expires_in, refresh: None, scopes, organization: None, identity: None })
}
