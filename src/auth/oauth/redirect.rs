//! Redirect URIs: which ones an app may register, and whether a request names one of them. Compared as
//! strings (RFC 9700 section 2.1), save for the port of a loopback address (RFC 8252 section 7.3).

use url::{Host, Url};

use crate::core::{Error, Result};

/// The longest that is kept, in bytes.
const LONGEST: usize = 1000;
/// The most that one app registers.
pub const MOST: usize = 10;

/// Checks one for registration: `https`, `http` to this very machine, or an app's own scheme, which has a
/// point in it (RFC 8252 section 7.1). Never a fragment (RFC 6749 section 3.1.2).
pub fn check(text: &str) -> Result<()> {
    let refused = |why: &str| {
        let shown: String = text.chars().take(100).filter(|c| !c.is_control()).collect();
        Error::usage("invalid_redirect_uri", format!("{shown:?} cannot be redirected to: {why}")).hint(
            "register https://…, http://127.0.0.1/… for a program on a desktop, or com.example.app:/… for a phone",
        )
    };
    if text.len() > LONGEST || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(refused("it is too long, or has characters that belong in no URI"));
    }
    let url = Url::parse(text).map_err(|_| refused("it is no URI"))?;
    if url.fragment().is_some() {
        return Err(refused("it has a fragment"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("it has a user name or a password"));
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        "http" => Err(refused("http is for 127.0.0.1, [::1] and localhost alone")),
        scheme if scheme.contains('.') => Ok(()),
        _ => Err(refused("an app's own scheme is a domain turned round, like com.example.app")),
    }
}

/// Whether the URI of a request is one that was registered.
pub fn is_registered(asked: &str, registered: &[String]) -> bool {
    registered.iter().any(|known| known == asked || differ_in_port_alone(known, asked))
}

/// For loopback, where a program on a desktop takes the port that is free.
fn differ_in_port_alone(known: &str, asked: &str) -> bool {
    // What `Url` would put right in silence is not the same string.
    let parse = |text: &str| Url::parse(text).ok().filter(|url| url.as_str() == text);
    let (Some(mut known), Some(mut asked)) = (parse(known), parse(asked)) else { return false };
    if !(is_loopback(&known) && is_loopback(&asked)) {
        return false;
    }
    let portless = |url: &mut Url| url.set_port(None).is_ok();
    portless(&mut known) && portless(&mut asked) && known == asked
}

fn is_loopback(url: &Url) -> bool {
    let here = match url.host() {
        Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "http" && here
}

/// The URI with more parameters in its query; those that it has stay (RFC 6749 section 3.1.2).
pub fn with(uri: &str, parameters: &[(&str, &str)]) -> Result<String> {
    let mut url = Url::parse(uri).map_err(|e| Error::bug("a registered redirect URI is none").source(e))?;
    url.query_pairs_mut().extend_pairs(parameters);
    Ok(url.into())
}

/// What a page's `form-action` names, so that its form may end at this URI: browsers look at every redirect
/// that follows, and an app on the web may lead on to another host of its own.
pub fn source(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    match (url.scheme(), url.origin()) {
        ("http", origin @ url::Origin::Tuple(..)) => Some(origin.ascii_serialization()),
        (scheme, _) => Some(format!("{scheme}:")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_registered() {
        for good in [
            "https://platform.example.org/cb",
            "https://platform.example.org:8443/cb?tenant=1",
            "http://127.0.0.1/cb",
            "http://[::1]:9000/cb",
            "http://localhost:3000/",
            "com.example.app:/oauth",
        ] {
            check(good).unwrap();
        }
        for bad in [
            "",
            "platform",
            "/cb",
            "http://platform.example.org/cb",
            "http://127.0.0.2/cb",
            "http://localhost.example.org/cb",
            "https://platform.example.org/cb#x",
            "https://user@platform.example.org/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "myapp:/cb",
            "https://platform.example.org/a b",
            "https://platform.example.org/\u{fc}",
        ] {
            assert_eq!(check(bad).unwrap_err().code(), "invalid_redirect_uri", "{bad}");
        }
    }

    fn matches(asked: &str, registered: &str) -> bool {
        is_registered(asked, &[registered.to_owned()])
    }

    #[test]
    fn a_request_names_a_registered_one_to_the_letter() {
        let registered = "https://platform.example.org/cb";
        assert!(matches(registered, registered));
        for other in [
            "https://platform.example.org/cb/",
            "https://platform.example.org/cb?x=1",
            "https://platform.example.org:443/cb",
            "https://PLATFORM.example.org/cb",
            "https://platform.example.org/cb/../cb",
            "https://platform.example.org.evil.example/cb",
            "https://platform.example.org@evil.example/cb",
            "https://evil.example/cb",
            "http://platform.example.org/cb",
        ] {
            assert!(!matches(other, registered), "{other}");
        }
    }

    #[test]
    fn a_program_on_a_desktop_takes_the_port_that_is_free() {
        assert!(matches("http://127.0.0.1:51004/cb", "http://127.0.0.1/cb"));
        assert!(matches("http://[::1]:51004/cb", "http://[::1]:1/cb"));
        assert!(matches("http://localhost:51004/cb", "http://localhost/cb"));
        for other in [
            "http://127.0.0.1:51004/other",
            "http://localhost:51004/cb",
            "https://127.0.0.1:51004/cb",
            "http://127.0.0.1:51004/cb?x=1",
            "http://127.1:51004/cb",
            "http://evil.example:51004/cb",
            "http://127.0.0.1:51004/x/../cb",
        ] {
            assert!(!matches(other, "http://127.0.0.1/cb"), "{other}");
        }
        assert!(!matches("com.example.app:/other", "com.example.app:/cb"));
    }

    #[test]
    fn parameters_join_those_that_are_there() {
        assert_eq!(
            with("https://p.example/cb?tenant=1", &[("code", "a b"), ("state", "x&y")]).unwrap(),
            "https://p.example/cb?tenant=1&code=a+b&state=x%26y"
        );
        assert_eq!(with("com.example.app:/cb", &[("code", "a")]).unwrap(), "com.example.app:/cb?code=a");
    }

    #[test]
    fn a_form_may_end_where_the_app_is() {
        assert_eq!(source("http://127.0.0.1:9/cb").unwrap(), "http://127.0.0.1:9");
        assert_eq!(source("https://p.example/cb").unwrap(), "https:");
        assert_eq!(source("com.example.app:/cb").unwrap(), "com.example.app:");
    }
}
