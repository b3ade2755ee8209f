//! The code that a person reads off a device and types elsewhere (RFC 8628 section 6.1).

use crate::auth::letters;
use crate::core::secret::{Secret, random_bytes};

/// Consonants alone: no code is a word, and none is taken for another.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// How many letters a code has: 34 bits, which a limit on tries makes enough for ten minutes.
const LETTERS: usize = 8;

/// `WDJB-MJHT`.
pub fn generate() -> Secret {
    let mut letters = String::new();
    while letters.len() < LETTERS {
        let [byte] = random_bytes::<1>();
        // 240 is the largest multiple of 20 in a byte: above it some letters would come more often.
        if byte < 240 {
            letters.push(char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
        }
    }
    Secret::new(shown(&letters))
}

fn shown(letters: &str) -> String {
    let (left, right) = letters.split_at(LETTERS / 2);
    format!("{left}-{right}")
}

/// What somebody typed, however they wrote it, as [`generate`] writes it; none if it can be no code.
pub fn read(typed: &str) -> Option<Secret> {
    let upper = |letter: char| letter.to_ascii_uppercase();
    letters::read(typed, upper, LETTERS, ALPHABET).map(|code| Secret::new(shown(&code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = generate();
        let text = code.reveal();
        assert_eq!((text.len(), &text[4..5]), (9, "-"));
        for typed in [text.to_owned(), text.to_lowercase(), text.replace('-', " "), text.replace('-', "")] {
            assert_eq!(read(&typed).unwrap().reveal(), text);
        }
    }

    #[test]
    fn what_can_be_no_code_is_none() {
        for typed in ["", "BCDF", "BCDF-GHJK-L", "ACDF-GHJK", "BCDF-GHJ1"] {
            assert!(read(typed).is_none(), "{typed}");
        }
    }
}
