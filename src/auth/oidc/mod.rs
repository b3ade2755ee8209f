//! OpenID Connect as a relying party: what a provider says of itself ([`directory`]), the way of a browser there
//! and back ([`flow`]), and the other tokens that a provider signs ([`jwt`]). Called by `service::oidc`; it keeps
//! nothing, decides about no account, and calls no address that the provider's own document does not name.

pub mod claims;
pub mod directory;
pub mod flow;
mod gate;
mod http;
pub mod jwt;
mod probe;
mod trouble;

use std::time::Duration;

/// How far the clock of a provider may be from this one.
pub const LEEWAY: Duration = Duration::from_secs(60);
