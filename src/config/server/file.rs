//! The TOML file of `wonder serve --config`. Its keys are the names of the flags; one that nobody knows is
//! an error, with the key that was probably meant.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::mail::{self, MailTable};
use super::{Dns, ProxyHeader};
use crate::core::allowance::Allowance;
use crate::core::{Error, Kind, Result};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct File {
    pub listen: Option<String>,
    pub url: Option<String>,
    pub data_dir: Option<PathBuf>,
    pub database: Option<String>,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub no_derp: bool,
    pub derp_listen: Option<String>,
    pub stun_listen: Option<String>,
    pub ephemeral_grace: Option<String>,
    pub relay_maps: Vec<String>,
    pub audit_retention: Option<String>,
    pub trusted_proxies: Vec<String>,
    pub metrics_listen: Option<String>,
    pub proxy_header: ProxyHeader,
    pub limits: BTreeMap<String, String>,
    pub dns: Dns,
    pub mail: Option<MailTable>,
    pub local_accounts: Option<bool>,
    pub provider: Vec<toml::Table>,
    pub provider_networks: Vec<String>,
}

const KEYS: &[&str] = &[
    "listen",
    "url",
    "data-dir",
    "database",
    "tls-cert",
    "tls-key",
    "no-derp",
    "derp-listen",
    "stun-listen",
    "ephemeral-grace",
    "relay-maps",
    "audit-retention",
    "trusted-proxies",
    "metrics-listen",
    "proxy-header",
    "limits",
    "dns",
    "mail",
    "local-accounts",
    "provider",
    "provider-networks",
];
const DNS_KEYS: &[&str] = &["base-domain", "resolvers", "search-domains", "split"];

/// How alike two keys must be for one to be suggested, from 0 to 1.
const ALIKE: f64 = 0.75;

impl File {
    pub(super) fn read(path: &Path) -> Result<File> {
        let text = std::fs::read_to_string(path).map_err(|e| {
            let message = format!("the settings file {} cannot be read: {e}", path.display());
            Error::new(Kind::Local, "unreadable_settings", message)
                .hint("--config (or WONDER_CONFIG) names it")
        })?;
        File::parse(&text).map_err(|e| {
            Error::usage(e.code(), format!("{}: {}", path.display(), e.message()))
                .hint(e.hint_text().unwrap_or_default())
        })
    }

    fn parse(text: &str) -> Result<File> {
        let table: toml::Table = toml::from_str(text).map_err(|e| malformed(&e))?;
        refuse_unknown(&table, KEYS, "")?;
        if let Some(toml::Value::Table(dns)) = table.get("dns") {
            refuse_unknown(dns, DNS_KEYS, "dns.")?;
        }
        if let Some(toml::Value::Table(limits)) = table.get("limits") {
            let names: Vec<_> = Allowance::ALL.iter().map(|allowance| allowance.name()).collect();
            refuse_unknown(limits, &names, "limits.")?;
        }
        if let Some(toml::Value::Table(table)) = table.get("mail") {
            refuse_unknown(table, mail::KEYS, "mail.")?;
        }
        toml::from_str(text).map_err(|e| malformed(&e))
    }
}

/// The message alone: what stands in the file may be a password.
pub(super) fn malformed(error: &toml::de::Error) -> Error {
    let message = error.message().lines().next().unwrap_or("it is not TOML");
    Error::usage("malformed_settings", message).hint("the settings are described in docs/operations.md")
}

pub(super) fn refuse_unknown(table: &toml::Table, known: &[&str], path: &str) -> Result<()> {
    let Some(unknown) = table.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
    let alike = |key: &&&str| strsim::jaro_winkler(&unknown.replace('_', "-"), key);
    let closest = known.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)));
    let hint = match closest.filter(|key| alike(key) >= ALIKE) {
        Some(key) => format!("did you mean {path}{key}?"),
        None => format!("the settings here are: {}", known.join(", ")),
    };
    Err(Error::usage("unknown_setting", format!("there is no setting {path}{unknown}")).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_an_error_with_a_suggestion() {
        for (text, hint) in [
            ("data_dir = 'x'", "did you mean data-dir?"),
            ("[dns]\nresolver = []", "did you mean dns.resolvers?"),
            ("[mail]\nusernam = 'a'", "did you mean mail.username?"),
            ("zzz = 1", "the settings here are"),
        ] {
            let error = File::parse(text).unwrap_err();
            assert_eq!(error.code(), "unknown_setting");
            assert!(error.hint_text().unwrap().contains(hint), "{:?}", error.hint_text());
        }
    }

    #[test]
    fn a_broken_file_is_refused_without_quoting_it() {
        let error = File::parse("database = 'postgres://a:hush@b/c\n").unwrap_err();
        assert!(!format!("{error:?}").contains("hush"));
        assert!(File::parse("listen = 8080").is_err());
        let error = File::read(Path::new("/nowhere/wonder.toml")).unwrap_err();
        assert!(error.message().contains("/nowhere/wonder.toml"));
    }

    #[test]
    fn names_and_resolvers_are_checked() {
        let file = "[dns]\nbase-domain = 'Mesh.Example.'\nresolvers = ['1.1.1.1', 'https://dns.example/q']\n\
                    [dns.split]\n'corp.example' = ['10.0.0.1:53']";
        let dns = File::parse(file).unwrap().dns.check().unwrap();
        assert_eq!(dns.base_domain, "mesh.example");
        assert_eq!(dns.split["corp.example"], ["10.0.0.1:53"]);
        for bad in ["resolvers = ['one']", "base-domain = 'a b'", "search-domains = ['-a']"] {
            let dns = File::parse(&format!("[dns]\n{bad}")).unwrap().dns;
            assert_eq!(dns.check().unwrap_err().code(), "malformed_setting", "{bad}");
        }
    }

    /// The list of keys is written twice, for `serde` and for suggestions: they stay the same.
    #[test]
    fn every_key_is_known_to_both_lists() {
        let error = toml::from_str::<File>("zzz = 1").unwrap_err().message().to_owned();
        assert!(KEYS.iter().all(|key| error.contains(&format!("`{key}`"))), "{error}");
        let error = toml::from_str::<File>("[dns]\nzzz = 1").unwrap_err().message().to_owned();
        assert!(DNS_KEYS.iter().all(|key| error.contains(&format!("`{key}`"))), "{error}");
        let error = toml::from_str::<File>("[mail]\nzzz = 1").unwrap_err().message().to_owned();
        assert!(mail::KEYS.iter().all(|key| error.contains(&format!("`{key}`"))), "{error}");
    }
}
