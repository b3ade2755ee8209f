//! What a device asks for itself, by the coordination protocol: to join, to come back, to log out, to say
//! where it is, to be told of its peers. A device's rights are its keys; a person's rights play no part here.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::app::App;
use super::audit::{Actor, Change, Origin};
use super::limits::{self, network};
use super::{approval, audit, enrolment, join, realm};
use crate::core::action::Action;
use crate::core::allowance::Allowance;
use crate::core::id::OrgId;
use crate::core::key::MachineKey;
use crate::core::node::Node;
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::mesh::native::realm::{Attached, Client, Device, Outbox, Realm, node_unknown};
use crate::mesh::native::wire::{MapRequest, RegisterAnswer, RegisterRequest};
use crate::store::{self, Tx};

/// The oldest client that is served, by its capability version: Tailscale 1.80.
pub const OLDEST_CAPABILITY: u16 = 113;
/// How long a log-in request may wait for a person before it is answered and sent again.
const FOLLOWUP_LIMIT: Duration = Duration::from_secs(50);

/// Answers a registration. A refusal is an error of kind `Denied`, whose message the client shows.
pub async fn register(
    app: &App,
    machine: MachineKey,
    address: IpAddr,
    request: &RegisterRequest,
) -> Result<RegisterAnswer> {
    check_version(request.version)?;
    if request.nodekey.is_zero() {
        return Err(Error::usage("malformed_request", "a registration names the device's node key"));
    }
    let known = known_node(app, machine, request).await?;
    let now = app.now();
    if request.expiry().is_some_and(|expiry| expiry <= now) {
        return match known {
            Some(node) => log_out(app, node, address).await,
            None => Ok(RegisterAnswer::expired()),
        };
    }
    match (known, request.auth_key()) {
        (Some(node), _) if !node.is_expired(now) => Ok(RegisterAnswer::authorized(&node)),
        (_, Some(auth_key)) => enrol(app, machine, address, request, auth_key.clone()).await,
        // The client then makes a new key and asks again.
        (Some(_), None) => Ok(RegisterAnswer::expired()),
        (None, None) => wait_for_person(app, machine, address, request).await,
    }
}

fn check_version(version: u16) -> Result<()> {
    if version >= OLDEST_CAPABILITY {
        return Ok(());
    }
    let error = Error::new(Kind::Denied, "client_too_old", "this client is too old for this coordinator");
    Err(error.hint("update it to Tailscale 1.80 or later"))
}

/// The node with this node key. Another machine that shows it is refused: a node key is public.
async fn known_node(app: &App, machine: MachineKey, request: &RegisterRequest) -> Result<Option<Node>> {
    let key = request.nodekey;
    let node = app.store().read(move |read| store::node::by_key(read, key)).await?;
    match node {
        Some(node) if node.machine_key != machine => {
            let error = Error::new(Kind::Denied, "other_machine", "this node key belongs to another machine");
            Err(error.hint("remove the copied state of tailscaled, then log in again"))
        }
        node => Ok(node),
    }
}

/// Joins a device by its auth key: a new node, or the machine's own one in that realm with a new key.
async fn enrol(
    app: &App,
    machine: MachineKey,
    address: IpAddr,
    request: &RegisterRequest,
    auth_key: Secret,
) -> Result<RegisterAnswer> {
    let now = app.now();
    let asked = enrolment::Asked {
        machine,
        node_key: request.nodekey,
        hostinfo: request.hostinfo(),
        capability: request.version,
        ephemeral: request.ephemeral,
        expiry: request.expiry(),
    };
    let secret = auth_key.hash();
    let enrol = move |tx: &mut Tx<'_>| {
        let claim = join::claim(tx, &auth_key, machine, now)?;
        let granted = enrolment::Granted {
            realm: claim.realm_id,
            owner: claim.owner,
            tags: claim.tags,
            ephemeral: claim.ephemeral,
        };
        let enrolled = enrolment::enrol(tx, granted, asked, now)?;
        store::redemption::bind_node(tx, claim.redemption, enrolled.node.id)?;
        record(tx, &enrolled.node, enrolled.action(), claim.org_id, address, now)?;
        Ok(enrolled)
    };
    let whole = app.clone();
    realm::to_the_end(app, async move {
        let enrolled = whole.store().write(enrol).await;
        let enrolled = join::judge(&whole, secret, origin_of(address), enrolled).await?;
        let answer = RegisterAnswer::authorized(&enrolled.node);
        realm::enrolled(&whole, enrolled).await?;
        Ok(answer)
    })
    .await
}

fn origin_of(address: IpAddr) -> Origin {
    Origin { address: Some(address), request_id: None }
}

/// Writes into the audit trail what a device did by itself.
fn record(
    tx: &mut Tx<'_>,
    node: &Node,
    action: Action,
    org: OrgId,
    address: IpAddr,
    now: Timestamp,
) -> Result<()> {
    let actor = Actor::node(node.id, &node.name, origin_of(address));
    audit::record(tx, now, &actor, Change::new(action, node.id, &node.name).of(org))
}

/// Ends a node's log-in: an ephemeral node is deleted, another one's key is over from now on.
async fn log_out(app: &App, node: Node, address: IpAddr) -> Result<RegisterAnswer> {
    let now = app.now();
    let id = node.id;
    let expire = move |tx: &mut Tx<'_>| {
        let Some(mut node) = store::node::by_id(tx, id)? else { return Ok(None) };
        let org = store::organization::of_realm(tx, node.realm)?;
        record(tx, &node, Action::NodeLogOut, org, address, now)?;
        if node.ephemeral {
            store::node::delete(tx, id)?;
            return Ok(Some(node));
        }
        node.expire(now);
        store::node::save(tx, &mut node)?;
        Ok(Some(node))
    };
    let whole = app.clone();
    realm::to_the_end(app, async move {
        if let Some(node) = whole.store().write(expire).await? {
            tell_log_out(&whole, node).await?;
        }
        Ok(RegisterAnswer::expired())
    })
    .await
}

async fn tell_log_out(app: &App, node: Node) -> Result<()> {
    if node.ephemeral {
        return realm::remove(app, &node).await;
    }
    let (realm, number) = (node.realm, node.number);
    realm::put(app, node).await?;
    realm::offline(app, realm, number).await
}

/// A device without a key: it is given a URL for a person, and what it asks with that URL is answered when
/// the person has decided.
async fn wait_for_person(
    app: &App,
    machine: MachineKey,
    address: IpAddr,
    request: &RegisterRequest,
) -> Result<RegisterAnswer> {
    let code = approval::code_in(&request.followup);
    if let Some(code) = code {
        let key = request.nodekey;
        let approved = || async move {
            let node = app.store().read(move |read| store::node::by_key(read, key)).await?;
            Ok(node.filter(|node| node.machine_key == machine))
        };
        match approval::wait(app, &code, FOLLOWUP_LIMIT, approved).await? {
            approval::Waited::Approved(node) => return Ok(RegisterAnswer::authorized(&node)),
            approval::Waited::Refused => return Err(refused()),
            approval::Waited::Still => return Ok(RegisterAnswer::waiting(request.followup.clone())),
            approval::Waited::Forgotten => {}
        }
    }
    limits::take(app, Allowance::RegisterAddress, network(&origin_of(address)))?;
    let hostinfo = request.hostinfo();
    let (hostname, os) = (hostinfo.hostname, hostinfo.os);
    let (node_key, ephemeral) = (request.nodekey, request.ephemeral);
    let asked = approval::Request { machine, node_key, hostname, os, ephemeral, address };
    Ok(RegisterAnswer::waiting(approval::open(app, asked).await?))
}

fn refused() -> Error {
    Error::new(Kind::Denied, "device_refused", "a person has refused this device")
        .hint("ask again with `tailscale up`")
}

/// Takes what a device says of itself. Its hostname names it, until a person does.
pub async fn report(app: &App, device: Device, request: MapRequest) -> Result<()> {
    let reported = running_realm(app, device).await?.report(device, request).await?;
    if let Some(hostname) = reported.new_hostname {
        enrolment::rename_by_device(app, reported.node, &hostname).await?;
    }
    Ok(())
}

/// Puts the map as it is now into `outbox`, for a device that opens no stream, and takes what it says of itself.
pub async fn once(app: &App, device: Device, request: MapRequest, outbox: Arc<Outbox>) -> Result<()> {
    check_version(request.version)?;
    let client = Client::of(&request);
    if !request.is_read_only() {
        report(app, device, request).await?;
    }
    running_realm(app, device).await?.once(device, client, outbox).await
}

/// Opens a device's map stream into `outbox`.
pub async fn attach(app: &App, device: Device, request: MapRequest, outbox: Arc<Outbox>) -> Result<Attached> {
    check_version(request.version)?;
    let (realm, request) = (running_realm(app, device).await?, Arc::new(request));
    match realm.attach(device, Arc::clone(&request), Arc::clone(&outbox)).await {
        Err(error) if error.kind() == Kind::NotFound => {}
        attached => return attached,
    }
    // The database knows it: the realm has not been told, by somebody who could not wait for the database.
    let node = app.store().read(move |read| store::node::by_key(read, device.node_key)).await?;
    if let Some(node) = node {
        app.mesh().homes().add(std::iter::once(node.node_key), node.realm);
        realm.put(node).await?;
    }
    realm.attach(device, request, outbox).await
}

/// The realm of the node that speaks, which looks at its keys. Cost: one read of an index for the first node of a
/// realm, and none for the others, so that a database that is away keeps no device from its peers.
async fn running_realm(app: &App, device: Device) -> Result<Realm> {
    let (mesh, key) = (app.mesh(), device.node_key);
    if let Some(realm) = mesh.homes().of(&key) {
        return mesh.realms().start(realm).await;
    }
    let found = app.store().read(move |read| store::node::admission(read, key)).await?;
    let (realm, _) = found.ok_or_else(node_unknown)?;
    mesh.realms().start(realm).await
}
