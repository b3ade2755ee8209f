//! What every command is given: the global flags, the way it talks, the clock, and the log-in that counts.

use clap::Args;
use std::path::PathBuf;
use std::sync::Once;

use crate::client::Client;
use crate::config::paths;
use crate::config::profile::{Profile, ProfileFile, Profiles};
use crate::core::secret::Secret;
use crate::core::url::BaseUrl;
use crate::core::{Error, Kind, Result, Timestamp};
use crate::runtime::Clock;
use crate::ui::Ui;

/// The flags that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Answer with one JSON document
    #[arg(long, global = true)]
    pub json: bool,
    /// Print data and errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say on stderr what is done, as a log
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Answer every question with yes
    #[arg(long, global = true)]
    pub yes: bool,
    /// The coordinator to talk to, in place of the profile's
    #[arg(long, global = true, value_name = "URL", env = "WONDER_COORDINATOR", hide_env_values = true)]
    pub coordinator: Option<BaseUrl>,
    /// The log-in to use, by the name of its profile
    #[arg(long, global = true, value_name = "NAME", env = "WONDER_PROFILE", hide_env_values = true)]
    pub profile: Option<String>,
    /// The organization to act on, in place of the profile's
    #[arg(long, global = true, value_name = "NAME|ID", env = "WONDER_ORG", hide_env_values = true)]
    pub org: Option<String>,
    /// Trust these certificates (PEM) in place of the system's
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

impl Globals {
    pub fn ui(&self) -> Ui {
        Ui { json: self.json, quiet: self.quiet, yes: self.yes }
    }
}

/// One run of the command line.
#[derive(Debug)]
pub struct Ctx {
    pub ui: Ui,
    pub globals: Globals,
    clock: Clock,
}

/// A credential, and where it counts.
#[derive(Debug)]
pub struct Session {
    pub client: Client,
    /// The name of the profile that it comes from, and what that says; none where `WONDER_TOKEN` is used.
    pub profile: Option<(String, Profile)>,
}

/// An organization to act on.
#[derive(Debug)]
pub struct Acting {
    pub client: Client,
    /// Its id or name.
    pub org: String,
}

impl Ctx {
    pub fn new(globals: Globals) -> Self {
        Ctx { ui: globals.ui(), globals, clock: Clock::system() }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn profiles(&self) -> Result<ProfileFile> {
        paths::config_dir().map(|directory| ProfileFile::in_directory(&directory))
    }

    /// A client for a coordinator, nobody's yet. What the coordinator warns of is told, once a run.
    pub fn client(&self, coordinator: &BaseUrl) -> Result<Client> {
        let (ui, told) = (self.ui, Once::new());
        let client = Client::new(coordinator, self.globals.ca_file.as_deref())?;
        Ok(client.telling(move |warning| told.call_once(|| ui.warning(warning))))
    }

    /// The credential to use: `WONDER_TOKEN`, else that of the profile.
    pub fn session(&self) -> Result<Session> {
        match (token_of_environment(), &self.globals.coordinator) {
            (Some(token), Some(url)) => {
                Ok(Session { client: self.client(url)?.bearer(&token), profile: None })
            }
            (Some(token), None) => {
                let (_, profile) = self.profile()?.ok_or_else(no_coordinator)?;
                Ok(Session { client: self.client(&profile.coordinator)?.bearer(&token), profile: None })
            }
            (None, _) => {
                let (name, profile) = self.profile()?.ok_or_else(|| self.not_logged_in())?;
                let client = self.client(&profile.coordinator)?.bearer(&profile.token);
                Ok(Session { client, profile: Some((name, profile)) })
            }
        }
    }

    /// The credential to use, and the organization to act on: `--org`, else the profile's current one, else
    /// the one that the credential begins with.
    pub fn acting(&self) -> Result<Acting> {
        let session = self.session()?;
        let of_profile = || session.profile.as_ref()?.1.organization.map(|id| id.to_string());
        let org = match self.globals.org.clone().or_else(of_profile) {
            Some(org) => org,
            None => session.client.session()?.organization.ok_or_else(no_organization)?.id.to_string(),
        };
        Ok(Acting { client: session.client, org })
    }

    /// The profile that counts, with its name.
    pub fn profile(&self) -> Result<Option<(String, Profile)>> {
        let profiles = self.profiles()?.read()?;
        let found = self.choose(&profiles)?;
        Ok(found.map(|(name, profile)| (name.to_owned(), profile.clone())))
    }

    fn choose<'a>(&self, profiles: &'a Profiles) -> Result<Option<(&'a str, &'a Profile)>> {
        match (&self.globals.profile, &self.globals.coordinator) {
            (Some(name), url) => {
                let found = profiles.find(Some(name)).ok_or_else(|| no_profile(name, profiles))?;
                match url {
                    Some(url) if *url != found.1.coordinator => Err(contradiction(name, found.1, url)),
                    _ => Ok(Some(found)),
                }
            }
            (None, Some(url)) => Ok(profiles.of_coordinator(url)),
            (None, None) => Ok(profiles.find(None)),
        }
    }

    pub fn not_logged_in(&self) -> Error {
        let (place, url) = match &self.globals.coordinator {
            Some(url) => (format!(" at {url}"), url.as_str()),
            None => (String::new(), "URL"),
        };
        Error::new(Kind::Unauthenticated, "not_logged_in", format!("not logged in{place}"))
            .hint(format!("`wonder login {url}` does that; programs set WONDER_TOKEN to an API key"))
    }
}

/// An API key or access token in `WONDER_TOKEN`; empty counts as none.
pub fn token_of_environment() -> Option<Secret> {
    let text = std::env::var("WONDER_TOKEN").ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| Secret::new(text))
}

fn no_coordinator() -> Error {
    Error::usage("no_coordinator", "WONDER_TOKEN is set, and no coordinator is named")
        .hint("name it with --coordinator URL, or WONDER_COORDINATOR")
}

fn no_organization() -> Error {
    Error::usage("no_organization", "this log-in has no organization of its own").hint("name one with --org")
}

fn no_profile(name: &str, profiles: &Profiles) -> Error {
    let names: Vec<&str> = profiles.profiles.keys().map(String::as_str).collect();
    let hint = match names.as_slice() {
        [] => format!("`wonder login URL --profile {name}` makes it"),
        names => format!("there are: {}", names.join(", ")),
    };
    Error::new(Kind::NotFound, "profile_not_found", format!("no profile {name} here")).hint(hint)
}

fn contradiction(name: &str, profile: &Profile, url: &BaseUrl) -> Error {
    let message = format!("profile {name} is for {}, and --coordinator names {url}", profile.coordinator);
    Error::usage("contradiction", message).hint("leave one of them out")
}
