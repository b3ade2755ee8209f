//! The form of an API key: `wnd_`, 192 random bits in hexadecimal, and a CRC-32 of all before it. Secret
//! scanners find it by `wnd_[0-9a-f]{56}`, and what is mistyped never reaches the database.

use crate::core::hex;
use crate::core::secret::{Secret, random_bytes};

/// How every API key begins.
pub const PREFIX: &str = "wnd_";
/// The whole length, in bytes.
const LENGTH: usize = 60;
const CHECKSUM: usize = 8;
/// How much of a key a list may show: the prefix and 32 of its 192 bits.
const SHOWN: usize = 12;

/// A new API key.
pub fn mint() -> Secret {
    let body = format!("{PREFIX}{}", hex::encode(&random_bytes::<24>()));
    let checksum = crc32fast::hash(body.as_bytes());
    Secret::new(format!("{body}{checksum:08x}"))
}

/// How a key begins, to tell it from others in a list.
pub fn shown(key: &Secret) -> String {
    key.reveal().chars().take(SHOWN).collect()
}

/// Whether a bearer token is meant to be an API key.
pub fn is_api_key(bearer: &str) -> bool {
    bearer.starts_with(PREFIX)
}

/// Whether it has the form of a key that [`mint`] made.
pub fn is_well_formed(bearer: &str) -> bool {
    let Some((body, checksum)) = bearer.split_at_checked(LENGTH - CHECKSUM) else { return false };
    is_api_key(bearer) && checksum == format!("{:08x}", crc32fast::hash(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_has_its_form() {
        let key = mint();
        assert!(is_well_formed(key.reveal()));
        assert_eq!(key.reveal().len(), LENGTH);
        assert!(key.reveal()[4..].bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        assert_eq!(shown(&key), key.reveal()[..12]);
    }

    proptest! {
        #[test]
        fn a_changed_key_is_found_out(at in 0usize..60, to in "[0-9a-z_]") {
            let key = mint().reveal().to_owned();
            prop_assume!(key[at..=at] != to);
            let changed = format!("{}{to}{}", &key[..at], &key[at + 1..]);
            prop_assert!(!is_well_formed(&changed));
        }

        #[test]
        fn any_text_is_judged(text in "(wnd_)?\\PC{0,80}") {
            let _ = is_well_formed(&text);
        }
    }
}
