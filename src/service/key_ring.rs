//! The master keys over what is sealed in the database: sealed anew when there is another key, forgotten when the key is
//! lost. Called by the commands on the coordinator's host and at its start; a running coordinator goes on meanwhile.

use std::sync::Arc;

use super::app::App;
use super::audit::{self, Actor, Change};
use super::user::Operator;
use crate::auth::seal::KeyRing;
use crate::core::action::Action;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::store::sealed_secret::{self, SealedSecret};
use crate::store::{Store, Tx};

/// What is sealed, and with which key; nothing is opened.
pub async fn list(app: &App, _: &Operator) -> Result<Vec<SealedSecret>> {
    app.store().read(sealed_secret::all).await
}

/// Whether everything opens with the keys that are here: the failure names what does not.
pub async fn check(app: &App, operator: &Operator, ring: &KeyRing) -> Result<()> {
    for SealedSecret { name, key_id, sealed, .. } in list(app, operator).await? {
        ring.open(&name, &key_id, &sealed)?;
    }
    Ok(())
}

/// Seals everything with the newest key of `ring`, in one transaction; tells how many there were.
pub async fn rotate(app: &App, operator: &Operator, ring: Arc<KeyRing>) -> Result<usize> {
    seal_anew(app.store(), operator.actor().clone(), ring, app.now()).await
}

/// The same, by the coordinator at its start: somebody has put a new key before the old ones.
pub async fn catch_up(store: &Store, ring: Arc<KeyRing>, now: Timestamp) -> Result<usize> {
    seal_anew(store, Actor::coordinator(audit::Origin::default()), ring, now).await
}

async fn seal_anew(store: &Store, actor: Actor, ring: Arc<KeyRing>, now: Timestamp) -> Result<usize> {
    store.write(move |tx| seal_all(tx, &actor, &ring, now)).await
}

fn seal_all(tx: &mut Tx<'_>, actor: &Actor, ring: &KeyRing, now: Timestamp) -> Result<usize> {
    let newest = ring.newest();
    let mut sealed_otherwise = sealed_secret::all(tx)?;
    sealed_otherwise.retain(|secret| secret.key_id != newest.id());
    for SealedSecret { name, key_id, sealed, .. } in &sealed_otherwise {
        let sealed = newest.seal(name, &ring.open(name, key_id, sealed)?)?;
        if !sealed_secret::reseal(tx, name, key_id, newest.id(), sealed)? {
            return Err(Error::new(
                Kind::Conflict,
                "rotating_already",
                "somebody else rotates the keys just now",
            )
            .hint("look with `wonder key-ring list`, and try again"));
        }
    }
    if !sealed_otherwise.is_empty() {
        let change =
            Change::new(Action::KeyRingRotate, newest.id(), format!("{} secrets", sealed_otherwise.len()));
        audit::record(tx, now, actor, change)?;
    }
    Ok(sealed_otherwise.len())
}

/// Forgets everything that is sealed: the way out when the key is lost. The next start makes new keys of its own.
pub async fn reset(app: &App, operator: &Operator) -> Result<u64> {
    let (actor, now) = (operator.actor().clone(), app.now());
    app.store()
        .write(move |tx| {
            let count = sealed_secret::delete_all(tx)?;
            audit::record(
                tx,
                now,
                &actor,
                Change::nameless(Action::KeyRingReset, format!("{count} secrets")),
            )?;
            Ok(count)
        })
        .await
}
