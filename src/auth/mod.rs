//! Who somebody is: passwords, sessions, API keys, the pure parts of OAuth 2.0. Knows no HTTP.

pub mod api_key;
pub mod factor;
pub mod letters;
pub mod limit;
pub mod oauth;
pub mod oidc;
pub mod password;
pub mod seal;
pub mod session;
pub mod stamp;
pub mod vault;
