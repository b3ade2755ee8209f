//! Who somebody is: passwords, sessions, API keys. Knows no HTTP.

pub mod limit;
pub mod password;
pub mod session;
