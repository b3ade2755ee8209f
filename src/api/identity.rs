//! Who a person is at the providers that they log in with.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::core::Timestamp;

/// One of one's own identities at a provider.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Identity {
    pub id: String,
    /// What the provider is called here; `null`: it is not offered any more.
    #[schema(example = "keycloak")]
    pub provider: Option<String>,
    #[schema(example = "https://id.example.org/realms/home")]
    pub issuer: String,
    /// What the provider calls the person.
    pub subject: String,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
}

/// `GET /identities`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct IdentityList {
    pub identities: Vec<Identity>,
    pub next_cursor: Option<String>,
}

/// One identity.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct IdentityAnswer {
    pub identity: Identity,
}
