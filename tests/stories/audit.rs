//! Stories of the audit trail: what is in it, who reads it, and what shows when somebody has been at it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on has failed")]

use crate::common;

use common::coordinator::Coordinator;
use common::database::Database;
use common::fleet::person;
use common::house::{House, PASSWORD, START, days, from, operator};
use common::wait::wait_for;
use common::wonder::Wonder;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

use wonder::auth::stamp::StampKey;
use wonder::core::Result;
use wonder::core::action::Action;
use wonder::core::chain::Link;
use wonder::core::page::{Order, Page};
use wonder::core::role::{ManageNodes, Role, ViewAudit};
use wonder::runtime::{Clock, Supervisor};
use wonder::service::administrator::Administrator;
use wonder::service::app::{App, Settings};
use wonder::service::audit::{self, Actor, Change, Wanted};
use wonder::service::authority::May;
use wonder::service::chain::{self, Verified};
use wonder::service::user;
use wonder::store::audit::{LOOK, Linked};
use wonder::store::engine::params;
use wonder::store::{DatabaseUrl, Purpose, Store, Tx};

crate::on_both_engines! {
    many_writers_make_one_chain
    nobody_changes_the_trail
    what_somebody_changed_shows
    a_chain_made_anew_lacks_the_stamp
    the_end_of_its_time_leaves_the_chain_whole
    a_trail_that_was_cut_short_is_known_by_its_head
    refusals_are_written_and_bounded
    everybody_reads_their_own
    an_administrator_reads_all
    the_newest_come_first_where_that_is_asked_for
    a_filter_that_lets_little_through_goes_on_page_by_page
    whoever_checks_finds_no_event_without_its_link
}

fn key() -> StampKey {
    StampKey::from_bytes(&[7; 32])
}

/// A coordinator that stamps, keeps its trail for 30 days, and whose clock the story moves.
fn stamping(database: &Database) -> (App, Clock) {
    let clock = Clock::manual(START);
    let settings = Settings {
        stamp_key: Some(key()),
        audit_retention: Some(days(30)),
        ..Settings::at("http://localhost:8080".parse().unwrap())
    };
    (App::new(database.open(), clock.clone(), Supervisor::new(), settings), clock)
}

fn write_one(tx: &mut Tx<'_>, at: wonder::core::Timestamp, name: usize) -> Result<()> {
    audit::record(tx, at, &Actor::local("root"), Change::new(Action::UserCreate, name, name))
}

/// Some linked events.
async fn fill(app: &App, count: usize) {
    let at = app.now();
    app.store().write(move |tx| (0..count).try_for_each(|n| write_one(tx, at, n))).await.unwrap();
    chain::link(app).await.unwrap();
}

async fn verify(app: &App) -> Verified {
    chain::verify(app, &operator(), Some(key()), None).await.unwrap()
}

/// Does to the database what only somebody with its password can: the guards are taken away first.
async fn tamper(app: &App, database: &Database, sql: &'static str) {
    let on = |table: &str| match database.url {
        DatabaseUrl::Sqlite(_) => String::new(),
        DatabaseUrl::Postgres(_) => format!(" ON {table}"),
    };
    let mut statements = Vec::new();
    for table in ["audit_events", "audit_links"] {
        for guard in ["stay", "keep"] {
            statements.push(format!("DROP TRIGGER IF EXISTS {table}_{guard}{}", on(table)));
        }
    }
    statements.extend(sql.split(';').map(str::to_owned));
    let change =
        move |tx: &mut Tx<'_>| statements.iter().try_for_each(|sql| tx.execute(sql, params![]).map(drop));
    app.store().write(change).await.unwrap();
}

async fn many_writers_make_one_chain(database: Database) {
    let (app, _) = stamping(&database);
    let tasks = (0..200).map(|n| {
        let app = app.clone();
        async move {
            let at = app.now();
            app.store().write(move |tx| write_one(tx, at, n)).await.unwrap();
            if n % 20 == 0 {
                // Others may link at the same moment.
                chain::link(&app).await.unwrap();
            }
        }
    });
    futures_util::future::join_all(tasks).await;
    chain::link(&app).await.unwrap();
    let found = verify(&app).await;
    assert_eq!((found.checked, found.unlinked, found.faults.len()), (200, 0, 0), "{found:?}");
    assert_eq!((found.head.seq, found.stamped), (200, Some(found.head)));
}

async fn nobody_changes_the_trail(database: Database) {
    let (app, _) = stamping(&database);
    fill(&app, 3).await;
    for sql in [
        "UPDATE audit_events SET actor_name = 'eve'",
        "DELETE FROM audit_events",
        "UPDATE audit_links SET seq = seq + 10",
        "DELETE FROM audit_links WHERE seq = 3",
    ] {
        app.store().write(move |tx| tx.execute(sql, params![])).await.unwrap_err();
    }
    let found = verify(&app).await;
    assert_eq!((found.checked, found.faults.len()), (3, 0), "{found:?}");
}

async fn what_somebody_changed_shows(database: Database) {
    let (app, _) = stamping(&database);
    fill(&app, 6).await;
    for (sql, fault) in [
        (
            "UPDATE audit_events SET actor_name = 'eve' WHERE id = (SELECT event_id FROM audit_links WHERE seq = 2)",
            "(link 2) is not as it was written",
        ),
        (
            "DELETE FROM audit_events WHERE id = (SELECT event_id FROM audit_links WHERE seq = 3)",
            "the event of link 3 is missing",
        ),
        ("DELETE FROM audit_links WHERE seq = 4", "the links 4 to 4 are missing"),
        (
            "UPDATE audit_links SET stamp = hash WHERE seq = 6",
            "the stamp on link 6 is not this coordinator's",
        ),
    ] {
        tamper(&app, &database, sql).await;
        let found = verify(&app).await;
        assert!(found.faults.iter().any(|said| said.contains(fault)), "{fault}: {:?}", found.faults);
    }
    // The event whose link went is a stray now.
    let found = verify(&app).await;
    assert!(found.faults.iter().any(|said| said.contains("1 events have no link")), "{:?}", found.faults);
}

async fn a_chain_made_anew_lacks_the_stamp(database: Database) {
    let (app, _) = stamping(&database);
    fill(&app, 4).await;
    let forgery = "UPDATE audit_events SET actor_name = 'eve';\
        INSERT INTO audit_unlinked (event_id, at) SELECT id, at FROM audit_events; DELETE FROM audit_links";
    tamper(&app, &database, forgery).await;
    let settings = Settings::at("http://localhost:8080".parse().unwrap());
    let forger = App::new(app.store().clone(), Clock::manual(START), Supervisor::new(), settings);
    chain::link(&forger).await.unwrap();
    let without_key = chain::verify(&app, &operator(), None, None).await.unwrap();
    assert_eq!((without_key.checked, without_key.faults.len()), (4, 0), "the forgery fits by itself");
    let found = verify(&app).await;
    assert!(found.faults[0].contains("lacks the coordinator's stamp"), "{:?}", found.faults);
}

async fn the_end_of_its_time_leaves_the_chain_whole(database: Database) {
    let (app, clock) = stamping(&database);
    fill(&app, 5).await;
    clock.set(START.plus(days(20)));
    fill(&app, 3).await;
    chain::sweep(&app).await.unwrap();
    assert_eq!(verify(&app).await.begin, Link::START, "nothing is old yet");
    clock.set(START.plus(days(31)));
    chain::sweep(&app).await.unwrap();
    chain::link(&app).await.unwrap();
    let found = verify(&app).await;
    assert_eq!((found.begin.seq, found.checked, &found.faults), (5, 4, &Vec::new()));
    let cut = "SELECT COUNT(*) FROM audit_events WHERE action = 'audit.cut'";
    assert_eq!(app.store().read(move |r| r.first(cut, params![])?.unwrap().take::<i64>(0)).await.unwrap(), 1);
    // All of it may go, and the chain goes on from where it was.
    clock.set(START.plus(days(300)));
    chain::sweep(&app).await.unwrap();
    chain::link(&app).await.unwrap();
    let found = verify(&app).await;
    assert_eq!((found.checked, found.head.seq, &found.faults), (1, 10, &Vec::new()), "{found:?}");
}

async fn a_trail_that_was_cut_short_is_known_by_its_head(database: Database) {
    let (app, _) = stamping(&database);
    fill(&app, 2).await;
    let shorter = verify(&app).await.head;
    fill(&app, 2).await;
    let head = verify(&app).await.head;
    let check = async |known: Link| chain::verify(&app, &operator(), Some(key()), Some(known)).await.unwrap();
    assert!(check(shorter).await.faults.is_empty() && check(head).await.faults.is_empty());
    let other = Link { hash: head.hash, ..shorter };
    assert!(check(other).await.faults[0].contains("another one than the one that you know"));
    let cut = "DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_links WHERE seq > 2);\
        DELETE FROM audit_links WHERE seq > 2";
    tamper(&app, &database, cut).await;
    assert!(verify(&app).await.faults.is_empty(), "by itself it looks whole");
    assert!(check(head).await.faults[0].contains("ends at link 2, before the one that you know"));
}

async fn refusals_are_written_and_bounded(database: Database) {
    let house = House::new(database);
    house.create("ada@example.org").await.unwrap();
    for _ in 0..60 {
        house.log_in_with("ada@example.org", "wrong password", from("192.0.2.7")).await.unwrap_err();
    }
    house.log_in_with("hunter2@typed.wrong", "ada", from("192.0.2.8")).await.unwrap_err();
    let told = house.column("SELECT target_name FROM audit_events WHERE code IS NOT NULL").await;
    assert!((10..40).contains(&told.len()), "{} rows for 61 refusals", told.len());
    let names: BTreeSet<&str> = told.iter().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["ada@example.org", "no such account"]), "what was typed is not kept");
    let counted = house.count("SELECT CAST(SUM(unwritten) AS BIGINT) FROM audit_events").await;
    assert_eq!(counted + i64::try_from(told.len()).unwrap(), 61, "none is forgotten");
    let codes =
        house.column("SELECT DISTINCT code FROM audit_events WHERE code IS NOT NULL ORDER BY code").await;
    assert!(codes.contains(&"wrong_credentials".to_owned()), "{codes:?}");
}

async fn read(house: &House, may: &May<ViewAudit>, wanted: Wanted) -> Vec<Linked> {
    audit::list(&house.app, may, wanted, Page::new(None, None).unwrap()).await.unwrap().0
}

fn words(events: &[Linked]) -> BTreeSet<&str> {
    events.iter().map(|linked| linked.event.action.as_str()).collect()
}

async fn everybody_reads_their_own(database: Database) {
    let house = House::new(database);
    let (ada, her) = house.person("ada@example.org").await;
    let (eve, _) = house.person("eve@example.org").await;
    house.join(her.membership.organization.id, "eve@example.org", Role::Member).await;
    May::<ManageNodes>::check(&house.app, &eve, Some("ada")).await.unwrap_err();
    May::<ViewAudit>::check(&house.app, &eve, Some("ada")).await.unwrap_err();
    let may = May::<ViewAudit>::check(&house.app, &ada, Some("ada")).await.unwrap();
    let all = read(&house, &may, Wanted::default()).await;
    assert_eq!(words(&all), BTreeSet::from(["organization.create", "permission.refuse"]));
    let refused: Vec<_> = all.iter().filter(|linked| linked.event.refused.is_some()).collect();
    let targets: BTreeSet<_> = refused.iter().map(|linked| linked.event.target_name.as_str()).collect();
    assert_eq!(targets, BTreeSet::from(["manage_nodes", "view_audit"]));
    assert!(refused.iter().all(|linked| linked.event.actor_name == "eve@example.org"));
    let by = |actor: &str| Wanted { actor: Some(actor.into()), ..Wanted::default() };
    assert_eq!(read(&house, &may, by("ada@example.org")).await.len(), 1);
    let of = |action: &str| Wanted { action: Some(action.into()), ..Wanted::default() };
    assert_eq!(read(&house, &may, of("permission")).await.len(), 2);
    assert_eq!(read(&house, &may, of("organization.create")).await.len(), 1);
    let late = Wanted { since: Some(START.plus(Duration::from_secs(1))), ..Wanted::default() };
    assert!(read(&house, &may, late).await.is_empty());
    let rest = Wanted { after: Some(all[0].link.seq), ..Wanted::default() };
    assert_eq!(read(&house, &may, rest).await.len(), all.len() - 1);
    let page = Page::new(None, None).unwrap();
    let mistyped = audit::list(&house.app, &may, of("node.jion"), page).await.unwrap_err();
    assert_eq!(mistyped.code(), "unknown_action");
}

async fn an_administrator_reads_all(database: Database) {
    let house = House::new(database);
    let (first, _) = house.person("ada@example.org").await;
    let (second, _) = house.person("eve@example.org").await;
    assert_eq!(Administrator::check(&second).unwrap_err().code(), "administrators_only");
    let admin = Administrator::check(&first).unwrap();
    let mut seen = Vec::new();
    let mut cursor = None::<String>;
    loop {
        let page = Page::new(Some(2), cursor.as_deref()).unwrap();
        let (events, next) = audit::list_all(&house.app, &admin, Wanted::default(), page).await.unwrap();
        seen.extend(events);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(words(&seen), BTreeSet::from(["organization.create", "session.create", "user.create"]));
    assert_eq!(seen.iter().map(|linked| linked.link.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    user::disable(&house.app, &operator(), "eve@example.org").await.unwrap();
    let page = Page::new(None, None).unwrap();
    let wanted = Wanted { after: Some(6), ..Wanted::default() };
    let (more, _) = audit::list_all(&house.app, &admin, wanted, page).await.unwrap();
    assert_eq!(words(&more), BTreeSet::from(["user.disable"]), "what was just done is found");
}

/// All pages of so many events: the numbers of their links.
async fn walk(house: &App, admin: &Administrator, wanted: &Wanted, size: u16) -> Vec<Vec<i64>> {
    let (mut pages, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = Page::new(Some(size), cursor.as_deref()).unwrap();
        let (events, next) = audit::list_all(house, admin, wanted.clone(), page).await.unwrap();
        pages.push(events.iter().map(|linked| linked.link.seq).collect());
        cursor = next;
        if cursor.is_none() {
            return pages;
        }
    }
}

async fn the_newest_come_first_where_that_is_asked_for(database: Database) {
    let house = House::new(database);
    let (ada, her) = house.person("ada@example.org").await;
    let admin = Administrator::check(&ada).unwrap();
    let app = &house.app;
    for later in 0..5 {
        house.clock.set(START.plus(days(later)));
        fill(app, 2).await;
    }
    let newest = Wanted { order: Order::NewestFirst, ..Wanted::default() };
    let all = walk(app, &admin, &newest, 4).await.concat();
    assert_eq!(all, (1..=13).rev().collect::<Vec<i64>>(), "three of the account, ten that follow");
    let between = |since: u64, until: u64| Wanted {
        since: Some(START.plus(days(since))),
        until: Some(START.plus(days(until))),
        ..newest.clone()
    };
    assert_eq!(walk(app, &admin, &between(1, 2), 50).await.concat(), [7, 6]);
    let upwards = Wanted { order: Order::OldestFirst, ..between(1, 2) };
    assert_eq!(walk(app, &admin, &upwards, 1).await, [[6], [7]]);
    assert!(walk(app, &admin, &between(9, 12), 50).await.concat().is_empty());
    assert!(walk(app, &admin, &between(0, 0), 50).await.concat().is_empty());
    let since_then = Wanted { after: Some(11), ..newest.clone() };
    assert_eq!(walk(app, &admin, &since_then, 50).await.concat(), [13, 12]);
    // An organization's own, and what was refused there.
    let org = Some(her.membership.organization.id);
    let own = walk(app, &admin, &Wanted { org, ..newest.clone() }, 50).await.concat();
    assert_eq!(own.len(), 1, "{own:?}");
    house.log_in_with("ada@example.org", "wrong password", from("192.0.2.7")).await.unwrap_err();
    let refused = Wanted { refused: Some(true), ..newest.clone() };
    assert_eq!(walk(app, &admin, &refused, 50).await.concat(), [14]);
    let done = Wanted { refused: Some(false), ..newest };
    assert_eq!(walk(app, &admin, &done, 50).await.concat(), all);
}

async fn a_filter_that_lets_little_through_goes_on_page_by_page(database: Database) {
    let house = House::new(database);
    let (ada, _) = house.person("ada@example.org").await;
    let (app, admin) = (&house.app, Administrator::check(&ada).unwrap());
    let before = walk(app, &admin, &Wanted::default(), 50).await.concat().len();
    for _ in 0..10 {
        fill(app, usize::try_from(LOOK / 10).unwrap()).await;
    }
    for order in [Order::NewestFirst, Order::OldestFirst] {
        let rare = Wanted { actor: Some("ada@example.org".into()), order, ..Wanted::default() };
        let pages = walk(app, &admin, &rare, 50).await;
        assert_eq!(pages.len(), 2, "{order:?}: one look does not pass all: {pages:?}");
        assert!(!pages.concat().is_empty() && pages.concat().len() <= before, "{order:?}: {pages:?}");
    }
    // What the links alone tell costs what it shows.
    assert_eq!(walk(app, &admin, &Wanted::default(), 200).await[0].len(), 200);
}

async fn whoever_checks_finds_no_event_without_its_link(database: Database) {
    let (app, _) = stamping(&database);
    let at = app.now();
    app.store().write(move |tx| write_one(tx, at, 1)).await.unwrap();
    let without_key = chain::verify(&app, &operator(), None, None).await.unwrap();
    assert_eq!(
        (without_key.checked, without_key.unlinked),
        (0, 1),
        "a link without its stamp would be worth little"
    );
    let found = verify(&app).await;
    assert_eq!((found.checked, found.unlinked, found.stamped), (1, 0, Some(found.head)), "{found:?}");
}

/// What is there when the coordinator is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_stops_leaves_no_event_without_its_link() {
    let mut coordinator = Coordinator::options().args(&["--no-derp"]).start();
    let ada = person(&coordinator, "ada@example.org");
    ada.json(&["token", "create"]);
    let database = DatabaseUrl::in_data_dir(&coordinator.data_dir());
    assert!(coordinator.stop().success());
    let store = Store::open(&database, Purpose::Administer).unwrap();
    assert_eq!(store.read(wonder::store::chain::count_unlinked).await.unwrap(), 0);
}

/// The whole way, as an administrator types it.
#[test]
fn the_trail_is_read_followed_exported_and_checked() {
    let coordinator = Coordinator::options().args(&["--no-derp"]).start();
    let created = coordinator.admin(&["user", "create", "ada@example.org", "--password-stdin"], PASSWORD);
    assert_eq!(created.code, 0, "{created:?}");
    let wonder = Wonder::new();
    let log_in = ["login", coordinator.url(), "--email", "ada@example.org", "--password-stdin"];
    assert_eq!(wonder.run_with(&log_in, PASSWORD).code, 0);
    wonder.json(&["token", "create", "--name", "first"]);

    let events = wonder.json(&["audit"]);
    let made = &events["events"].as_array().unwrap().iter().find(|e| e["action"] == "token.create").unwrap();
    assert_eq!(
        (&made["target"]["name"], &made["actor"]["name"]),
        (&"first".into(), &"ada@example.org".into())
    );
    assert_eq!((&made["result"], &made["code"]), (&"done".into(), &serde_json::Value::Null));
    assert!(made["address"].is_string() && made["request_id"].is_string(), "{made}");
    let all = wonder.run(&["audit", "--all", "--lines"]);
    let lines: Vec<serde_json::Value> =
        all.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|event| event["action"] == "user.create"), "{}", all.stdout);
    assert_eq!(wonder.error(&["audit", "--action", "tokn.create"], 2)["code"], "unknown_action");
    wonder.json(&["token", "create", "--name", "between"]);
    let newest = wonder.json(&["audit", "-n", "1"]);
    assert_eq!(newest["events"].as_array().unwrap().len(), 1);
    assert_eq!(newest["events"][0]["target"]["name"], "between", "{newest}");
    let two = wonder.json(&["audit", "--newest", "2", "--action", "token"]);
    let names = [&two["events"][0]["target"]["name"], &two["events"][1]["target"]["name"]];
    assert_eq!(names, ["first", "between"], "the newest of them last");
    assert_eq!(wonder.json(&["audit", "--result", "refused"])["events"], serde_json::json!([]));
    assert_eq!(wonder.json(&["audit", "--until", "1h"])["events"], serde_json::json!([]));
    let table = wonder.run(&["audit", "--action", "token"]);
    assert!(table.stdout.contains("token.create") && table.stdout.contains("first"), "{table:?}");

    let mut follow = Command::new(env!("CARGO_BIN_EXE_wonder"));
    follow.args(["audit", "--follow", "--action", "token", "--json"]);
    follow.env("WONDER_CONFIG_DIR", wonder.config_dir());
    let out = tempfile::NamedTempFile::new().unwrap();
    let mut following = follow.stdout(out.reopen().unwrap()).stdin(Stdio::null()).spawn().unwrap();
    let seen = |name: &'static str| {
        let read = || std::fs::read_to_string(out.path()).unwrap().contains(name).then_some(());
        wait_for(name, Duration::from_secs(30), read);
    };
    seen("first");
    wonder.json(&["token", "create", "--name", "second"]);
    seen("second");
    following.kill().unwrap();
    following.wait().unwrap();

    let whole = coordinator.admin(&["audit", "verify", "--json"], "");
    assert_eq!(whole.code, 0, "{whole:?}");
    let whole: serde_json::Value = serde_json::from_str(&whole.stdout).unwrap();
    assert_eq!(whole["verified"]["head"], whole["verified"]["stamped"], "{whole}");
    let known = whole["verified"]["head"].as_str().unwrap();
    let again = coordinator.admin(&["audit", "verify", "--known", known], "");
    assert!(again.code == 0 && again.stdout.contains("is whole"), "{again:?}");
    let forged = format!("1:{}", "0".repeat(64));
    let broken = coordinator.admin(&["audit", "verify", "--known", &forged], "");
    assert_eq!(broken.code, 1, "{broken:?}");
    assert!(broken.stderr.contains("is not whole"), "{broken:?}");
}
