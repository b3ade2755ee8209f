//! Settings (flag, environment, file, default), paths, and the profiles of the command line.

pub mod master_key;
pub mod new_file;
pub mod paths;
mod private_file;
pub mod profile;
pub mod server;
pub mod worker;
