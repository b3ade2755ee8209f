//! `/identities`: who one is at the providers that one logs in with.

use axum::Json;
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use crate::api::{Identity, IdentityAnswer, IdentityList, ListQuery, Problem};
use crate::server::extract::{Listing, Target};
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::authority::Caller;
use crate::service::factor::proof::Proven;
use crate::service::oidc::identity::{self, Known};

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(unlink))
}

/// One's own identities at providers, the oldest first.
#[utoipa::path(get, path = "/identities", tag = "accounts", params(ListQuery),
    responses((status = 200, description = "A page of them.", body = IdentityList)))]
async fn list(state: State, caller: Caller, Listing(page): Listing) -> Answer<Json<IdentityList>> {
    let (known, next_cursor) = identity::list(&state.app, &caller, page).await?;
    Ok(Json(IdentityList { identities: known.into_iter().map(present).collect(), next_cursor }))
}

/// Disconnects one of one's own identities, by its id or its provider's name: the log-ins that came by it end. The
/// last way to log in stays. It takes a log-in of the last ten minutes.
#[utoipa::path(delete, path = "/identities/{identity}", tag = "accounts",
    responses((status = 200, description = "It is disconnected.", body = IdentityAnswer),
        (status = 403, description = "The log-in is too old: log in again.", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "It is the last way to log in.", body = Problem,
            content_type = "application/problem+json")))]
async fn unlink(state: State, caller: Caller, Target(reference): Target) -> Answer<Json<IdentityAnswer>> {
    let gone = identity::unlink(&state.app, Proven::check(&state.app, &caller)?, &reference).await?;
    Ok(Json(IdentityAnswer { identity: present(gone) }))
}

/// An identity, as the API shows it.
fn present(Known { identity, provider }: Known) -> Identity {
    Identity {
        id: identity.id(),
        provider: provider.map(|provider| provider.name.to_string()),
        issuer: identity.issuer,
        subject: identity.subject,
        created_at: identity.created_at,
        last_used_at: identity.last_used_at,
    }
}
