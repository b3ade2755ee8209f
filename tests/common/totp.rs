//! An authenticator app made by hand (RFC 6238), which shares nothing with the coordinator's code.

use ring::hmac;
use wonder::core::Timestamp;

/// The secret, as a person types it into the app.
#[derive(Clone, Debug)]
pub struct Authenticator(Vec<u8>);

impl Authenticator {
    pub fn new(text: &str) -> Authenticator {
        const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bits: String =
            text.chars().map(|c| format!("{:05b}", ALPHABET.find(c).expect("base32"))).collect();
        let byte = |at: usize| u8::from_str_radix(&bits[at * 8..at * 8 + 8], 2).unwrap();
        Authenticator((0..bits.len() / 8).map(byte).collect())
    }

    /// The six digits that it shows.
    pub fn code(&self, at: Timestamp) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &(at.as_millis() / 30_000).to_be_bytes());
        let bytes = tag.as_ref();
        let offset = usize::from(bytes[19] & 15);
        let word = u32::from_be_bytes(bytes[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", word % 1_000_000)
    }
}
