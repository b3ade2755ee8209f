//! The parts of OAuth 2.0 that need nothing but their input: proof keys, redirect URIs, how clients show who
//! they are, codes to type, signed tokens. `service/oauth` is the caller.

pub mod client;
pub mod jwt;
pub mod pkce;
pub mod redirect;
pub mod user_code;

use crate::core::secret::Secret;

/// How every access token begins.
pub const ACCESS_PREFIX: &str = "wat_";
/// How every refresh token begins.
pub const REFRESH_PREFIX: &str = "wrt_";
/// How every authorization code begins.
pub const CODE_PREFIX: &str = "wac_";
/// How every device code begins.
pub const DEVICE_PREFIX: &str = "wdc_";
/// How every app's secret begins.
pub const CLIENT_SECRET_PREFIX: &str = "was_";
/// The `client_id` of the command line of `wonder` itself: public, by device grant alone.
pub const COMMAND_LINE: &str = "wonder-cli";

/// Whether a bearer token is one of OAuth: told by how it begins.
pub fn is_access_token(bearer: &str) -> bool {
    bearer.starts_with(ACCESS_PREFIX)
}

/// A new access token: 256 random bits.
pub fn access_token() -> Secret {
    Secret::random(ACCESS_PREFIX)
}
