//! A coordinator of the first version is upgraded: today's program opens what that one wrote. The two dumps in
//! `tests/stories/data/` were made by it, with four people (one who never logged in, one who is disabled), a device,
//! join tokens and API keys.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::common;

use common::database::Database;
use common::house::{House, code, operator};
use wonder::core::Kind;
use wonder::core::page::Page;
use wonder::core::role::{InviteMembers, Role, ViewMembers, ViewNodes};
use wonder::core::secret::Secret;
use wonder::service::audit::Origin;
use wonder::service::authority::May;
use wonder::service::invitation::{self, Wish};
use wonder::service::{key, member, node, user};

crate::on_both_engines! {
    everybody_finds_their_own_again
    what_was_made_goes_on
    a_personal_realm_can_be_shared_now
    memberships_that_are_out_of_order_are_put_right
}

const SQLITE: &str = include_str!("data/v1.sqlite.sql");
const POSTGRES: &str = include_str!("data/v1.postgres.sql");
/// Ada's API keys of the two dumps, for `nodes:read` and `profile:read`.
const KEYS: [&str; 2] = [
    "wnd_a22c144ef86b15f374e6d0a96fff6f99d5ccec6c3afc9141693d3f7f",
    "wnd_14aeb75d2aba352b63d11813432bb728751cd0c29eba40c4d369d41b",
];

/// A database that the first version wrote, after `change`.
fn of_v1(database: &Database, change: &str) {
    database
        .load(&format!("{SQLITE}\n{change}"), &format!("{POSTGRES}\nSET search_path = public;\n{change}"));
}

async fn everybody_finds_their_own_again(database: Database) {
    of_v1(&database, "");
    let house = House::new(database);
    for (email, has_been_here) in
        [("ada@example.org", true), ("bob@example.org", true), ("cleo@example.org", false)]
    {
        let name = email.split('@').next().unwrap();
        let known = house.count("SELECT COUNT(*) FROM organizations").await;
        let membership = house.log_in(email).await.unwrap().membership;
        assert_eq!((membership.organization.name.as_str(), membership.role), (name, Role::Owner));
        assert!(membership.organization.personal_of.is_some());
        let made = house.count("SELECT COUNT(*) FROM organizations").await - known;
        assert_eq!(made, i64::from(!has_been_here), "{email}");
    }
    assert_eq!(code(house.log_in("dan@example.org").await), "account_disabled");
    user::enable(&house.app, &operator(), "dan@example.org").await.unwrap();
    assert_eq!(house.log_in("dan@example.org").await.unwrap().membership.organization.name, "dan");
    let owners = house.count("SELECT COUNT(*) FROM memberships WHERE role = 'owner'").await;
    assert_eq!((owners, house.count("SELECT COUNT(*) FROM memberships").await), (4, 4));
}

async fn what_was_made_goes_on(database: Database) {
    of_v1(&database, "");
    let house = House::new(database);
    let logged_in = house.log_in("ada@example.org").await.unwrap();
    let ada = house.authenticate(&logged_in.token).await.unwrap();
    let may = May::<ViewNodes>::check(&house.app, &ada, None).await.unwrap();
    let (nodes, _) = node::list(&house.app, &may, Page::new(None, None).unwrap()).await.unwrap();
    let names: Vec<_> = nodes.iter().map(|seen| seen.dns_name.as_str()).collect();
    assert_eq!(names, ["laptop.ada.wonder.internal"]);
    let mut works = 0;
    for secret in KEYS {
        let caller = key::authenticate(&house.app, &Secret::new(secret), Origin::default()).await;
        match caller {
            Ok(caller) => {
                assert!(May::<ViewNodes>::check(&house.app, &caller, Some("ada")).await.is_ok());
                works += 1;
            }
            Err(error) => assert_eq!(error.code(), "key_unknown"),
        }
    }
    assert_eq!(works, 1, "the key of this engine's dump");
    let good = "SELECT COUNT(*) FROM join_tokens t JOIN memberships m ON m.user_id = t.created_by \
        AND m.org_id = t.org_id WHERE t.revoked_at IS NULL";
    assert_eq!(house.count(good).await, 3);
    assert!(house.count("SELECT COUNT(*) FROM audit_events").await > 15);
}

async fn a_personal_realm_can_be_shared_now(database: Database) {
    of_v1(&database, "");
    let house = House::new(database);
    let ada = house.log_in("ada@example.org").await.unwrap();
    let ada = house.authenticate(&ada.token).await.unwrap();
    let bob = house.log_in("bob@example.org").await.unwrap();
    let bob = house.authenticate(&bob.token).await.unwrap();
    let refused = May::<ViewMembers>::check(&house.app, &bob, Some("ada")).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::NotFound);
    let may = May::<InviteMembers>::check(&house.app, &ada, None).await.unwrap();
    let wish = Wish { email: "bob@example.org".into(), role: Role::Admin, ttl: None, mail: true };
    let made = invitation::create(&house.app, &may, wish).await.unwrap();
    invitation::accept(&house.app, &bob, made.code.reveal()).await.unwrap();
    let may = May::<ViewMembers>::check(&house.app, &bob, Some("ada")).await.unwrap();
    let (members, _) = member::list(&house.app, &may, Page::new(None, None).unwrap()).await.unwrap();
    let roles: Vec<_> = members.iter().map(|m| (m.email.local_part(), m.role)).collect();
    assert_eq!(roles, [("ada", Role::Owner), ("bob", Role::Admin)]);
}

/// The first version writes nothing of this kind; whoever has changed its database by hand is not locked out.
async fn memberships_that_are_out_of_order_are_put_right(database: Database) {
    of_v1(
        &database,
        "INSERT INTO memberships SELECT o.id, u.id, 'owner', 1 FROM organizations o, users u \
             WHERE o.name = 'ada' AND u.email IN ('bob@example.org', 'cleo@example.org');\n\
         DELETE FROM memberships WHERE org_id = (SELECT id FROM organizations WHERE name = 'bob');\n\
         UPDATE memberships SET role = 'member' WHERE org_id = (SELECT id FROM organizations WHERE name = 'dan');\n\
         INSERT INTO realms VALUES ('00000000-0000-7000-8000-000000000001', 'club', 1, 1, NULL);\n\
         INSERT INTO organizations VALUES ('00000000-0000-7000-8000-000000000002', \
             '00000000-0000-7000-8000-000000000001', 'club', NULL, 1, NULL);\n\
         INSERT INTO memberships SELECT '00000000-0000-7000-8000-000000000002', u.id, 'owner', u.number \
             FROM users u WHERE u.number > 1;",
    );
    let house = House::new(database);
    let all = "SELECT o.name || ' ' || m.role || ' ' || u.email FROM memberships m \
        JOIN organizations o ON o.id = m.org_id JOIN users u ON u.id = m.user_id ORDER BY o.name, u.number";
    let expected = [
        "ada owner ada@example.org",
        "ada admin bob@example.org",
        "ada admin cleo@example.org",
        "bob owner bob@example.org",
        "club owner bob@example.org",
        "club admin cleo@example.org",
        "club admin dan@example.org",
        "dan owner dan@example.org",
    ];
    assert_eq!(house.column(all).await, expected);
}
