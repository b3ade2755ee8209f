//! A PostgreSQL URL, taken apart: where the server is, and how far its certificate is trusted.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use postgres::Config;
use postgres::config::{Host, SslMode};

use super::super::url::malformed;
use super::tls::Trust;
use crate::core::Result;

/// How to reach a server. Prints without the password.
#[derive(Clone)]
pub struct Settings {
    pub(super) config: Config,
    pub(super) trust: Trust,
}

impl Settings {
    /// Reads `postgres://USER:PASSWORD@HOST:PORT/NAME?sslmode=…&sslrootcert=FILE`. The modes mean what
    /// libpq means: `require` encrypts and trusts any certificate (with `sslrootcert`: only its);
    /// `verify-ca` and `verify-full` check certificate and name, against `sslrootcert` or the system's roots.
    pub fn parse(url: &str) -> Result<Settings> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut roots, mut rest) = ("prefer", None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = value,
                Some(("sslrootcert", "system")) => {}
                Some(("sslrootcert", value)) => roots = Some(PathBuf::from(value)),
                _ => rest.push(pair),
            }
        }
        let parsed = format!("{base}?{}", rest.join("&")).parse::<Config>();
        let mut config = parsed.map_err(|e| {
            let reason = std::error::Error::source(&e).map(ToString::to_string).unwrap_or_default();
            malformed(&format!("the PostgreSQL URL is malformed: {reason}"))
        })?;
        let (mode, trust) = trust(mode, roots)?;
        config.ssl_mode(mode);
        set_limits(&mut config);
        Ok(Settings { config, trust })
    }

    /// The same server, where our connections are called so.
    pub(super) fn named(&self, name: &str) -> Settings {
        let mut named = self.clone();
        named.config.application_name(name);
        named
    }
}

fn trust(mode: &str, roots: Option<PathBuf>) -> Result<(SslMode, Trust)> {
    Ok(match (mode, roots) {
        ("disable", _) => (SslMode::Disable, Trust::Anyone),
        ("allow" | "prefer", _) => (SslMode::Prefer, Trust::Anyone),
        ("require", None) => (SslMode::Require, Trust::Anyone),
        ("require" | "verify-ca" | "verify-full", Some(file)) => (SslMode::Require, Trust::File(file)),
        ("verify-ca" | "verify-full", None) => (SslMode::Require, Trust::System),
        _ => return Err(malformed("sslmode is one of disable, prefer, require, verify-ca, verify-full")),
    })
}

fn set_limits(config: &mut Config) {
    config.application_name("wonder");
    config.connect_timeout(Duration::from_secs(3));
    config.tcp_user_timeout(Duration::from_secs(10));
    config.keepalives_idle(Duration::from_secs(30));
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.config.get_user().unwrap_or("?");
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            Some(Host::Unix(directory)) => directory.display().to_string(),
            None => "?".into(),
        };
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        write!(f, "postgres://{user}@{host}:{port}/{}", self.config.get_dbname().unwrap_or(user))
    }
}
