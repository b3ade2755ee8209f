//! Stories of accounts, log-ins and organizations, on both engines.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::common;

use std::collections::HashSet;
use std::time::Duration;

use common::database::Database;
use common::house::{House, PASSWORD, START, code, days, from, operator};
use futures_util::future::join_all;
use wonder::core::Kind;
use wonder::core::id::{OrgId, UserNumber};
use wonder::core::secret::Secret;
use wonder::service::audit::Origin;
use wonder::service::session;
use wonder::service::setup::{self, SetUp};
use wonder::service::user::{self, NewUser, Reset};

crate::on_both_engines! {
    the_first_account_administers_and_the_next_does_not
    of_many_first_accounts_exactly_one_administers
    an_account_exists_once
    concurrent_first_log_ins_make_exactly_one_organization
    the_constraint_refuses_a_second_personal_organization
    people_of_one_name_get_realms_of_their_own
    nobody_learns_which_accounts_exist
    guessing_is_slowed_by_account_and_does_not_lock_out_others
    what_succeeds_is_not_limited
    a_log_out_ends_one_session_alone
    disabling_ends_log_ins_and_enabling_allows_new_ones
    a_new_password_ends_log_ins
    a_session_ends_after_90_idle_days_and_lives_on_with_use
    the_set_up_code_makes_one_administrator
    of_many_redemptions_of_the_set_up_code_one_succeeds
    a_set_up_code_ends_with_the_first_account
}

async fn the_first_account_administers_and_the_next_does_not(database: Database) {
    let house = House::new(database);
    let (ada, bob) =
        (house.create("ada@example.org").await.unwrap(), house.create("bob@example.org").await.unwrap());
    assert!(ada.admin && !bob.admin);
    let all = user::list(&house.app, &operator(), UserNumber(0), 10).await.unwrap();
    assert_eq!(all, [ada.clone(), bob.clone()]);
    assert_eq!(user::list(&house.app, &operator(), ada.number, 10).await.unwrap(), [bob]);
}

async fn of_many_first_accounts_exactly_one_administers(database: Database) {
    let house = House::new(database);
    let creations = (0..8).map(|i| {
        let house = &house;
        async move { house.create(&format!("user{i}@example.org")).await.unwrap() }
    });
    let users = join_all(creations).await;
    assert_eq!(users.iter().filter(|u| u.admin).count(), 1);
    assert_eq!(users.iter().map(|u| u.number).collect::<HashSet<_>>().len(), 8);
}

async fn an_account_exists_once(database: Database) {
    let house = House::new(database);
    house.create("ada@example.org").await.unwrap();
    let again = house.create("ADA@example.org").await.unwrap_err();
    assert_eq!((again.kind(), again.code()), (Kind::Conflict, "user_exists"));
    assert_eq!(code(house.create("ada").await), "malformed_email");
    let new = NewUser { email: "b@x.org".parse().unwrap(), password: Secret::new("short"), admin: false };
    assert_eq!(code(user::create(&house.app, &operator(), new).await), "password_too_short");
    assert_eq!(house.count("SELECT COUNT(*) FROM users").await, 1);
}

async fn concurrent_first_log_ins_make_exactly_one_organization(database: Database) {
    let house = House::new(database);
    house.create("ada@example.org").await.unwrap();
    let log_ins = join_all((0..12).map(|_| house.log_in("ada@example.org"))).await;
    let organizations: HashSet<OrgId> =
        log_ins.iter().map(|l| l.as_ref().unwrap().membership.organization.id).collect();
    assert_eq!(organizations.len(), 1);
    assert_eq!(house.count("SELECT COUNT(*) FROM organizations").await, 1);
    assert_eq!(house.count("SELECT COUNT(*) FROM realms").await, 1);
    assert_eq!(house.count("SELECT COUNT(*) FROM memberships WHERE role = 'owner'").await, 1);
    assert_eq!(house.count("SELECT COUNT(*) FROM sessions").await, 12);
}

async fn the_constraint_refuses_a_second_personal_organization(database: Database) {
    let house = House::new(database);
    let (_, ada) = house.person("ada@example.org").await;
    let mut second = ada.membership.organization.clone();
    let refused = house.store().write(move |tx| {
        second.id = OrgId::new(START);
        second.realm = wonder::core::id::RealmId::new(START);
        wonder::store::realm::insert(tx, second.realm, &"other".parse()?, START)?;
        wonder::store::organization::insert(tx, &second)
    });
    assert_eq!(code(refused.await), "unique_violation");
    assert_eq!(house.count("SELECT COUNT(*) FROM realms").await, 1);
}

async fn people_of_one_name_get_realms_of_their_own(database: Database) {
    let house = House::new(database);
    let domains = ["example.org", "example.net", "example.com", "example.edu"];
    for domain in domains {
        house.create(&format!("alice@{domain}")).await.unwrap();
    }
    let log_ins = join_all(domains.map(|domain| {
        let house = &house;
        async move { house.log_in(&format!("alice@{domain}")).await.unwrap() }
    }));
    let labels: HashSet<String> =
        log_ins.await.iter().map(|l| l.membership.organization.realm_label.to_string()).collect();
    let expected = ["alice", "alice-1", "alice-2", "alice-3"].map(str::to_owned);
    assert_eq!(labels, HashSet::from(expected));
}

async fn nobody_learns_which_accounts_exist(database: Database) {
    let house = House::new(database);
    house.create("ada@example.org").await.unwrap();
    house.create("off@example.org").await.unwrap();
    user::disable(&house.app, &operator(), "off@example.org").await.unwrap();
    let mut answers = Vec::new();
    for email in ["ada@example.org", "off@example.org", "nobody@example.org", "no address"] {
        let refused = house.log_in_with(email, "wrong password", Origin::default()).await.unwrap_err();
        let told = (refused.kind(), refused.code().to_owned(), refused.message().to_owned());
        answers.push((told, refused.hint_text().map(str::to_owned)));
    }
    assert_eq!(answers[0].0.0, Kind::Unauthenticated);
    assert!(answers.iter().all(|a| *a == answers[0]), "{answers:?}");
    assert_eq!(code(house.log_in("off@example.org").await), "account_disabled");
}

async fn guessing_is_slowed_by_account_and_does_not_lock_out_others(database: Database) {
    let house = House::new(database);
    house.create("ada@example.org").await.unwrap();
    house.create("bob@example.org").await.unwrap();
    let guess = |email: &'static str, host: usize| {
        let origin = from(&format!("192.0.2.{host}"));
        let house = &house;
        async move { code(house.log_in_with(email, "a wrong guess", origin).await) }
    };
    for host in 0..20 {
        assert_eq!(guess("ada@example.org", host).await, "wrong_credentials");
    }
    assert_eq!(guess("Ada@example.org ", 21).await, "too_many_attempts");
    assert_eq!(code(house.log_in("ada@example.org").await), "too_many_attempts");
    house.log_in("bob@example.org").await.unwrap();
    house.clock.set(START.plus(Duration::from_secs(16)));
    house.log_in("ada@example.org").await.unwrap();
}

async fn what_succeeds_is_not_limited(database: Database) {
    let house = House::new(database);
    house.create("ada@example.org").await.unwrap();
    for _ in 0..25 {
        house.log_in("ada@example.org").await.unwrap();
    }
}

async fn a_log_out_ends_one_session_alone(database: Database) {
    let house = House::new(database);
    let (caller, first) = house.person("ada@example.org").await;
    let second = house.log_in("ada@example.org").await.unwrap();
    let told = session::whoami(&house.app, &caller).await.unwrap();
    assert_eq!((told.user.email, told.membership), (first.user.email, Some(first.membership)));
    session::log_out(&house.app, &caller).await.unwrap();
    assert_eq!(code(house.authenticate(&first.token).await), "not_logged_in");
    house.authenticate(&second.token).await.unwrap();
    session::log_out(&house.app, &caller).await.unwrap();
    assert_eq!(code(house.authenticate(&Secret::random("wcs_")).await), "not_logged_in");
    assert_eq!(code(house.authenticate(&Secret::new("")).await), "not_logged_in");
}

async fn disabling_ends_log_ins_and_enabling_allows_new_ones(database: Database) {
    let house = House::new(database);
    let (_, before) = house.person("ada@example.org").await;
    let disabled = user::disable(&house.app, &operator(), "ada@example.org").await.unwrap();
    assert_eq!(disabled.disabled_at, Some(START));
    assert_eq!(code(house.authenticate(&before.token).await), "not_logged_in");
    assert_eq!(code(house.log_in("ada@example.org").await), "account_disabled");
    let enabled = user::enable(&house.app, &operator(), &disabled.id.to_string()).await.unwrap();
    assert_eq!(enabled.disabled_at, None);
    assert_eq!(code(house.authenticate(&before.token).await), "not_logged_in");
    house.log_in("ada@example.org").await.unwrap();
    assert_eq!(code(user::disable(&house.app, &operator(), "eve@example.org").await), "user_not_found");
}

async fn a_new_password_ends_log_ins(database: Database) {
    let house = House::new(database);
    let (_, before) = house.person("ada@example.org").await;
    let new = Reset { password: Secret::new("another password"), factors: false };
    user::reset_password(&house.app, &operator(), "ada@example.org", new).await.unwrap();
    assert_eq!(code(house.authenticate(&before.token).await), "not_logged_in");
    assert_eq!(code(house.log_in("ada@example.org").await), "wrong_credentials");
    house.log_in_with("ada@example.org", "another password", Origin::default()).await.unwrap();
}

async fn a_session_ends_after_90_idle_days_and_lives_on_with_use(database: Database) {
    let house = House::new(database);
    let (_, used) = house.person("ada@example.org").await;
    let idle = house.log_in("ada@example.org").await.unwrap();
    assert_eq!(used.session.expires_at, START.plus(days(90)));
    house.clock.set(START.plus(days(60)));
    let caller = house.authenticate(&used.token).await.unwrap();
    assert_eq!(caller.person().unwrap().session_expires_at, START.plus(days(150)));
    house.clock.set(START.plus(days(90)));
    assert_eq!(code(house.authenticate(&idle.token).await), "not_logged_in");
    house.authenticate(&used.token).await.unwrap();
    house.clock.set(START.plus(days(121)));
    assert_eq!(session::sweep(&house.app).await.unwrap(), 1);
    house.authenticate(&used.token).await.unwrap();
}

async fn the_set_up_code_makes_one_administrator(database: Database) {
    let house = House::new(database);
    let old = setup::offer(&house.app).await.unwrap().unwrap();
    let current = setup::offer(&house.app).await.unwrap().unwrap();
    let redeem = async |code: &Secret, password: &str| {
        let (email, password) = ("ada@example.org".into(), Secret::new(password));
        setup::redeem(&house.app, SetUp { code: code.clone(), email, password }, from("192.0.2.1")).await
    };
    assert_eq!(code(redeem(&old, PASSWORD).await), "setup_code_invalid");
    assert_eq!(code(redeem(&current, "short").await), "password_too_short");
    assert!(redeem(&current, PASSWORD).await.unwrap().admin);
    assert_eq!(code(redeem(&current, PASSWORD).await), "setup_code_invalid");
    assert!(setup::offer(&house.app).await.unwrap().is_none());
    house.log_in("ada@example.org").await.unwrap();
}

async fn of_many_redemptions_of_the_set_up_code_one_succeeds(database: Database) {
    let house = House::new(database);
    let secret = setup::offer(&house.app).await.unwrap().unwrap();
    let redemptions = (0..6).map(|i| {
        let set_up = SetUp {
            code: secret.clone(),
            email: format!("user{i}@example.org"),
            password: Secret::new(PASSWORD),
        };
        setup::redeem(&house.app, set_up, Origin::default())
    });
    let ended = join_all(redemptions).await;
    assert_eq!(ended.iter().filter(|e| e.is_ok()).count(), 1);
    assert_eq!(house.count("SELECT COUNT(*) FROM users WHERE admin = 1").await, 1);
    assert_eq!(house.count("SELECT COUNT(*) FROM users").await, 1);
}

async fn a_set_up_code_ends_with_the_first_account(database: Database) {
    let house = House::new(database);
    let secret = setup::offer(&house.app).await.unwrap().unwrap();
    house.create("ada@example.org").await.unwrap();
    let set_up = SetUp { code: secret, email: "eve@example.org".into(), password: Secret::new(PASSWORD) };
    assert_eq!(code(setup::redeem(&house.app, set_up, Origin::default()).await), "setup_code_invalid");
}
