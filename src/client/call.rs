//! One call: from a method, a path and a body to an answer or an [`Error`]. Called by the files of the nouns.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE};
use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body};

use super::{failure, tls};
use crate::api::{ListQuery, PREFIX};
use crate::core::secret::Secret;
use crate::core::url::{BaseUrl, encode};
use crate::core::{Error, Result};

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a whole call may take, name look-up to last byte.
const WHOLE: Duration = Duration::from_secs(30);

/// Largest answer that is read, in bytes: 200 nodes are a tenth of it.
const LARGEST: u64 = 4 << 20;

/// How many entries a page of a list has; the most that the API gives.
const PAGE: u16 = 200;

/// How many pages are read before a list that does not end counts as a defect.
const PAGES: usize = 1000;

/// A way to a coordinator. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    base: BaseUrl,
    bearer: Option<Secret>,
    ear: Option<Ear>,
}

/// Who is told what the coordinator warns of.
#[derive(Clone)]
struct Ear(Arc<dyn Fn(&str) + Send + Sync>);

impl fmt::Debug for Ear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ear")
    }
}

/// A request without a body.
pub(super) const NOTHING: Option<&()> = None;

impl Client {
    /// A client for the coordinator at `base`. `ca_file` names the certificates (PEM) to trust in place of the
    /// system's. Nothing is sent yet.
    pub fn new(base: &BaseUrl, ca_file: Option<&Path>) -> Result<Client> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(WHOLE))
            .user_agent(concat!("wonder/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls::config(ca_file)?);
        if base.is_dependable() && !base.is_https() {
            // A proxy of the environment does not know the way to this machine or into the home.
            config = config.proxy(None);
        }
        Ok(Client { agent: config.build().new_agent(), base: base.clone(), bearer: None, ear: None })
    }

    /// The same way, as the holder of a session token, API key or worker key.
    #[must_use]
    pub fn bearer(&self, secret: &Secret) -> Client {
        Client { bearer: Some(secret.clone()), ..self.clone() }
    }

    /// The same way; `tell` is given what the coordinator warns of, with each answer that says it (the header
    /// `Wonder-Warning`: a code, a semicolon, a sentence).
    #[must_use]
    pub fn telling(self, tell: impl Fn(&str) + Send + Sync + 'static) -> Client {
        Client { ear: Some(Ear(Arc::new(tell))), ..self }
    }

    pub fn coordinator(&self) -> &BaseUrl {
        &self.base
    }

    pub(super) fn get<A: DeserializeOwned>(&self, path: &str) -> Result<A> {
        self.call(Method::GET, path, NOTHING)
    }

    pub(super) fn call<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<A> {
        let answer = self.send(method, path, body)?;
        serde_json::from_slice(&answer).map_err(|error| failure::not_a_coordinator(&self.base).source(error))
    }

    /// For calls that are answered with nothing (204).
    pub(super) fn tell(&self, method: Method, path: &str) -> Result<()> {
        self.send(method, path, NOTHING).map(drop)
    }

    /// Reads a list to its end; `take` gives a page's entries and where the list goes on.
    pub(super) fn list<A: DeserializeOwned, T>(
        &self,
        path: &str,
        take: impl Fn(A) -> (Vec<T>, Option<String>),
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        let mut query = ListQuery { limit: Some(PAGE), cursor: None };
        for _ in 0..PAGES {
            let (entries, next) = take(self.get(&format!("{path}{}", query_text(&query)))?);
            all.extend(entries);
            match next {
                Some(cursor) => query.cursor = Some(cursor),
                None => return Ok(all),
            }
        }
        Err(Error::bug(format!("the list at {path} does not end")))
    }

    /// Posts a form to an endpoint of the authorization server. An `error` of OAuth 2.0 (RFC 6749
    /// section 5.2) is an answer like any other.
    pub(super) fn post_form<A: DeserializeOwned>(&self, path: &str, fields: &[(&str, &str)]) -> Result<A> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.into_bytes());
        let request = request.map_err(|error| unsendable().source(error))?;
        let answer = self.agent.run(request).map_err(|error| failure::of_transport(&self.base, error))?;
        let (parts, body) = answer.into_parts();
        let read = body.into_with_config().limit(LARGEST).read_to_vec();
        let bytes = read.map_err(|error| failure::of_transport(&self.base, error))?;
        serde_json::from_slice(&bytes).map_err(|_| failure::of_answer(&self.base, &parts, &bytes))
    }

    fn send(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Result<Vec<u8>> {
        let request = self.request(&method, path, body)?;
        let answer = self.agent.run(request).map_err(|error| failure::of_transport(&self.base, error))?;
        let warning = answer.headers().get("wonder-warning").and_then(|value| value.to_str().ok());
        if let (Some(Ear(tell)), Some(warning)) = (&self.ear, warning) {
            tell(warning);
        }
        tracing::debug!(%method, path, status = answer.status().as_u16(), "called the coordinator");
        self.read(answer)
    }

    fn request(
        &self,
        method: &Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Request<Vec<u8>>> {
        let mut request = Request::builder().method(method).uri(format!("{}{PREFIX}{path}", self.base));
        if let Some(secret) = &self.bearer {
            request = request.header(AUTHORIZATION, format!("Bearer {}", secret.reveal()));
        }
        let bytes = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                serde_json::to_vec(body)
                    .map_err(|error| Error::bug("a request does not fit into JSON").source(error))?
            }
            None => Vec::new(),
        };
        request.body(bytes).map_err(|error| unsendable().source(error))
    }

    fn read(&self, answer: Response<Body>) -> Result<Vec<u8>> {
        let (parts, body) = answer.into_parts();
        let read = body.into_with_config().limit(LARGEST).read_to_vec();
        let bytes = read.map_err(|error| failure::of_transport(&self.base, error))?;
        if parts.status.is_success() {
            Ok(bytes)
        } else {
            Err(failure::of_answer(&self.base, &parts, &bytes))
        }
    }
}

/// A header can hold no line break, and no character outside of ASCII.
fn unsendable() -> Error {
    Error::usage(
        "malformed_credential",
        "this log-in or API key cannot be sent: it holds a character that none has",
    )
    .hint("copy it again, whole and alone")
}

/// An id or a name as one segment of a path (RFC 3986 section 3.3).
pub(super) fn segment(text: &str) -> Result<String> {
    if matches!(text, "" | "." | "..") {
        return Err(Error::usage("malformed_name", format!("{text:?} is neither a name nor an id"))
            .hint("the `list` of the same noun shows both"));
    }
    Ok(encode(text, b""))
}

/// `name=value`, whatever the value holds.
pub(super) fn query_pair(name: &str, value: &str) -> String {
    format!("{name}={}", encode(value, b""))
}

fn query_text(query: &ListQuery) -> String {
    let limit = query.limit.map(|limit| limit.to_string());
    query_of(&[("limit", limit.as_deref()), ("cursor", query.cursor.as_deref())])
}

/// A query of the parameters that have a value, with its question mark.
pub(super) fn query_of(parameters: &[(&str, Option<&str>)]) -> String {
    let given = parameters.iter().filter_map(|(name, value)| Some(query_pair(name, (*value)?)));
    format!("?{}", given.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment_whatever_it_holds() {
        assert_eq!(segment("a/b?c#ü").unwrap(), "a%2Fb%3Fc%23%C3%BC");
        assert_eq!(segment("pi-1").unwrap(), "pi-1");
        for bad in ["", ".", ".."] {
            assert_eq!(segment(bad).unwrap_err().code(), "malformed_name");
        }
    }

    #[test]
    fn a_query_names_what_is_asked_for() {
        let query = ListQuery { limit: Some(200), cursor: Some("a=b".into()) };
        assert_eq!(query_text(&query), "?limit=200&cursor=a%3Db");
    }
}
