//! How this device stands, by tailscaled's own word. Called by `wonder worker status`, which asks the
//! coordinator as well: only where both say so is a device connected.

use serde::Serialize;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::engine::Engine;
use super::ipn::{EngineStatus, OwnNode, Prefs, State};
use crate::core::key::NodeKey;
use crate::core::{Error, Kind, Result};

/// One word for the state of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    Connected,
    /// Logged in, on its way.
    Connecting,
    /// Logged in, and told to stay down.
    Stopped,
    /// No log-in, or one that is over.
    NotJoined,
    /// No tailscaled, or none that runs.
    NoEngine,
}

/// What tailscaled knows of this device.
#[derive(Debug, Serialize)]
pub struct DeviceStatus {
    pub state: DeviceState,
    pub node: Option<LocalNode>,
    /// The coordinator's URL that the device is logged in to.
    pub coordinator: Option<String>,
    pub engine: Option<EngineInfo>,
    /// What tailscaled is worried about, as sentences.
    pub health: Vec<String>,
    /// Why there is no engine.
    #[serde(skip)]
    pub missing: Option<Error>,
}

/// The device as its own tailscaled knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LocalNode {
    /// The coordinator's stable id of the node.
    pub stable_id: String,
    pub key: NodeKey,
    pub hostname: String,
    /// The whole name, without the last dot.
    pub dns_name: String,
    pub addresses: Vec<IpAddr>,
    /// Whether the node key has expired: the device must join again.
    pub expired: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EngineInfo {
    pub version: String,
    pub socket: PathBuf,
}

impl DeviceStatus {
    /// Asks the daemon at `socket`, else at the usual place. Fails only where it could not be told: no
    /// permission to look, or a daemon that does not answer.
    pub fn read(socket: Option<&Path>) -> Result<DeviceStatus> {
        match Engine::find(socket) {
            Ok(engine) => Self::of(&engine),
            Err(error) if error.kind() == Kind::Unavailable => Ok(Self::without_engine(error)),
            Err(error) => Err(error),
        }
    }

    /// Asks a daemon that is known to run.
    pub fn of(engine: &Engine) -> Result<DeviceStatus> {
        let (status, prefs) = (engine.status()?, engine.prefs()?);
        let joined = is_joined(&status, &prefs);
        let version = status.version.split('-').next().unwrap_or_default().to_owned();
        Ok(DeviceStatus {
            state: device_state(&status, &prefs),
            node: if joined { status.own.as_ref().and_then(local_node) } else { None },
            coordinator: joined.then(|| prefs.control_url().to_owned()),
            engine: Some(EngineInfo { version, socket: engine.socket().to_owned() }),
            health: status.health().to_vec(),
            missing: None,
        })
    }

    fn without_engine(error: Error) -> DeviceStatus {
        DeviceStatus {
            state: DeviceState::NoEngine,
            node: None,
            coordinator: None,
            engine: None,
            health: Vec::new(),
            missing: Some(error),
        }
    }
}

/// Whether a log-in is there, whatever its state. A log-out that the coordinator was not told of leaves the
/// key in place, and counts.
pub(super) fn is_joined(status: &EngineStatus, prefs: &Prefs) -> bool {
    status.have_node_key && !prefs.logged_out()
}

/// The node, once tailscaled knows of one: before the first network map, key and addresses are not told.
pub(super) fn local_node(own: &OwnNode) -> Option<LocalNode> {
    let known = !own.stable_id.is_empty() || !own.key.is_zero();
    known.then(|| LocalNode {
        stable_id: own.stable_id.clone(),
        key: own.key,
        hostname: own.hostname.clone(),
        dns_name: own.dns_name().to_owned(),
        addresses: own.addresses().to_vec(),
        expired: own.expired,
    })
}

fn device_state(status: &EngineStatus, prefs: &Prefs) -> DeviceState {
    if !is_joined(status, prefs) {
        return DeviceState::NotJoined;
    }
    match status.state() {
        State::Running => DeviceState::Connected,
        State::Stopped => DeviceState::Stopped,
        State::NeedsLogin => DeviceState::NotJoined,
        State::NoState | State::Starting | State::NeedsMachineAuth | State::InUseOtherUser => {
            DeviceState::Connecting
        }
    }
}
