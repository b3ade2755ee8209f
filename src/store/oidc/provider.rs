//! Providers that were added, by command or on a page.

use crate::core::provider::{Provider, ProviderName, Source};
use crate::core::{Error, Result, Timestamp};
use crate::store::engine::params;
use crate::store::{Read, Row, Tx};

/// More than anybody has.
const MOST: i64 = 100;

fn from_row(row: &mut Row) -> Result<Provider> {
    let (text, source): (String, String) = (row.take(0)?, row.take(1)?);
    let provider: Provider =
        serde_json::from_str(&text).map_err(|e| Error::bug("a stored provider cannot be read").source(e))?;
    let source = if source == Source::Host.as_str() { Source::Host } else { Source::Page };
    Ok(Provider { source, ..provider })
}

pub fn all(read: &mut Read<'_>) -> Result<Vec<Provider>> {
    let sql = "SELECT settings, source FROM providers ORDER BY created_at, name LIMIT ?1";
    read.query(sql, params![MOST])?.iter_mut().map(from_row).collect()
}

/// Tells whether it was inserted: not when there is one of that name.
pub fn insert(tx: &mut Tx<'_>, provider: &Provider, at: Timestamp) -> Result<bool> {
    let settings =
        serde_json::to_string(provider).map_err(|e| Error::bug("a provider cannot be written").source(e))?;
    let sql = "INSERT INTO providers (name, settings, source, created_at) VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT (name) DO NOTHING";
    Ok(tx.execute(sql, params![provider.name.to_string(), settings, provider.source.as_str(), at])? == 1)
}

/// Tells whether it was there.
pub fn delete(tx: &mut Tx<'_>, name: &ProviderName) -> Result<bool> {
    Ok(tx.execute("DELETE FROM providers WHERE name = ?1", params![name.to_string()])? == 1)
}
