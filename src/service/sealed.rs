//! What the coordinator must read back: client secrets of providers, the password of the mail server, what codes by time are made
//! from. Sealed with the master key before it goes to the database; `service::key_ring` seals it anew with a newer one.

use zeroize::Zeroizing;

use super::app::App;
use crate::auth::vault::Vault;
use crate::core::secret::Secret;
use crate::core::{Error, Result};
use crate::store::Tx;
use crate::store::sealed_secret::{self, SealedSecret};

fn vault(app: &App) -> Result<&Vault> {
    app.settings().master.as_deref().ok_or_else(|| Error::bug("there is no master key here"))
}

/// Seals what is secret, to be kept as `name`.
pub(super) fn seal(app: &App, name: &str, secret: &[u8]) -> Result<SealedSecret> {
    let (key_id, sealed) = vault(app)?.seal(name, secret)?;
    Ok(SealedSecret { name: name.to_owned(), key_id, sealed, created_at: app.now() })
}

/// Opens what was sealed. With its master key lost: `master_key_unknown`.
pub(super) fn open(app: &App, sealed: &SealedSecret) -> Result<Zeroizing<Vec<u8>>> {
    vault(app)?.open(&sealed.name, &sealed.key_id, &sealed.sealed)
}

/// The same of a secret that people gave, which is text.
pub(super) fn open_text(app: &App, sealed: &SealedSecret) -> Result<Secret> {
    let bytes = open(app, sealed)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Error::bug("what was sealed is no text"))?;
    Ok(Secret::new(text))
}

/// Keeps a secret in the place of one of the same name.
pub(super) fn replace(tx: &mut Tx<'_>, sealed: &SealedSecret) -> Result<()> {
    sealed_secret::delete(tx, &sealed.name)?;
    sealed_secret::insert(tx, sealed).map(drop)
}
