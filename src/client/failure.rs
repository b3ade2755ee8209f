//! From what went wrong on the way to an [`Error`] that says what to do. Called by `call` alone.

use std::io::ErrorKind;
use ureq::http::header::{CONTENT_TYPE, LOCATION};
use ureq::http::response::Parts;

use crate::api::Problem;
use crate::core::url::BaseUrl;
use crate::core::{Error, Kind};

/// No answer came.
pub fn of_transport(base: &BaseUrl, error: ureq::Error) -> Error {
    if let Some(tls) = tls_failure(&error) {
        return untrusted(base, &tls).source(error);
    }
    let reason = match &error {
        ureq::Error::HostNotFound => format!("there is no host called {}", base.host()),
        ureq::Error::Timeout(_) => "it does not answer in time".into(),
        ureq::Error::Io(io) => io_reason(io),
        ureq::Error::BodyExceedsLimit(_) | ureq::Error::Protocol(_) => {
            return not_a_coordinator(base).source(error);
        }
        other => other.to_string(),
    };
    unreachable(base, &reason).source(error)
}

/// An answer that is not a success.
pub fn of_answer(base: &BaseUrl, parts: &Parts, body: &[u8]) -> Error {
    let status = parts.status.as_u16();
    if let Some(problem) = problem(parts, body) {
        return of_problem(status, problem);
    }
    match status {
        300..=399 => redirected(base, parts),
        502..=504 => unreachable(base, &format!("a server before it says {status}")),
        _ => not_a_coordinator(base),
    }
}

/// It is there, and speaks something else.
pub fn not_a_coordinator(base: &BaseUrl) -> Error {
    let scheme = if base.is_https() { "http" } else { "https" };
    Error::new(Kind::Unavailable, "not_a_coordinator", format!("what answers at {base} is not a coordinator"))
        .hint(format!("look at the URL: the port, and whether it is {scheme}://"))
}

fn problem(parts: &Parts, body: &[u8]) -> Option<Problem> {
    let kind = parts.headers.get(CONTENT_TYPE)?.to_str().ok()?;
    if !kind.starts_with("application/problem+json") {
        return None;
    }
    serde_json::from_slice(body).ok()
}

fn of_problem(status: u16, problem: Problem) -> Error {
    let mut error = Error::new(Kind::from_status(status), problem.code, problem.detail);
    if let Some(hint) = problem.hint {
        error = error.hint(hint);
    }
    match problem.request_id {
        Some(id) => error.request_id(id),
        None => error,
    }
}

fn unreachable(base: &BaseUrl, reason: &str) -> Error {
    let message = format!("the coordinator at {base} cannot be reached: {reason}");
    Error::new(Kind::Unavailable, "coordinator_unreachable", message)
        .hint(format!("look whether it runs, and whether this machine reaches {base}"))
}

fn io_reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "nothing listens there".into(),
        ErrorKind::TimedOut => "it does not answer in time".into(),
        ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof => "it closed the connection".into(),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "there is no way to it".into(),
        // The system's resolver has no kind of error of its own.
        _ if error.to_string().contains("lookup address") => "its name is not known".into(),
        _ => error.to_string(),
    }
}

/// The words of a TLS failure, however deep it lies.
fn tls_failure(error: &ureq::Error) -> Option<rustls::Error> {
    match error {
        ureq::Error::Rustls(tls) => Some(tls.clone()),
        ureq::Error::Io(io) => io.get_ref()?.downcast_ref::<rustls::Error>().cloned(),
        _ => None,
    }
}

fn untrusted(base: &BaseUrl, tls: &rustls::Error) -> Error {
    let (code, message, hint) = match tls {
        rustls::Error::InvalidCertificate(reason) => (
            "untrusted_certificate",
            format!("the certificate of {base} is not trusted: {reason}"),
            "`--ca-file`, or SSL_CERT_FILE, names the authority that made it",
        ),
        rustls::Error::InvalidMessage(_) => (
            "not_tls",
            format!("what answers at {base} does not speak TLS"),
            "look at the URL: the port, and whether it is http://",
        ),
        other => {
            ("tls_failed", format!("TLS with {base} failed: {other}"), "look at the clock of this machine")
        }
    };
    Error::new(Kind::Unavailable, code, message).hint(hint)
}

fn redirected(base: &BaseUrl, parts: &Parts) -> Error {
    let to = parts.headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("somewhere else");
    let message = format!("{base} is not the coordinator's own URL: it leads to {to}");
    Error::new(Kind::Unavailable, "coordinator_moved", message).hint("use the URL that it leads to")
}

#[cfg(test)]
mod tests {
    use crate::client::Client;
    use crate::core::secret::Secret;
    use crate::core::{Error, Kind};
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    /// Says `answer` to one caller, whatever is asked; gives what was asked.
    fn says(answer: &'static str) -> (Client, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 4096];
            let length = stream.read(&mut asked).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        (Client::new(&url.parse().unwrap(), None).unwrap(), server)
    }

    fn failure_at(answer: &'static str) -> Error {
        let (client, server) = says(answer);
        let error = client.session().unwrap_err();
        server.join().unwrap();
        error
    }

    #[test]
    fn a_problem_arrives_with_everything_it_says() {
        let error = failure_at(
            "HTTP/1.1 409 Conflict\r\ncontent-type: application/problem+json\r\nconnection: close\r\n\r\n\
             {\"type\":\"about:blank\",\"title\":\"Conflict\",\"status\":409,\"detail\":\"taken\",\
             \"code\":\"name_taken\",\"hint\":\"choose another\",\"request_id\":\"r1\"}",
        );
        assert_eq!((error.kind(), error.code(), error.message()), (Kind::Conflict, "name_taken", "taken"));
        assert_eq!((error.hint_text(), error.request_id_text()), (Some("choose another"), Some("r1")));
    }

    #[test]
    fn what_is_no_coordinator_is_told_apart_from_one_that_is_down() {
        let code = |answer| failure_at(answer).code().to_owned();
        assert_eq!(code("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n<html>"), "not_a_coordinator");
        assert_eq!(code("HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n<html>"), "not_a_coordinator");
        assert_eq!(code("SSH-2.0-OpenSSH_9.2\r\n"), "not_a_coordinator");
        assert_eq!(code("HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\n"), "coordinator_unreachable");
        assert_eq!(code(""), "coordinator_unreachable");
        let moved =
            failure_at("HTTP/1.1 301 Moved\r\nlocation: https://b.example/\r\nconnection: close\r\n\r\n");
        assert!(moved.code() == "coordinator_moved" && moved.message().contains("https://b.example/"));
    }

    #[test]
    fn a_port_where_nobody_listens_and_a_host_that_nobody_knows() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        for url in [closed.as_str(), "http://nowhere.invalid"] {
            let error = Client::new(&url.parse().unwrap(), None).unwrap().version().unwrap_err();
            assert_eq!(
                (error.kind(), error.code()),
                (Kind::Unavailable, "coordinator_unreachable"),
                "{error}"
            );
            assert!(error.hint_text().unwrap().contains(url));
        }
    }

    #[test]
    fn plain_http_behind_https_is_told_as_such() {
        let (client, server) = says("HTTP/1.1 400 Bad Request\r\n\r\n");
        let url = client.coordinator().as_str().replace("http://", "https://");
        let error = Client::new(&url.parse().unwrap(), None).unwrap().version().unwrap_err();
        server.join().unwrap();
        assert_eq!(error.code(), "not_tls", "{error}");
    }

    #[test]
    fn the_bearer_is_sent_as_a_header_and_a_bad_one_is_not_sent() {
        let (client, server) = says("HTTP/1.1 204 No Content\r\n\r\n");
        client.bearer(&Secret::new("wss_1")).log_out().unwrap();
        let asked = server.join().unwrap();
        assert!(asked.starts_with("DELETE /api/v1/session HTTP/1.1\r\n"), "{asked}");
        assert!(asked.to_lowercase().contains("authorization: bearer wss_1"), "{asked}");
        let error = client.bearer(&Secret::new("a\nb")).log_out().unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Usage, "malformed_credential"));
    }
}
