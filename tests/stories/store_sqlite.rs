//! Stories that only a SQLite file can tell: grouped commits, power cuts, full and read-only disks, damaged
//! files, and two processes on one file. They mount small file systems, and so run as root.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a story that cannot go on has failed")]

use crate::common;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use common::database::Database;
use futures_util::future::join_all;
use wonder::core::{Error, Kind, Result};
use wonder::store::engine::params;
use wonder::store::{DatabaseUrl, Purpose, Store};

const COUNT: &str = "UPDATE counters SET value = value + 1 WHERE name = 'node'";

async fn count(store: &Store) -> Result<u64> {
    store.write(|tx| tx.execute(COUNT, &[])).await
}

async fn value(store: &Store) -> i64 {
    let sql = "SELECT value FROM counters WHERE name = 'node'";
    store.read(move |r| r.first(sql, &[])?.unwrap().take(0)).await.unwrap()
}

fn open(path: &Path) -> Result<Store> {
    Store::open(&DatabaseUrl::Sqlite(path.to_owned()), Purpose::Serve)
}

fn refused(path: &Path) -> Error {
    open(path).err().unwrap()
}

/// Every file below a directory, with what is in it.
fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|e| e != "lock"))
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    found.sort();
    found
}

/// Keeps the writer busy until `meanwhile` has queued its writes, so that they form one group.
async fn grouped<T>(store: &Store, meanwhile: impl Future<Output = T>) -> T {
    let (release, held) = mpsc::channel::<()>();
    let (started, running) = mpsc::channel();
    let holding = store.write(move |_| {
        started.send(()).unwrap();
        held.recv().unwrap();
        Ok(())
    });
    let queueing = async {
        tokio::task::spawn_blocking(move || running.recv()).await.unwrap().unwrap();
        // `join!` polls in order: the writes are queued before the writer goes on.
        tokio::join!(meanwhile, async { release.send(()).unwrap() }).0
    };
    let (held, value) = tokio::join!(holding, queueing);
    held.unwrap();
    value
}

/// What a connection answers to `PRAGMA …`, for each that the stories rely on.
const PRAGMAS: [(&str, &str); 3] = [
    ("PRAGMA journal_mode", "wal"),
    // FULL: https://sqlite.org/pragma.html#pragma_synchronous
    ("SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous", "2"),
    ("SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys", "1"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_is_durable_and_checks_its_references() {
    for purpose in [Purpose::Serve, Purpose::Administer] {
        let database = Database::sqlite();
        drop(database.open());
        let store = Store::open(&database.url, purpose).unwrap();
        for (sql, expected) in PRAGMAS {
            let written: String = store.write(move |tx| tx.first(sql, &[])?.unwrap().take(0)).await.unwrap();
            assert_eq!(written, expected, "the writer: {sql}");
            // More at once than there are readers, so that each is asked.
            let reads =
                (0..32).map(|_| store.read(move |read| read.first(sql, &[])?.unwrap().take::<String>(0)));
            assert!(
                join_all(reads).await.into_iter().all(|read| read.unwrap() == expected),
                "a reader: {sql}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_wait_share_one_commit() {
    let store = Database::sqlite().open();
    let before = store.commits();
    let written = grouped(&store, join_all((0..16).map(|_| count(&store)))).await;
    assert!(written.into_iter().all(|w| w.unwrap() == 1));
    assert_eq!(value(&store).await, 16);
    assert_eq!(store.commits() - before, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_coordinator_is_refused_and_local_administration_is_not() {
    let database = Database::sqlite();
    let coordinator = database.open();
    let second = Store::open(&database.url, Purpose::Serve).err().unwrap();
    assert_eq!((second.kind(), second.code()), (Kind::Local, "database_in_use"));
    assert!(second.message().contains(&format!("process {}", std::process::id())), "{second}");
    let beside = Store::open(&database.url, Purpose::Administer).unwrap();
    let both = (0..40).map(|i| count(if i % 2 == 0 { &coordinator } else { &beside }));
    assert!(join_all(both).await.into_iter().all(|w| w.is_ok()));
    assert_eq!((value(&coordinator).await, value(&beside).await), (40, 40));
    drop(coordinator);
    Store::open(&database.url, Purpose::Serve).unwrap();
}

/// On a slow card that takes longer than one waits for a coordinator that runs.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_finds_an_old_schema_waits_for_who_brings_it_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::in_data_dir(directory.path());
    let lock = fs::File::create(directory.path().join("wonder.db.lock")).unwrap();
    lock.lock().unwrap();
    let openers = [Purpose::Serve, Purpose::Administer].map(|purpose| {
        let url = url.clone();
        tokio::task::spawn_blocking(move || Store::open(&url, purpose))
    });
    tokio::time::sleep(Duration::from_secs(4)).await;
    drop(lock);
    for opened in join_all(openers).await {
        count(&opened.unwrap().unwrap()).await.unwrap();
    }
}

/// Whoever copies it then has all of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_closed_is_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wonder.db");
    for _ in 0..50 {
        let store = open(&path).unwrap();
        count(&store).await.unwrap();
        drop(store);
        let left = contents(directory.path());
        assert!(
            left.iter().all(|(file, _)| *file == path),
            "{:?}",
            left.iter().map(|f| &f.0).collect::<Vec<_>>()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn directory_and_files_are_for_their_owner_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/data/wonder.db");
    let store = open(&path).unwrap();
    count(&store).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

/// Not a test by itself: the process that [`what_was_answered_survives_kill_9`] kills. It counts for ever,
/// several writes at a time, and says how many were answered.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child of another test"]
async fn child_that_counts_until_killed() {
    let Ok(path) = std::env::var("WONDER_TEST_DATABASE") else { return };
    let store = open(Path::new(&path)).unwrap();
    for round in 1..=100_000 {
        for written in join_all((0..4).map(|_| count(&store))).await {
            written.unwrap();
        }
        println!("answered {}", round * 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wonder.db");
    for rounds in [3, 25] {
        let before = value(&open(&path).unwrap()).await;
        let answered = count_and_kill(&path, rounds);
        assert!(answered >= i64::from(rounds) * 4);
        let store = open(&path).unwrap();
        let kept = value(&store).await - before;
        assert!(kept >= answered, "{answered} writes were answered, {kept} are there");
        assert!(kept <= answered + 8, "{answered} writes were answered, {kept} are there");
        let whole = store.read(|r| r.first("PRAGMA integrity_check", &[])?.unwrap().take::<String>(0)).await;
        assert_eq!(whole.unwrap(), "ok");
    }
}

/// Lets a child count, kills it after `rounds` answers, and gives the last number that it was answered.
fn count_and_kill(path: &Path, rounds: u32) -> i64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "store_sqlite::child_that_counts_until_killed"])
        .env("WONDER_TEST_DATABASE", path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    for _ in 0..rounds {
        line.clear();
        while !line.contains("answered") {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "the child ended by itself");
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut rest = String::new();
    // Killed in the middle of a line or not: whole lines were answered.
    output.read_to_string(&mut rest).unwrap();
    let lines = format!("{line}{rest}");
    let whole = lines.split_inclusive('\n').filter(|l| l.ends_with('\n'));
    let numbers = whole.filter_map(|l| l.trim().rsplit("answered ").next()?.parse().ok());
    numbers.max().unwrap()
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wonder.db");
    fs::write(&path, "Dear diary, today I was taken for a database.").unwrap();
    let before = contents(directory.path());
    let error = refused(&path);
    assert_eq!((error.kind(), error.code()), (Kind::Local, "database_corrupt"));
    assert!(error.message().contains(path.to_str().unwrap()) && error.hint_text().is_some());
    assert_eq!(contents(directory.path()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wonder.db");
    drop(open(&path).unwrap());
    let whole = fs::read(&path).unwrap();
    let cut_off = whole[..whole.len() / 2].to_vec();
    let mut scrambled = whole;
    scrambled[100..4000].fill(0xa5);
    for damaged in [cut_off, scrambled] {
        fs::write(&path, &damaged).unwrap();
        let error = refused(&path);
        assert_eq!((error.kind(), error.code()), (Kind::Local, "database_corrupt"), "{error:?}");
        assert!(error.message().contains(path.to_str().unwrap()));
        assert_eq!(fs::read(&path).unwrap(), damaged);
    }
}

#[test]
fn a_directory_in_place_of_the_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let error = refused(directory.path());
    assert_eq!((error.kind(), error.code()), (Kind::Local, "database_unusable"));
    let below_a_file = directory.path().join("file");
    fs::write(&below_a_file, "").unwrap();
    let error = refused(&below_a_file.join("wonder.db"));
    assert_eq!((error.kind(), error.code()), (Kind::Local, "database_unwritable"));
}

/// A small file system of one's own, unmounted when dropped.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new(size: &str) -> Disk {
        let directory = tempfile::tempdir().unwrap();
        mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], directory.path());
        Disk(directory)
    }

    fn database(&self) -> PathBuf {
        self.0.path().join("wonder.db")
    }

    fn make_read_only(&self) {
        mount(&["-o", "remount,ro"], self.0.path());
    }

    /// Takes what space is left, down to the last page.
    fn fill(&self) {
        let _ = fs::write(self.0.path().join("filler"), vec![1; 64 << 20]);
    }

    fn make_room(&self) {
        fs::remove_file(self.0.path().join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(self.0.path()).status().unwrap();
    }
}

fn mount(arguments: &[&str], place: &Path) {
    let mounted = Command::new("mount").args(arguments).arg(place).output().unwrap();
    let told = String::from_utf8_lossy(&mounted.stderr);
    assert!(mounted.status.success(), "this test mounts a file system, and so runs as root: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_disk_is_refused() {
    let disk = Disk::new("8m");
    drop(open(&disk.database()).unwrap());
    disk.make_read_only();
    let error = refused(&disk.database());
    assert_eq!((error.kind(), error.code()), (Kind::Local, "database_read_only"), "{error:?}");
    assert!(error.message().contains("wonder.db") && error.hint_text().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_database_on_a_full_disk_is_refused_and_works_once_there_is_room() {
    let disk = Disk::new("4m");
    disk.fill();
    let error = refused(&disk.database());
    assert_eq!((error.kind(), error.code()), (Kind::Local, "disk_full"), "{error:?}");
    disk.make_room();
    count(&open(&disk.database()).unwrap()).await.unwrap();
}

const KEEP: &str = "INSERT INTO sealed_secrets (name, key_id, sealed, created_at) VALUES (?1, 'k', ?2, 0)";

async fn keep(store: &Store, name: &'static str, size: usize) -> Result<u64> {
    store.write(move |tx| tx.execute(KEEP, params![name, vec![7u8; size]])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_fails_what_it_must_and_nothing_afterwards() {
    let disk = Disk::new("8m");
    let store = open(&disk.database()).unwrap();
    count(&store).await.unwrap();
    disk.fill();
    for name in ["first", "second"] {
        let full = keep(&store, name, 2 << 20).await.unwrap_err();
        assert_eq!((full.kind(), full.code()), (Kind::Unavailable, "disk_full"), "{full:?}");
    }
    assert_eq!(value(&store).await, 1);
    disk.make_room();
    keep(&store, "third", 2 << 20).await.unwrap();
    count(&store).await.unwrap();
    assert_eq!(value(&store).await, 2);
    let names = "SELECT name FROM sealed_secrets";
    let kept: Vec<String> =
        store.read(move |r| r.query(names, &[])?.iter_mut().map(|row| row.take(0)).collect()).await.unwrap();
    assert_eq!(kept, ["third"]);
    drop(store);
    assert_eq!(value(&open(&disk.database()).unwrap()).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_is_told_to_all_who_shared_it() {
    let disk = Disk::new("8m");
    let store = open(&disk.database()).unwrap();
    disk.fill();
    let before = store.commits();
    let writes = async { tokio::join!(count(&store), keep(&store, "large", 1 << 20), count(&store)) };
    let (first, large, last) = grouped(&store, writes).await;
    // The large one is kept in memory until the commit, which has no room for it.
    for failed in [first, large, last] {
        assert_eq!(failed.unwrap_err().code(), "disk_full");
    }
    assert_eq!(store.commits() - before, 1);
    disk.make_room();
    assert_eq!(value(&store).await, 0);
    count(&store).await.unwrap();
    assert_eq!(value(&store).await, 1);
}
