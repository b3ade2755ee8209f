//! A device joins with a token: `POST /join` spends a use and mints a key for the device's own mesh client,
//! which shows it at registration. A client without `wonder` shows the token's own key instead.
//!
//! A use belongs to the machine that took it. It goes back to the token when no device registers with it in
//! time, and what was minted is worth nothing once the token is revoked or over.

use std::time::Duration;

use super::app::App;
use super::audit::{self, Actor, Change, Origin};
use super::{limits, realm, refusal};
use crate::core::action::Action;
use crate::core::allowance::Allowance;
use crate::core::id::{OrgId, RealmId, RedemptionId, TokenId, UserId};
use crate::core::key::MachineKey;
use crate::core::role::{CreateJoinTokens, Permission as _};
use crate::core::secret::{Secret, SecretHash};
use crate::core::token::{AUTH_KEY_PREFIX, JoinToken};
use crate::core::{Error, Kind, Result, Timestamp, hex};
use crate::mesh::{JoinCredential, JoinOptions};
use crate::store::join_token::{self, JoinTokenRow};
use crate::store::redemption::{self, NewRedemption, RedemptionRow};
use crate::store::{Read, Tx};

/// How long a minted auth key waits for its device; then the use goes back to the token.
pub const REGISTRATION: Duration = Duration::from_secs(600);
/// How a worker's key begins.
pub const WORKER_KEY_PREFIX: &str = "wwk_";
/// The code of a token that nobody made, or that is gone with its organization.
const UNKNOWN: &str = "token_unknown";
/// How many stale uses one transaction takes back.
const SWEEP: i64 = 500;

/// What a device that registers may become, by the auth key that it shows.
#[derive(Clone, Debug)]
pub struct Claim {
    pub org_id: OrgId,
    pub realm_id: RealmId,
    pub token_id: TokenId,
    /// Whoever made the token.
    pub owner: UserId,
    pub ephemeral: bool,
    pub tags: Vec<String>,
    /// For `store::redemption::bind_node`, once the node has its row.
    pub redemption: RedemptionId,
}

/// What a spent use gives.
#[derive(Debug)]
pub struct Redeemed {
    pub token: JoinTokenRow,
    pub auth_key: Secret,
    pub worker_key: Secret,
}

/// What a device that joins is given.
#[derive(Debug)]
pub struct Grant {
    pub token: JoinTokenRow,
    pub worker_key: Secret,
    /// For the device's own mesh client.
    pub mesh: JoinCredential,
}

/// Where a token leads, if it would let a device in now. Spends nothing.
pub async fn check(app: &App, pasted: &Secret, origin: Origin) -> Result<JoinTokenRow> {
    let (word, now) = (JoinToken::parse(pasted.reveal())?, app.now());
    let secret = word.auth_key().hash();
    let looked = app.store().read(move |read| look(read, &word, now)).await;
    judge(app, secret, origin, looked).await
}

/// Spends one use of a token: the device's keys come to be in the same transaction.
pub async fn redeem(app: &App, pasted: &Secret, origin: Origin) -> Result<Grant> {
    let (word, now) = (JoinToken::parse(pasted.reveal())?, app.now());
    let (secret, actor) = (word.auth_key().hash(), Actor::coordinator(origin.clone()));
    let spend = move |tx: &mut Tx<'_>| {
        let redeemed = spend(tx, &word, now)?;
        let token = &redeemed.token;
        audit::record(
            tx,
            now,
            &actor,
            Change::new(Action::TokenRedeem, token.id, &token.name).of(token.org_id),
        )?;
        Ok(redeemed)
    };
    let spent = app.store().write(spend).await;
    let Redeemed { token, auth_key, worker_key } = judge(app, secret, origin, spent).await?;
    let options = JoinOptions {
        auth_key,
        lifetime: REGISTRATION,
        ephemeral: token.ephemeral,
        tags: token.tags.clone(),
    };
    let mesh = realm::credential(app, token.realm_id, options).await?;
    Ok(Grant { token, worker_key, mesh })
}

/// Counts tokens and auth keys that nobody made: those that somebody made do not count, for a fleet that joins at once
/// behind one address is welcome. What was refused is in the audit trail: of the token's organization, where there is one.
pub(super) async fn judge<T>(app: &App, secret: SecretHash, origin: Origin, tried: Result<T>) -> Result<T> {
    let judged = limits::judge(app, Allowance::JoinAddress, &origin, |e| e.code() == UNKNOWN, tried);
    if let Err(failure) = &judged {
        let behind = app.store().read(move |read| behind(read, secret)).await.ok().flatten();
        let change = match behind {
            Some(token) => Change::new(Action::TokenRefuse, token.id, &token.name).of(token.org_id),
            None => Change::nameless(Action::TokenRefuse, "no such token"),
        };
        refusal::write(app, Actor::nobody(origin), change, failure).await;
    }
    judged
}

/// The token whose secret, or one that it minted, has this hash.
fn behind(read: &mut Read<'_>, secret: SecretHash) -> Result<Option<JoinTokenRow>> {
    match redemption::by_auth_key(read, secret)? {
        Some(minted) => join_token::of_redemption(read, minted.token_id),
        None => join_token::by_secret(read, secret),
    }
}

/// Gives uses back that no device registered with in time. For the coordinator's own housekeeping.
pub async fn sweep(app: &App) -> Result<()> {
    let now = app.now();
    let count = app.store().write(move |tx| take_back(tx, now)).await?;
    if count > 0 {
        tracing::info!(count, "uses of join tokens went back: no device came");
    }
    Ok(())
}

/// The token behind a pasted word, if it would let a device in now. Spends nothing.
pub fn look(db: &mut Read<'_>, word: &JoinToken, now: Timestamp) -> Result<JoinTokenRow> {
    let token = join_token::by_secret(db, word.auth_key().hash())?.ok_or_else(unknown)?;
    check_alive(&token, now)?;
    match token.uses.is_some_and(|uses| token.used >= uses) {
        true => Err(used_up()),
        false => Ok(token),
    }
}

/// Spends one use, and mints the keys of one device.
pub fn spend(tx: &mut Tx<'_>, word: &JoinToken, now: Timestamp) -> Result<Redeemed> {
    let token = look(tx, word, now)?;
    if !join_token::take_use(tx, token.id, now)? {
        return Err(used_up());
    }
    let (auth_key, worker_key) = (mint_auth_key(), Secret::random(WORKER_KEY_PREFIX));
    let use_of_it = NewRedemption {
        id: RedemptionId::new(now),
        token_id: token.id,
        auth_key: Some(auth_key.hash()),
        worker_key: Some(worker_key.hash()),
        machine_key: None,
        created_at: now,
        expires_at: now.plus(REGISTRATION),
    };
    redemption::insert(tx, &use_of_it)?;
    Ok(Redeemed { token, auth_key, worker_key })
}

/// 160 random bits in hexadecimal, as [`crate::core::token`] explains.
fn mint_auth_key() -> Secret {
    Secret::new(format!("{AUTH_KEY_PREFIX}{}", hex::encode(&crate::core::secret::random_bytes::<20>())))
}

/// What a machine that shows `auth_key` at its registration may become. Called within the transaction that
/// writes its node, so that a use and its node come to be together. Showing the key again is fine for the
/// machine that took it, as long as its node is there: who was removed needs another use.
pub fn claim(tx: &mut Tx<'_>, auth_key: &Secret, machine: MachineKey, now: Timestamp) -> Result<Claim> {
    let (token, redemption) = match redemption::by_auth_key(tx, auth_key.hash())? {
        Some(minted) => claim_minted(tx, &minted, machine, now)?,
        None => claim_direct(tx, auth_key, machine, now)?,
    };
    Ok(Claim {
        org_id: token.org_id,
        realm_id: token.realm_id,
        token_id: token.id,
        owner: token.created_by,
        ephemeral: token.ephemeral,
        tags: token.tags,
        redemption,
    })
}

fn claim_minted(
    tx: &mut Tx<'_>,
    minted: &RedemptionRow,
    machine: MachineKey,
    now: Timestamp,
) -> Result<(JoinTokenRow, RedemptionId)> {
    let token = join_token::of_redemption(tx, minted.token_id)?.ok_or_else(unknown)?;
    check_alive(&token, now)?;
    match minted.machine_key {
        Some(bound) if bound == machine && minted.node_id.is_some() => return Ok((token, minted.id)),
        Some(_) => return Err(used()),
        None if minted.expires_at <= now => return Err(too_late()),
        None => {}
    }
    // The machine's former use of this token is over: a device that is there counts once.
    if let Some(former) = redemption::of_machine(tx, token.id, machine)? {
        redemption::delete(tx, former.id)?;
        if former.node_id.is_some() {
            join_token::give_back(tx, token.id)?;
        }
    }
    match redemption::bind(tx, minted.id, machine)? {
        true => Ok((token, minted.id)),
        false => Err(used()),
    }
}

fn claim_direct(
    tx: &mut Tx<'_>,
    auth_key: &Secret,
    machine: MachineKey,
    now: Timestamp,
) -> Result<(JoinTokenRow, RedemptionId)> {
    let token = join_token::by_secret(tx, auth_key.hash())?.ok_or_else(unknown)?;
    check_alive(&token, now)?;
    if let Some(own) = redemption::of_machine(tx, token.id, machine)? {
        if own.node_id.is_some() {
            return Ok((token, own.id));
        }
        redemption::delete(tx, own.id)?;
    }
    if !join_token::take_use(tx, token.id, now)? {
        return Err(used_up());
    }
    let own = NewRedemption {
        id: RedemptionId::new(now),
        token_id: token.id,
        auth_key: None,
        worker_key: None,
        machine_key: Some(machine),
        created_at: now,
        expires_at: now,
    };
    match redemption::insert(tx, &own)? {
        true => Ok((token, own.id)),
        // The same machine, in another transaction at the same moment: it tries again and finds its use.
        false => Err(Error::new(Kind::Unavailable, "registering", "this machine is registering already")
            .hint("try again in a moment")),
    }
}

/// Takes back the uses that no device registered with in time; tells how many there were.
pub fn take_back(tx: &mut Tx<'_>, now: Timestamp) -> Result<usize> {
    let stale = redemption::unregistered(tx, now, SWEEP)?;
    for stale in &stale {
        if redemption::delete_unregistered(tx, stale.id)? {
            join_token::give_back(tx, stale.token_id)?;
        }
    }
    Ok(stale.len())
}

/// Refuses a token that lets nobody in any more, whatever uses it has left.
fn check_alive(token: &JoinTokenRow, now: Timestamp) -> Result<()> {
    let denied = |code: &str, message: &str| Error::new(Kind::Denied, code, message).hint(MAKE_ONE);
    // Whoever made it answers for it, as long as they could make it.
    let creator_may = token.creator_role.is_some_and(|role| role >= CreateJoinTokens::ROLE);
    if token.revoked_at.is_some() || token.creator_disabled_at.is_some() || !creator_may {
        return Err(denied("token_revoked", "this join token was revoked"));
    }
    match token.expires_at <= now {
        true => Err(denied("token_expired", "this join token has expired")),
        false => Ok(()),
    }
}

const MAKE_ONE: &str = "ask for a new one: `wonder token create`";

fn used_up() -> Error {
    Error::new(Kind::Denied, "token_used_up", "this join token has no use left").hint(MAKE_ONE)
}

fn unknown() -> Error {
    Error::new(Kind::Denied, UNKNOWN, "this coordinator knows no such join token")
        .hint("it may be another coordinator's, or its organization is gone; `wonder token create` makes one")
}

fn used() -> Error {
    let message = "another machine has used this auth key, or the node that it made was removed";
    Error::new(Kind::Denied, "auth_key_used", message).hint(MAKE_ONE)
}

fn too_late() -> Error {
    Error::new(Kind::Denied, "auth_key_expired", "no device came with this auth key in time")
        .hint("run `wonder worker join` with the token again")
}
