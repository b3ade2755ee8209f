//! Tags: what a node is for. `tag:` and a lower-case word.

use super::{Error, Result};

/// How long the word after `tag:` may be, in bytes.
const LONGEST: usize = 50;

/// How many tags one node may carry.
pub const MOST: usize = 16;

/// Checks one tag: `tag:`, then a letter or digit, then letters, digits and dashes.
pub fn check(tag: &str) -> Result<()> {
    let is_word = |word: &str| {
        (1..=LONGEST).contains(&word.len())
            && !word.starts_with('-')
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if tag.strip_prefix("tag:").is_some_and(is_word) {
        return Ok(());
    }
    let shown: String = tag.chars().take(64).collect();
    Err(Error::usage("malformed_tag", format!("{shown:?} is not a tag"))
        .hint("a tag is tag: and a lower-case word of letters, digits and dashes, like tag:server"))
}

/// Checks a list of tags and puts it in order, each tag once.
pub fn normalize(mut tags: Vec<String>) -> Result<Vec<String>> {
    tags.iter().try_for_each(|tag| check(tag))?;
    tags.sort_unstable();
    tags.dedup();
    if tags.len() > MOST {
        return Err(Error::usage("too_many_tags", format!("more than {MOST} tags")));
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_lower_case_words() {
        assert!(check("tag:server").is_ok() && check("tag:k8s-node").is_ok());
        for bad in ["server", "tag:", "tag:Server", "tag:-a", "tag:a b", "tag:ü", "TAG:a"] {
            assert_eq!(check(bad).unwrap_err().code(), "malformed_tag", "{bad}");
        }
        assert!(check(&format!("tag:{}", "a".repeat(51))).is_err());
    }

    #[test]
    fn a_list_is_sorted_and_without_repeats() {
        let tags = ["tag:b", "tag:a", "tag:b"].map(str::to_owned).to_vec();
        assert_eq!(normalize(tags).unwrap(), ["tag:a", "tag:b"]);
        assert!(normalize((0..17).map(|i| format!("tag:{i}")).collect()).is_err());
    }
}
