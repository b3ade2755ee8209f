//! Codes by time (RFC 6238): six digits that an authenticator app shows, new every half minute. The algorithm is
//! that of every such app: HMAC-SHA-1, a step of 30 seconds since 1970.

use ring::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::core::secret::{Secret, random_bytes};
use crate::core::url::encode;
use crate::core::{Error, Result, Timestamp};

/// Of a secret, in bytes: as long as the digest (RFC 4226 section 4, R6).
const LENGTH: usize = 20;
/// Milliseconds for which a code is shown.
const STEP: i64 = 30_000;
const DIGITS: usize = 6;
/// How many steps a clock may be off, before and after (RFC 6238 section 5.2).
const WINDOW: i64 = 1;

/// What an authenticator app and the coordinator share.
pub struct TotpSecret(Zeroizing<[u8; LENGTH]>);

impl TotpSecret {
    pub fn generate() -> Self {
        TotpSecret(Zeroizing::new(random_bytes()))
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bytes = bytes.try_into().map_err(|_| Error::bug("a secret of codes by time is not 20 bytes"))?;
        Ok(TotpSecret(Zeroizing::new(bytes)))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &*self.0
    }

    /// For who types it: base32 (RFC 4648 section 6), 32 letters and digits.
    pub fn text(&self) -> Secret {
        Secret::new(base32(&*self.0))
    }

    /// For a camera: what authenticator apps read as an account of `issuer`.
    pub fn uri(&self, issuer: &str, account: &str) -> Secret {
        let (issuer, account, secret) = (encode(issuer, b""), encode(account, b""), base32(&*self.0));
        Secret::new(format!("otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}"))
    }

    /// The step whose code this is, among those that are near enough to `now`: the latest, should two be alike.
    pub fn step_of(&self, code: &Secret, now: Timestamp) -> Option<i64> {
        let here = now.as_millis().div_euclid(STEP);
        let is_it = |step: &i64| self.code(*step).as_bytes().ct_eq(code.reveal().as_bytes()).into();
        let near: Vec<i64> = (here - WINDOW..=here + WINDOW).filter(is_it).collect();
        near.last().copied()
    }

    /// RFC 4226 section 5.3, of the step's number.
    fn code(&self, step: i64) -> String {
        let key = hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &*self.0);
        let digest = hmac::sign(&key, &step.to_be_bytes());
        let digest = digest.as_ref();
        let offset = usize::from(digest[LENGTH - 1] & 0xf);
        let word = digest[offset..offset + 4].iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        format!("{:0DIGITS$}", (word & 0x7fff_ffff) % 10_u32.pow(6))
    }
}

/// What somebody typed as a code by time; none if it can be none.
pub fn read(typed: &Secret) -> Option<Secret> {
    let digits: String = typed.reveal().chars().filter(|c| !c.is_whitespace()).take(40).collect();
    (digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_digit())).then(|| Secret::new(digits))
}

fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let five = |chunk: &[u8]| {
        let word = chunk.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
        let letter = |at: u32| char::from(ALPHABET[usize::try_from(word >> (35 - 5 * at) & 31).unwrap_or(0)]);
        (0..8).map(letter).collect::<String>()
    };
    // Whole groups of five: a secret is 20 bytes long.
    bytes.chunks_exact(5).map(five).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    /// RFC 6238 appendix B, for SHA-1, to six digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret.code(seconds / 30), code);
            assert_eq!(secret.step_of(&Secret::new(code), at(seconds)), Some(seconds / 30));
        }
    }

    /// RFC 4226 appendix D.
    #[test]
    fn codes_are_those_of_the_standard_beneath() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        let codes: Vec<_> = (0..10).map(|count| secret.code(count)).collect();
        let known = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489";
        assert_eq!(codes.join(" "), known);
    }

    #[test]
    fn a_clock_may_be_off_by_a_step_and_no_more() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        let code = Secret::new(secret.code(1000));
        for (seconds, known) in
            [(29_969, false), (29_970, true), (30_000, true), (30_059, true), (30_060, false)]
        {
            assert_eq!(secret.step_of(&code, at(seconds)).is_some(), known, "{seconds}");
        }
    }

    #[test]
    fn an_app_reads_the_secret() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        assert_eq!(secret.text().reveal(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let uri = secret.uri("mesh.example.org", "ada@example.org");
        let wanted = "otpauth://totp/mesh.example.org:ada%40example.org\
            ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=mesh.example.org";
        assert_eq!(uri.reveal(), wanted);
        assert!(TotpSecret::from_bytes(b"short").is_err());
    }

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        for typed in ["287082", " 287 082 ", "2 8 7 0 8 2"] {
            assert_eq!(read(&Secret::new(typed)).unwrap().reveal(), "287082");
        }
        for typed in ["", "28708", "2870822", "28708a", "٢٨٧٠٨٢"] {
            assert!(read(&Secret::new(typed)).is_none(), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_a_code_or_none(typed in ".{0,60}", now in any::<i64>()) {
            let secret = TotpSecret::generate();
            if let Some(code) = read(&Secret::new(typed)) {
                let _ = secret.step_of(&code, Timestamp::from_millis(now / 2));
            }
        }
    }
}
