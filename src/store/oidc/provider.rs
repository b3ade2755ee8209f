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

pub fn by_name(read: &mut Read<'_>, name: &ProviderName) -> Result<Option<Provider>> {
    let sql = "SELECT settings, source FROM providers WHERE name = ?1";
    read.first(sql, params![name.to_string()])?.as_mut().map(from_row).transpose()
}

/// Tells whether it was inserted: not when there is one of that name.
pub fn insert(tx: &mut Tx<'_>, provider: &Provider, at: Timestamp) -> Result<bool> {
    let settings = as_json(provider)?;
    let sql = "INSERT INTO providers (name, settings, source, created_at) VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT (name) DO NOTHING";
    Ok(tx.execute(sql, params![provider.name.to_string(), settings, provider.source.as_str(), at])? == 1)
}

/// Holds the one of this name for this transaction: others that change it wait.
pub fn hold(tx: &mut Tx<'_>, name: &ProviderName) -> Result<()> {
    tx.execute("UPDATE providers SET name = name WHERE name = ?1", params![name.to_string()]).map(drop)
}

/// Changes the settings of the one of this name.
pub fn update(tx: &mut Tx<'_>, provider: &Provider) -> Result<()> {
    let sql = "UPDATE providers SET settings = ?2 WHERE name = ?1";
    tx.execute(sql, params![provider.name.to_string(), as_json(provider)?]).map(drop)
}

fn as_json(provider: &Provider) -> Result<String> {
    serde_json::to_string(provider).map_err(|e| Error::bug("a provider cannot be written").source(e))
}

/// Tells whether it was there.
pub fn delete(tx: &mut Tx<'_>, name: &ProviderName) -> Result<bool> {
    Ok(tx.execute("DELETE FROM providers WHERE name = ?1", params![name.to_string()])? == 1)
}
