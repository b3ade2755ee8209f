//! Tries a provider out before people meet it: what it says of itself, fetched now, and what is wrong with that in
//! words for whoever can mend it.

use openidconnect::{DiscoveryError, HttpRequest, HttpResponse, SyncHttpClient};
use std::cell::RefCell;
use std::io::ErrorKind;
use std::time::Duration;

use super::LEEWAY;
use super::directory::{Metadata, discover};
use super::flow::ALGORITHMS;
use super::gate::Refused;
use super::http::Http;
use crate::core::provider::Issuer;
use crate::core::{Error, Kind, Result, Timestamp};

/// The path of the document below an issuer (OpenID Connect Discovery 1.0 section 4).
const DOCUMENT: &str = "/.well-known/openid-configuration";
/// What is shown of what somebody else wrote, in characters.
const LONGEST_WORDS: usize = 200;

/// Fetches document and keys, and looks whether log-ins could work.
pub fn probe(issuer: &Issuer, http: &Http, now: Timestamp) -> Result<Metadata> {
    let witness = Witness { http, first: RefCell::default() };
    let found = discover(issuer, &witness);
    let first = witness.first.into_inner();
    let found = found.map_err(|error| explain(issuer, error, first.as_ref()))?;
    if let Some(off) = first.and_then(|first| first.date).and_then(|date| difference(date, now)) {
        return Err(clock_off(issuer, off));
    }
    match found.id_token_signing_alg_values_supported().iter().any(|known| ALGORITHMS.contains(known)) {
        true => Ok(found),
        false => Err(broken(issuer, "it signs by none of RS256, ES256, EdDSA")),
    }
}

/// Calls, and keeps of the first answer what the rest is judged by.
struct Witness<'h> {
    http: &'h Http,
    first: RefCell<Option<First>>,
}

struct First {
    date: Option<Timestamp>,
    /// Whom the document says that it is of.
    issuer: Option<String>,
}

impl SyncHttpClient for Witness<'_> {
    type Error = ureq::Error;

    fn call(&self, request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
        let answer = self.http.call(request)?;
        let mut first = self.first.borrow_mut();
        if first.is_none() {
            *first = Some(First::of(&answer));
        }
        Ok(answer)
    }
}

impl First {
    fn of(answer: &HttpResponse) -> First {
        let date = answer.headers().get("date").and_then(|value| value.to_str().ok());
        let date = date.and_then(|text| chrono::DateTime::parse_from_rfc2822(text).ok());
        let document: Option<serde_json::Value> = serde_json::from_slice(answer.body()).ok();
        First {
            date: date.map(|date| Timestamp::from_millis(date.timestamp_millis())),
            issuer: document.and_then(|document| document["issuer"].as_str().map(str::to_owned)),
        }
    }
}

/// How far a clock is off, and whether it is ahead, where that is too far for log-ins.
fn difference(theirs: Timestamp, ours: Timestamp) -> Option<(Duration, bool)> {
    let (ahead, behind) = (theirs.since(ours), ours.since(theirs));
    let off = ahead.max(behind);
    (off > LEEWAY).then_some((off, ahead > behind))
}

fn explain(issuer: &Issuer, error: DiscoveryError<ureq::Error>, first: Option<&First>) -> Error {
    let other = first.and_then(|first| first.issuer.as_deref()).filter(|other| *other != issuer.as_str());
    match (&error, other) {
        (DiscoveryError::Request(failure), _) => of_transport(issuer, failure).source(error),
        (DiscoveryError::Response(status, ..), _) if first.is_some_and(|f| f.issuer.is_some()) => {
            broken(issuer, &format!("its keys are not there: {status}")).source(error)
        }
        (DiscoveryError::Response(status, ..), _) => no_document(issuer, status.as_u16()).source(error),
        (DiscoveryError::Validation(_), Some(other)) => other_issuer(issuer, other),
        _ => broken(issuer, &error.to_string()).source(error),
    }
}

fn of_transport(issuer: &Issuer, failure: &ureq::Error) -> Error {
    if Refused::is(failure) {
        return not_there(issuer);
    }
    if let Some(tls) = tls_failure(failure) {
        return untrusted(issuer, &tls);
    }
    let reason = match failure {
        ureq::Error::HostNotFound => return no_host(issuer),
        ureq::Error::Io(io) if io.to_string().contains("lookup address") => return no_host(issuer),
        ureq::Error::Timeout(_) => "it does not answer in time".to_owned(),
        ureq::Error::StatusCode(status) => format!("it answers {status}"),
        ureq::Error::Io(io) if io.kind() == ErrorKind::ConnectionRefused => "nothing listens there".into(),
        other => short(&other.to_string()),
    };
    Error::new(Kind::Unavailable, "provider_unreachable", format!("{issuer} cannot be reached: {reason}"))
        .hint("look whether it runs, and whether this coordinator's host reaches it")
}

/// The same whatever is at that address.
pub fn not_there(issuer: &Issuer) -> Error {
    let message = format!("{issuer}, or an address that it names, is not on the Internet");
    Error::new(Kind::Denied, "provider_address_refused", message).hint(
        "what is added here is called in networks that `provider-networks` of the coordinator's settings names, and in no \
         others; `sudo wonder provider add` on its host adds it without that",
    )
}

fn no_host(issuer: &Issuer) -> Error {
    let message = format!("{issuer} cannot be reached: this host's DNS knows no such name");
    Error::new(Kind::Unavailable, "provider_host_unknown", message)
        .hint("look at the issuer's spelling, and at the DNS of the coordinator's host")
}

/// However deep it lies.
fn tls_failure(error: &ureq::Error) -> Option<rustls::Error> {
    match error {
        ureq::Error::Rustls(tls) => Some(tls.clone()),
        ureq::Error::Io(io) => io.get_ref()?.downcast_ref::<rustls::Error>().cloned(),
        _ => None,
    }
}

fn untrusted(issuer: &Issuer, tls: &rustls::Error) -> Error {
    let (reason, hint) = match tls {
        rustls::Error::InvalidCertificate(reason) => (
            format!("its certificate is not trusted: {reason}"),
            "SSL_CERT_FILE names the authorities that the coordinator trusts, where the system's are not enough",
        ),
        rustls::Error::InvalidMessage(_) => {
            ("what answers does not speak TLS".to_owned(), "look at its port, and whether it is http://")
        }
        other => (other.to_string(), "look at the clocks, and at the provider's TLS settings"),
    };
    Error::new(Kind::Unavailable, "provider_tls_failed", format!("TLS with {issuer} failed: {reason}"))
        .hint(hint)
}

fn no_document(issuer: &Issuer, status: u16) -> Error {
    let url = format!("{}{DOCUMENT}", issuer.as_str().trim_end_matches('/'));
    let message = format!("there is no discovery document at {url}: it answers {status}");
    Error::new(Kind::Unavailable, "provider_no_document", message).hint(
        "the issuer is what stands before /.well-known/openid-configuration; at Keycloak, .../realms/REALM",
    )
}

fn other_issuer(issuer: &Issuer, says: &str) -> Error {
    let message = format!("the provider at {issuer} calls itself {}", short(says));
    Error::new(Kind::Conflict, "provider_other_issuer", message)
        .hint("write the issuer letter by letter as it does, a slash at the end too")
}

fn clock_off(issuer: &Issuer, (off, ahead): (Duration, bool)) -> Error {
    let way = if ahead { "ahead of" } else { "behind" };
    let message = format!("the clock of {issuer} is {} s {way} this coordinator's", off.as_secs());
    Error::new(Kind::Unavailable, "provider_clock_off", message)
        .hint("set both by NTP: log-ins allow for a minute")
}

fn broken(issuer: &Issuer, why: &str) -> Error {
    let message = format!("what {issuer} says of itself cannot be used: {}", short(why));
    Error::new(Kind::Unavailable, "provider_document_broken", message)
        .hint("look at its discovery document, and at the keys that it names")
}

/// What others wrote, as far as it is shown.
fn short(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(LONGEST_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_a_minute_off() {
        let at = |seconds: i64| Timestamp::from_millis(1_000_000 + seconds * 1000);
        assert_eq!(difference(at(60), at(0)), None);
        assert_eq!(difference(at(0), at(60)), None);
        assert_eq!(difference(at(61), at(0)), Some((Duration::from_secs(61), true)));
        assert_eq!(difference(at(0), at(3600)), Some((Duration::from_secs(3600), false)));
    }
}
