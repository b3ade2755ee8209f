//! What the coordinator that started last was told by its flags and its settings file: at most one row, without secrets.

use super::engine::params;
use super::{Read, Tx};
use crate::core::provider::{Provider, Source};
use crate::core::url::BaseUrl;
use crate::core::{Error, Result, Timestamp};

/// A row of `last_starts`.
#[derive(Clone, Debug)]
pub struct LastStart {
    pub url: BaseUrl,
    /// Those of its settings file.
    pub providers: Vec<Provider>,
    pub at: Timestamp,
}

/// Keeps this one in place of any earlier.
pub fn replace(tx: &mut Tx<'_>, start: &LastStart) -> Result<()> {
    let providers = serde_json::to_string(&start.providers)
        .map_err(|e| Error::bug("the providers of the settings cannot be written").source(e))?;
    let sql = "INSERT INTO last_starts (id, url, providers, at) VALUES (1, ?1, ?2, ?3) \
        ON CONFLICT (id) DO UPDATE SET url = excluded.url, providers = excluded.providers, at = excluded.at";
    tx.execute(sql, params![start.url.to_string(), providers, start.at]).map(drop)
}

/// None before the first start.
pub fn find(read: &mut Read<'_>) -> Result<Option<LastStart>> {
    let sql = "SELECT url, providers, at FROM last_starts";
    let Some(mut row) = read.first(sql, params![])? else { return Ok(None) };
    let (url, providers, at): (String, String, Timestamp) = (row.take(0)?, row.take(1)?, row.take(2)?);
    let unreadable = |e| Error::bug("what was kept of the last start cannot be read").source(e);
    let providers: Vec<Provider> = serde_json::from_str(&providers).map_err(unreadable)?;
    let providers = providers.into_iter().map(|provider| Provider { source: Source::Host, ..provider });
    Ok(Some(LastStart { url: url.parse()?, providers: providers.collect(), at }))
}
