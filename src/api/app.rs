//! Apps: OAuth 2.0 clients of third parties.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Scope;
use super::schema::reveal_some;
use crate::core::Timestamp;
use crate::core::id::AppId;
use crate::core::secret::Secret;

/// An app, without its secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct App {
    /// The `client_id`.
    pub id: AppId,
    pub name: String,
    /// It keeps no secret.
    pub public: bool,
    #[schema(example = json!(["https://platform.example.org/callback"]))]
    pub redirect_uris: Vec<String>,
    /// Where browsers may be led after a log-out.
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// The most that it may ask for.
    pub scopes: Vec<Scope>,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

/// One app.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AppAnswer {
    pub app: App,
}

/// An organization's apps, the newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AppList {
    pub apps: Vec<App>,
    pub next_cursor: Option<String>,
}

/// `POST …/apps`. What is left out: an app that keeps a secret, and may ask for every scope.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterApp {
    #[schema(min_length = 1, max_length = 63)]
    pub name: String,
    /// Where the browser may be sent with an answer; none is needed by an app that uses device codes, or acts
    /// for its own organization alone.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub redirect_uris: Vec<String>,
    /// Where it may have the browser led after a log-out (OpenID Connect RP-Initiated Logout 1.0), to the letter.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub post_logout_redirect_uris: Vec<String>,
    /// It can keep no secret: a program on a phone or a desktop.
    #[serde(default)]
    pub public: bool,
    #[serde(default)]
    pub scopes: Option<Vec<Scope>>,
}

/// An app that was just registered, with its secret: the one time that it is shown. A public one has none.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewApp {
    pub app: App,
    #[serde(serialize_with = "reveal_some")]
    pub secret: Option<Secret>,
}
