//! Stories of accounts, log-ins, organizations and rights, on both engines.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod common;

use std::collections::HashSet;
use std::time::Duration;

use common::database::Database;
use futures_util::future::join_all;
use wonder::core::id::{OrgId, UserNumber};
use wonder::core::role::{
    CreateJoinTokens, ManageApiKeys, ManageNodes, Permission, Role, ViewAudit, ViewNodes, ViewOrganization,
};
use wonder::core::secret::Secret;
use wonder::core::{Error, Kind, Result, Timestamp};
use wonder::runtime::{Clock, Supervisor};
use wonder::service::app::{App, Settings};
use wonder::service::audit::{self, Origin};
use wonder::service::authority::{Caller, May};
use wonder::service::session::{self, LogIn, LoggedIn};
use wonder::service::setup::{self, SetUp};
use wonder::service::user::{self, NewUser, Operator};
use wonder::store::engine::params;
use wonder::store::user::User;
use wonder::store::{Row, Store};

on_both_engines! {
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
    an_outsider_finds_no_organization
    roles_allow_what_the_table_says
    every_change_leaves_one_row_in_the_audit_trail
    a_change_that_fails_leaves_no_row_in_the_audit_trail
    the_database_holds_no_secret_in_clear
}

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const PASSWORD: &str = "correct horse battery";

/// A coordinator without its network.
struct House {
    app: App,
    clock: Clock,
    _database: Database,
}

impl House {
    fn new(database: Database) -> House {
        let clock = Clock::manual(START);
        let settings = Settings::at("http://localhost:8080".parse().unwrap());
        let app = App::new(database.open(), clock.clone(), Supervisor::new(), settings);
        House { app, clock, _database: database }
    }

    fn store(&self) -> &Store {
        self.app.store()
    }

    async fn create(&self, email: &str) -> Result<User> {
        let new = NewUser { email: email.parse()?, password: Secret::new(PASSWORD), admin: false };
        user::create(&self.app, &operator(), new).await
    }

    async fn log_in(&self, email: &str) -> Result<LoggedIn> {
        self.log_in_with(email, PASSWORD, Origin::default()).await
    }

    async fn log_in_with(&self, email: &str, password: &str, origin: Origin) -> Result<LoggedIn> {
        let label = "wonder on laptop".into();
        let log_in = LogIn { email: email.into(), password: Secret::new(password), label };
        session::log_in(&self.app, log_in, origin).await
    }

    async fn authenticate(&self, token: &Secret) -> Result<Caller> {
        session::authenticate(&self.app, token, Origin::default()).await
    }

    /// A new account that is logged in.
    async fn person(&self, email: &str) -> (Caller, LoggedIn) {
        self.create(email).await.unwrap();
        let logged_in = self.log_in(email).await.unwrap();
        (self.authenticate(&logged_in.token).await.unwrap(), logged_in)
    }

    async fn count(&self, sql: &'static str) -> i64 {
        self.store().read(move |r| r.first(sql, &[])?.unwrap().take(0)).await.unwrap()
    }

    async fn column(&self, sql: &'static str) -> Vec<String> {
        let rows: Vec<Row> = self.store().read(move |r| r.query(sql, &[])).await.unwrap();
        rows.into_iter().map(|mut row| row.take(0).unwrap()).collect()
    }

    async fn actions(&self) -> Vec<String> {
        self.column("SELECT action FROM audit_events ORDER BY action").await
    }

    async fn join(&self, org: OrgId, email: &'static str, role: Role) {
        self.store()
            .write(move |tx| {
                let user = wonder::store::user::by_email(tx, &email.parse()?)?.unwrap();
                wonder::store::organization::add_member(tx, org, user.id, role, START)
            })
            .await
            .unwrap();
    }
}

fn operator() -> Operator {
    Operator::local("root")
}

fn from(address: &str) -> Origin {
    Origin { address: Some(address.parse().unwrap()), request_id: Some("r1".into()) }
}

fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}

fn code<T>(result: Result<T>) -> String {
    result.err().map(|e: Error| e.code().to_owned()).unwrap_or_default()
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
    let new = Secret::new("another password");
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
    user::reset_password(&house.app, &operator(), "ada@example.org", Secret::new(PASSWORD)).await.unwrap();
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
    let of_org = audit::list(&house.app, &may, START, None, 10).await.unwrap();
    let [made] = &of_org[..] else { panic!("{of_org:?}") };
    assert_eq!((made.action.as_str(), made.actor_name.as_str()), ("organization.create", "ada@example.org"));
    assert_eq!((made.address, made.request_id.as_deref()), (from("192.0.2.7").address, Some("r1")));
    assert!(audit::list(&house.app, &may, START, Some(made.id), 10).await.unwrap().is_empty());
}

async fn a_change_that_fails_leaves_no_row_in_the_audit_trail(database: Database) {
    let house = House::new(database);
    house.create("ada@example.org").await.unwrap();
    house.create("ada@example.org").await.unwrap_err();
    house.log_in_with("ada@example.org", "wrong password", Origin::default()).await.unwrap_err();
    assert_eq!(house.actions().await, ["user.create"]);
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
