//! One way to talk to two engines. SQL is written once, in the dialect that SQLite and PostgreSQL share, with
//! parameters `?1`, `?2` …; integers are 64 bit, times are milliseconds since the epoch, flags are 0 or 1.
//!
//! - A conflict that is expected is met by `ON CONFLICT … DO NOTHING` and the number of rows changed: a
//!   statement that failed spoils its transaction on both engines.
//! - What must not happen twice is a constraint or a condition in the `UPDATE`, never a `SELECT` before it:
//!   on PostgreSQL transactions run side by side (READ COMMITTED).
//! - Sums are written `CAST(SUM(x) AS BIGINT)`: PostgreSQL's sum of a BIGINT is a NUMERIC, which is not read.

mod lock;
mod postgres;
mod queue;
mod sqlite;
mod store;
mod turn;
mod url;
mod value;

pub(in crate::store) use sqlite::on_open;
pub use store::{Purpose, Store};
pub use url::DatabaseUrl;
pub use value::{FromValue, Row, Value};

use std::thread::JoinHandle;

use crate::core::{Error, Kind, Result};

/// What both engines can do: run one statement.
trait Connection {
    /// Runs a statement that returns no rows; gives the number of rows changed.
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64>;
    /// Runs a statement that returns rows.
    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>>;
}

/// A consistent view of the database for as long as it is held.
pub struct Read<'c> {
    connection: &'c mut dyn Connection,
    spoiled: bool,
}

/// A transaction. It commits when the closure that was given it returns `Ok`, and leaves no trace otherwise.
pub struct Tx<'c>(Read<'c>);

impl<'c> Read<'c> {
    fn new(connection: &'c mut dyn Connection) -> Self {
        Read { connection, spoiled: false }
    }

    /// All rows that a query gives; whoever asks for many limits them in the SQL. Within a [`Tx`] also
    /// `INSERT` or `UPDATE … RETURNING`.
    pub fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let rows = self.connection.query(sql, params);
        self.spoiled |= rows.is_err();
        rows
    }

    /// The first row, if there is one.
    pub fn first(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
        Ok(self.query(sql, params)?.into_iter().next())
    }
}

impl<'c> Tx<'c> {
    fn new(connection: &'c mut dyn Connection) -> Self {
        Tx(Read::new(connection))
    }

    /// Runs a statement; gives the number of rows changed. A broken constraint is a [`Kind::Conflict`]
    /// whose code is `unique_violation`, `foreign_key_violation` or `check_violation`.
    pub fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let changed = self.0.connection.execute(sql, params);
        self.0.spoiled |= changed.is_err();
        changed
    }

    /// Refuses to commit after a failed statement that the closure passed over: PostgreSQL would answer
    /// such a commit with a quiet rollback.
    fn check(&self) -> Result<()> {
        match self.0.spoiled {
            true => Err(Error::bug("a transaction went on after a failed statement")),
            false => Ok(()),
        }
    }
}

impl<'c> std::ops::Deref for Tx<'c> {
    type Target = Read<'c>;
    fn deref(&self) -> &Read<'c> {
        &self.0
    }
}

impl std::ops::DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// The parameters of a statement: `params![id, name, at]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::store::Value::from($value)),*] };
}
pub use crate::params;

/// The database cannot be reached or is busy: the caller may try again.
fn unavailable(message: impl Into<String>) -> Error {
    Error::new(Kind::Unavailable, "database_unavailable", message).hint("try again in a few seconds")
}

fn start_thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let spawned = std::thread::Builder::new().name(name.into()).spawn(body);
    spawned.map_err(|e| Error::bug("the system gives no thread").source(e))
}

/// A constraint of the schema was broken.
fn conflict(code: &str) -> Error {
    Error::new(Kind::Conflict, code, "this contradicts what is already there")
}
