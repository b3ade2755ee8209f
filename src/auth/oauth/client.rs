//! How a client shows who it is at the token endpoint (RFC 6749 section 2.3): by HTTP Basic, in the form, or,
//! where it can keep no secret, by its name alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashMap;
use url::form_urlencoded;

use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result};

/// The parameters of a form. Each is there once at most (RFC 6749 section 3.2); an empty one counts as left out.
#[derive(Clone, Debug, Default)]
pub struct Form(HashMap<String, String>);

impl Form {
    /// Reads `application/x-www-form-urlencoded`, the form of a body and of a query.
    pub fn parse(bytes: &[u8]) -> Result<Form> {
        let mut found = HashMap::new();
        for (name, value) in form_urlencoded::parse(bytes) {
            if found.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                let name: String = name.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
                return Err(invalid(format!("the parameter {name} is there twice")));
            }
        }
        found.retain(|_, value| !value.is_empty());
        Ok(Form(found))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter without which the request means nothing.
    pub fn need(&self, name: &str) -> Result<&str> {
        self.get(name).ok_or_else(|| invalid(format!("the parameter {name} is missing")))
    }

    pub fn secret(&self, name: &str) -> Option<Secret> {
        self.get(name).map(Secret::new)
    }
}

/// Who a client says that it is.
#[derive(Clone, Debug)]
pub struct Presented {
    pub id: String,
    /// None: it keeps no secret.
    pub secret: Option<Secret>,
    /// By the header: a refusal then names the scheme (RFC 6749 section 5.2).
    pub by_header: bool,
}

/// Reads it from the `Authorization` header, if there is one, and the form. More than one way is refused.
pub fn presented(authorization: Option<&str>, form: &Form) -> Result<Presented> {
    let (id, secret) = (form.get("client_id"), form.secret("client_secret"));
    let Some(header) = authorization else {
        let id = id.ok_or_else(|| invalid_client("the client does not say who it is"))?;
        return Ok(Presented { id: id.to_owned(), secret, by_header: false });
    };
    if secret.is_some() {
        return Err(invalid("the client shows who it is in two ways"));
    }
    let (basic_id, basic_secret) = basic(header).ok_or_else(|| invalid_client("this is not HTTP Basic"))?;
    match id.is_none_or(|id| id == basic_id) {
        true => Ok(Presented { id: basic_id, secret: Some(basic_secret), by_header: true }),
        false => Err(invalid("client_id is not that of the Authorization header")),
    }
}

/// Both halves are form-encoded before they are put together (RFC 6749 section 2.3.1).
fn basic(header: &str) -> Option<(String, Secret)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decoded(id), Secret::new(decoded(secret))))
}

fn decoded(text: &str) -> String {
    let pair = form_urlencoded::parse(text.as_bytes()).next();
    pair.map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// The client is unknown or did not prove who it is; which of them, nobody is told.
pub fn invalid_client(message: &str) -> Error {
    Error::new(Kind::Unauthenticated, "invalid_client", message)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::usage("invalid_request", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).unwrap()
    }

    fn basic_of(id: &str, secret: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
    }

    #[test]
    fn by_header_by_form_or_by_name_alone() {
        let by_header = presented(Some(&basic_of("app", "a%2Fb+c")), &form("")).unwrap();
        assert_eq!((by_header.id.as_str(), by_header.secret.unwrap().reveal()), ("app", "a/b c"));
        let by_form = presented(None, &form("client_id=app&client_secret=s")).unwrap();
        assert_eq!(by_form.secret.unwrap().reveal(), "s");
        assert!(presented(None, &form("client_id=app")).unwrap().secret.is_none());
        assert!(presented(Some(&basic_of("app", "s")), &form("client_id=app")).unwrap().by_header);
    }

    #[test]
    fn two_ways_at_once_and_none_are_refused() {
        let code =
            |header: Option<&str>, text: &str| presented(header, &form(text)).unwrap_err().code().to_owned();
        let header = basic_of("app", "s");
        assert_eq!(code(Some(&header), "client_secret=s"), "invalid_request");
        assert_eq!(code(Some(&header), "client_id=other"), "invalid_request");
        assert_eq!(code(None, "client_secret=s"), "invalid_client");
        for broken in ["Bearer x", "Basic", "Basic !", "Basic YXBw"] {
            assert_eq!(code(Some(broken), ""), "invalid_client", "{broken}");
        }
    }

    #[test]
    fn a_parameter_is_there_once_and_an_empty_one_not_at_all() {
        assert_eq!(Form::parse(b"scope=a&scope=b").unwrap_err().code(), "invalid_request");
        assert_eq!(form("state=").get("state"), None);
        assert_eq!(form("").need("code").unwrap_err().message(), "the parameter code is missing");
    }
}
