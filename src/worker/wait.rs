//! Waiting for tailscaled to be connected, by what it tells on the way. Called by `join`.

use super::engine::Engine;
use super::ipn::{Notify, State};
use super::status::{LocalNode, local_node};
use super::watch::Watch;
use crate::core::{Error, Kind, Result};

/// What a waiting person is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// tailscaled is being told where to connect to.
    Starting,
    /// The coordinator has accepted the device; its first network map is to come.
    LoggedIn,
    /// A person has to approve the device at the coordinator.
    WaitingForApproval,
    /// It has not worked yet, for this reason; tailscaled goes on trying.
    Retrying(String),
    /// It failed; what was there before is being put back.
    Restoring,
}

/// A device that is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    pub node: LocalNode,
}

/// Waiting for the daemon to be connected.
pub(super) struct Wait<'a> {
    engine: &'a Engine,
    last_trouble: Option<String>,
    progress: &'a mut dyn FnMut(Step),
}

impl<'a> Wait<'a> {
    pub fn new(engine: &'a Engine, progress: &'a mut dyn FnMut(Step)) -> Self {
        Wait { engine, last_trouble: None, progress }
    }

    /// Takes the notifications in until the device is connected, or cannot be, or `watch` is over.
    pub fn until_running(&mut self, watch: Watch) -> Result<Joined> {
        for notify in watch {
            match notify {
                Ok(notify) => {
                    if let Some(joined) = self.take_in(&notify)? {
                        return Ok(joined);
                    }
                }
                Err(error) if error.code() == "tailscaled_silent" => break,
                Err(error) => return Err(error),
            }
        }
        Err(timed_out(self.last_trouble.as_deref()))
    }

    /// Takes one notification in; fails where going on is of no use.
    fn take_in(&mut self, notify: &Notify) -> Result<Option<Joined>> {
        if let Some(words) = &notify.err_message {
            self.refused(words)?;
        }
        if let Some(words) = notify.login_error() {
            self.troubled(words)?;
        }
        if notify.browse_to_url.as_ref().is_some_and(|url| !url.is_empty()) {
            return Err(join_refused("it wants a person to log in, instead of the auth key"));
        }
        if notify.login_finished() {
            (self.progress)(Step::LoggedIn);
        }
        match notify.state() {
            Some(State::Running) => connected(self.engine),
            Some(State::NeedsMachineAuth) => {
                (self.progress)(Step::WaitingForApproval);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// The coordinator's refusal is final, unless it only asks for patience (HTTP 429).
    fn refused(&mut self, words: &str) -> Result<()> {
        if words.contains("rate limited") { self.troubled(words) } else { Err(join_refused(words)) }
    }

    /// A failure below the protocol: the daemon tries again, which helps against everything but a certificate.
    fn troubled(&mut self, words: &str) -> Result<()> {
        if words.contains("x509:") || words.contains("tls: failed to verify") {
            return Err(untrusted(words));
        }
        if self.last_trouble.as_deref() != Some(words) {
            self.last_trouble = Some(words.to_owned());
            (self.progress)(Step::Retrying(words.to_owned()));
        }
        Ok(())
    }
}

/// The device, if the daemon is connected.
pub(super) fn connected(engine: &Engine) -> Result<Option<Joined>> {
    let status = engine.status()?;
    let node = status.own.as_ref().and_then(local_node);
    Ok(node.filter(|_| status.state() == State::Running).map(|node| Joined { node }))
}

fn join_refused(words: &str) -> Error {
    Error::new(Kind::Denied, "join_refused", format!("the coordinator refused this device: {words}"))
        .hint("make a new join token: `wonder token create`")
}

fn untrusted(words: &str) -> Error {
    let message = format!("tailscaled does not trust the coordinator's certificate: {words}");
    Error::new(Kind::Unavailable, "untrusted_certificate", message).hint(
        "give the coordinator a certificate that this system trusts, or set SSL_CERT_FILE in tailscaled's environment",
    )
}

fn timed_out(trouble: Option<&str>) -> Error {
    let (because, hint) = match trouble {
        Some(words) => (format!(": {words}"), "look whether this device reaches the coordinator's URL"),
        None => (String::new(), "`--timeout` waits longer"),
    };
    Error::new(Kind::Unavailable, "join_timeout", format!("tailscaled did not connect in time{because}"))
        .hint(hint)
}
