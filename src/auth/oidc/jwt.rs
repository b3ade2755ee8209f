//! The tokens of a provider that are no ID tokens: access tokens that are JWTs (RFC 9068, and what providers made
//! before it), and logout tokens. Checks who signed; what the claims are good for is the caller's affair.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeyUse, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey as _, JsonWebKeySet};
use serde::Deserialize;

use super::claims::Claims;
use super::directory::{Directory, Metadata};
use super::flow::{ALGORITHMS, payload};
use crate::core::provider::Provider;
use crate::core::{Result, Timestamp};

/// The longest token, in bytes.
const LONGEST: usize = 16 * 1024;

/// A token that the provider has signed.
#[derive(Clone, Debug)]
pub struct Signed {
    /// What it says it is (`typ` of its header), in lower case.
    pub kind: Option<String>,
    pub claims: Claims,
}

/// Why a token does not count, for the log.
pub type Reason = &'static str;

#[derive(Deserialize)]
struct Header {
    alg: CoreJwsSigningAlgorithm,
    kid: Option<String>,
    typ: Option<String>,
    /// What must be understood (RFC 7515 section 4.1.11); nothing of it is.
    crit: Option<serde::de::IgnoredAny>,
}

/// Whether this looks like a compact JWT.
pub fn is_jwt(text: &str) -> bool {
    text.starts_with("eyJ") && text.split('.').count() == 3
}

/// Who issued a token, as it says itself: to find the provider to check it with.
pub fn claimed_issuer(token: &str) -> Option<String> {
    (token.len() <= LONGEST).then(|| payload(token)?.text("iss").map(str::to_owned)).flatten()
}

/// Checks that `provider` signed a token, and says to be its issuer. An error is about the provider, which may
/// be away; a [`Reason`] about the token. What is wrong whoever signed it is found without asking the provider.
pub async fn check(
    directory: &Directory,
    provider: &Provider,
    token: &str,
    now: Timestamp,
) -> Result<Result<Signed, Reason>> {
    let unproven = match Unproven::read(token, provider) {
        Ok(unproven) => unproven,
        Err(reason) => return Ok(Err(reason)),
    };
    let verified = match unproven.verify(&*directory.metadata(provider, now).await?) {
        Err(Fault::UnknownKey) => unproven.verify(&*directory.with_new_keys(provider, now).await?),
        done => done,
    };
    Ok(match verified {
        Ok(()) => Ok(unproven.signed),
        Err(Fault::UnknownKey) => Err("it is signed with an unknown key"),
        Err(Fault::WrongSignature) => Err("its signature is wrong"),
    })
}

#[derive(Debug)]
enum Fault {
    UnknownKey,
    WrongSignature,
}

/// A token that says to be of a provider, before anybody has looked whether it is.
struct Unproven<'t> {
    alg: CoreJwsSigningAlgorithm,
    key_id: Option<String>,
    message: &'t str,
    signature: Vec<u8>,
    /// What it is if the signature is right.
    signed: Signed,
}

impl<'t> Unproven<'t> {
    fn read(token: &'t str, provider: &Provider) -> Result<Self, Reason> {
        let (header, message, signature) = take_apart(token).ok_or("it is no signed JWT")?;
        if header.crit.is_some() || !ALGORITHMS.contains(&header.alg) {
            return Err("its algorithm is not accepted");
        }
        let claims = payload(token).ok_or("its claims are not JSON")?;
        if claims.text("iss") != Some(provider.issuer.as_str()) {
            return Err("it is of another issuer");
        }
        let kind =
            header.typ.map(|typ| typ.to_ascii_lowercase().trim_start_matches("application/").to_owned());
        let signed = Signed { kind, claims };
        Ok(Unproven { alg: header.alg, key_id: header.kid, message, signature, signed })
    }

    fn verify(&self, metadata: &Metadata) -> Result<(), Fault> {
        let mut keys = candidates(metadata.jwks(), self.key_id.as_deref()).peekable();
        if keys.peek().is_none() {
            return Err(Fault::UnknownKey);
        }
        let message = self.message.as_bytes();
        match keys.any(|key| key.verify_signature(&self.alg, message, &self.signature).is_ok()) {
            true => Ok(()),
            // Keys without names come and go unseen.
            false if self.key_id.is_none() => Err(Fault::UnknownKey),
            false => Err(Fault::WrongSignature),
        }
    }
}

/// Whether a compact token says by which key it is signed (RFC 7515 section 4.1.4).
pub(super) fn names_its_key(token: &str) -> bool {
    take_apart(token).is_some_and(|(header, ..)| header.kid.is_some())
}

fn take_apart(token: &str) -> Option<(Header, &str, Vec<u8>)> {
    let (message, signature) = token.rsplit_once('.').filter(|_| token.len() <= LONGEST && is_jwt(token))?;
    let header = URL_SAFE_NO_PAD.decode(message.split('.').next()?).ok()?;
    Some((serde_json::from_slice(&header).ok()?, message, URL_SAFE_NO_PAD.decode(signature).ok()?))
}

/// The keys that may have signed: by id where the token names one, and never one that is for encryption.
fn candidates<'k>(
    keys: &'k JsonWebKeySet<CoreJsonWebKey>,
    id: Option<&'k str>,
) -> impl Iterator<Item = &'k CoreJsonWebKey> {
    let signs = |key: &&CoreJsonWebKey| key.key_use().is_none_or(|u| *u == CoreJsonWebKeyUse::Signature);
    let named =
        move |key: &&CoreJsonWebKey| id.is_none_or(|id| key.key_id().is_some_and(|kid| kid.as_str() == id));
    keys.keys().iter().filter(signs).filter(named)
}
