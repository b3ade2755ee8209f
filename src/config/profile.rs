//! The command line's log-ins, one profile a coordinator, in `profiles.toml`. Called by `cli`. The file belongs
//! to its user: fields that this version does not know are kept.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::private_file::{self, lock, reveal};
use crate::core::id::OrgId;
use crate::core::secret::Secret;
use crate::core::url::BaseUrl;
use crate::core::{Error, Kind, Result, Timestamp};

/// What `profiles.toml` says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Profiles {
    /// The name of the profile that counts where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    #[serde(default)]
    pub profiles: BTreeMap<String, Profile>,
    #[serde(flatten)]
    other: toml::Table,
}

/// One log-in at one coordinator.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Profile {
    pub coordinator: BaseUrl,
    pub email: String,
    /// The organization that commands act on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<OrgId>,
    /// The bearer token of this log-in.
    #[serde(serialize_with = "reveal")]
    pub token: Secret,
    pub expires_at: Timestamp,
    #[serde(flatten)]
    other: toml::Table,
}

impl Profile {
    pub fn new(
        coordinator: BaseUrl,
        email: String,
        organization: OrgId,
        token: Secret,
        expires_at: Timestamp,
    ) -> Self {
        Profile {
            coordinator,
            email,
            organization: Some(organization),
            token,
            expires_at,
            other: toml::Table::new(),
        }
    }
}

/// Reads the text of a profile file. Its errors say the line, and never quote it: a secret may stand there.
pub fn parse(text: &str) -> Result<Profiles> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
        let reason = if error.message().contains('"') { "unreadable value" } else { error.message() };
        Error::new(Kind::Local, "corrupt_profiles", format!("line {line}: {reason}"))
    })
}

impl Profiles {
    /// The profile called `name`, else the current one, with its name.
    pub fn find(&self, name: Option<&str>) -> Option<(&str, &Profile)> {
        let name = name.or(self.current.as_deref())?;
        self.profiles.get_key_value(name).map(|(name, profile)| (name.as_str(), profile))
    }

    /// The profile for a coordinator; the current one where several fit.
    pub fn of_coordinator(&self, url: &BaseUrl) -> Option<(&str, &Profile)> {
        let fits = |(_, profile): &(&str, &Profile)| profile.coordinator == *url;
        let all = self.profiles.iter().map(|(name, profile)| (name.as_str(), profile));
        self.find(None).into_iter().chain(all).find(fits)
    }

    /// Removes a profile; where it was the current one and one other is left, that is the current one now.
    pub fn remove(&mut self, name: &str) -> Option<Profile> {
        let removed = self.profiles.remove(name)?;
        if self.current.as_deref() == Some(name) {
            let only = if self.profiles.len() == 1 { self.profiles.keys().next() } else { None };
            self.current = only.cloned();
        }
        Some(removed)
    }
}

/// The file itself.
#[derive(Clone, Debug)]
pub struct ProfileFile(PathBuf);

impl ProfileFile {
    /// The file in a configuration directory; nothing is touched yet.
    pub fn in_directory(directory: &Path) -> Self {
        ProfileFile(directory.join("profiles.toml"))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What it says; nothing where there is no file.
    pub fn read(&self) -> Result<Profiles> {
        match private_file::read(&self.0)? {
            Some(text) => parse(&text).map_err(|error| self.corrupt(&error)),
            None => Ok(Profiles::default()),
        }
    }

    /// Changes it under its lock, so that no concurrent change is lost.
    pub fn update<T>(&self, change: impl FnOnce(&mut Profiles) -> Result<T>) -> Result<T> {
        let held = lock(&self.0)?;
        let mut profiles = self.read()?;
        let outcome = change(&mut profiles)?;
        let text =
            toml::to_string(&profiles).map_err(|e| Error::bug("profiles do not fit into TOML").source(e))?;
        private_file::replace(&held, &self.0, &text)?;
        Ok(outcome)
    }

    fn corrupt(&self, error: &Error) -> Error {
        let message = format!("{} cannot be read: {error}", self.0.display());
        Error::new(Kind::Local, error.code(), message)
            .hint("repair that line, or move the file away and log in again")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::time::Timestamp;
    use proptest::prelude::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn profile(url: &str) -> Profile {
        let organization = OrgId::new(Timestamp::from_millis(0));
        let expires_at = Timestamp::from_millis(1_700_000_000_000);
        Profile::new(
            url.parse().unwrap(),
            "a@b.example".into(),
            organization,
            Secret::new("wss_x"),
            expires_at,
        )
    }

    #[test]
    fn a_profile_reads_back_from_a_file_that_only_its_owner_reads() {
        let directory = tempfile::tempdir().unwrap();
        let file = ProfileFile::in_directory(&directory.path().join("new/deep"));
        assert!(file.read().unwrap().profiles.is_empty());
        let insert = |profiles: &mut Profiles| {
            profiles.profiles.insert("home".into(), profile("http://10.0.0.1:8080"));
            profiles.current = Some("home".into());
            Ok(())
        };
        file.update(insert).unwrap();
        let read = file.read().unwrap();
        let (name, profile) = read.find(None).unwrap();
        assert_eq!((name, profile.token.reveal()), ("home", "wss_x"));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(file.path()), 0o600);
        assert_eq!(mode(file.path().parent().unwrap()), 0o700);
    }

    #[test]
    fn concurrent_changes_are_all_there() {
        let directory = tempfile::tempdir().unwrap();
        let file = ProfileFile::in_directory(directory.path());
        std::thread::scope(|scope| {
            for number in 0..8 {
                let file = file.clone();
                scope.spawn(move || {
                    let name = format!("p{number}");
                    file.update(|all| Ok(all.profiles.insert(name, profile("http://10.0.0.1")))).unwrap();
                });
            }
        });
        assert_eq!(file.read().unwrap().profiles.len(), 8);
    }

    #[test]
    fn what_is_unknown_is_kept() {
        let text = "colour = \"blue\"\n[profiles.x]\ncoordinator = \"http://10.0.0.1\"\nemail = \"a\"\ntoken = \"t\"\n\
                    expires_at = \"2030-01-01T00:00:00Z\"\nnick = 7\n";
        let written = toml::to_string(&parse(text).unwrap()).unwrap();
        assert!(written.contains("colour = \"blue\"") && written.contains("nick = 7"), "{written}");
    }

    #[test]
    fn a_corrupt_file_is_named_with_its_line_and_quotes_no_secret() {
        let directory = tempfile::tempdir().unwrap();
        let file = ProfileFile::in_directory(directory.path());
        for text in [
            "x = 1\n[profiles\ntoken = \"hush\"",
            "[profiles.a]\ntoken = \"hush\" hush",
            "profiles = \"hush\"",
        ] {
            std::fs::write(file.path(), text).unwrap();
            let error = file.read().unwrap_err();
            assert_eq!((error.kind(), error.code()), (Kind::Local, "corrupt_profiles"));
            assert!(
                error.message().contains("profiles.toml") && error.message().contains("line "),
                "{error}"
            );
            assert!(!error.message().contains("hush"), "{error}");
        }
        let change: Result<()> = file.update(|_| Ok(()));
        assert!(change.is_err(), "a corrupt file is never written over");
    }

    #[test]
    fn removing_the_current_profile_leaves_the_only_other_one() {
        let mut profiles = Profiles { current: Some("a".into()), ..Profiles::default() };
        for name in ["a", "b"] {
            profiles.profiles.insert(name.into(), profile("http://10.0.0.1"));
        }
        assert!(profiles.remove("a").is_some() && profiles.remove("a").is_none());
        assert_eq!(profiles.current.as_deref(), Some("b"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            let _ = parse(&text);
        }
    }
}
