//! Brings the schema up to date when a database is opened: the files of `migrations/`, each in one
//! transaction together with the row that says that it ran. Refuses what it does not know.

use std::path::Path;

use refinery::{Migration, Runner, Target};

use super::engine::on_open;
use crate::core::{Error, Kind, Result};

mod embedded {
    refinery::embed_migrations!("src/store/migrations");
}

/// What an engine says in its own words, at the end of a migration and in its transaction: triggers.
type OwnWords = (i32, &'static str);

const SQLITE: OwnWords = (5, include_str!("migrations/append_only.sqlite.sql"));
const POSTGRES: OwnWords = (5, include_str!("migrations/append_only.postgres.sql"));

/// What an opened database holds.
struct Found {
    /// The newest migration that ran; none in a new database.
    version: Option<i64>,
    /// Tables beside that of the migrations, which another process may be making just now. Counted first:
    /// where there are any of ours, the migration that made them can be read.
    tables: i64,
}

impl Found {
    /// Whether migrations must run. `name` is the database, as people know it.
    fn is_behind(&self, name: &str) -> Result<bool> {
        let ours = newest();
        match self.version {
            None if self.tables > 0 => Err(foreign(name)),
            Some(version) if version > ours => Err(newer(name, version, ours)),
            version => Ok(version != Some(ours)),
        }
    }
}

fn newest() -> i64 {
    embedded::migrations::runner().get_migrations().iter().map(|m| i64::from(m.version())).max().unwrap_or(0)
}

fn newer(name: &str, version: i64, ours: i64) -> Error {
    let message = format!("{name} has schema {version}, and this version of wonder knows {ours} at most");
    Error::new(Kind::Local, "database_newer", message)
        .hint("run the newer wonder, or restore the backup that was made before the upgrade")
}

fn foreign(name: &str) -> Error {
    let message = format!("{name} holds the tables of another program");
    Error::new(Kind::Local, "database_foreign", message).hint("give wonder a database of its own")
}

/// Whether the schema of a SQLite file is older than this program; writes nothing.
pub(super) fn sqlite_is_behind(raw: &rusqlite::Connection, path: &Path) -> Result<bool> {
    let count =
        |sql: &str| raw.query_row(sql, [], |row| row.get::<_, Option<i64>>(0)).map_err(|e| on_open(path, e));
    let beside =
        "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name <> 'refinery_schema_history'";
    let tables = count(beside)?.unwrap_or(0);
    let history = count("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'refinery_schema_history'")?;
    let version = match history {
        Some(1) => count("SELECT MAX(version) FROM refinery_schema_history")?,
        _ => None,
    };
    Found { version, tables }.is_behind(&path.display().to_string())
}

/// Whether the schema on a server is older than this program; writes nothing.
pub(super) fn postgres_is_behind(client: &mut postgres::Client, name: &str) -> Result<bool> {
    let mut count = |sql: &str| {
        client.query_one(sql, &[]).map(|row| row.get::<_, Option<i64>>(0)).map_err(|e| failed(name, e))
    };
    let in_schema = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema()";
    let tables = count(&format!("{in_schema} AND tablename <> 'refinery_schema_history'"))?.unwrap_or(0);
    let history = count(&format!("{in_schema} AND tablename = 'refinery_schema_history'"))?;
    let version = match history {
        Some(1) => count("SELECT CAST(MAX(version) AS BIGINT) FROM refinery_schema_history")?,
        _ => None,
    };
    Found { version, tables }.is_behind(name)
}

/// Runs what has not run yet. The caller holds the lock.
pub(super) fn sqlite(raw: &mut rusqlite::Connection, path: &Path) -> Result<()> {
    each_alone(SQLITE, |runner| runner.run(raw).map(drop)).map_err(|e| sqlite_failed(path, e))
}

/// Runs what has not run yet. The caller holds the lock.
pub(super) fn postgres(client: &mut postgres::Client, name: &str) -> Result<()> {
    each_alone(POSTGRES, |runner| runner.run(client).map(drop)).map_err(|e| failed(name, e))
}

/// One transaction a migration: refinery knows only one for each statement, or one for all.
fn each_alone(
    own: OwnWords,
    mut run: impl FnMut(Runner) -> Result<(), refinery::Error>,
) -> Result<(), refinery::Error> {
    let all = migrations(own)?;
    let mut versions: Vec<_> = all.iter().map(Migration::version).collect();
    versions.sort_unstable();
    for version in versions {
        run(Runner::new(&all).set_grouped(true).set_target(Target::Version(version)))?;
    }
    Ok(())
}

/// The migrations as one engine runs them.
fn migrations((version, words): OwnWords) -> Result<Vec<Migration>, refinery::Error> {
    let shared = embedded::migrations::runner();
    let complete = |shared: &Migration| match i64::from(shared.version()) == i64::from(version) {
        true => {
            Migration::unapplied(&shared.to_string(), &[shared.sql().unwrap_or_default(), words].concat())
        }
        false => Ok(shared.clone()),
    };
    shared.get_migrations().iter().map(complete).collect()
}

/// A failed migration; a full disk says so.
fn sqlite_failed(path: &Path, failure: refinery::Error) -> Error {
    let reason = match failure.kind() {
        refinery::error::Kind::Connection(_, source) => source.downcast_ref::<rusqlite::Error>(),
        _ => None,
    };
    match reason {
        Some(rusqlite::Error::SqliteFailure(raw, _)) => {
            on_open(path, rusqlite::Error::SqliteFailure(*raw, None)).source(failure)
        }
        _ => failed(&path.display().to_string(), failure),
    }
}

fn failed(name: &str, failure: impl std::error::Error + Send + Sync + 'static) -> Error {
    let message = format!("the schema of {name} could not be brought up to date: {failure}");
    Error::new(Kind::Local, "migration_failed", message)
        .hint("what failed has changed nothing: start the version of before again, and report it with this message")
        .source(failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{DatabaseUrl, Purpose, Store};
    use std::path::PathBuf;

    /// A file as version 0.1.0 left it, with one event.
    fn of_first_release(directory: &Path) -> PathBuf {
        let path = directory.join("wonder.db");
        let mut raw = rusqlite::Connection::open(&path).unwrap();
        embedded::migrations::runner().set_target(Target::Version(1)).run(&mut raw).unwrap();
        let sql = "INSERT INTO audit_events (id, at, actor_kind, actor_name, action, target_kind, target_name) \
            VALUES ('018f3c5e-7b1a-7c3d-9e2f-0123456789ab', 5, 'local', 'root', 'user.create', 'user', 'ada')";
        raw.execute_batch(sql).unwrap();
        path
    }

    /// Who added a provider before its source was kept is in the audit trail.
    #[tokio::test]
    async fn a_provider_of_the_host_stays_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("wonder.db");
        let mut raw = rusqlite::Connection::open(&path).unwrap();
        let all = migrations(SQLITE).unwrap();
        Runner::new(&all).set_target(Target::Version(10)).run(&mut raw).unwrap();
        for (number, (name, at, actor)) in
            [("forgotten", 1, ""), ("home", 2, "local"), ("page", 3, "user"), ("again", 5, "user")]
                .iter()
                .enumerate()
        {
            let settings =
                format!(r#"{{"name":"{name}","issuer":"https://id.example.org","client-id":"wonder"}}"#);
            let sql = "INSERT INTO providers (name, settings, created_at) VALUES (?1, ?2, ?3)";
            raw.execute(sql, (name, settings, at)).unwrap();
            let sql = "INSERT INTO audit_events (id, at, actor_kind, actor_name, action, target_kind, target_id, target_name) \
                SELECT ?1, ?2, ?3, 'somebody', 'provider.create', 'provider', ?4, 'https://id.example.org' WHERE ?3 <> ''";
            raw.execute(sql, (format!("event {number}"), at, actor, name)).unwrap();
        }
        // There was one of its name before, which the host had added.
        let earlier = "INSERT INTO audit_events (id, at, actor_kind, actor_name, action, target_kind, target_id, target_name) \
            VALUES ('earlier', 4, 'local', 'root', 'provider.create', 'provider', 'again', 'https://id.example.org')";
        raw.execute_batch(earlier).unwrap();
        drop(raw);
        let store = Store::open(&DatabaseUrl::Sqlite(path), Purpose::Serve).unwrap();
        let found = store.read(crate::store::oidc::provider::all).await.unwrap();
        let found: Vec<_> = found.iter().map(|p| (p.name.to_string(), p.source.as_str())).collect();
        let expected = [("forgotten", "page"), ("home", "host"), ("page", "page"), ("again", "page")];
        assert_eq!(found, expected.map(|(name, source)| (name.to_owned(), source)));
    }

    #[tokio::test]
    async fn what_the_first_release_wrote_down_is_kept_and_waits_for_its_link() {
        let directory = tempfile::tempdir().unwrap();
        let path = of_first_release(directory.path());
        let store = Store::open(&DatabaseUrl::Sqlite(path), Purpose::Serve).unwrap();
        let found = store.read(|read| crate::store::chain::unlinked(read, 10)).await.unwrap();
        let [event] = &found[..] else { panic!("{found:?}") };
        assert_eq!(
            (event.action.as_str(), event.refused.is_some(), event.unwritten),
            ("user.create", false, 0)
        );
    }
}
