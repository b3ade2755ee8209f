//! Settings (flag, environment, file, default), paths, and the profiles of the command line.

pub mod server;
