//! The coordinator's own keys: made at the first start, sealed in the database, the same for ever after.
//! Devices know the coordinator and its relay by them.

use zeroize::Zeroizing;

use crate::auth::stamp::StampKey;
use crate::auth::vault::Vault;
use crate::core::secret::Secret;
use crate::core::{Error, Result, Timestamp};
use crate::mesh::native::derp::{Certificate, RelayKey};
use crate::mesh::native::noise::ControlKey;
use crate::store::Store;
use crate::store::sealed_secret::{self, SealedSecret};

/// What the key of the stamps is kept as.
const STAMP_KEY: &str = "audit key";

/// Who this coordinator is to devices.
pub struct Identity {
    pub control_key: ControlKey,
    pub relay_key: RelayKey,
    /// For the stamps on the audit chain.
    pub stamp_key: StampKey,
}

/// Whether the database holds anything that only its master key opens.
pub async fn is_sealed(store: &Store) -> Result<bool> {
    store.read(sealed_secret::any_exists).await
}

/// Reads the keys, or makes them.
pub async fn load(store: &Store, master: &Vault, now: Timestamp) -> Result<Identity> {
    let control =
        keep(store, master, now, "control key", || Ok(ControlKey::random().secret_bytes().to_vec())).await?;
    let relay =
        keep(store, master, now, "relay key", || Ok(RelayKey::random().secret_bytes().to_vec())).await?;
    let stamp = keep(store, master, now, STAMP_KEY, || Ok(StampKey::generate().to_vec())).await?;
    Ok(Identity {
        control_key: ControlKey::from_bytes(key_bytes(&control)?),
        relay_key: RelayKey::from_bytes(key_bytes(&relay)?),
        stamp_key: StampKey::from_bytes(&stamp),
    })
}

/// The key of the stamps on the audit chain; none before the coordinator's first start.
pub async fn stamp_key(store: &Store, master: &Vault) -> Result<Option<StampKey>> {
    let kept = store.read(|read| sealed_secret::by_name(read, STAMP_KEY)).await?;
    kept.map(|kept| Ok(StampKey::from_bytes(&master.open(STAMP_KEY, &kept.key_id, &kept.sealed)?)))
        .transpose()
}

/// The relay's certificate for `host`, which devices pin: read, or made.
pub async fn relay_certificate(
    store: &Store,
    master: &Vault,
    now: Timestamp,
    host: &str,
) -> Result<Certificate> {
    let make = || {
        let fresh = Certificate::self_signed(&[host.to_owned()], now)?;
        Ok([fresh.key_pem.reveal(), &fresh.certificate_pem].join("\0").into_bytes())
    };
    let kept = keep(store, master, now, &format!("relay certificate for {host}"), make).await?;
    let text = std::str::from_utf8(&kept).ok().and_then(|text| text.split_once('\0'));
    let (key, certificate) = text.ok_or_else(|| Error::bug("the relay's certificate is not readable"))?;
    Ok(Certificate { certificate_pem: certificate.to_owned(), key_pem: Secret::new(key) })
}

/// The secret of this name as it is kept; the first to ask makes it, also among several coordinators.
async fn keep(
    store: &Store,
    master: &Vault,
    now: Timestamp,
    name: &str,
    make: impl FnOnce() -> Result<Vec<u8>>,
) -> Result<Zeroizing<Vec<u8>>> {
    let wanted = name.to_owned();
    if let Some(kept) = store.read(move |read| sealed_secret::by_name(read, &wanted)).await? {
        return master.open(name, &kept.key_id, &kept.sealed);
    }
    let (key_id, sealed) = master.seal(name, &Zeroizing::new(make()?))?;
    let (name_kept, created_at) = (name.to_owned(), now);
    let insert = move |tx: &mut crate::store::Tx<'_>| {
        sealed_secret::insert(tx, &SealedSecret { name: name_kept.clone(), key_id, sealed, created_at })?;
        sealed_secret::by_name(tx, &name_kept)?.ok_or_else(|| Error::bug("a kept secret is missing"))
    };
    let kept = store.write(insert).await?;
    master.open(name, &kept.key_id, &kept.sealed)
}

fn key_bytes(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| Error::bug("a kept key is not 32 bytes long"))
}
