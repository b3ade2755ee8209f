//! Where `wonder` keeps its files. Called by `cli` and `server`; creates nothing.

use directories::ProjectDirs;
use std::path::PathBuf;

use crate::core::{Error, Kind, Result};

/// The directory of the command line's log-ins: `WONDER_CONFIG_DIR`, else the user's own.
pub fn config_dir() -> Result<PathBuf> {
    from_environment("WONDER_CONFIG_DIR")
        .or_else(|| Some(user_dirs()?.config_dir().to_owned()))
        .ok_or_else(|| homeless("WONDER_CONFIG_DIR"))
}

/// The coordinator's data directory: `WONDER_DATA_DIR`; else `/var/lib/wonder` for root, the user's own data
/// directory for anybody else.
pub fn data_dir() -> Result<PathBuf> {
    if let Some(directory) = from_environment("WONDER_DATA_DIR") {
        return Ok(directory);
    }
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/wonder"));
    }
    user_dirs().map(|dirs| dirs.data_dir().to_owned()).ok_or_else(|| homeless("WONDER_DATA_DIR"))
}

/// The value of a variable that is set to more than nothing.
fn from_environment(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn user_dirs() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "wonder")
}

fn homeless(variable: &str) -> Error {
    Error::new(Kind::Local, "no_home_directory", "this user has no home directory")
        .hint(format!("set {variable} to a directory of your choice"))
}
