//! Who looks at a page. A handler takes a [`Visitor`] (somebody who is logged in; others are led to the log-in
//! and back), [`Inside`] (the same, with a right in the organization that the path names), [`Governing`] (the same,
//! who administers the coordinator), or a [`Guest`].

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::cookie::Cookie;
use super::form::{self, FormToken};
use super::note::Note;
use super::session;
use crate::core::id::OrgId;
use crate::core::role::Permission;
use crate::core::secret::Secret;
use crate::core::url::BaseUrl;
use crate::core::{Kind, Result, Timestamp};
use crate::server::extract::{self, From};
use crate::server::problem::Failure;
use crate::server::state::State;
use crate::service::administrator::Administrator;
use crate::service::authority::{Caller, May, Person};
use crate::service::organization;
use crate::service::session::{authenticate_browser, recognize_browser};
use crate::store::organization::{Membership, Organization};

/// What a page's script sends when it asks by itself: nobody is there, so that no log-in lives on by it.
const REFRESH: &str = "wonder-refresh";

/// Somebody who is logged in with this browser.
pub struct Visitor {
    caller: Caller,
    person: Person,
    memberships: Vec<Membership>,
    form: FormToken,
    /// What was done on the page before.
    pub note: Option<Note>,
    pub url: BaseUrl,
    pub now: Timestamp,
}

impl Visitor {
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    pub fn person(&self) -> &Person {
        &self.person
    }

    /// Where they are a member, the personal organization first.
    pub fn memberships(&self) -> &[Membership] {
        &self.memberships
    }

    /// The hidden field of each of their forms.
    pub fn form(&self) -> &FormToken {
        &self.form
    }

    /// What the path of an organization's pages calls it: its name where that is fit and theirs alone, else
    /// its id.
    pub fn slug(&self, organization: &Organization) -> String {
        let name = &organization.name;
        let fit = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let alone = self.memberships.iter().filter(|m| m.organization.name == *name).count() == 1;
        match fit && alone && name.parse::<OrgId>().is_err() {
            true => name.clone(),
            false => organization.id.to_string(),
        }
    }

    /// The path of an organization's page.
    pub fn path(&self, organization: &Organization, page: &str) -> String {
        format!("/o/{}{page}", self.slug(organization))
    }
}

impl FromRequestParts<State> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Response> {
        let caller = match recognize(parts, state).await {
            Ok(Some(caller)) => caller,
            Ok(None) => return Err(to_log_in(parts)),
            Err(failure) => return Err(failure.into_response()),
        };
        welcome(parts, state, caller).await.map_err(|error| Failure::from(error).into_response())
    }
}

/// Who shows the session cookie; none where there is no good one.
async fn recognize(parts: &mut Parts, state: &State) -> Result<Option<Caller>, Failure> {
    let Some(token) = session_token(&parts.headers, state.url()) else { return Ok(None) };
    let Ok(From(origin)) = From::from_request_parts(parts, state).await;
    let recognized = match parts.headers.contains_key(REFRESH) {
        true => recognize_browser(&state.app, &token, origin).await,
        false => authenticate_browser(&state.app, &token, origin).await,
    };
    match recognized {
        Ok(caller) => Ok(Some(caller)),
        Err(error) if error.kind() == Kind::Unauthenticated => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The token in the session cookie.
pub fn session_token(headers: &HeaderMap, url: &BaseUrl) -> Option<Secret> {
    Cookie::Session.read(headers, url).map(Secret::new)
}

async fn welcome(parts: &Parts, state: &State, caller: Caller) -> Result<Visitor> {
    let memberships = organization::list(&state.app, &caller).await?;
    let key = form::key(&parts.headers, state.url()).unwrap_or_else(|| Secret::random(""));
    Ok(Visitor {
        person: caller.person()?.clone(),
        caller,
        memberships,
        form: FormToken::of(&key),
        note: Note::read(&parts.headers, state.url()),
        url: state.url().clone(),
        now: state.app.now(),
    })
}

/// The way to the log-in, and back to where they were going, if that only looks.
fn to_log_in(parts: &Parts) -> Response {
    let going = parts.uri.path_and_query().filter(|_| parts.method == Method::GET);
    Redirect::to(&session::path_to_log_in(going.map(http::uri::PathAndQuery::as_str))).into_response()
}

/// A visitor with the right `P` in the organization that the path names as `{org}`. For an outsider there is no
/// such page.
pub struct Inside<P> {
    pub visitor: Visitor,
    pub may: May<P>,
}

impl<P: Permission> FromRequestParts<State> for Inside<P> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        let may = authorize(parts, state, &visitor).await;
        may.map(|may| Inside { visitor, may }).map_err(|error| Failure::from(error).into_response())
    }
}

async fn authorize<P: Permission>(parts: &mut Parts, state: &State, visitor: &Visitor) -> Result<May<P>> {
    let org = extract::path(parts, state).await?.into_iter().find(|(name, _)| name == "org");
    May::check(&state.app, visitor.caller(), org.map(|(_, value)| value).as_deref()).await
}

/// A visitor who administers the coordinator.
pub struct Governing {
    pub visitor: Visitor,
    pub authority: Administrator,
}

impl FromRequestParts<State> for Governing {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        let authority = Administrator::check(visitor.caller());
        let authority = authority.map_err(|error| Failure::from(error).into_response())?;
        Ok(Governing { visitor, authority })
    }
}

impl<P: Permission> Inside<P> {
    /// The path of another page of this organization.
    pub fn path(&self, page: &str) -> String {
        self.visitor.path(self.may.organization(), page)
    }
}

/// Somebody of whom nothing is known yet.
pub struct Guest {
    pub form: FormToken,
    /// A new key for their forms, to be given to the browser.
    pub fresh: Option<Secret>,
    /// They are logged in after all.
    pub caller: Option<Caller>,
    pub url: BaseUrl,
}

impl FromRequestParts<State> for Guest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Response> {
        let caller = recognize(parts, state).await.map_err(Failure::into_response)?;
        let known = form::key(&parts.headers, state.url());
        let fresh = known.is_none().then(|| Secret::random(""));
        let form = known.as_ref().or(fresh.as_ref()).map(FormToken::of);
        // One of both is there.
        let form = form.unwrap_or_else(|| FormToken::of(&Secret::random("")));
        Ok(Guest { form, fresh, caller, url: state.url().clone() })
    }
}
