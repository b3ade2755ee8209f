//! Who somebody is: passwords, sessions, API keys. Knows no HTTP.

pub mod api_key;
pub mod limit;
pub mod password;
pub mod seal;
pub mod session;
pub mod stamp;
