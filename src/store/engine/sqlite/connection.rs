//! One connection to a SQLite file: values in and out, statements kept prepared.

use std::path::PathBuf;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ToSql, params_from_iter};

use super::error;
use crate::core::{Error, Result};
use crate::store::engine::{Row, Value};

pub(super) struct Connection {
    raw: rusqlite::Connection,
    /// For error messages.
    path: PathBuf,
}

impl Connection {
    pub fn new(raw: rusqlite::Connection, path: PathBuf) -> Self {
        raw.set_prepared_statement_cache_capacity(256);
        Connection { raw, path }
    }

    /// Whether the transaction is gone: SQLite rolls back by itself after some failures (a full disk).
    pub fn is_outside(&self) -> bool {
        self.raw.is_autocommit()
    }

    /// Leaves a transaction, if in one, without a trace.
    pub fn leave(&mut self) {
        if !self.is_outside()
            && let Err(e) = self.raw.execute_batch("ROLLBACK")
        {
            tracing::error!(error = %e, "a rollback failed");
        }
    }

    fn failed(&self, failure: rusqlite::Error) -> Error {
        error::at_run_time(&self.path, failure)
    }
}

impl super::super::Connection for Connection {
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let run = || self.raw.prepare_cached(sql)?.execute(params_from_iter(params));
        run().map(|changed| changed as u64).map_err(|e| self.failed(e))
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let run = || {
            let mut statement = self.raw.prepare_cached(sql)?;
            let width = statement.column_count();
            let mut rows = statement.query(params_from_iter(params))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let columns = (0..width).map(|i| row.get_ref(i).map(read));
                found.push(columns.collect::<rusqlite::Result<Result<Vec<Value>>>>()?);
            }
            Ok(found)
        };
        let found: Vec<Result<Vec<Value>>> = run().map_err(|e| self.failed(e))?;
        found.into_iter().map(|row| row.map(Row)).collect()
    }
}

fn read(value: ValueRef<'_>) -> Result<Value> {
    let not_text = |e| Error::bug("a text column of the database is not UTF-8").source(e);
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(int) => Ok(Value::Int(int)),
        ValueRef::Text(bytes) => String::from_utf8(bytes.to_vec()).map(Value::Text).map_err(not_text),
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => Err(Error::bug("a database column holds a floating-point number")),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(int) => ValueRef::Integer(*int),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
