//! Who shows an access token: at the API, at userinfo, and to whoever asks about a token of theirs.

use std::time::Duration;

use super::client::Client;
use super::{invalid_request, limits};
use crate::auth::oauth::{ACCESS_PREFIX, REFRESH_PREFIX};
use crate::core::action::Action;
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::service::app::App;
use crate::service::audit::{self, Change, Origin};
use crate::service::authority::{Caller, Delegate, Principal};
use crate::store::Tx;
use crate::store::oauth::token::{self as tokens, Held};
use crate::store::oauth::{family, grant as grants};

/// How often the use of a grant is noted at most.
const NOTED_EVERY: Duration = Duration::from_secs(60);

/// Who shows this access token. What it may do is looked up at every call: a grant that was revoked a moment
/// ago is worth nothing.
pub async fn authenticate(app: &App, bearer: &Secret, origin: Origin) -> Result<Caller> {
    let held = held(app, bearer).await?.filter(|held| !held.refresh).ok_or_else(refused)?;
    note_use(app, &held, app.now()).await;
    let (expires_at, scopes) = (held.expires_at, held.scopes);
    let principal = Principal::App(Delegate {
        app: held.family.app,
        name: held.family.app_name,
        grant: held.family.grant,
        org: held.family.org,
        scopes,
        own: held.family.own,
        user: held.family.user,
        email: held.family.email,
        expires_at,
    });
    Ok(Caller { principal, origin })
}

/// A token that is good now.
async fn held(app: &App, token: &Secret) -> Result<Option<Held>> {
    if ![ACCESS_PREFIX, REFRESH_PREFIX].iter().any(|prefix| token.reveal().starts_with(prefix)) {
        return Ok(None);
    }
    let (hash, now) = (token.hash(), app.now());
    let held = app.store().read(move |read| tokens::find(read, hash)).await?;
    Ok(held.filter(|held| held.expires_at > now && held.used_at.is_none()))
}

/// The call goes on when the use cannot be noted.
async fn note_use(app: &App, held: &Held, now: Timestamp) {
    if held.family.grant_used_at.is_some_and(|at| now.since(at) < NOTED_EVERY) {
        return;
    }
    let grant = held.family.grant;
    if let Err(e) = app.store().write(move |tx| grants::touch(tx, grant, now)).await {
        tracing::warn!(%grant, "the use of a grant was not noted: {e}");
    }
}

fn refused() -> Error {
    Error::new(Kind::Unauthenticated, "token_unknown", "this access token is over, revoked, or unknown here")
        .hint("get another one with the refresh token, or let the person authorize the app again")
}

/// The token, if it is good and this client's own (RFC 7662 section 2.2): of others nobody is told. Only a
/// client that proved who it is may ask.
pub async fn introspect(app: &App, client: Client, token: &Secret) -> Result<Option<Held>> {
    let client = client.app()?;
    if client.secret.is_none() {
        return Err(super::denied("unauthorized_client", "only a client with a secret may ask about tokens"));
    }
    Ok(held(app, token).await?.filter(|held| held.family.app == client.id))
}

/// Ends a token (RFC 7009): a refresh token with its whole family, an access token alone. A token that is
/// unknown has ended already; one of another client is refused.
pub async fn revoke(app: &App, client: Client, token: &Secret, origin: Origin) -> Result<()> {
    limits::token(app, &client, &origin)?;
    let (client, hash, now) = (client.app()?, token.hash(), app.now());
    // What nobody knows is not worth a turn at the database's writer.
    if app.store().read(move |read| tokens::find(read, hash)).await?.is_none() {
        return Ok(());
    }
    let revoke = move |tx: &mut Tx<'_>| {
        let Some(held) = tokens::find(tx, hash)? else { return Ok(()) };
        if held.family.app != client.id {
            return Err(invalid_request("this token is another client's"));
        }
        if !held.refresh {
            return tokens::delete(tx, hash);
        }
        family::end(tx, held.family.id, now)?;
        let actor = audit::Actor::app(client.id, &client.name, &held.family.email, origin);
        let change = Change::new(Action::GrantEndTokens, held.family.grant, &client.name);
        audit::record(tx, now, &actor, change.of(held.family.org))
    };
    app.store().write(revoke).await
}
