//! `/organizations/{org}/apps`: OAuth 2.0 clients of third parties.

use axum::Json;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;

use super::declared::routes;
use super::keys::{present_scope, read_scope};
use crate::api::{App, AppAnswer, AppList, ListQuery, NewApp, RegisterApp};
use crate::core::role::{ManageApps, ViewApps};
use crate::server::extract::{Body, Listing, Target};
use crate::server::problem::Answer;
use crate::server::state::State;
use crate::service::authority::May;
use crate::service::oauth::app;
use crate::store::oauth::app::AppRow;

pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list, register)).routes(routes!(show, revoke))
}

/// The organization's apps, the newest first.
#[utoipa::path(get, path = "/organizations/{org}/apps", tag = "apps", params(ListQuery),
    responses((status = 200, description = "A page of them.", body = AppList)))]
async fn list(state: State, may: May<ViewApps>, Listing(page): Listing) -> Answer<Json<AppList>> {
    let (apps, next_cursor) = app::list(&state.app, &may, page).await?;
    Ok(Json(AppList { apps: apps.into_iter().map(present).collect(), next_cursor }))
}

/// Registers an app.
#[utoipa::path(post, path = "/organizations/{org}/apps", tag = "apps", request_body = RegisterApp,
    responses((status = 201, description = "The app, with its secret.", body = NewApp)))]
async fn register(
    state: State,
    may: May<ManageApps>,
    Body(asked): Body<RegisterApp>,
) -> Answer<(StatusCode, Json<NewApp>)> {
    let new = app::NewApp {
        name: asked.name,
        redirect_uris: asked.redirect_uris,
        post_logout_redirect_uris: asked.post_logout_redirect_uris,
        public: asked.public,
        scopes: asked.scopes.map(|scopes| scopes.into_iter().map(read_scope).collect()),
    };
    let made = app::register(&state.app, &may, new).await?;
    Ok((StatusCode::CREATED, Json(NewApp { app: present(made.app), secret: made.secret })))
}

/// One app.
#[utoipa::path(get, path = "/organizations/{org}/apps/{app}", tag = "apps",
    responses((status = 200, description = "The app.", body = AppAnswer)))]
async fn show(state: State, may: May<ViewApps>, Target(reference): Target) -> Answer<Json<AppAnswer>> {
    Ok(Json(AppAnswer { app: present(app::show(&state.app, &may, &reference).await?) }))
}

/// Revokes an app, with all that anybody granted it.
#[utoipa::path(delete, path = "/organizations/{org}/apps/{app}", tag = "apps",
    responses((status = 200, description = "The app, revoked.", body = AppAnswer)))]
async fn revoke(state: State, may: May<ManageApps>, Target(reference): Target) -> Answer<Json<AppAnswer>> {
    Ok(Json(AppAnswer { app: present(app::revoke(&state.app, &may, &reference).await?) }))
}

/// An app, as the API shows it.
fn present(app: AppRow) -> App {
    App {
        id: app.id,
        name: app.name,
        public: app.secret.is_none(),
        redirect_uris: app.redirect_uris,
        post_logout_redirect_uris: app.post_logout_redirect_uris,
        scopes: app.scopes.api().map(present_scope).collect(),
        created_at: app.created_at,
        revoked_at: app.revoked_at,
    }
}
