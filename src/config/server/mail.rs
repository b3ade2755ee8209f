//! The settings of outgoing mail, `[mail]` in the file: the SMTP server that invitations go out by. Without
//! them no mail is sent.

use serde::Deserialize;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result};

/// How the way to the mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// The connection begins in the clear and is upgraded, or given up (RFC 3207).
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314 section 3).
    Tls,
    /// None: for a server on this host, or in a network that one trusts, without a password.
    None,
}

impl MailTls {
    const fn port(self) -> u16 {
        match self {
            MailTls::Starttls => 587,
            MailTls::Tls => 465,
            MailTls::None => 25,
        }
    }
}

/// `[mail]`, as it stands in the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct MailTable {
    host: String,
    port: Option<u16>,
    #[serde(default)]
    tls: MailTls,
    from: String,
    username: Option<String>,
    password: Option<Secret>,
    password_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
}

/// The keys of the table.
pub(super) const KEYS: &[&str] =
    &["host", "port", "tls", "from", "username", "password", "password-file", "ca-file"];

/// The mail server, and who the coordinator is there.
#[derive(Clone, Debug)]
pub struct Mail {
    pub host: String,
    pub port: u16,
    pub tls: MailTls,
    /// `mesh@example.org` or `Our mesh <mesh@example.org>`.
    pub from: String,
    /// Whom to log in as; none: nobody.
    pub username: Option<String>,
    /// None: the one that is kept sealed in the database, by `wonder mail set-password`.
    pub password: Option<Secret>,
    /// Certificates that are trusted besides the system's, in PEM.
    pub authorities: Option<Vec<u8>>,
}

impl MailTable {
    /// Reads the files that it names.
    pub(super) fn check(self) -> Result<Mail> {
        let password = match (self.password, &self.password_file) {
            (Some(_), Some(_)) => {
                return Err(malformed("mail.password and mail.password-file are both there"));
            }
            (None, Some(path)) => Some(Secret::new(text_of(path)?.trim_end_matches(['\r', '\n']))),
            (password, None) => password,
        };
        if password.is_some() && self.username.is_none() {
            return Err(malformed("a password of [mail] is of a mail.username"));
        }
        if self.tls == MailTls::None && self.username.is_some() && !is_this_host(&self.host) {
            return Err(malformed("mail.tls = \"none\" would send the password in the clear"));
        }
        let authorities = self.ca_file.as_ref().map(|path| text_of(path).map(String::into_bytes));
        Ok(Mail {
            port: self.port.unwrap_or(self.tls.port()),
            host: self.host,
            tls: self.tls,
            from: self.from,
            username: self.username,
            password,
            authorities: authorities.transpose()?,
        })
    }
}

fn is_this_host(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn text_of(path: &PathBuf) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| {
        let message = format!("{}, which [mail] names, cannot be read: {e}", path.display());
        Error::new(Kind::Local, "unreadable_settings", message)
            .hint("the coordinator's own user has to be allowed to read it")
    })
}

fn malformed(message: &str) -> Error {
    Error::usage("malformed_setting", message).hint("[mail] is described in docs/operations.md")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Mail> {
        toml::from_str::<MailTable>(&format!("host = 'mx.example'\nfrom = 'mesh@example.org'\n{text}"))
            .unwrap()
            .check()
    }

    #[test]
    fn the_port_follows_from_the_way() {
        assert_eq!(check("").unwrap().port, 587);
        assert_eq!(check("tls = 'tls'").unwrap().port, 465);
        assert_eq!(check("tls = 'none'\nport = 2525").unwrap().port, 2525);
    }

    #[test]
    fn a_password_comes_from_a_file_and_never_goes_in_the_clear() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hush\n").unwrap();
        let from_file = format!("username = 'ada'\npassword-file = '{}'", file.path().display());
        let mail = check(&from_file).unwrap();
        assert_eq!(mail.username.as_deref(), Some("ada"));
        assert_eq!(mail.password.as_ref().unwrap().reveal(), "hush");
        assert!(!format!("{mail:?}").contains("hush"));
        assert!(check(&format!("{from_file}\npassword = 'x'")).is_err());
        assert!(check("username = 'ada'").unwrap().password.is_none(), "it is kept elsewhere");
        for bad in
            ["password = 'x'", "tls = 'none'\nusername = 'a'\npassword = 'x'", "tls = 'none'\nusername = 'a'"]
        {
            assert_eq!(check(bad).unwrap_err().code(), "malformed_setting", "{bad}");
        }
        let missing = check("username = 'a'\npassword-file = '/nowhere'").unwrap_err();
        assert!(missing.message().contains("/nowhere"));
    }
}
