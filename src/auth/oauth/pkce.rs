//! Proof key for code exchange (RFC 7636), by S256 alone: `plain` would let whoever sees the request redeem
//! the code.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::core::{Error, Result};

/// The length of a SHA-256 in base64url.
const CHALLENGE_LENGTH: usize = 43;

/// Reads `code_challenge` and `code_challenge_method` (RFC 7636 section 4.3). Nothing given is nothing asked.
pub fn challenge(challenge: Option<&str>, method: Option<&str>) -> Result<Option<String>> {
    let Some(challenge) = challenge else {
        return match method {
            None => Ok(None),
            Some(_) => Err(invalid("code_challenge_method was given without code_challenge")),
        };
    };
    if method != Some("S256") {
        return Err(invalid("code_challenge_method must be S256"));
    }
    match challenge.len() == CHALLENGE_LENGTH && challenge.bytes().all(is_base64url) {
        true => Ok(Some(challenge.to_owned())),
        false => Err(invalid("code_challenge is not the base64url of a SHA-256")),
    }
}

/// Whether `verifier` is what `challenge` was made of (RFC 7636 section 4.6). A verifier without a challenge is
/// refused too: somebody took the challenge out of the request (RFC 9700 section 4.8.2).
pub fn verify(challenge: Option<&str>, verifier: Option<&str>) -> Result<()> {
    let refused = |what: &str| Err(Error::usage("invalid_grant", what));
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => refused("this code was authorized without code_challenge"),
        (Some(_), None) => refused("code_verifier is missing"),
        (Some(challenge), Some(verifier)) if is_verifier(verifier) => {
            match bool::from(s256(verifier).as_bytes().ct_eq(challenge.as_bytes())) {
                true => Ok(()),
                false => refused("code_verifier is not the one of this code"),
            }
        }
        (Some(_), Some(_)) => refused("code_verifier has 43 to 128 unreserved characters"),
    }
}

/// The challenge of a verifier.
pub fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// RFC 7636 section 4.1.
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|b| is_base64url(b) || matches!(b, b'.' | b'~'))
}

fn invalid(what: &str) -> Error {
    Error::usage("invalid_request", what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_rfc() {
        assert_eq!(s256(VERIFIER), CHALLENGE);
        assert_eq!(challenge(Some(CHALLENGE), Some("S256")).unwrap().as_deref(), Some(CHALLENGE));
        verify(Some(CHALLENGE), Some(VERIFIER)).unwrap();
        verify(None, None).unwrap();
    }

    #[test]
    fn plain_and_what_is_no_challenge_is_refused() {
        for (text, method) in [
            (Some(CHALLENGE), Some("plain")),
            (Some(CHALLENGE), None),
            (Some("short"), Some("S256")),
            (Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"), Some("S256")),
            (None, Some("S256")),
        ] {
            assert_eq!(challenge(text, method).unwrap_err().code(), "invalid_request", "{text:?}");
        }
        assert_eq!(challenge(None, None).unwrap(), None);
    }

    #[test]
    fn a_wrong_missing_or_unasked_verifier_is_refused() {
        let other = "a".repeat(43);
        for (challenge, verifier) in [
            (Some(CHALLENGE), Some(other.as_str())),
            (Some(CHALLENGE), Some("short")),
            (Some(CHALLENGE), None),
            (None, Some(VERIFIER)),
        ] {
            assert_eq!(verify(challenge, verifier).unwrap_err().code(), "invalid_grant");
        }
    }
}
