//! Stories of the store: the same on SQLite and PostgreSQL, then what is particular to each.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::common;

use common::database::Database;
use futures_util::future::join_all;
use wonder::core::{Error, Kind, Result};
use wonder::store::engine::params;
use wonder::store::{DatabaseUrl, Purpose, Read, Store, Tx};

crate::on_both_engines! {
    what_is_written_is_read_back
    a_failed_write_leaves_no_trace
    a_panic_rolls_back_its_own_write_alone
    a_statement_that_failed_cannot_be_passed_over
    broken_constraints_are_conflicts
    concurrent_conditional_updates_happen_exactly_as_often_as_allowed
    a_failing_write_does_not_touch_those_beside_it
    a_read_sees_one_snapshot
    a_reader_cannot_write
    opening_twice_migrates_once
    a_coordinator_and_others_may_open_a_new_database_at_once
    a_newer_schema_is_refused
    a_database_of_another_program_is_refused
    text_and_bytes_of_any_kind_survive
}

const COUNT: &str = "UPDATE counters SET value = value + 1 WHERE name = ?1";

fn counter(tx: &mut Read<'_>, name: &str) -> Result<i64> {
    let row = tx.first("SELECT value FROM counters WHERE name = ?1", params![name])?;
    row.ok_or_else(|| Error::not_found("counter", name))?.take(0)
}

async fn value(store: &Store, name: &'static str) -> i64 {
    store.read(move |r| counter(r, name)).await.unwrap()
}

fn add_counter(tx: &mut Tx<'_>, name: &str) -> Result<u64> {
    tx.execute("INSERT INTO counters (name, value) VALUES (?1, ?2)", params![name, 0])
}

async fn what_is_written_is_read_back(database: Database) {
    let store = database.open();
    store.write(|tx| tx.execute(COUNT, params!["node"])).await.unwrap();
    assert_eq!(value(&store, "node").await, 1);
    drop(store);
    assert_eq!(value(&database.open(), "node").await, 1);
}

async fn a_failed_write_leaves_no_trace(database: Database) {
    let store = database.open();
    let failed: Result<()> = store
        .write(|tx| {
            tx.execute(COUNT, params!["node"])?;
            Err(Error::usage("on_purpose", "no"))
        })
        .await;
    assert_eq!(failed.unwrap_err().code(), "on_purpose");
    assert_eq!(value(&store, "node").await, 0);
}

async fn a_panic_rolls_back_its_own_write_alone(database: Database) {
    let store = database.open();
    let panicking = store.write(|tx| -> Result<()> {
        tx.execute(COUNT, params!["node"])?;
        panic!("on purpose")
    });
    let beside = store.write(|tx| tx.execute(COUNT, params!["user"]));
    let (panicked, counted) = tokio::join!(panicking, beside);
    assert_eq!(panicked.unwrap_err().kind(), Kind::Bug);
    assert_eq!(counted.unwrap(), 1);
    assert_eq!((value(&store, "node").await, value(&store, "user").await), (0, 1));
}

async fn a_statement_that_failed_cannot_be_passed_over(database: Database) {
    let store = database.open();
    let passed_over = store
        .write(|tx| {
            let _ = add_counter(tx, "node");
            Ok(())
        })
        .await;
    assert_eq!(passed_over.unwrap_err().kind(), Kind::Bug);
}

async fn broken_constraints_are_conflicts(database: Database) {
    let store = database.open();
    let twice = store.write(|tx| add_counter(tx, "node")).await.unwrap_err();
    assert_eq!((twice.kind(), twice.code()), (Kind::Conflict, "unique_violation"));
    let orphan = "INSERT INTO memberships (org_id, user_id, role, created_at) VALUES ('a', 'b', ?1, 0)";
    let nobody = store.write(|tx| tx.execute(orphan, params!["owner"])).await.unwrap_err();
    assert_eq!((nobody.kind(), nobody.code()), (Kind::Conflict, "foreign_key_violation"));
    let check = store.write(|tx| tx.execute(orphan, params!["king"])).await.unwrap_err();
    assert_eq!((check.kind(), check.code()), (Kind::Conflict, "check_violation"));
}

async fn concurrent_conditional_updates_happen_exactly_as_often_as_allowed(database: Database) {
    let store = database.open();
    let take = "UPDATE counters SET value = value + 1 WHERE name = 'node' AND value < ?1";
    let takers: Vec<_> = (0..40).map(|_| store.write(move |tx| tx.execute(take, params![7]))).collect();
    let taken: u64 = join_all(takers).await.into_iter().map(|t| t.unwrap()).sum();
    assert_eq!(taken, 7);
    assert_eq!(value(&store, "node").await, 7);
}

async fn a_failing_write_does_not_touch_those_beside_it(database: Database) {
    let store = database.open();
    let writes = (0..60).map(|i| {
        store.write(move |tx| {
            tx.execute(COUNT, params!["node"])?;
            if i % 3 == 0 { Err(Error::usage("on_purpose", "no")) } else { Ok(()) }
        })
    });
    let ended = join_all(writes).await;
    assert_eq!(ended.iter().filter(|e| e.is_ok()).count(), 40);
    assert_eq!(value(&store, "node").await, 40);
}

async fn a_read_sees_one_snapshot(database: Database) {
    let store = database.open();
    let (started, wait_for_start) = std::sync::mpsc::channel();
    let (written, wait_for_write) = std::sync::mpsc::channel();
    let reading = store.read(move |r| {
        let before = counter(r, "node")?;
        started.send(()).unwrap();
        wait_for_write.recv().unwrap();
        Ok((before, counter(r, "node")?))
    });
    let writing = async {
        tokio::task::spawn_blocking(move || wait_for_start.recv()).await.unwrap().unwrap();
        store.write(|tx| tx.execute(COUNT, params!["node"])).await.unwrap();
        written.send(()).unwrap();
    };
    let (seen, ()) = tokio::join!(reading, writing);
    assert_eq!(seen.unwrap(), (0, 0));
    assert_eq!(value(&store, "node").await, 1);
}

async fn a_reader_cannot_write(database: Database) {
    let store = database.open();
    let sneaky = store.read(|r| r.query("UPDATE counters SET value = 9 RETURNING value", &[]).map(drop));
    assert!(sneaky.await.is_err());
    assert_eq!(value(&store, "node").await, 0);
}

async fn opening_twice_migrates_once(database: Database) {
    drop(database.open());
    let store = database.open();
    let ran = store
        .read(|r| r.first("SELECT COUNT(*) FROM refinery_schema_history", &[])?.unwrap().take::<i64>(0))
        .await;
    assert!(ran.unwrap() >= 1);
}

/// Who comes while the coordinator brings the schema up to date waits for that, and is not refused.
async fn a_coordinator_and_others_may_open_a_new_database_at_once(database: Database) {
    let others = std::iter::repeat_n(Purpose::Administer, 5);
    let openers = std::iter::once(Purpose::Serve).chain(others).map(|purpose| {
        let url = database.url.clone();
        tokio::task::spawn_blocking(move || Store::open(&url, purpose))
    });
    for opened in join_all(openers).await {
        let store = opened.unwrap().unwrap();
        store.write(|tx| tx.execute(COUNT, params!["node"])).await.unwrap();
    }
    assert_eq!(value(&database.open(), "node").await, 6);
}

async fn a_newer_schema_is_refused(database: Database) {
    let store = database.open();
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
        VALUES (9999, 'tomorrow', '2030-01-01T00:00:00Z', '1')";
    store.write(move |tx| tx.execute(newer, &[])).await.unwrap();
    drop(store);
    let refused = Store::open(&database.url, Purpose::Serve).err().unwrap();
    assert_eq!((refused.kind(), refused.code()), (Kind::Local, "database_newer"));
    assert!(refused.hint_text().is_some());
}

async fn a_database_of_another_program_is_refused(database: Database) {
    match &database.url {
        DatabaseUrl::Sqlite(path) => {
            let other = rusqlite::Connection::open(path).unwrap();
            other.execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
        }
        DatabaseUrl::Postgres(_) => {
            let store = database.open();
            store.write(|tx| tx.execute("DROP TABLE refinery_schema_history", &[])).await.unwrap();
        }
    }
    let refused = Store::open(&database.url, Purpose::Serve).err().unwrap();
    assert_eq!((refused.kind(), refused.code()), (Kind::Local, "database_foreign"));
}

async fn text_and_bytes_of_any_kind_survive(database: Database) {
    let store = database.open();
    let insert = "INSERT INTO sealed_secrets (name, key_id, sealed, created_at) VALUES (?1, ?2, ?3, ?4)";
    let (name, bytes) = ("Zoë's ?1 — 鍵 \\ $2".to_owned(), vec![0u8, 255, 39, 0]);
    let (kept_name, kept_bytes) = (name.clone(), bytes.clone());
    store.write(move |tx| tx.execute(insert, params![kept_name, "k", kept_bytes, i64::MIN])).await.unwrap();
    let select = "SELECT name, sealed, created_at, NULL FROM sealed_secrets";
    let mut row = store.read(move |r| r.first(select, &[])).await.unwrap().unwrap();
    assert_eq!(row.take::<String>(0).unwrap(), name);
    assert_eq!(row.take::<Vec<u8>>(1).unwrap(), bytes);
    assert_eq!(row.take::<i64>(2).unwrap(), i64::MIN);
    assert_eq!(row.take::<Option<i64>>(3).unwrap(), None);
}
