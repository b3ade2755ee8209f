//! The built-in mesh as what any backend is to the use cases: a realm is there or not, a device is let in, nodes are
//! listed and taken out; and devices that ask to be let in by a person do not keep each other out.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::common;

use common::database::Database;
use common::house::{House, START, code};
use serde_json::json;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use wonder::core::id::{ApprovalId, RealmId};
use wonder::core::key::{MachineKey, NodeKey};
use wonder::core::role::{DeleteOrganization, ManageNodes, ViewNodes};
use wonder::core::secret::{Secret, random_bytes};
use wonder::mesh::native::realm::{Device, Next, Outbox};
use wonder::mesh::native::wire::{MapRequest, RegisterAnswer, RegisterRequest};
use wonder::mesh::{Counts, JoinCredential, JoinOptions, MeshKind};
use wonder::service::authority::May;
use wonder::service::node::Seen;
use wonder::service::{approval, device, health, node, organization};
use wonder::store;
use wonder::store::approval::Approval;

crate::on_both_engines! {
    a_realm_comes_with_its_organization_and_goes_with_it
    a_node_is_listed_counted_and_taken_out
    who_fills_the_waiting_room_keeps_nobody_out
}

fn options(auth_key: Secret) -> JoinOptions {
    JoinOptions { auth_key, lifetime: Duration::from_secs(60), ephemeral: false, tags: Vec::new() }
}

async fn a_realm_comes_with_its_organization_and_goes_with_it(database: Database) {
    let house = House::new(database);
    let (ada, _) = house.person("ada@example.org").await;
    let made = organization::create(&house.app, &ada, "Lab").await.unwrap().organization;
    let backend = house.app.mesh().backend();
    assert_eq!(backend.kind(), MeshKind::Tailscale);
    backend.create_realm(made.realm).await.unwrap();
    assert!(backend.realm_exists(made.realm).await.unwrap());
    let JoinCredential::Tailscale { login_server, auth_key } =
        backend.join_credential(made.realm, options(Secret::new("wak_1"))).await.unwrap();
    assert_eq!((login_server.as_str(), auth_key.reveal()), ("http://localhost:8080", "wak_1"));

    let may: May<DeleteOrganization> =
        May::check(&house.app, &ada, Some(&made.id.to_string())).await.unwrap();
    organization::delete(&house.app, &may, "Lab").await.unwrap();
    for gone in [made.realm, RealmId::new(START)] {
        assert!(!backend.realm_exists(gone).await.unwrap());
        assert_eq!(code(backend.create_realm(gone).await), "realm_not_found");
        assert!(backend.nodes(gone).await.unwrap().is_empty());
        assert_eq!(backend.count(gone).await.unwrap(), Counts::default());
        backend.delete_realm(gone).await.unwrap();
    }
    health::mesh(&house.app).await.unwrap();
    house.app.supervisor().stop();
    assert_eq!(code(backend.health().await), "shutting_down");
}

/// A registration without a key, from this address.
async fn knock(house: &House, machine: MachineKey, from: &str) -> wonder::core::Result<RegisterAnswer> {
    let body = json!({
        "Version": 145, "NodeKey": NodeKey(random_bytes()), "Hostinfo": { "Hostname": "pi", "OS": "linux" },
    });
    let request = RegisterRequest::read(body.to_string().as_bytes()).unwrap();
    device::register(&house.app, machine, from.parse().unwrap(), &request).await
}

async fn a_node_is_listed_counted_and_taken_out(database: Database) {
    let house = House::new(database);
    let (ada, _) = house.person("ada@example.org").await;
    let machine = MachineKey(random_bytes());
    let asked = knock(&house, machine, "192.0.2.1").await.unwrap();
    let manage: May<ManageNodes> = May::check(&house.app, &ada, None).await.unwrap();
    let waiting = asked.auth_url.rsplit_once('/').unwrap().1;
    let Seen { node, .. } = node::approve(&house.app, &manage, waiting).await.unwrap();
    let (realm, backend) = (manage.realm(), house.app.mesh().backend());
    let view: May<ViewNodes> = May::check(&house.app, &ada, None).await.unwrap();

    // First nobody has connected, then the realm runs; either way it is the same node.
    for _ in 0..2 {
        let nodes = backend.nodes(realm).await.unwrap();
        let [listed] = nodes.as_slice() else { panic!("{nodes:?}") };
        assert_eq!((listed.id, listed.name.as_str(), listed.online), (node.id, "pi", false));
        assert_eq!(listed.addresses, node.address.both());
        assert_eq!(node::count(&house.app, &view).await.unwrap(), Counts { all: 1, online: 0 });
        house.app.mesh().realms().start(realm).await.unwrap();
    }
    let device = Device { machine_key: machine, node_key: node.node_key };
    let request = || MapRequest::read(br#"{"Version":145,"Stream":true}"#).unwrap();
    let outbox = Arc::<Outbox>::default();
    let _attached = device::attach(&house.app, device, request(), Arc::clone(&outbox)).await.unwrap();
    assert_eq!(node::count(&house.app, &view).await.unwrap(), Counts { all: 1, online: 1 });
    assert!(backend.nodes(realm).await.unwrap()[0].online);

    node::remove(&house.app, &manage, "pi").await.unwrap();
    assert!(backend.nodes(realm).await.unwrap().is_empty());
    backend.remove_node(&node).await.unwrap();
    assert!(matches!(outbox.next().await, Next::Send(_)), "what it was told");
    assert_eq!(outbox.next().await, Next::Close);
}

/// How many devices may wait.
const ROOM: usize = 10_000;

async fn who_fills_the_waiting_room_keeps_nobody_out(database: Database) {
    let house = House::new(database);
    let (honest, first) =
        (MachineKey(random_bytes()), knock(&house, MachineKey(random_bytes()), "192.0.2.1"));
    let first = first.await.unwrap().auth_url;
    // In parts: the coordinator gives a transaction only so much time.
    for start in (1..ROOM).step_by(100) {
        let rows = start..(start + 100).min(ROOM);
        let insert = |tx: &mut store::Tx<'_>| {
            rows.into_iter().try_for_each(|n| store::approval::insert(tx, &flood(n)))
        };
        house.store().write(insert).await.unwrap();
    }
    assert_eq!(house.count("SELECT COUNT(*) FROM approvals").await, 10_000);

    let second = knock(&house, honest, "192.0.2.77").await.unwrap().auth_url;
    assert!(!second.is_empty());
    let left = house.count("SELECT COUNT(*) FROM approvals").await;
    assert_eq!(left, 9_901, "a hundred of the flood are out");
    let (ada, _) = house.person("ada@example.org").await;
    for url in [first, second] {
        let code = url.rsplit_once('/').unwrap().1;
        assert_eq!(approval::show(&house.app, &ada, code).await.unwrap().hostname, "pi");
    }
}

/// A device that waits, of a network that has a /48 to itself and uses another /64 for each.
fn flood(n: usize) -> Approval {
    let address: IpAddr = format!("2001:db8:7:{n:x}::1").parse().unwrap();
    Approval {
        id: ApprovalId::new(START),
        code_hash: Secret::new(format!("code {n}")).hash(),
        machine_key: MachineKey(random_bytes()),
        node_key: NodeKey(random_bytes()),
        hostname: String::from("flood"),
        os: String::from("linux"),
        ephemeral: false,
        address: Some(address),
        created_at: START,
        expires_at: START.plus(Duration::from_secs(3600)),
    }
}
