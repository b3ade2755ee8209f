//! Log-ins at OpenID Connect providers: which providers there are ([`provider`]) and how they stand ([`standing`]), the way of a browser there and
//! back ([`log_in`]), whose account that opens ([`account`]), who people are there ([`identity`]), where they are a
//! member by the provider's word ([`membership`]), bearer tokens of a provider ([`bearer`]), and log-outs at either end ([`log_out`]).

pub mod account;
pub mod bearer;
pub mod identity;
pub mod log_in;
pub mod log_out;
pub mod membership;
pub mod provider;
pub mod standing;

use ipnet::IpNet;
use std::time::Duration;

use self::standing::Answers;
use super::app::App;
use crate::auth::oidc::directory::Directory;
use crate::core::{Result, Timestamp};
use crate::store::oidc::{login_state, logout_token};

/// How long a used or expired state is known as such.
const KEPT: Duration = Duration::from_secs(3600);

/// What log-ins at providers share: what is known of the providers.
pub struct Oidc {
    directory: Directory,
    answers: Answers,
}

impl Oidc {
    /// `networks`: where providers that were added on a page may be, beside the Internet.
    pub fn new(networks: &[IpNet]) -> Self {
        Oidc { directory: Directory::new(networks), answers: Answers::default() }
    }
}

/// Forgets states and logout tokens that are long over. For the coordinator's own housekeeping.
pub async fn sweep(app: &App) -> Result<u64> {
    let now = app.now();
    let kept = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
    let before = Timestamp::from_millis(now.as_millis().saturating_sub(kept));
    app.store()
        .write(move |tx| Ok(login_state::delete_over(tx, before)? + logout_token::delete_over(tx, now)?))
        .await
}
