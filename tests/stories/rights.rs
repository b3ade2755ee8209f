//! Stories of who may do what, of the audit trail, and of what the database keeps, on both engines.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::common;

use common::database::Database;
use common::house::{House, PASSWORD, from, operator};
use wonder::core::Kind;
use wonder::core::page::Page;
use wonder::core::role::{
    CreateJoinTokens, ManageApiKeys, ManageNodes, Permission, Role, ViewAudit, ViewNodes, ViewOrganization,
};
use wonder::core::secret::Secret;
use wonder::service::audit::{self, Origin, Wanted};
use wonder::service::authority::{Caller, May};
use wonder::service::user::Reset;
use wonder::service::{session, setup, user};
use wonder::store::engine::params;

crate::on_both_engines! {
    an_outsider_finds_no_organization
    roles_allow_what_the_table_says
    every_change_leaves_one_row_in_the_audit_trail
    a_change_that_fails_leaves_no_row_but_its_refusal_in_the_audit_trail
    the_database_holds_no_secret_in_clear
}

async fn an_outsider_finds_no_organization(database: Database) {
    let house = House::new(database);
    let (ada, her) = house.person("ada@example.org").await;
    let (eve, _) = house.person("eve@example.org").await;
    let id = her.membership.organization.id.to_string();
    for wanted in [id.as_str(), "ada", "nothing"] {
        let refused = May::<ViewNodes>::check(&house.app, &eve, Some(wanted)).await.unwrap_err();
        assert_eq!((refused.kind(), refused.code()), (Kind::NotFound, "organization_not_found"));
    }
    for wanted in [Some(id.as_str()), Some("ada"), None] {
        let may = May::<ViewNodes>::check(&house.app, &ada, wanted).await.unwrap();
        assert_eq!(
            (may.org(), may.realm()),
            (her.membership.organization.id, her.membership.organization.realm)
        );
        assert_eq!(may.role(), Some(Role::Owner));
    }
    house.join(her.membership.organization.id, "eve@example.org", Role::Member).await;
    let may = May::<ViewNodes>::check(&house.app, &eve, Some("ada")).await.unwrap();
    assert_eq!(may.role(), Some(Role::Member));
}

async fn roles_allow_what_the_table_says(database: Database) {
    let house = House::new(database);
    let (_, ada) = house.person("ada@example.org").await;
    let org = ada.membership.organization.id;
    let (member, _) = house.person("member@example.org").await;
    let (admin, _) = house.person("admin@example.org").await;
    house.join(org, "member@example.org", Role::Member).await;
    house.join(org, "admin@example.org", Role::Admin).await;
    async fn may<P: Permission>(house: &House, caller: &Caller) -> bool {
        let checked = May::<P>::check(&house.app, caller, Some("ada")).await;
        assert!(checked.as_ref().err().is_none_or(|e| e.code() == "role_too_low"));
        checked.is_ok()
    }
    assert!(may::<ViewOrganization>(&house, &member).await && may::<ViewNodes>(&house, &member).await);
    assert!(!may::<ManageNodes>(&house, &member).await && !may::<CreateJoinTokens>(&house, &member).await);
    assert!(!may::<ManageApiKeys>(&house, &member).await && !may::<ViewAudit>(&house, &member).await);
    assert!(may::<ManageNodes>(&house, &admin).await && may::<CreateJoinTokens>(&house, &admin).await);
    assert!(may::<ManageApiKeys>(&house, &admin).await && may::<ViewAudit>(&house, &admin).await);
}

async fn every_change_leaves_one_row_in_the_audit_trail(database: Database) {
    let house = House::new(database);
    house.create("ada@example.org").await.unwrap();
    let logged_in = house.log_in_with("ada@example.org", PASSWORD, from("192.0.2.7")).await.unwrap();
    let caller = house.authenticate(&logged_in.token).await.unwrap();
    let may = May::<ViewAudit>::check(&house.app, &caller, None).await.unwrap();
    session::log_out(&house.app, &caller).await.unwrap();
    for _ in 0..2 {
        user::disable(&house.app, &operator(), "ada@example.org").await.unwrap();
    }
    for _ in 0..2 {
        user::enable(&house.app, &operator(), "ada@example.org").await.unwrap();
    }
    let reset = Reset { password: Secret::new(PASSWORD), factors: false };
    user::reset_password(&house.app, &operator(), "ada@example.org", reset).await.unwrap();
    let expected = [
        "organization.create",
        "session.create",
        "session.revoke",
        "user.create",
        "user.disable",
        "user.enable",
        "user.reset_password",
    ];
    assert_eq!(house.actions().await, expected);
    let page = || Page::new(None, None).unwrap();
    let (of_org, _) = audit::list(&house.app, &may, Wanted::default(), page()).await.unwrap();
    let [linked] = &of_org[..] else { panic!("{of_org:?}") };
    let made = &linked.event;
    assert_eq!((made.action.as_str(), made.actor_name.as_str()), ("organization.create", "ada@example.org"));
    assert_eq!((made.address, made.request_id.as_deref()), (from("192.0.2.7").address, Some("r1")));
    let later = Wanted { after: Some(linked.link.seq), ..Wanted::default() };
    assert!(audit::list(&house.app, &may, later, page()).await.unwrap().0.is_empty());
}

async fn a_change_that_fails_leaves_no_row_but_its_refusal_in_the_audit_trail(database: Database) {
    let house = House::new(database);
    house.create("ada@example.org").await.unwrap();
    house.create("ada@example.org").await.unwrap_err();
    house.log_in_with("ada@example.org", "wrong password", Origin::default()).await.unwrap_err();
    assert_eq!(house.actions().await, ["session.refuse", "user.create"]);
}

async fn the_database_holds_no_secret_in_clear(database: Database) {
    let house = House::new(database);
    let setup_code = setup::offer(&house.app).await.unwrap().unwrap();
    let stored = setup_code.hash().as_bytes().to_vec();
    let found = "SELECT COUNT(*) FROM setup_codes WHERE code_hash = ?1";
    let found = house.store().read(move |r| r.first(found, params![stored])?.unwrap().take::<i64>(0));
    assert_eq!(found.await.unwrap(), 1);
    let (_, ada) = house.person("ada@example.org").await;
    let [hash] = &house.column("SELECT password_hash FROM users").await[..] else { panic!() };
    assert!(hash.starts_with("$argon2id$") && !hash.contains(PASSWORD));
    let hash = ada.token.hash().as_bytes().to_vec();
    let found = "SELECT COUNT(*) FROM sessions WHERE token_hash = ?1";
    let found = house.store().read(move |r| r.first(found, params![hash])?.unwrap().take::<i64>(0));
    assert_eq!(found.await.unwrap(), 1);
}
