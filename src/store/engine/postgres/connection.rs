//! One connection to PostgreSQL: values in and out, statements translated once and kept prepared.

use std::collections::HashMap;
use std::error::Error as StdError;

use bytes::BytesMut;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Statement};

use super::error;
use crate::core::Result;
use crate::store::engine::{Row, Value};

/// More statements than the whole program has; only SQL that is put together at run time gets there.
const CACHED: usize = 512;

pub(super) struct Connection {
    client: Client,
    statements: HashMap<String, Statement>,
    lost: bool,
}

impl Connection {
    pub fn new(client: Client) -> Self {
        Connection { client, statements: HashMap::new(), lost: false }
    }

    /// Whether the connection is of no more use.
    pub fn is_lost(&self) -> bool {
        self.lost || self.client.is_closed()
    }

    /// Runs statements without parameters.
    pub fn batch(&mut self, sql: &str) -> Result<()> {
        let ran = self.client.batch_execute(sql);
        self.settle(ran)
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let prepared = self.client.prepare(&translate(sql));
        let statement = self.settle(prepared)?;
        if self.statements.len() == CACHED {
            self.statements.clear();
        }
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    fn settle<T>(&mut self, outcome: Result<T, postgres::Error>) -> Result<T> {
        outcome.map_err(|e| {
            self.lost |= error::loses_the_connection(&e);
            error::at_run_time(e)
        })
    }
}

impl super::super::Connection for Connection {
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let statement = self.prepare(sql)?;
        let changed = self.client.execute(&statement, &references(params));
        self.settle(changed)
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let statement = self.prepare(sql)?;
        let found = self.client.query(&statement, &references(params));
        let rows = self.settle(found)?;
        let read = |row: postgres::Row| (0..row.len()).map(|i| row.try_get(i)).collect::<Result<_, _>>();
        let rows: Result<Vec<Vec<Value>>, _> = rows.into_iter().map(read).collect();
        rows.map(|rows| rows.into_iter().map(Row).collect()).map_err(error::at_run_time)
    }
}

fn references(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// `?1` as SQLite writes it becomes `$1`, except within quotes.
fn translate(sql: &str) -> String {
    let mut quoted = false;
    let translate = |c: char| {
        quoted ^= c == '\'';
        if c == '?' && !quoted { '$' } else { c }
    };
    sql.chars().map(translate).collect()
}

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(int) if *ty == Type::INT2 => i16::try_from(*int)?.to_sql(ty, out),
            Value::Int(int) if *ty == Type::INT4 => i32::try_from(*int)?.to_sql(ty, out),
            Value::Int(int) if *ty == Type::BOOL => (*int != 0).to_sql(ty, out),
            Value::Int(int) if *ty == Type::INT8 => int.to_sql(ty, out),
            Value::Text(text) if <String as ToSql>::accepts(ty) => text.to_sql(ty, out),
            Value::Bytes(bytes) if *ty == Type::BYTEA => bytes.to_sql(ty, out),
            _ => Err(format!("a parameter of another type stands for {ty}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        match *ty {
            Type::INT2 => i16::from_sql(ty, raw).map(|int| Value::Int(int.into())),
            Type::INT4 => i32::from_sql(ty, raw).map(|int| Value::Int(int.into())),
            Type::INT8 => i64::from_sql(ty, raw).map(Value::Int),
            Type::BOOL => bool::from_sql(ty, raw).map(|flag| Value::Int(flag.into())),
            Type::BYTEA => Vec::from_sql(ty, raw).map(Value::Bytes),
            _ => String::from_sql(ty, raw).map(Value::Text),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Value::Null)
    }

    fn accepts(ty: &Type) -> bool {
        let numbers = [Type::INT2, Type::INT4, Type::INT8, Type::BOOL, Type::BYTEA];
        numbers.contains(ty) || <String as FromSql>::accepts(ty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_translated_outside_quotes() {
        let sql = "UPDATE t SET a = ?1, b = '?2 it''s' WHERE c = ?10";
        assert_eq!(translate(sql), "UPDATE t SET a = $1, b = '?2 it''s' WHERE c = $10");
    }
}
