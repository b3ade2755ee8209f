//! One way to talk to two engines. SQL is written once, in the dialect that SQLite and PostgreSQL share, with
//! parameters `?1`, `?2` …; integers are 64 bit, times are milliseconds since the epoch, flags are 0 or 1.

mod value;

pub use value::{FromValue, Row, Value};

use crate::core::{Error, Kind, Result};

/// What both engines can do: run one statement.
trait Connection {
    /// Runs a statement that returns no rows; gives the number of rows changed.
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64>;
    /// Runs a statement that returns rows.
    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>>;
}

/// A consistent view of the database for as long as it is held.
pub struct Read<'c>(&'c mut dyn Connection);

/// A transaction. It commits when the closure that was given it returns `Ok`, and leaves no trace otherwise.
pub struct Tx<'c>(Read<'c>);

impl Read<'_> {
    /// All rows that a query gives; whoever asks for many limits them in the SQL.
    pub fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.0.query(sql, params)
    }

    /// The first row, if there is one.
    pub fn first(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
        Ok(self.query(sql, params)?.into_iter().next())
    }
}

impl Tx<'_> {
    /// Runs a statement; gives the number of rows changed. A broken constraint is a [`Kind::Conflict`]
    /// whose code is `unique_violation` or `foreign_key_violation`.
    pub fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        self.0.0.execute(sql, params)
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
