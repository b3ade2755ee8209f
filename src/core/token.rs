//! The join token: one word that names a coordinator and carries one secret. Pure: text in, value out.
//!
//! The word is `wjt_` and, in base64url (RFC 4648 section 5, no padding):
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, 1 |
//! | 1 | length of the URL |
//! | n | URL of the coordinator |
//! | 20 | random secret |
//! | 4 | CRC-32 (IEEE, big-endian) of all before it: a mistyped token is found out before anything is asked |
//!
//! The secret alone, as `wak_` and hexadecimal, is the token's auth key. Clients read `--TL` and a
//! `tskey-client-` in an auth key in ways of their own; hexadecimal can hold neither.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;

use super::secret::{Secret, random_bytes};
use super::url::BaseUrl;
use super::{Error, Result, hex};

/// How every join token begins.
pub const PREFIX: &str = "wjt_";
/// How every auth key begins.
pub const AUTH_KEY_PREFIX: &str = "wak_";

const VERSION: u8 = 1;
const SECRET: usize = 20;
const CHECKSUM: usize = 4;
const HEADER: usize = 2;
/// The longest word looked at, in bytes; a real one has at most 425.
const LONGEST: usize = 1024;

/// A join token, taken apart.
#[derive(Clone)]
pub struct JoinToken {
    coordinator: BaseUrl,
    secret: [u8; SECRET],
}

impl JoinToken {
    /// A new token with 160 random bits.
    pub fn new(coordinator: BaseUrl) -> Self {
        JoinToken { coordinator, secret: random_bytes() }
    }

    pub fn coordinator(&self) -> &BaseUrl {
        &self.coordinator
    }

    /// The word that people paste.
    pub fn encode(&self) -> Secret {
        let url = self.coordinator.as_str().as_bytes();
        let mut bytes = vec![VERSION, u8::try_from(url.len()).unwrap_or(u8::MAX)];
        bytes.extend_from_slice(url);
        bytes.extend_from_slice(&self.secret);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
        Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The same secret for `tailscale up --auth-key`; its hash is what the coordinator keeps.
    pub fn auth_key(&self) -> Secret {
        Secret::new(format!("{AUTH_KEY_PREFIX}{}", hex::encode(&self.secret)))
    }

    /// Reads what a person pasted; space around it is forgiven.
    pub fn parse(text: &str) -> Result<Self> {
        let word = text.trim();
        let encoded = word.strip_prefix(PREFIX).ok_or_else(|| not_a_token(word))?;
        if encoded.len() > LONGEST {
            return Err(malformed("it is too long", COPY_ALONE));
        }
        // A truncated word may end within a byte; what is left over of it is not looked at here.
        let whole = encoded.len() - usize::from(encoded.len() % 4 == 1);
        let bytes = lenient().decode(&encoded[..encoded.floor_char_boundary(whole)]);
        let bytes = bytes.map_err(|_| malformed("it holds a character that no token has", COPY_WHOLE))?;
        let token = take_apart(&bytes)?;
        if whole < encoded.len() { Err(malformed("something follows it", COPY_ALONE)) } else { Ok(token) }
    }
}

/// Base64url that accepts leftover bits, so that a truncated token is called truncated.
fn lenient() -> base64::engine::GeneralPurpose {
    let config = base64::engine::general_purpose::NO_PAD.with_decode_allow_trailing_bits(true);
    base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, config)
}

const COPY_WHOLE: &str = "copy it whole, or make a new one with `wonder token create`";
const COPY_ALONE: &str = "copy the token alone, without what stands around it";

fn take_apart(bytes: &[u8]) -> Result<JoinToken> {
    let truncated = || malformed("its end is missing", COPY_WHOLE);
    let &[version, url_length, ref rest @ ..] = bytes else { return Err(truncated()) };
    if version != VERSION {
        return Err(malformed("it is mistyped, or made by a newer coordinator", COPY_WHOLE));
    }
    let url_length = usize::from(url_length);
    let length = HEADER + url_length + SECRET + CHECKSUM;
    if bytes.len() > length {
        return Err(malformed("something follows it", COPY_ALONE));
    }
    let (body, checksum) = bytes.split_at_checked(length - CHECKSUM).ok_or_else(truncated)?;
    let checksum: [u8; CHECKSUM] = checksum.try_into().map_err(|_| truncated())?;
    if crc32fast::hash(body).to_be_bytes() != checksum {
        return Err(malformed("it is mistyped", COPY_WHOLE));
    }
    let (url, secret) = rest[..url_length + SECRET].split_at(url_length);
    let url = std::str::from_utf8(url).map_err(|_| malformed("it names no coordinator", COPY_WHOLE))?;
    let secret = secret.try_into().map_err(|_| truncated())?;
    Ok(JoinToken { coordinator: url.parse()?, secret })
}

fn not_a_token(word: &str) -> Error {
    let hint = if word.starts_with(AUTH_KEY_PREFIX) {
        "this is an auth key: give it to `tailscale up --auth-key`, or paste the token that begins with wjt_"
    } else if word.starts_with("wnd_") {
        "this is an API key, which no device joins with; `wonder token create` makes a join token"
    } else {
        "a join token begins with wjt_; `wonder token create` makes one"
    };
    Error::usage("malformed_token", "this is not a join token").hint(hint)
}

fn malformed(why: &str, hint: &str) -> Error {
    Error::usage("malformed_token", format!("this join token cannot be read: {why}")).hint(hint)
}

impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinToken({}, …)", self.coordinator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token() -> JoinToken {
        JoinToken::new("http://192.168.1.10:8080".parse().unwrap())
    }

    fn refusal(word: &str) -> String {
        let error = JoinToken::parse(word).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("malformed_token", crate::core::Kind::Usage));
        assert!(error.hint_text().is_some());
        error.message().to_owned()
    }

    #[test]
    fn a_token_reads_back_with_space_around_it() {
        let token = token();
        let read = JoinToken::parse(&format!(" {}\n", token.encode().reveal())).unwrap();
        assert_eq!(read.coordinator(), token.coordinator());
        assert_eq!(read.auth_key().reveal(), token.auth_key().reveal());
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        let word = token().encode().reveal().to_owned();
        assert!(refusal(&word[..word.len() - 9]).contains("end is missing"));
        assert!(refusal(&format!("{word}AAAA")).contains("follows"));
        assert!(refusal(&format!("{}!", &word[..word.len() - 1])).contains("character"));
        assert!(refusal("hello").contains("not a join token"));
        let swapped = word.replace(&word[40..42], if &word[40..42] == "AA" { "BB" } else { "AA" });
        assert!(refusal(&swapped).contains("mistyped"));
        assert!(refusal("wjt_").contains("end is missing"));
    }

    #[test]
    fn nothing_prints_the_secret() {
        let token = token();
        assert!(!format!("{token:?}").contains(&token.auth_key().reveal()[4..]));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(wjt_)?\\PC{0,300}") {
            let _ = JoinToken::parse(&text);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = JoinToken::parse(&format!("wjt_{}", URL_SAFE_NO_PAD.encode(bytes)));
        }

        #[test]
        fn every_cut_is_found_out(cut in 1usize..60) {
            let word = token().encode().reveal().to_owned();
            prop_assert!(JoinToken::parse(&word[..word.len() - cut]).is_err());
        }

        #[test]
        fn every_changed_character_is_found_out(at in 4usize..60, to in "[A-Za-z0-9_-]") {
            let word = token().encode().reveal().to_owned();
            prop_assume!(at < word.len() - 1 && word[at..=at] != to);
            let changed = format!("{}{to}{}", &word[..at], &word[at + 1..]);
            prop_assert!(JoinToken::parse(&changed).is_err());
        }

        #[test]
        fn an_auth_key_is_safe_with_every_client(_n in 0..50u8) {
            let key = token().auth_key();
            prop_assert!(key.reveal().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
            prop_assert_eq!(key.reveal().len(), 44);
        }

        #[test]
        fn tokens_of_every_coordinator_read_back(host in "[a-z]{1,60}(\\.[a-z]{1,60}){0,3}", port in 1u16..) {
            let url = format!("https://{host}:{port}");
            if let Ok(url) = url.parse::<BaseUrl>() {
                let token = JoinToken::new(url.clone());
                let read = JoinToken::parse(token.encode().reveal()).unwrap();
                prop_assert_eq!(read.coordinator(), &url);
                let longer = format!("{}A", token.encode().reveal());
                prop_assert!(JoinToken::parse(&longer).is_err());
            }
        }
    }
}
