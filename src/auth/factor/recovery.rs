//! Recovery codes: what is left to somebody whose other factors are lost. Twenty letters and digits, a hundred random
//! bits; each is hashed with the account that it is of, so that one round of SHA-256 is enough.

use crate::auth::letters;
use crate::core::id::UserId;
use crate::core::secret::{Secret, SecretHash, random_bytes};

/// How many an account is given.
pub const COUNT: usize = 10;
/// Crockford's: no letter that is taken for a digit, and no U.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 20;
/// Letters between two hyphens.
const GROUP: usize = 5;

/// `7k3vn-8q2rt-x04cm-hw9je`.
pub fn generate() -> Secret {
    let letter = |byte: &u8| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]);
    Secret::new(shown(&random_bytes::<LENGTH>().iter().map(letter).collect::<String>()))
}

fn shown(letters: &str) -> String {
    let letters: Vec<char> = letters.chars().collect();
    letters.chunks(GROUP).map(|group| group.iter().collect()).collect::<Vec<String>>().join("-")
}

/// What somebody typed, however they wrote it, as [`generate`] writes it; none if it can be no code.
pub fn read(typed: &Secret) -> Option<Secret> {
    letters::read(typed.reveal(), likely, LENGTH, ALPHABET).map(|code| Secret::new(shown(&code)))
}

/// What is read for what it looks like.
fn likely(letter: char) -> char {
    match letter.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    }
}

/// What the database keeps of an account's code.
pub fn hash(user: UserId, code: &Secret) -> SecretHash {
    Secret::new(format!("recovery code of {user}: {}", code.reveal())).hash()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Timestamp;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = generate();
        let text = code.reveal();
        assert_eq!((text.len(), text.matches('-').count()), (23, 3), "{text}");
        let alike = text.replace('0', "O").replace('1', "l");
        for typed in
            [text.to_owned(), text.to_uppercase(), text.replace('-', " "), text.replace('-', ""), alike]
        {
            assert_eq!(read(&Secret::new(typed)).unwrap().reveal(), text);
        }
        for typed in ["", "287082", &text[1..], &format!("{text}0"), &text.replace('-', "u")] {
            assert!(read(&Secret::new(typed)).is_none(), "{typed}");
        }
    }

    #[test]
    fn a_hash_is_of_one_account() {
        let (one, other) = (UserId::new(Timestamp::from_millis(1)), UserId::new(Timestamp::from_millis(2)));
        let code = generate();
        assert_eq!(hash(one, &code).as_bytes(), hash(one, &code).as_bytes());
        assert_ne!(hash(one, &code).as_bytes(), hash(other, &code).as_bytes());
    }
}
