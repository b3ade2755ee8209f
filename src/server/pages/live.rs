//! `/o/{org}/live`: tells an open page that something has changed in the realm (server-sent events, WHATWG HTML
//! section 9.2). What has changed it does not say: the page asks for itself again, with the rights that its
//! visitor has then.

use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::convert::Infallible;
use std::time::Duration;

use super::visitor::{Inside, session_token};
use crate::core::role::ViewNodes;
use crate::core::secret::Secret;
use crate::core::{Error, Kind};
use crate::runtime::Stop;
use crate::server::crowd::{Crowd, Seat};
use crate::server::problem::Answer;
use crate::server::request::Peer;
use crate::server::state::State;
use crate::service::audit::Origin;
use crate::service::authority::May;
use crate::service::node::{self, Changes};
use crate::service::session::recognize_browser;

/// Pages that follow their realm at once, from one address.
const MOST: usize = 64;
/// Changes within this time are told together.
const TOGETHER: Duration = Duration::from_millis(400);
/// How often a page hears that the coordinator is still there, and a proxy that the stream lives; so long may a
/// page stay open whose log-in has ended.
const BEAT: Duration = Duration::from_secs(20);

pub fn routes() -> Router<State> {
    Router::new().route("/o/{org}/live", get(follow)).layer(Extension(Crowd::new(MOST)))
}

/// One open page.
struct Page {
    state: State,
    token: Secret,
    org: String,
    changes: Changes,
    stop: Stop,
    is_over: bool,
    _seat: Seat,
}

async fn follow(
    state: State,
    inside: Inside<ViewNodes>,
    Extension(crowd): Extension<Crowd>,
    Extension(Peer(peer)): Extension<Peer>,
    Extension(stop): Extension<Stop>,
    headers: HeaderMap,
) -> Answer<Response> {
    let seat = crowd.enter(peer).ok_or_else(|| {
        Error::new(
            Kind::RateLimited,
            "too_many_streams",
            "too many pages follow this network from your address",
        )
        .hint("close some of them")
    })?;
    let changes = node::changes(&state.app, &inside.may).await?;
    let token = session_token(&headers, state.url()).unwrap_or_else(|| Secret::new(""));
    let org = inside.may.org().to_string();
    let page = Page { state, token, org, changes, stop, is_over: false, _seat: seat };
    let mut response = Sse::new(stream::unfold(page, next)).into_response();
    // A proxy that gathers answers would hold the events back.
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// The next event; none when the page's log-in has ended, or the coordinator stops.
async fn next(mut page: Page) -> Option<(Result<Event, Infallible>, Page)> {
    if page.is_over {
        return None;
    }
    let event = tokio::select! {
        () = page.stop.wait() => return None,
        changed = page.changes.next() => match changed {
            true => Event::default().event("changed").data("1"),
            false => return None,
        },
        () = tokio::time::sleep(BEAT) => Event::default().comment(""),
    };
    tokio::select! {
        () = tokio::time::sleep(TOGETHER) => {}
        () = page.stop.wait() => return None,
    }
    page.changes.catch_up();
    page.is_over = !may_look(&page).await;
    let event = if page.is_over { Event::default().event("over").data("1") } else { event };
    Some((Ok(event), page))
}

/// Whether whoever opened the page may still see what it shows.
async fn may_look(page: &Page) -> bool {
    let app = &page.state.app;
    match recognize_browser(app, &page.token, Origin::default()).await {
        Ok(caller) => May::<ViewNodes>::check(app, &caller, Some(&page.org)).await.is_ok(),
        Err(_) => false,
    }
}
