//! `[[provider]]` of the settings file: where people log in elsewhere.

use serde::Deserialize as _;
use std::path::Path;

use super::file::{malformed, refuse_unknown};
use crate::core::provider::{Configured, Provider, Source};
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result};

const SECRET: &str = "client-secret";
const SECRET_FILE: &str = "client-secret-file";
const KEYS: &[&str] = &[
    "name",
    "title",
    "issuer",
    "client-id",
    SECRET,
    SECRET_FILE,
    "scopes",
    "create-accounts",
    "link-verified-email",
    "bearer-audiences",
    "rules",
];

pub(super) fn read(tables: Vec<toml::Table>) -> Result<Vec<Configured>> {
    let all = tables.into_iter().map(one).collect::<Result<Vec<_>>>()?;
    let mut names: Vec<_> = all.iter().map(|c| c.provider.name.clone()).collect();
    names.sort();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => {
            Err(Error::usage("malformed_settings", format!("two providers are called {}", pair[0]))
                .hint("each [[provider]] has a name of its own"))
        }
        None => Ok(all),
    }
}

fn one(mut table: toml::Table) -> Result<Configured> {
    refuse_unknown(&table, KEYS, "provider.")?;
    let secret = secret(table.remove(SECRET), table.remove(SECRET_FILE))?;
    let provider = Provider::deserialize(table).map_err(|e| malformed(&e))?.check()?;
    Ok(Configured { provider: Provider { source: Source::Host, ..provider }, secret })
}

fn secret(given: Option<toml::Value>, file: Option<toml::Value>) -> Result<Option<Secret>> {
    let text = |value: &toml::Value| value.as_str().map(str::to_owned).ok_or_else(not_text);
    match (given, file) {
        (Some(_), Some(_)) => Err(Error::usage(
            "malformed_settings",
            format!("{SECRET} and {SECRET_FILE} are one or the other"),
        )
        .hint("leave one of them out")),
        (Some(given), None) => text(&given).map(|given| Some(Secret::new(given))),
        (None, Some(file)) => from_file(Path::new(&text(&file)?)).map(Some),
        (None, None) => Ok(None),
    }
}

fn not_text() -> Error {
    Error::usage("malformed_settings", format!("{SECRET} and {SECRET_FILE} are text"))
        .hint("put it in quotes")
}

fn from_file(path: &Path) -> Result<Secret> {
    let read = std::fs::read_to_string(path).map(|text| Secret::new(text.trim_end_matches(['\n', '\r'])));
    read.map_err(|e| {
        let message = format!("the client secret {} cannot be read: {e}", path.display());
        Error::new(Kind::Local, "unreadable_settings", message).hint(format!("{SECRET_FILE} names it"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<Configured>> {
        let table: toml::Table = toml::from_str(text).unwrap();
        let list = table["provider"].as_array().unwrap();
        read(list.iter().map(|one| one.as_table().unwrap().clone()).collect())
    }

    const HOME: &str =
        "[[provider]]\nname = 'home'\nissuer = 'https://id.example.org'\nclient-id = 'wonder'\n";

    #[test]
    fn several_providers_are_read_each_with_its_secret() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        std::fs::write(&path, "hush\n").unwrap();
        let other = HOME.replace("'home'", "'work'");
        let text =
            format!("{HOME}client-secret-file = '{}'\n{other}client-secret = 'other'\n", path.display());
        let all = read_text(&text).unwrap();
        let secrets: Vec<_> = all.iter().map(|c| c.secret.as_ref().unwrap().reveal()).collect();
        assert_eq!(secrets, ["hush", "other"]);
        assert!(all.iter().all(|c| c.provider.source == Source::Host));
        assert!(!format!("{all:?}").contains("hush"));
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for (more, code) in [
            ("client-secret = 'a'\nclient-secret-file = 'b'", "malformed_settings"),
            ("client-secret-file = '/nowhere/secret'", "unreadable_settings"),
            ("client_id = 'x'", "unknown_setting"),
            ("source = 'host'", "unknown_setting"),
            ("rules = [{ claim = 'groups' }]", "malformed_settings"),
            ("scopes = ['openid email']", "malformed_provider"),
        ] {
            assert_eq!(read_text(&format!("{HOME}{more}")).unwrap_err().code(), code, "{more}");
        }
        assert_eq!(read_text(&format!("{HOME}{HOME}")).unwrap_err().code(), "malformed_settings");
    }
}
