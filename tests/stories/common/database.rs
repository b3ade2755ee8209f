//! One database for one test, on either engine, and the macro that runs a story on both.

use std::sync::Arc;

use wonder::store::{DatabaseUrl, Purpose, Store};

use super::postgres::Server;

/// A database of one's own, and what it needs to live.
pub struct Database {
    pub url: DatabaseUrl,
    /// On a server.
    name: Option<String>,
    _directory: Option<tempfile::TempDir>,
    _server: Option<Arc<Server>>,
}

impl Database {
    pub fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::in_data_dir(directory.path());
        Database { url, name: None, _directory: Some(directory), _server: None }
    }

    pub fn postgres() -> Self {
        let server = Server::shared();
        let url = server.database();
        let name = url.split("@/").nth(1).and_then(|rest| rest.split('?').next()).map(str::to_owned);
        Database { url: url.parse().unwrap(), name, _directory: None, _server: Some(server) }
    }

    /// Runs SQL in the database, before anybody opens it; each engine has a text of its own.
    pub fn load(&self, sqlite: &str, postgres: &str) {
        match (&self.url, &self._server) {
            (DatabaseUrl::Sqlite(path), _) => {
                rusqlite::Connection::open(path).unwrap().execute_batch(sqlite).unwrap();
            }
            (_, Some(server)) => drop(server.sql(self.name.as_deref().unwrap(), postgres)),
            _ => panic!("a database without its server"),
        }
    }

    pub fn open(&self) -> Store {
        Store::open(&self.url, Purpose::Serve).unwrap()
    }
}

/// Runs each story, an `async fn(Database)` of the calling module, on SQLite and on PostgreSQL.
#[macro_export]
macro_rules! on_both_engines {
    ($($story:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() { super::$story($crate::common::database::Database::sqlite()).await })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() { super::$story($crate::common::database::Database::postgres()).await })*
        }
    };
}
