//! The words of OAuth 2.0 that every floor speaks: sets of scopes.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::role::Scope;
use super::{Error, Result};

/// The scope that makes a request one of OpenID Connect (OpenID Connect Core section 3.1.2.1).
pub const OPENID: &str = "openid";
/// The scope that asks for a refresh token beside an ID token (OpenID Connect Core section 11).
pub const OFFLINE_ACCESS: &str = "offline_access";
/// What clients of OpenID Connect call [`Scope::ProfileRead`] by habit (OpenID Connect Core section 5.4).
const ALIASES: [&str; 2] = ["profile", "email"];
/// The longest list of scopes that is read, in bytes.
const LONGEST: usize = 500;

/// What an app asks for or was granted: scopes of the API, and the two words of OpenID Connect. Written as
/// RFC 6749 section 3.3 says, words with a space between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet {
    api: BTreeSet<Scope>,
    /// Who logged in is to be told: ID token and userinfo.
    pub openid: bool,
    /// The app is to work on when the person is away.
    pub offline: bool,
}

impl ScopeSet {
    /// All that there is.
    pub fn all() -> Self {
        ScopeSet { api: Scope::ALL.iter().copied().collect(), openid: true, offline: true }
    }

    /// Of the API alone.
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Self {
        ScopeSet { api: scopes.into_iter().collect(), openid: false, offline: false }
    }

    /// With the two words of OpenID Connect.
    #[must_use]
    pub fn with_openid(self) -> Self {
        ScopeSet { openid: true, offline: true, ..self }
    }

    pub fn api(&self) -> impl Iterator<Item = Scope> {
        self.api.iter().copied()
    }

    pub fn has(&self, scope: Scope) -> bool {
        self.api.contains(&scope)
    }

    /// Whether nothing could be done with it.
    pub fn is_empty(&self) -> bool {
        self.api.is_empty() && !self.openid
    }

    /// What is in both.
    #[must_use]
    pub fn and(&self, other: &ScopeSet) -> ScopeSet {
        ScopeSet {
            api: self.api.intersection(&other.api).copied().collect(),
            openid: self.openid && other.openid,
            offline: self.offline && other.offline,
        }
    }

    /// Whether `other` has nothing that this lacks.
    pub fn covers(&self, other: &ScopeSet) -> bool {
        self.and(other) == *other
    }

    /// The words, in a fixed order.
    pub fn words(&self) -> Vec<&'static str> {
        let oidc = [(self.openid, OPENID), (self.offline, OFFLINE_ACCESS)];
        let oidc = oidc.into_iter().filter_map(|(has, word)| has.then_some(word));
        oidc.chain(self.api.iter().map(|scope| scope.as_str())).collect()
    }
}

impl FromStr for ScopeSet {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.len() > LONGEST {
            return Err(Error::usage("invalid_scope", "this list of scopes is too long"));
        }
        let mut set = ScopeSet::default();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            match word {
                OPENID => set.openid = true,
                OFFLINE_ACCESS => set.offline = true,
                word if ALIASES.contains(&word) => drop(set.api.insert(Scope::ProfileRead)),
                word => drop(set.api.insert(word.parse().map_err(|_| unknown(word))?)),
            }
        }
        Ok(set)
    }
}

fn unknown(word: &str) -> Error {
    let known: String = word.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\')).collect();
    Error::usage("invalid_scope", format!("there is no scope {known}"))
        .hint(format!("there are: {}", ScopeSet::all()))
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> ScopeSet {
        text.parse().unwrap()
    }

    #[test]
    fn a_set_reads_back_from_its_words() {
        for text in ["", "openid", "nodes:read nodes:write", "openid offline_access keys:read profile:read"] {
            assert_eq!(set(text).to_string(), text);
        }
        assert_eq!(set(&ScopeSet::all().to_string()), ScopeSet::all());
    }

    #[test]
    fn the_habits_of_openid_connect_mean_the_profile() {
        assert_eq!(set("openid email profile").to_string(), "openid profile:read");
    }

    #[test]
    fn an_unknown_word_is_refused_and_not_echoed_whole() {
        let refused = "nodes:read no\"des".parse::<ScopeSet>().unwrap_err();
        assert_eq!((refused.code(), refused.message()), ("invalid_scope", "there is no scope nodes"));
    }

    #[test]
    fn what_is_granted_is_in_both() {
        let both = set("openid nodes:read nodes:write").and(&set("offline_access nodes:read"));
        assert_eq!(both.to_string(), "nodes:read");
        assert!(set("nodes:read openid").covers(&both) && !both.covers(&set("nodes:read openid")));
        assert!(set("offline_access").is_empty() && !set("openid").is_empty());
    }
}
