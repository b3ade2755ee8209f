//! The keys that ID tokens are signed with: made here, sealed in the database, replaced every 90 days. The next
//! one is shown a day before it signs, the last one a week after it did, so that whoever keeps a copy of the
//! list is never surprised.

use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

use super::exchange::{ACCESS_LIFETIME, Identity};
use crate::auth::oauth::jwt;
use crate::auth::vault::Vault;
use crate::core::id::SigningKeyId;
use crate::core::secret::Secret;
use crate::core::{Error, Result, Timestamp};
use crate::service::app::App;
use crate::store::oauth::signing_key::{self as keys, SigningKey};
use crate::store::sealed_secret::{self, SealedSecret};
use crate::store::{Store, Tx};

/// How long a key signs.
const PERIOD: Duration = Duration::from_secs(90 * 86_400);
/// How long a key is shown before it signs.
const LEAD: Duration = Duration::from_secs(86_400);
/// How long a key is shown after another has taken its place.
const KEPT: Duration = Duration::from_secs(7 * 86_400);

/// Signs for this coordinator. Cheap to clone.
#[derive(Clone)]
pub struct Signing(Arc<Parts>);

struct Parts {
    store: Store,
    master: Arc<Vault>,
}

impl Signing {
    /// Makes the first key, if there is none.
    pub async fn load(store: &Store, master: Arc<Vault>, now: Timestamp) -> Result<Self> {
        let signing = Signing(Arc::new(Parts { store: store.clone(), master }));
        signing.rotate(now).await?;
        Ok(signing)
    }

    /// The public halves, as a JSON Web Key Set (RFC 7517 section 5).
    pub async fn key_set(&self) -> Result<Value> {
        let keys = self.0.store.read(keys::list).await?;
        let keys = keys.iter().map(|key| jwt::jwk(&key.id.to_string(), &key.public));
        Ok(json!({ "keys": keys.collect::<Result<Vec<_>>>()? }))
    }

    /// Who logged in, for one app (OpenID Connect Core section 2).
    pub async fn id_token(&self, app: &App, who: &Identity, access: &Secret) -> Result<String> {
        let now = app.now();
        let mut claims = json!({
            "iss": app.settings().url.as_str(),
            "sub": who.user.to_string(),
            "aud": who.app.to_string(),
            "azp": who.app.to_string(),
            "iat": now.as_unix().0,
            "exp": now.plus(ACCESS_LIFETIME).as_unix().0,
            "at_hash": jwt::at_hash(access.reveal()),
        });
        let more = [
            ("auth_time", who.logged_in_at.map(|at| at.as_unix().0.into())),
            ("nonce", who.nonce.clone().map(Value::from)),
        ];
        let more = more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        if let Some(claims) = claims.as_object_mut() {
            claims.extend(more);
            claims.extend(who.email.iter().flat_map(|email| profile(email.as_str())));
        }
        self.sign(&claims, now).await
    }

    async fn sign(&self, claims: &Value, now: Timestamp) -> Result<String> {
        let read = move |read: &mut crate::store::Read<'_>| {
            let all = keys::list(read)?;
            let signer = signer(&all, now).ok_or_else(|| Error::bug("there is no signing key"))?;
            let sealed = sealed_secret::by_name(read, &name_of(signer.id))?;
            Ok((signer.id, sealed.ok_or_else(|| Error::bug("a signing key has no private half"))?))
        };
        let (id, sealed) = self.0.store.read(read).await?;
        let private = self.0.master.open(&sealed.name, &sealed.key_id, &sealed.sealed)?;
        jwt::SigningKey::from_pkcs8(&private)?.sign(&id.to_string(), claims)
    }

    /// Makes the next key when it is time, and forgets those that nobody needs any more.
    pub async fn rotate(&self, now: Timestamp) -> Result<()> {
        let all = self.0.store.read(keys::list).await?;
        let next = is_due(&all, now).then(|| self.fresh(now)).transpose()?;
        let over: Vec<SigningKeyId> = over(&all, now).collect();
        if next.is_none() && over.is_empty() {
            return Ok(());
        }
        let write = move |tx: &mut Tx<'_>| {
            if let Some((key, sealed)) = next {
                sealed_secret::insert(tx, &sealed)?;
                keys::insert(tx, &key)?;
            }
            for id in over {
                keys::delete(tx, id)?;
                sealed_secret::delete(tx, &name_of(id))?;
            }
            Ok(())
        };
        self.0.store.write(write).await
    }

    fn fresh(&self, now: Timestamp) -> Result<(SigningKey, SealedSecret)> {
        let private = jwt::SigningKey::generate()?;
        let public = jwt::SigningKey::from_pkcs8(&private)?.public();
        let id = SigningKeyId::new(now);
        let name = name_of(id);
        let (key_id, sealed) = self.0.master.seal(&name, &private)?;
        let sealed = SealedSecret { name, key_id, sealed, created_at: now };
        Ok((SigningKey { id, public, created_at: now }, sealed))
    }
}

/// The claims of an ID token that this coordinator made, be it over or not; none of any other.
pub(super) async fn read_back(app: &App, token: &str) -> Result<Option<Value>> {
    let keys = app.store().read(keys::list).await?;
    let claims = jwt::verified(token, keys.iter().map(|key| (key.id.to_string(), key.public.as_slice())));
    Ok(claims.filter(|claims| claims["iss"] == app.settings().url.as_str()))
}

/// What is told of a person whose profile may be read (OpenID Connect Core section 5.1). Nobody has proved the
/// address: it is what the account is called.
pub fn profile(email: &str) -> [(String, Value); 4] {
    [
        ("email".to_owned(), email.into()),
        ("email_verified".to_owned(), false.into()),
        ("name".to_owned(), email.into()),
        ("preferred_username".to_owned(), email.into()),
    ]
}

fn name_of(id: SigningKeyId) -> String {
    format!("oauth signing key {id}")
}

/// Of the keys, newest first, the one that signs: the newest that has been shown for long enough; a first
/// one at once.
fn signer(keys: &[SigningKey], now: Timestamp) -> Option<&SigningKey> {
    keys.iter().find(|key| key.created_at.plus(LEAD) <= now).or(keys.last())
}

fn is_due(keys: &[SigningKey], now: Timestamp) -> bool {
    keys.first().is_none_or(|newest| newest.created_at.plus(PERIOD) <= now)
}

/// Those whose successor has been signing for as long as they are kept.
fn over(keys: &[SigningKey], now: Timestamp) -> impl Iterator<Item = SigningKeyId> {
    let is_over = move |pair: &&[SigningKey]| pair[0].created_at.plus(LEAD + KEPT) <= now;
    keys.windows(2).filter(is_over).map(|pair| pair[1].id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn day(count: u64) -> Timestamp {
        START.plus(Duration::from_secs(count * 86_400))
    }

    fn made(at: Timestamp) -> SigningKey {
        SigningKey { id: SigningKeyId::new(at), public: Vec::new(), created_at: at }
    }

    #[test]
    fn the_next_key_is_shown_before_it_signs_and_the_last_one_after() {
        let keys = [made(day(90)), made(day(0))];
        let signs = |at| signer(&keys, at).unwrap().created_at;
        assert_eq!(signer(&keys[1..], START).unwrap().created_at, day(0), "the first signs at once");
        assert!(!is_due(&keys[1..], day(89)) && is_due(&keys[1..], day(90)) && is_due(&[], START));
        assert_eq!((signs(day(90)), signs(day(91))), (day(0), day(90)));
        assert_eq!((over(&keys, day(97)).count(), over(&keys, day(98)).count()), (0, 1));
        assert_eq!(over(&keys, day(98)).next(), Some(keys[1].id));
    }
}
