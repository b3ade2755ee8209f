//! What tailscaled's LocalAPI says and takes (Go: `ipn.Prefs`, `ipn.LoginProfile`, `ipn.Notify`,
//! `ipnstate.Status`): the part of each that `worker` reads. Go writes `null` for an empty list or pointer, and a
//! newer daemon may add fields: nothing here fails on either.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::net::IpAddr;

use crate::core::key::NodeKey;
use crate::core::name::Hostname;

/// The vendor's own coordinator, which an empty control URL stands for.
pub const VENDOR_URL: &str = "https://controlplane.tailscale.com";

/// `ipn.State`, by number in notifications and by name in the status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Just started, or talking to the coordinator about who it is.
    #[default]
    NoState,
    InUseOtherUser,
    NeedsLogin,
    NeedsMachineAuth,
    Stopped,
    Starting,
    Running,
}

impl State {
    const ALL: [(State, &'static str); 7] = [
        (State::NoState, "NoState"),
        (State::InUseOtherUser, "InUseOtherUser"),
        (State::NeedsLogin, "NeedsLogin"),
        (State::NeedsMachineAuth, "NeedsMachineAuth"),
        (State::Stopped, "Stopped"),
        (State::Starting, "Starting"),
        (State::Running, "Running"),
    ];

    fn from_name(name: &str) -> State {
        Self::ALL.iter().find(|(_, known)| *known == name).map_or(State::NoState, |(state, _)| *state)
    }

    fn from_number(number: u64) -> State {
        usize::try_from(number)
            .ok()
            .and_then(|n| Self::ALL.get(n))
            .map_or(State::NoState, |(state, _)| *state)
    }
}

/// `ipnstate.Status`, without the peers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EngineStatus {
    pub version: String,
    backend_state: String,
    /// Whether a coordinator has registered this device.
    pub have_node_key: bool,
    #[serde(rename = "Self")]
    pub own: Option<OwnNode>,
    health: Option<Vec<String>>,
}

impl EngineStatus {
    pub fn state(&self) -> State {
        State::from_name(&self.backend_state)
    }

    /// What the daemon is worried about, as sentences.
    pub fn health(&self) -> &[String] {
        self.health.as_deref().unwrap_or_default()
    }
}

/// This device as its coordinator knows it (`ipnstate.PeerStatus` of `Self`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct OwnNode {
    /// The coordinator's stable id of the node (`tailcfg.StableNodeID`); empty before the first map.
    #[serde(rename = "ID")]
    pub stable_id: String,
    #[serde(rename = "PublicKey")]
    pub key: NodeKey,
    #[serde(rename = "HostName")]
    pub hostname: String,
    #[serde(rename = "DNSName")]
    dns_name: String,
    #[serde(rename = "TailscaleIPs")]
    addresses: Option<Vec<IpAddr>>,
    /// Whether the node key has expired.
    #[serde(rename = "Expired")]
    pub expired: bool,
}

impl OwnNode {
    /// The whole name, without the last dot; empty before the first map.
    pub fn dns_name(&self) -> &str {
        self.dns_name.trim_end_matches('.')
    }

    pub fn addresses(&self) -> &[IpAddr] {
        self.addresses.as_deref().unwrap_or_default()
    }
}

/// `ipn.LoginProfile`: one log-in that tailscaled keeps. The id is empty until a coordinator has sent a first map.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Profile {
    #[serde(rename = "ID")]
    pub id: String,
    #[serde(rename = "ControlURL")]
    pub control_url: String,
}

/// `ipn.Prefs`, whole: `start` replaces all of them, so what we do not know of must go back as it came.
#[derive(Clone, Debug, Default, Deserialize, serde::Serialize)]
#[serde(transparent)]
pub struct Prefs(Map<String, Value>);

impl Prefs {
    /// The coordinator's URL; the vendor's where none is set.
    pub fn control_url(&self) -> &str {
        match self.text("ControlURL") {
            "" => VENDOR_URL,
            url => url,
        }
    }

    /// Whether the device is to be connected.
    pub fn want_running(&self) -> bool {
        self.flag("WantRunning")
    }

    pub fn logged_out(&self) -> bool {
        self.flag("LoggedOut")
    }

    /// The ordinary user who may administer the daemon; empty if none.
    pub fn operator(&self) -> &str {
        self.text("OperatorUser")
    }

    pub fn hostname(&self) -> &str {
        self.text("Hostname")
    }

    /// These prefs, for being connected with the coordinator at `url`.
    #[must_use]
    pub fn joining(mut self, url: &str, hostname: Option<&Hostname>) -> Prefs {
        // The daemon keeps its keys to itself, and takes none from here.
        self.0.remove("Config");
        self.set("ControlURL", url);
        self.set("WantRunning", true);
        self.set("LoggedOut", false);
        if let Some(name) = hostname {
            self.set("Hostname", name.as_str());
        }
        self
    }

    /// These prefs with another's operator: a new profile has none, which would lock an ordinary user out.
    #[must_use]
    pub fn with_operator_of(mut self, other: &Prefs) -> Prefs {
        if !other.operator().is_empty() {
            self.set("OperatorUser", other.operator());
        }
        self
    }

    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn flag(&self, key: &str) -> bool {
        self.0.get(key).and_then(Value::as_bool).unwrap_or_default()
    }

    fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }
}

/// `ipn.Notify`: one thing that happened in the daemon.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Notify {
    state: Option<u64>,
    /// What the coordinator said when it refused.
    pub err_message: Option<String>,
    login_finished: Option<Value>,
    /// Where a person would have to log in.
    #[serde(rename = "BrowseToURL")]
    pub browse_to_url: Option<String>,
    health: Option<Health>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Health {
    warnings: Option<HashMap<String, Warning>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Warning {
    args: Option<HashMap<String, String>>,
}

impl Notify {
    pub fn state(&self) -> Option<State> {
        self.state.map(State::from_number)
    }

    /// The coordinator has accepted the log-in; the network map is still to come.
    pub fn login_finished(&self) -> bool {
        self.login_finished.is_some()
    }

    /// Why the last attempt to log in failed, where it did not even come to a refusal: the network, a
    /// certificate (`health.LoginStateWarnable`).
    pub fn login_error(&self) -> Option<&str> {
        let warning = self.health.as_ref()?.warnings.as_ref()?.get("login-state")?;
        // tailscaled 1.80 warns with an empty error before the first attempt.
        warning.args.as_ref()?.get("error").map(String::as_str).filter(|error| !error.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notifications_are_read_with_null_and_unknown_fields() {
        let line = r#"{"Version":"1","ErrMessage":null,"State":6,"NetMap":null,"Later":1,"Health":{"Warnings":{
            "warming-up":{"Text":"…"},"login-state":{"Text":"…","Args":{"error":"x509: no"}}}}}"#;
        let notify: Notify = serde_json::from_str(line).unwrap();
        assert_eq!(notify.state(), Some(State::Running));
        assert_eq!(notify.login_error(), Some("x509: no"));
        assert!(!notify.login_finished() && notify.err_message.is_none());
    }

    #[test]
    fn prefs_keep_what_is_not_known_here_and_give_no_keys_back() {
        let text =
            r#"{"ControlURL":"","CorpDNS":true,"NetfilterMode":2,"OperatorUser":"ann","Config":{"k":1}}"#;
        let prefs: Prefs = serde_json::from_str(text).unwrap();
        assert_eq!(prefs.control_url(), VENDOR_URL);
        let sent = serde_json::to_value(prefs.joining("http://127.0.0.1:1", None)).unwrap();
        assert_eq!((&sent["CorpDNS"], &sent["NetfilterMode"]), (&Value::Bool(true), &Value::from(2)));
        assert_eq!((&sent["OperatorUser"], &sent["WantRunning"]), (&Value::from("ann"), &Value::Bool(true)));
        assert!(sent.get("Config").is_none());
    }

    #[test]
    fn a_status_names_its_state() {
        let status: EngineStatus = serde_json::from_str(
            r#"{"BackendState":"Starting","Self":{"ID":"n1","DNSName":"pi.a.","TailscaleIPs":null},"Health":null}"#,
        )
        .unwrap();
        assert_eq!(status.state(), State::Starting);
        assert_eq!(status.own.unwrap().dns_name(), "pi.a");
    }
}
