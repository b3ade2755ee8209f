//! Where the command line keeps its files. Called by `cli`; creates nothing. The coordinator's data directory is
//! one of its settings (`server`).

use directories::ProjectDirs;
use std::path::PathBuf;

use crate::core::{Error, Kind, Result};

/// The directory of log-ins and of this device's join: `WONDER_CONFIG_DIR`, else the user's own.
pub fn config_dir() -> Result<PathBuf> {
    let named = std::env::var_os("WONDER_CONFIG_DIR").filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = || ProjectDirs::from("", "", "wonder").map(|dirs| dirs.config_dir().to_owned());
    named.or_else(own).ok_or_else(|| {
        Error::new(Kind::Local, "no_home_directory", "this user has no home directory")
            .hint("set WONDER_CONFIG_DIR to a directory of your choice")
    })
}
