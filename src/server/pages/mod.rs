//! The web pages: made here from what `service` says, for browsers with and without JavaScript. A page's handler
//! takes a [`visitor::Visitor`] or [`visitor::Inside`], calls the use cases that the API calls too, and answers
//! with [`layout::page`] or [`layout::inside`]. Whatever changes something is a form, and comes through
//! [`form::guard`]. Text stands in [`text`].
//!
//! A new page: a file here with `routes()`, merged below; its `GET` takes `Inside<Permission>` (or [`visitor::Visitor`]
//! where it belongs to no organization), each of its forms begins with `(visitor.form())`, its `POST` takes
//! [`form::Form`] and ends with a redirect ([`note::go`] tells what was done). A section of an organization
//! gets a line in [`layout::Tab`].

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use http::{HeaderValue, header};

use super::request;
use super::state::State;

mod add;
mod agent;
mod app;
mod approve;
pub mod assets;
mod audit;
mod code;
mod confirm;
mod consent;
pub mod cookie;
mod device;
mod devices;
mod end_session;
mod factor;
pub mod form;
mod half;
mod identity;
mod invitation;
mod key;
mod key_policy;
pub mod layout;
mod live;
mod member;
pub mod note;
mod organization;
mod overview;
pub mod parts;
mod passkey;
mod provider;
mod provider_form;
mod providers;
mod qr;
mod session;
mod settings;
mod setup;
pub mod text;
mod token;
pub mod trouble;
pub mod visitor;

/// Every page, with what stands before all of them.
pub fn router(state: State) -> Router {
    let pages = Router::new()
        .merge(session::routes())
        .merge(half::routes())
        .merge(provider::routes())
        .merge(identity::routes())
        .merge(providers::routes())
        .merge(provider_form::routes())
        .merge(setup::routes())
        .merge(overview::routes())
        .merge(devices::routes())
        .merge(device::routes())
        .merge(add::routes())
        .merge(approve::routes())
        .merge(token::routes())
        .merge(key::routes())
        .merge(settings::routes())
        .merge(factor::routes())
        .merge(confirm::routes())
        .merge(passkey::routes())
        .merge(member::routes())
        .merge(invitation::routes())
        .merge(organization::routes())
        .merge(app::routes())
        .merge(audit::routes())
        .merge(consent::routes())
        .merge(code::routes())
        .merge(end_session::routes())
        .layer(from_fn(request::limit_time));
    let files = Router::new().route("/assets/{name}", get(assets::serve));
    pages
        .merge(live::routes())
        .layer(from_fn_with_state(state.clone(), form::guard))
        .merge(files)
        .layer(from_fn_with_state(state.clone(), over_tls_alone))
        .with_state(state)
}

/// Where the coordinator has https, browsers keep to it from now on (RFC 6797).
async fn over_tls_alone(state: State, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if state.url().is_https() {
        let year = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}
