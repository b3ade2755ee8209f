//! What log-ins at OpenID Connect providers need to be remembered; one file a noun.

pub mod identity;
pub mod login_state;
pub mod logout_token;
pub mod origin;
pub mod provider;
pub mod ruled_membership;
