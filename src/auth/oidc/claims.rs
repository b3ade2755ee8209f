//! What a provider says of somebody, once its signature has been checked.

use serde_json::{Map, Value};
use std::time::Duration;

use crate::core::Timestamp;

/// An address, and the word that it is somebody's.
const ADDRESS: [&str; 3] = ["email", "email_verified", "verified_email"];

/// The claims of a token (RFC 7519 section 4), or of the userinfo endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims(pub Map<String, Value>);

impl Claims {
    /// A claim that is text and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// A time (RFC 7519 section 2, NumericDate).
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        let seconds = self.0.get(name)?.as_f64().filter(|s| s.is_finite() && s.abs() < 1e12)?;
        #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
        let millis = (seconds * 1000.0) as i64;
        Some(Timestamp::from_millis(millis))
    }

    /// Whom the token is for: `aud`, one text or a list of them.
    pub fn audiences(&self) -> Vec<&str> {
        match self.0.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the provider vouches that the e-mail address is this person's. Some say it as text, and one as
    /// `verified_email`.
    pub fn email_is_verified(&self) -> bool {
        let said = self.0.get("email_verified").or_else(|| self.0.get("verified_email"));
        matches!(said, Some(Value::Bool(true))) || said.and_then(Value::as_str) == Some("true")
    }

    /// Whether it says an e-mail address, and whether that is this person's.
    pub fn tells_of_an_address(&self) -> bool {
        let said = |name: &&str| self.0.get(*name).is_some_and(|said| !said.is_null());
        self.text("email").is_some() && ADDRESS[1..].iter().any(said)
    }

    /// Whether a claim is `value`, or a list that has it. Dots lead into objects, unless a claim has them in its
    /// name.
    pub fn has(&self, path: &str, value: &str) -> bool {
        let is_it = |found: &Value| match found {
            Value::String(text) => text == value,
            Value::Bool(flag) => (if *flag { "true" } else { "false" }) == value,
            _ => false,
        };
        match find(&self.0, path) {
            Some(Value::Array(list)) => list.iter().any(is_it),
            Some(one) => is_it(one),
            None => false,
        }
    }

    /// Whether anything is said of a claim, found as [`Claims::has`] finds it.
    pub fn speaks_of(&self, path: &str) -> bool {
        find(&self.0, path).is_some()
    }

    /// Whether a program logged in for itself, by its own credentials: what the common providers put into such
    /// tokens, and what RFC 9068 section 2.2 says of their subject.
    pub fn is_of_a_program(&self) -> bool {
        let named = self.text("preferred_username").is_some_and(|name| name.starts_with("service-account-"));
        let client = self.text("azp").or_else(|| self.text("client_id"));
        let own = self.text("sub").is_some_and(|sub| {
            client.is_some_and(|client| sub == client || sub == format!("{client}@clients"))
        });
        // What Keycloak says of a client that logged in for itself, whether or not it says its name.
        let from_keycloak = ["clientHost", "clientAddress"].iter().any(|name| self.0.contains_key(*name));
        named
            || own
            || from_keycloak
            || self.text("gty") == Some("client-credentials")
            || self.text("idtyp") == Some("app")
    }

    /// Takes over what is not there yet. Address and word for it stay together: one who vouches for an address
    /// does not vouch for that of another.
    pub fn fill(&mut self, mut others: Claims) {
        let theirs = !self.tells_of_an_address() && others.text("email").is_some();
        let forgotten = if theirs { &mut *self } else { &mut others };
        forgotten.0.retain(|name, _| !ADDRESS.contains(&name.as_str()));
        for (name, value) in others.0 {
            self.0.entry(name).or_insert(value);
        }
    }

    /// Why a token with these times does not count now, if it does not.
    pub fn untimely(&self, now: Timestamp, leeway: Duration) -> Option<Untimely> {
        let (begun, ends) = (self.time("iat"), self.time("exp"));
        let not_before = self.time("nbf");
        match ends {
            None => return Some(Untimely::NoEnd),
            Some(ends) if now >= ends.plus(leeway) => return Some(Untimely::Over),
            Some(_) => {}
        }
        let early = |at: Option<Timestamp>| at.is_some_and(|at| at > now.plus(leeway));
        (early(begun) || early(not_before)).then_some(Untimely::Early)
    }
}

/// What is wrong with the times of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untimely {
    NoEnd,
    Over,
    Early,
}

fn find<'v>(map: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    if let Some(found) = map.get(path) {
        return Some(found);
    }
    let (first, rest) = path.split_once('.')?;
    find(map.get(first)?.as_object()?, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(value: &Value) -> Claims {
        Claims(value.as_object().unwrap().clone())
    }

    #[test]
    fn a_claim_is_found_by_its_path() {
        let claims = claims(&json!({
            "groups": ["operators", "members"], "realm_access": { "roles": ["admin"] },
            "https://example.org/team": "red", "staff": true, "deep": { "a.b": "x" },
        }));
        for (path, value) in [
            ("groups", "members"),
            ("realm_access.roles", "admin"),
            ("https://example.org/team", "red"),
            ("staff", "true"),
            ("deep.a.b", "x"),
        ] {
            assert!(claims.has(path, value), "{path}");
        }
        for (path, value) in [("groups", "operator"), ("realm_access", "admin"), ("nothing.at.all", "x")] {
            assert!(!claims.has(path, value), "{path}");
        }
    }

    #[test]
    fn programs_are_known_by_their_tokens() {
        for program in [
            json!({ "sub": "1", "preferred_username": "service-account-ci" }),
            json!({ "sub": "ci", "azp": "ci" }),
            json!({ "sub": "ci@clients", "azp": "ci" }),
            json!({ "sub": "ci", "client_id": "ci" }),
            json!({ "sub": "1", "gty": "client-credentials" }),
            json!({ "sub": "1", "idtyp": "app" }),
            json!({ "sub": "1", "azp": "ci", "client_id": "ci", "clientHost": "10.0.0.1", "clientAddress": "10.0.0.1" }),
        ] {
            assert!(claims(&program).is_of_a_program(), "{program}");
        }
        assert!(!claims(&json!({ "sub": "1", "azp": "ci", "preferred_username": "ada" })).is_of_a_program());
    }

    #[test]
    fn an_address_and_the_word_for_it_come_from_one_source() {
        let filled = |token: Value, userinfo: Value| {
            let mut all = claims(&token);
            all.fill(claims(&userinfo));
            (all.text("email").map(str::to_owned), all.email_is_verified())
        };
        let eve = json!({ "email": "eve@example.org", "email_verified": true });
        let bare = json!({ "email": "ada@example.org" });
        assert_eq!(filled(bare.clone(), eve.clone()), (Some("eve@example.org".into()), true));
        assert_eq!(
            filled(json!({ "email_verified": false }), eve.clone()),
            (Some("eve@example.org".into()), true)
        );
        assert_eq!(filled(bare, json!({ "email_verified": true })), (Some("ada@example.org".into()), false));
        let unverified = json!({ "email": "ada@example.org", "email_verified": false });
        assert_eq!(filled(unverified, eve.clone()), (Some("ada@example.org".into()), false));
        assert_eq!(
            filled(eve, json!({ "email": "bob@example.org" })),
            (Some("eve@example.org".into()), true)
        );
    }

    #[test]
    fn times_have_a_leeway_and_no_more() {
        let now = Timestamp::from_millis(1_000_000_000);
        let untimely = |iat: i64, exp: i64| {
            claims(&json!({ "iat": 1_000_000 + iat, "exp": 1_000_000 + exp }))
                .untimely(now, Duration::from_secs(60))
        };
        assert_eq!(untimely(59, 300), None);
        assert_eq!(untimely(-300, -59), None);
        assert_eq!(untimely(61, 300), Some(Untimely::Early));
        assert_eq!(untimely(-300, -60), Some(Untimely::Over));
        assert_eq!(claims(&json!({ "iat": 1 })).untimely(now, Duration::ZERO), Some(Untimely::NoEnd));
    }

    #[test]
    fn an_address_is_verified_only_where_the_provider_says_so() {
        for yes in [
            json!({ "email_verified": true }),
            json!({ "email_verified": "true" }),
            json!({ "verified_email": true }),
        ] {
            assert!(claims(&yes).email_is_verified(), "{yes}");
        }
        for no in [
            json!({}),
            json!({ "email_verified": false, "verified_email": true }),
            json!({ "email_verified": 1 }),
        ] {
            assert!(!claims(&no).email_is_verified(), "{no}");
        }
    }
}
