//! The tailscaled that runs here, by its LocalAPI (HTTP over a unix socket; Go: `ipn/localapi`). Called by the
//! other files of `worker`. It reads what it needs of the answers and decides nothing.

use std::io::{self, ErrorKind, Read as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::http::{Method, Request};
use zeroize::Zeroizing;

use super::ipn::{EngineStatus, Prefs, Profile};
use super::watch::Watch;
use super::{install, socket};
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result};

/// How long an answer that needs no network may take; a daemon that is just starting keeps its callers waiting.
const ANSWER: Duration = Duration::from_secs(10);

/// Largest answer that is read, in bytes.
const MAX_ANSWER: u64 = 4 << 20;

/// Where tailscaled listens (Go: `paths.DefaultTailscaledSocket`): the usual place, then the packages with a
/// place of their own.
const SOCKETS: &[&str] = if cfg!(target_os = "macos") {
    &["/var/run/tailscaled.socket"]
} else {
    &[
        "/var/run/tailscale/tailscaled.sock",
        "/var/snap/tailscale/common/socket/tailscaled.sock",
        "/var/packages/Tailscale/var/tailscaled.sock",
        "/tmp/tailscale/tailscaled.sock",
    ]
};

/// A way to the daemon. Cheap to clone; every call is a connection of its own.
#[derive(Clone, Debug)]
pub struct Engine {
    socket: PathBuf,
    agent: ureq::Agent,
}

impl Engine {
    /// The daemon at `socket`, else at this system's usual place. Codes of its errors: `tailscaled_absent`
    /// (no socket), `tailscaled_stopped` (nobody listens on it), `tailscaled_permission`.
    pub fn find(socket: Option<&Path>) -> Result<Engine> {
        let path = socket.unwrap_or_else(|| usual_socket());
        UnixStream::connect(path).map_err(|error| unreachable(path, error))?;
        Ok(Engine { socket: path.to_owned(), agent: socket::agent(path) })
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The daemon's state and this node, without its peers.
    pub fn status(&self) -> Result<EngineStatus> {
        json(&self.call(Method::GET, "status?peers=false", &[], ANSWER)?)
    }

    /// What the current profile is set to.
    pub fn prefs(&self) -> Result<Prefs> {
        json(&self.call(Method::GET, "prefs", &[], ANSWER)?)
    }

    /// Fails with `tailscaled_permission` where this user may look but not change. Changes nothing.
    pub fn can_write(&self) -> Result<()> {
        self.current_profile().map(drop)
    }

    /// The log-in in use. Only those who may change the daemon may ask.
    pub fn current_profile(&self) -> Result<Profile> {
        json(&self.call(Method::GET, "profiles/current", &[], ANSWER)?)
    }

    /// Every log-in that the daemon keeps.
    pub fn profiles(&self) -> Result<Vec<Profile>> {
        json(&self.call(Method::GET, "profiles/", &[], ANSWER)?)
    }

    /// Goes over to an empty profile; the one in use is kept, and disconnected.
    pub fn new_profile(&self) -> Result<()> {
        self.call(Method::PUT, "profiles/", &[], ANSWER).map(drop)
    }

    /// Goes back to a kept profile, and connects if it wants to run.
    pub fn switch_profile(&self, id: &str) -> Result<()> {
        self.call(Method::POST, &format!("profiles/{id}"), &[], ANSWER).map(drop)
    }

    /// Forgets a log-in, telling no coordinator. Where it is the current one, an empty one takes its place.
    pub fn delete_profile(&self, id: &str) -> Result<()> {
        self.call(Method::DELETE, &format!("profiles/{id}"), &[], ANSWER).map(drop)
    }

    /// Whether the daemon would take these prefs; its own words if not (code `tailscaled_refused`).
    pub fn check_prefs(&self, prefs: &Prefs) -> Result<()> {
        #[derive(serde::Deserialize)]
        struct Verdict {
            #[serde(rename = "Error", default)]
            error: String,
        }
        let body = serde_json::to_vec(prefs).map_err(unreadable)?;
        let verdict: Verdict = json(&self.call(Method::POST, "check-prefs", &body, ANSWER)?)?;
        if verdict.error.is_empty() { Ok(()) } else { Err(refused(&verdict.error)) }
    }

    /// Starts the daemon's control client anew with `prefs`, which replace the present ones whole. Without an
    /// auth key, one given earlier is forgotten.
    pub fn start(&self, auth_key: Option<&Secret>, prefs: &Prefs) -> Result<()> {
        #[derive(serde::Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Options<'a> {
            auth_key: &'a str,
            update_prefs: &'a Prefs,
        }
        let options = Options { auth_key: auth_key.map_or("", Secret::reveal), update_prefs: prefs };
        let body = Zeroizing::new(serde_json::to_vec(&options).map_err(unreadable)?);
        self.call(Method::POST, "start", &body, ANSWER).map(drop)
    }

    /// Begins the log-in of a profile without a node key; with an auth key nobody is asked anything.
    pub fn login(&self) -> Result<()> {
        self.call(Method::POST, "login-interactive", &[], ANSWER).map(drop)
    }

    /// Connects a profile that was stopped.
    pub fn resume(&self) -> Result<()> {
        let body = br#"{"WantRunning":true,"WantRunningSet":true}"#;
        self.call(Method::PATCH, "prefs", body, ANSWER).map(drop)
    }

    /// Tells the coordinator and, when it has answered, forgets the profile. Without a coordinator the daemon
    /// would go on asking for as long as this call waits, and keep the profile: hence `within`.
    pub fn logout(&self, within: Duration) -> Result<()> {
        self.call(Method::POST, "logout", &[], within).map(drop)
    }

    /// Notifications from now on, at most for `within`. The present state is not among them: it may still tell
    /// of the log-in before (Go: `ipn.NotifyWatchOpt` 0, as `tailscale up` does).
    pub fn watch(&self, within: Duration) -> Result<Watch> {
        let answer = self.send(Method::GET, "watch-ipn-bus?mask=0", &[], within)?;
        match answer.status().as_u16() {
            200 => Ok(Watch::new(answer.into_body())),
            status => Err(denied_or_refused(status, "the event stream is not available")),
        }
    }

    fn call(&self, method: Method, path: &str, body: &[u8], within: Duration) -> Result<Vec<u8>> {
        let answer = self.send(method, path, body, within)?;
        let status = answer.status().as_u16();
        let mut bytes = Vec::new();
        let mut body = answer.into_body().into_reader().take(MAX_ANSWER);
        body.read_to_end(&mut bytes).map_err(broken_off)?;
        if (200..300).contains(&status) {
            return Ok(bytes);
        }
        Err(denied_or_refused(status, &refusal(&bytes)))
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        body: &[u8],
        within: Duration,
    ) -> Result<ureq::http::Response<ureq::Body>> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://local-tailscaled.sock/localapi/v0/{path}"))
            .body(body)
            .map_err(|error| Error::bug("a request to tailscaled is malformed").source(error))?;
        let request = self.agent.configure_request(request).timeout_global(Some(within)).build();
        self.agent.run(request).map_err(|error| match error {
            ureq::Error::Io(error) => unreachable(&self.socket, error),
            error => failed(error),
        })
    }
}

fn usual_socket() -> &'static Path {
    let existing = SOCKETS.iter().find(|path| Path::new(path).exists());
    Path::new(existing.unwrap_or(&SOCKETS[0]))
}

/// The daemon's words: plain text, or `{"error":…}`.
fn refusal(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Answer {
        error: String,
    }
    match serde_json::from_slice::<Answer>(body) {
        Ok(answer) => answer.error,
        Err(_) => String::from_utf8_lossy(&body[..body.len().min(300)]).trim().to_owned(),
    }
}

fn json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::new(Kind::Local, "tailscaled_unreadable", "tailscaled answered something unknown")
        .hint("wonder works with tailscaled 1.80 and later: is this an older one?")
        .source(error)
}

fn unreachable(socket: &Path, error: io::Error) -> Error {
    let at = socket.display();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            Error::new(Kind::Unavailable, "tailscaled_absent", format!("no tailscaled at {at}"))
                .hint(install::hint())
        }
        ErrorKind::PermissionDenied => permission(),
        ErrorKind::ConnectionRefused => stopped(at.to_string()).source(error),
        _ => gone(error),
    }
}

fn stopped(at: String) -> Error {
    let message = format!("tailscaled does not run: nobody listens on {at}");
    Error::new(Kind::Unavailable, "tailscaled_stopped", message).hint(install::start_hint())
}

fn permission() -> Error {
    Error::new(Kind::Denied, "tailscaled_permission", "this user may not change tailscaled's settings")
        .hint("run it with sudo, or once `sudo tailscale set --operator=$USER`")
}

fn denied_or_refused(status: u16, words: &str) -> Error {
    if matches!(status, 401 | 403) { permission() } else { refused(words) }
}

fn refused(words: &str) -> Error {
    Error::new(Kind::Local, "tailscaled_refused", format!("tailscaled refused: {words}"))
        .hint("its own log tells more: `journalctl -u tailscaled`")
}

/// Reading an answer failed.
pub(super) fn broken_off(error: io::Error) -> Error {
    // `ureq` wraps its own errors in those of `io`, and unwraps them here.
    failed(ureq::Error::from(error))
}

fn failed(error: ureq::Error) -> Error {
    match error {
        ureq::Error::Timeout(_) => {
            Error::new(Kind::Unavailable, "tailscaled_silent", "tailscaled did not answer in time")
                .hint("its own log tells more: `journalctl -u tailscaled`")
        }
        error => gone(error),
    }
}

/// The conversation ended before its time.
pub(super) fn gone(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(Kind::Unavailable, "tailscaled_gone", "tailscaled broke off the conversation")
        .hint("its own log tells more: `journalctl -u tailscaled`")
        .source(error)
}
