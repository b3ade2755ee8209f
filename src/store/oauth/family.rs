//! Families of tokens: all that came of one authorization.

use crate::core::id::{FamilyId, GrantId};
use crate::core::oauth::ScopeSet;
use crate::core::{Result, Timestamp};
use crate::params;
use crate::store::Tx;

/// What a family is made of.
#[derive(Clone, Debug)]
pub struct NewFamily {
    pub grant: GrantId,
    pub scopes: ScopeSet,
    /// For the ID token, as the app gave it (OpenID Connect Core section 3.1.2.1).
    pub nonce: Option<String>,
    /// When the person logged in who authorized it; nobody did where an app acts for itself.
    pub logged_in_at: Option<Timestamp>,
}

pub fn insert(tx: &mut Tx<'_>, new: NewFamily, now: Timestamp) -> Result<FamilyId> {
    let sql = "INSERT INTO token_families (id, grant_id, scopes, nonce, logged_in_at, created_at) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let id = FamilyId::new(now);
    let NewFamily { grant, scopes, nonce, logged_in_at } = new;
    tx.execute(sql, params![id, grant, scopes, nonce, logged_in_at, now])?;
    Ok(id)
}

/// Ends every token of it; tells whether it had not ended before.
pub fn end(tx: &mut Tx<'_>, id: FamilyId, at: Timestamp) -> Result<bool> {
    let sql = "UPDATE token_families SET ended_at = ?2 WHERE id = ?1 AND ended_at IS NULL";
    Ok(tx.execute(sql, params![id, at])? == 1)
}

/// Forgets those that began before `before` and have neither a token nor a code any more.
pub fn delete_empty(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    let sql = "DELETE FROM token_families WHERE created_at < ?1 \
        AND NOT EXISTS (SELECT 1 FROM oauth_tokens t WHERE t.family_id = token_families.id) \
        AND NOT EXISTS (SELECT 1 FROM authorization_codes c WHERE c.family_id = token_families.id) \
        AND NOT EXISTS (SELECT 1 FROM device_codes d WHERE d.family_id = token_families.id)";
    tx.execute(sql, params![before])
}
