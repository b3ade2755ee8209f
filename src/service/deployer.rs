//! A platform joins a realm with a machine of its own, to reach the workers there: by an app's grant or an API
//! key with `nodes:write`. What comes by a grant ends with it.

use std::time::Duration;

use super::app::App;
use super::audit::{self, Change};
use super::authority::May;
use super::join::{self, REGISTRATION, Redeemed};
use super::oauth::limits as oauth_limits;
use super::realm;
use crate::core::Result;
use crate::core::action::Action;
use crate::core::id::TokenId;
use crate::core::role::CreateJoinTokens;
use crate::core::token::JoinToken;
use crate::mesh::JoinOptions;
use crate::store::Tx;
use crate::store::join_token::{self, NewJoinToken};

/// What a platform's own node is tagged as.
pub const TAG: &str = "tag:deployer";
/// How long the credentials let the machine in; the node that it becomes stays.
const LIFETIME: Duration = Duration::from_secs(3600);

/// Credentials of one node, which count until the machine has joined, or for ten minutes.
pub async fn join(app: &App, may: &May<CreateJoinTokens>) -> Result<join::Grant> {
    let (word, now) = (JoinToken::new(app.settings().url.clone()), app.now());
    oauth_limits::join(app, may.grant(), may.user())?;
    let new = NewJoinToken {
        id: TokenId::new(now),
        org_id: may.org(),
        name: format!("deployer {}", may.actor().name()).chars().take(63).collect(),
        secret: word.auth_key().hash(),
        uses: Some(1),
        ephemeral: false,
        tags: vec![TAG.to_owned()],
        created_by: may.user(),
        created_at: now,
        expires_at: now.plus(LIFETIME),
        grant: may.grant(),
    };
    let actor = may.actor().clone();
    let mint = move |tx: &mut Tx<'_>| {
        let change = Change::new(Action::DeployerJoin, new.id, &new.name).of(new.org_id);
        join_token::insert(tx, new)?;
        audit::record(tx, now, &actor, change)?;
        join::spend(tx, &word, now)
    };
    let Redeemed { token, auth_key, worker_key } = app.store().write(mint).await?;
    let options =
        JoinOptions { auth_key, lifetime: REGISTRATION, ephemeral: false, tags: token.tags.clone() };
    let mesh = realm::credential(app, token.realm_id, options).await?;
    Ok(join::Grant { token, worker_key, mesh })
}
