//! Pages of a list. A cursor is the key of the last item of a page, wrapped so that nobody builds on it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::str::FromStr;

use super::{Error, Result};

/// How many items a page has when nobody says.
pub const DEFAULT_LIMIT: u16 = 50;
/// How many items a page has at most.
pub const MAX_LIMIT: u16 = 200;

/// Which end of a list comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    OldestFirst,
    NewestFirst,
}

/// Which part of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    limit: u16,
    after: Option<String>,
}

impl Page {
    /// Reads what a caller asks for: 1 to 200 items, after a cursor of ours.
    pub fn new(limit: Option<u16>, cursor: Option<&str>) -> Result<Self> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Error::usage("malformed_limit", format!("a page has 1 to {MAX_LIMIT} items")));
        }
        Ok(Page { limit, after: cursor.map(unwrap_cursor).transpose()? })
    }

    /// The key that the page begins after; `None` at the beginning.
    pub fn after<K: FromStr>(&self) -> Result<Option<K>> {
        self.after.as_ref().map(|key| key.parse().map_err(|_| malformed())).transpose()
    }

    /// How many rows to ask the database for: one more than the page has, which tells whether another follows.
    pub fn rows(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The page of a list that is here whole; `key` tells its items apart.
    pub fn pick<T>(&self, all: Vec<T>, key: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
        let is_after = |item: &T| self.after.as_ref().is_some_and(|after| key(item) == *after);
        let begin = all.iter().position(is_after).map_or(0, |found| found + 1);
        self.cut(all.into_iter().skip(begin).collect(), key)
    }

    /// Cuts what the database gave to the page, and makes the cursor of the next one; `key` is what the
    /// list is ordered by.
    pub fn cut<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
        let more = rows.len() > usize::from(self.limit);
        rows.truncate(usize::from(self.limit));
        let next = rows.last().filter(|_| more).map(|last| cursor(&key(last)));
        (rows, next)
    }
}

/// The cursor of a page that begins after what has this key.
pub fn cursor(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("1{key}"))
}

fn unwrap_cursor(cursor: &str) -> Result<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| malformed())?;
    let text = String::from_utf8(bytes).map_err(|_| malformed())?;
    let key = text.strip_prefix('1').filter(|key| !key.contains('\0') && key.len() <= 256);
    key.map(str::to_owned).ok_or_else(malformed)
}

fn malformed() -> Error {
    Error::usage("malformed_cursor", "this cursor is not from an answer of this list")
        .hint("pass on the next_cursor of the page before, or none to begin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_walked_to_its_end() {
        let all: Vec<u32> = (1..=5).collect();
        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let page = Page::new(Some(2), cursor.as_deref()).unwrap();
            let after = page.after::<u32>().unwrap().unwrap_or(0);
            let rows = usize::try_from(page.rows()).unwrap();
            let found = all.iter().copied().filter(|n| *n > after).take(rows).collect();
            let (items, next) = page.cut(found, u32::to_string);
            seen.extend(items);
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_list_that_is_here_whole_is_walked_too() {
        let all = vec!["b", "a", "c"];
        let (first, next) = Page::new(Some(2), None).unwrap().pick(all.clone(), |s| (*s).to_owned());
        let (second, end) = Page::new(Some(2), next.as_deref()).unwrap().pick(all, |s| (*s).to_owned());
        assert_eq!((first, second, end), (vec!["b", "a"], vec!["c"], None));
    }

    #[test]
    fn bad_limits_and_cursors_are_usage_errors() {
        assert_eq!(Page::new(Some(0), None).unwrap_err().code(), "malformed_limit");
        assert_eq!(Page::new(Some(201), None).unwrap_err().code(), "malformed_limit");
        for bad in ["!", "AAAA", "MQ=="] {
            assert_eq!(Page::new(None, Some(bad)).unwrap_err().code(), "malformed_cursor", "{bad}");
        }
        let other = Page::new(None, Some(&URL_SAFE_NO_PAD.encode("1abc"))).unwrap();
        assert_eq!(other.after::<u32>().unwrap_err().code(), "malformed_cursor");
    }
}
