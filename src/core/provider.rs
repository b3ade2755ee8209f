//! An OpenID Connect provider as an operator describes it, in the settings file or by `wonder provider add`: where
//! it is, who this coordinator is to it, and what its word counts for. Its client secret is kept apart.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;

use super::id::OrgId;
use super::role::Role;
use super::secret::Secret;
use super::url::BaseUrl;
use super::{Error, Kind, Result, Timestamp, hex};

/// The longest name, in bytes.
const LONGEST_NAME: usize = 32;
/// The longest issuer, client id or title, in bytes.
const LONGEST_TEXT: usize = 512;
/// The most rules, scopes or audiences of one provider.
const MOST: usize = 100;

/// What a provider is called in paths and by the command line: `a-z`, `0-9`, `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ProviderName(String);

impl FromStr for ProviderName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fits = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        match fits && (1..=LONGEST_NAME).contains(&text.len()) && !text.starts_with('-') {
            true => Ok(ProviderName(text.to_owned())),
            false => {
                Err(Error::usage("malformed_provider_name", format!("{text:?} is no name of a provider"))
                    .hint("a name has up to 32 of a-z, 0-9 and -, like keycloak"))
            }
        }
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The issuer of a provider (OpenID Connect Core 1.0 section 1.2): a URL, compared letter by letter. `https`, or
/// `http` where nobody is between: on this host or in a private network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Issuer(String);

impl Issuer {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl FromStr for Issuer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let malformed = || {
            Error::usage("malformed_issuer", format!("{text:?} is not the issuer of a provider")).hint(
                "write it as the provider's discovery document does, like https://id.example.org/realms/home",
            )
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(malformed)?;
        let authority = rest.split('/').next().unwrap_or_default();
        let base: BaseUrl = format!("{scheme}://{authority}").parse().map_err(|_| malformed())?;
        let plain =
            text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#' | b'"' | b'<' | b'>'));
        if !plain || text.len() > LONGEST_TEXT {
            return Err(malformed());
        }
        match base.is_dependable() {
            true => Ok(Issuer(text.to_owned())),
            false => Err(Error::usage("insecure_issuer", format!("{text} is reached without TLS"))
                .hint("plain http is for an address on this host or in a private network; use https")),
        }
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! read_by_from_str {
    ($($type:ty),*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
read_by_from_str!(ProviderName, Issuer);

/// Who named a provider, and so how far it is trusted with the network that the coordinator is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Source {
    /// The host: its settings file, or a command there. It may be anywhere.
    Host,
    /// An administrator, on a page. It is on the Internet, or where the settings allow it.
    #[default]
    Page,
}

impl Source {
    pub const fn as_str(self) -> &'static str {
        match self {
            Source::Host => "host",
            Source::Page => "page",
        }
    }
}

/// A provider, without its client secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Provider {
    pub name: ProviderName,
    /// Beside the settings, never one of them.
    #[serde(skip)]
    pub source: Source,
    /// What its button says; none: its name.
    #[serde(default)]
    pub title: Option<String>,
    pub issuer: Issuer,
    pub client_id: String,
    /// What is asked for beside `openid`.
    #[serde(default = "usual_scopes")]
    pub scopes: Vec<String>,
    /// Whoever logs in there and has no account here gets one.
    #[serde(default)]
    pub create_accounts: bool,
    /// Its word that an e-mail address is somebody's is enough to log them in to the account of that address.
    #[serde(default)]
    pub link_verified_email: bool,
    /// The API takes access tokens that it made for one of these (`aud` or `azp`); none: it takes none.
    #[serde(default)]
    pub bearer_audiences: Vec<String>,
    /// Who is a member where, by what the provider says of them.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// A provider, and what this coordinator proves itself by there.
#[derive(Clone, Debug)]
pub struct Configured {
    pub provider: Provider,
    /// None for a public client.
    pub secret: Option<Secret>,
}

/// Which state of a provider somebody has looked at: another one after each change of it or of its client secret. It
/// tells nothing of either.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Edition(String);

impl Edition {
    /// That of a provider whose client secret was given at `secret_at`.
    pub fn of(provider: &Provider, secret_at: Option<Timestamp>) -> Self {
        let state = Secret::new(format!("{provider:?} {secret_at:?}"));
        Edition(hex::encode(state.hash().as_bytes()))
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is to be different of a provider; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// The edition that whoever changes it has looked at; none: whatever it is now is changed.
    pub seen: Option<Edition>,
    /// Never another one: who people are there is kept by it.
    pub issuer: Option<Issuer>,
    /// Empty: the name.
    pub title: Option<String>,
    pub client_id: Option<String>,
    pub secret: SecretEdit,
    pub scopes: Option<Vec<String>>,
    pub create_accounts: Option<bool>,
    pub link_verified_email: Option<bool>,
    pub bearer_audiences: Option<Vec<String>>,
    pub rules: Option<Vec<Rule>>,
}

/// What becomes of a client secret.
#[derive(Clone, Debug, Default)]
pub enum SecretEdit {
    #[default]
    Stays,
    Becomes(Secret),
    /// It is a public client from now on.
    Ends,
}

impl Edit {
    /// The provider as it is to be. Another issuer is `issuer_stays`.
    pub fn apply(self, old: &Provider) -> Result<Provider> {
        if let Some(other) = self.issuer.filter(|issuer| *issuer != old.issuer) {
            let message = format!("the issuer of {} is {}, and stays", old.name, old.issuer);
            return Err(Error::new(Kind::Conflict, "issuer_stays", message)
                .hint(format!("add {other} as a provider of its own; people connect both")));
        }
        let title = match self.title {
            Some(title) => Some(title).filter(|title| !title.is_empty()),
            None => old.title.clone(),
        };
        let new = Provider {
            name: old.name.clone(),
            source: old.source,
            title,
            issuer: old.issuer.clone(),
            client_id: self.client_id.unwrap_or_else(|| old.client_id.clone()),
            scopes: self.scopes.unwrap_or_else(|| old.scopes.clone()),
            create_accounts: self.create_accounts.unwrap_or(old.create_accounts),
            link_verified_email: self.link_verified_email.unwrap_or(old.link_verified_email),
            bearer_audiences: self.bearer_audiences.unwrap_or_else(|| old.bearer_audiences.clone()),
            rules: self.rules.unwrap_or_else(|| old.rules.clone()),
        };
        new.check()
    }
}

fn usual_scopes() -> Vec<String> {
    vec!["profile".to_owned(), "email".to_owned()]
}

/// Whoever has `value` in `claim` is a member of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// The name of a claim; dots lead into objects: `realm_access.roles`.
    pub claim: String,
    pub value: String,
    /// By its id: names are not anybody's alone.
    pub organization: OrgId,
    pub role: Role,
}

impl Provider {
    /// What its button says.
    pub fn title(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name.0)
    }

    /// Refuses what could not work.
    pub fn check(self) -> Result<Self> {
        let fits =
            |text: &str| (1..=LONGEST_TEXT).contains(&text.len()) && !text.chars().any(char::is_control);
        let words = self.scopes.iter().chain(&self.bearer_audiences);
        let texts = words.chain(self.title.iter()).chain([&self.client_id]);
        let claims = self.rules.iter().flat_map(|rule| [&rule.claim, &rule.value]);
        if !texts.chain(claims).all(|text| fits(text)) {
            return Err(malformed(&self.name, "it has a text that is empty, too long or does not print"));
        }
        if self.scopes.iter().any(|scope| scope.contains(' ')) {
            return Err(malformed(&self.name, "its scopes are a list of single words"));
        }
        if self.rules.len().max(self.scopes.len()).max(self.bearer_audiences.len()) > MOST {
            return Err(malformed(&self.name, "it has more than 100 rules, scopes or audiences"));
        }
        if self.rules.iter().any(|rule| rule.role == Role::Owner) {
            return Err(malformed(&self.name, "nobody becomes an owner by rule"));
        }
        Ok(self)
    }
}

fn malformed(name: &ProviderName, what: &str) -> Error {
    Error::usage("malformed_provider", format!("the provider {name} cannot be used: {what}"))
        .hint("docs/identity-providers.md describes every setting")
}

/// `groups=operators:ORGANIZATION:admin`.
impl FromStr for Rule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let malformed = || {
            Error::usage("malformed_rule", format!("{text:?} is not a rule"))
                .hint("write it like groups=operators:ORGANIZATION-ID:admin")
        };
        let (matched, role) = text.rsplit_once(':').ok_or_else(malformed)?;
        let (matched, organization) = matched.rsplit_once(':').ok_or_else(malformed)?;
        let (claim, value) = matched.split_once('=').ok_or_else(malformed)?;
        let (organization, role) = (organization.parse()?, role.parse()?);
        Ok(Rule { claim: claim.to_owned(), value: value.to_owned(), organization, role })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORG: &str = "0192d0c0-0000-7000-8000-000000000000";

    #[test]
    fn an_issuer_is_reached_by_tls_or_at_home() {
        for good in ["https://id.example.org", "http://127.0.0.1:8080/realms/home", "http://localhost:1/"] {
            assert_eq!(good.parse::<Issuer>().unwrap().as_str(), good);
        }
        assert_eq!("http://id.example.org".parse::<Issuer>().unwrap_err().code(), "insecure_issuer");
        for bad in ["", "id.example.org", "https://", "https://id.example.org/?x", "https://a b/", "ftp://a"]
        {
            assert_eq!(bad.parse::<Issuer>().unwrap_err().code(), "malformed_issuer", "{bad}");
        }
    }

    #[test]
    fn a_rule_is_read_as_people_type_it() {
        let rule: Rule = format!("https://example.org/groups=a:b:{ORG}:admin").parse().unwrap();
        assert_eq!((rule.claim.as_str(), rule.value.as_str()), ("https://example.org/groups", "a:b"));
        assert_eq!(rule.role, Role::Admin);
        for bad in [
            "",
            "groups=x",
            "groups=x:home:admin",
            &format!("groups:{ORG}:admin"),
            &format!("a=b:{ORG}:king"),
        ] {
            assert!(bad.parse::<Rule>().is_err(), "{bad}");
        }
    }

    fn home() -> Provider {
        let json = serde_json::json!({ "name": "home", "title": "Home", "issuer": "https://id.example.org",
            "client-id": "wonder", "create-accounts": true });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn an_edit_changes_what_it_names_and_nothing_else() {
        assert_eq!(Edit::default().apply(&home()).unwrap(), home());
        let same = Edit { issuer: Some(home().issuer), title: Some(String::new()), ..Edit::default() };
        assert_eq!(same.apply(&home()).unwrap(), Provider { title: None, ..home() });
        let edit = Edit { client_id: Some("other".into()), create_accounts: Some(false), ..Edit::default() };
        let expected = Provider { client_id: "other".into(), create_accounts: false, ..home() };
        assert_eq!(edit.apply(&home()).unwrap(), expected);
        let bad = Edit { client_id: Some(String::new()), ..Edit::default() };
        assert_eq!(bad.apply(&home()).unwrap_err().code(), "malformed_provider");
    }

    #[test]
    fn each_change_makes_another_edition() {
        let (first, later) = (Some(Timestamp::from_millis(1)), Some(Timestamp::from_millis(2)));
        let edition = Edition::of(&home(), first);
        assert_eq!(Edition::of(&home(), first), edition);
        let renamed = Provider { title: None, ..home() };
        for other in [
            Edition::of(&renamed, first),
            Edition::of(&home(), later),
            Edition::of(&home(), None),
            Edition::default(),
        ] {
            assert_ne!(other, edition);
        }
    }

    #[test]
    fn people_are_known_by_the_issuer_so_it_stays() {
        let moved = Edit { issuer: Some("https://id.example.org/".parse().unwrap()), ..Edit::default() };
        let refused = moved.apply(&home()).unwrap_err();
        assert_eq!(refused.code(), "issuer_stays");
        assert!(refused.hint_text().unwrap().contains("add https://id.example.org/"));
    }

    #[test]
    fn nobody_becomes_an_owner_by_rule() {
        let json = serde_json::json!({ "name": "home", "issuer": "https://id.example.org", "client-id": "wonder",
            "rules": [{ "claim": "groups", "value": "x", "organization": ORG, "role": "owner" }] });
        let provider: Provider = serde_json::from_value(json).unwrap();
        assert_eq!(provider.scopes, ["profile", "email"]);
        assert_eq!(provider.check().unwrap_err().code(), "malformed_provider");
    }
}
