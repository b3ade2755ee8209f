//! Where the database is: `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::postgres::Settings;
use crate::core::{Error, Result};

/// A database as people name it. Prints without passwords.
#[derive(Clone)]
pub enum DatabaseUrl {
    /// A file of this machine.
    Sqlite(PathBuf),
    /// A server.
    Postgres(Box<Settings>),
}

impl DatabaseUrl {
    /// The default: `wonder.db` in the data directory.
    pub fn in_data_dir(data_dir: &Path) -> Self {
        DatabaseUrl::Sqlite(data_dir.join("wonder.db"))
    }
}

impl FromStr for DatabaseUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Settings::parse(text).map(|settings| DatabaseUrl::Postgres(Box::new(settings)));
        }
        match text.strip_prefix("sqlite:") {
            Some(path) => sqlite_path(path).map(DatabaseUrl::Sqlite),
            None => Err(malformed("the database URL starts with neither sqlite: nor postgres://")),
        }
    }
}

fn sqlite_path(path: &str) -> Result<PathBuf> {
    let path = path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    if path.is_empty() || path.ends_with('/') {
        return Err(malformed("the database URL names no file"));
    }
    if path == ":memory:" {
        return Err(malformed("a database in memory would forget everything at the next start"));
    }
    Ok(PathBuf::from(path))
}

/// A malformed URL, which is not quoted: it may hold a password.
pub(super) fn malformed(message: &str) -> Error {
    Error::usage("malformed_database_url", message)
        .hint("write it like sqlite:/var/lib/wonder/wonder.db or postgres://user@host/name")
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatabaseUrl::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            DatabaseUrl::Postgres(settings) => write!(f, "{settings}"),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_a_file_or_a_server() {
        for (text, shown) in [
            ("sqlite:wonder.db", "sqlite:wonder.db"),
            ("sqlite:/var/lib/wonder.db", "sqlite:/var/lib/wonder.db"),
            ("sqlite:///var/lib/wonder.db", "sqlite:/var/lib/wonder.db"),
            ("postgres://ada:secret@db.example:5433/mesh", "postgres://ada@db.example:5433/mesh"),
            ("postgresql://ada@db.example/mesh?sslmode=verify-full", "postgres://ada@db.example:5432/mesh"),
        ] {
            assert_eq!(text.parse::<DatabaseUrl>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_neither_is_a_usage_error_that_quotes_no_password() {
        for text in
            ["", "wonder.db", "mysql://a:pw@b/c", "sqlite:", "sqlite::memory:", "postgres://a:pw@h/d?x=y"]
        {
            let error = text.parse::<DatabaseUrl>().unwrap_err();
            assert_eq!(error.code(), "malformed_database_url", "{text}");
            assert!(!format!("{error:?}").contains("pw"), "{error:?}");
        }
    }
}
