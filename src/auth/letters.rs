//! Codes that people copy by hand. Called by `factor::recovery` and `oauth::user_code`, which say what a code is.

/// The longest that is looked at, in letters.
const LONGEST: usize = 40;

/// The letters of what somebody typed, whatever stands between them, each as `likely` takes it; none unless they are
/// `length` letters of `alphabet`.
pub fn read(typed: &str, likely: fn(char) -> char, length: usize, alphabet: &[u8]) -> Option<String> {
    let letters: String =
        typed.chars().filter(char::is_ascii_alphanumeric).map(likely).take(LONGEST).collect();
    (letters.len() == length && letters.bytes().all(|b| alphabet.contains(&b))).then_some(letters)
}
