//! What a worker does about itself, with the key that its join gave it: the key is the authority.

use super::app::App;
use super::audit::{self, Actor, Change, Origin};
use super::node::{self, Seen};
use super::realm;
use crate::core::action::Action;
use crate::core::node::Node;
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::store::redemption::{self, RedemptionRow};
use crate::store::{self, Tx, join_token};

/// A worker that showed its key.
#[derive(Clone, Debug)]
pub struct Worker {
    redemption: RedemptionRow,
    origin: Origin,
}

/// Who shows this worker key.
pub async fn authenticate(app: &App, key: &Secret, origin: Origin) -> Result<Worker> {
    let hash = key.hash();
    let found = app.store().read(move |read| redemption::by_worker_key(read, hash)).await?;
    let redemption = found.ok_or_else(|| {
        Error::new(Kind::Unauthenticated, "worker_key_unknown", "this coordinator knows no such worker")
            .hint("join again with `wonder worker join`")
    })?;
    Ok(Worker { redemption, origin })
}

/// The worker's node; none until the device has registered, and after somebody has removed it.
pub async fn show(app: &App, worker: &Worker) -> Result<Option<Seen>> {
    let Some(id) = worker.redemption.node_id else { return Ok(None) };
    let Some(node) = app.store().read(move |read| store::node::by_id(read, id)).await? else {
        return Ok(None);
    };
    Ok(node::see(app, node.realm, vec![node]).await?.into_iter().next())
}

/// Takes the worker out of its realm, and ends its key. A use that no device has registered with goes back to
/// its token: the join was broken off.
pub async fn leave(app: &App, worker: Worker) -> Result<()> {
    let (whole, now) = (app.clone(), app.now());
    realm::to_the_end(app, async move {
        match whole.store().write(move |tx| take_out(tx, worker, now)).await? {
            Some(node) => realm::remove(&whole, &node).await,
            None => Ok(()),
        }
    })
    .await
}

fn take_out(tx: &mut Tx<'_>, worker: Worker, now: Timestamp) -> Result<Option<Node>> {
    let Worker { redemption, origin } = worker;
    if redemption::delete_unregistered(tx, redemption.id)? {
        join_token::give_back(tx, redemption.token_id)?;
        return Ok(None);
    }
    redemption::delete(tx, redemption.id)?;
    let Some(id) = redemption.node_id else { return Ok(None) };
    let Some(node) = store::node::by_id(tx, id)? else { return Ok(None) };
    store::node::delete(tx, id)?;
    let mut change = Change::new(Action::NodeLeave, node.id, &node.name);
    if let Some(token) = join_token::of_redemption(tx, redemption.token_id)? {
        change = change.of(token.org_id);
    }
    audit::record(tx, now, &Actor::node(node.id, &node.name, origin), change)?;
    Ok(Some(node))
}
