//! Tokens signed with ES256 (RFC 7515, RFC 7518 section 3.4), and the public halves of the keys as a JSON Web
//! Key (RFC 7517). Whoever verifies them is elsewhere; read back are those that an app shows again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::core::{Error, Result};

/// The longest token that is read back, in bytes.
const LONGEST: usize = 4096;

/// A key that signs. It does not print.
pub struct SigningKey {
    pair: EcdsaKeyPair,
}

impl SigningKey {
    /// New key material, as PKCS #8.
    pub fn generate() -> Result<Zeroizing<Vec<u8>>> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let document = document.map_err(|_| Error::bug("no signing key could be made"))?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes, &SystemRandom::new());
        Ok(SigningKey { pair: pair.map_err(|_| Error::bug("a kept signing key is not readable"))? })
    }

    /// The public half: a point of P-256, uncompressed, 65 bytes.
    pub fn public(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    /// `claims`, signed, in the compact form (RFC 7515 section 3.1).
    pub fn sign(&self, kid: &str, claims: &Value) -> Result<String> {
        let header = json!({ "alg": "ES256", "kid": kid, "typ": "JWT" });
        let input = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes());
        let signature = signature.map_err(|_| Error::bug("a token could not be signed"))?;
        Ok(format!("{input}.{}", encode(signature.as_ref())))
    }
}

/// The claims of a token that one of these keys (id, public half) has signed; none of any other.
pub fn verified<'k>(token: &str, keys: impl IntoIterator<Item = (String, &'k [u8])>) -> Option<Value> {
    let (input, signature) = token.rsplit_once('.').filter(|_| token.len() <= LONGEST)?;
    let (header, claims) = input.split_once('.')?;
    let header: Value = serde_json::from_slice(&decode(header)?).ok()?;
    if header["alg"] != "ES256" || !header["crit"].is_null() {
        return None;
    }
    let (_, public) = keys.into_iter().find(|(kid, _)| header["kid"] == kid.as_str())?;
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public);
    public.verify(input.as_bytes(), &decode(signature)?).ok()?;
    serde_json::from_slice(&decode(claims)?).ok()
}

/// The public half of a key as a JSON Web Key (RFC 7518 section 6.2).
pub fn jwk(kid: &str, public: &[u8]) -> Result<Value> {
    let point = public.strip_prefix(&[4]).filter(|point| point.len() == 64);
    let (x, y) = point.ok_or_else(|| Error::bug("a kept public key is no point of P-256"))?.split_at(32);
    let (x, y) = (encode(x), encode(y));
    Ok(json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, "x": x, "y": y }))
}

/// `at_hash` of an access token: the left half of its SHA-256 (OpenID Connect Core section 3.1.3.6).
pub fn at_hash(access_token: &str) -> String {
    encode(&Sha256::digest(access_token.as_bytes())[..16])
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_verifies_by_the_published_key() {
        let key = SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap();
        let token = key.sign("k1", &json!({ "sub": "ada" })).unwrap();
        let (input, signature) = token.rsplit_once('.').unwrap();
        let jwk = jwk("k1", &key.public()).unwrap();
        let coordinate = |name: &str| decode(jwk[name].as_str().unwrap()).unwrap();
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        public.verify(input.as_bytes(), &decode(signature).unwrap()).unwrap();
        public.verify(b"something else", &decode(signature).unwrap()).unwrap_err();
        let header: Value =
            serde_json::from_slice(&decode(input.split_once('.').unwrap().0).unwrap()).unwrap();
        assert_eq!(header, json!({ "alg": "ES256", "kid": "k1", "typ": "JWT" }));
    }

    #[test]
    fn only_what_a_known_key_signed_is_read_back() {
        let [own, other] = [0, 1].map(|_| SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap());
        let claims = json!({ "sub": "ada" });
        let public = own.public();
        let read = |token: &str| verified(token, [("k1".to_owned(), public.as_slice())]);
        assert_eq!(read(&own.sign("k1", &claims).unwrap()), Some(claims.clone()));
        let (token, forged) = (own.sign("k1", &claims).unwrap(), other.sign("k1", &claims).unwrap());
        let (head, _) = token.rsplit_once('.').unwrap();
        let unsigned = format!("{}.{}.", encode(r#"{"alg":"none","kid":"k1"}"#), encode(claims.to_string()));
        let long = format!("{token}{}", "A".repeat(LONGEST));
        for bad in
            [&forged, &own.sign("k2", &claims).unwrap(), &format!("{head}."), &unsigned, &long, "a.b", ""]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_hash_of_an_access_token_is_half_a_sha_256() {
        // Made with another implementation (Python, hashlib and base64).
        assert_eq!(at_hash("wat_x"), "4Mqp-gZaZyQv9DHKqu5YlQ");
    }
}
