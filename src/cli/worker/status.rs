//! `wonder worker status`: how this device stands, by tailscaled's word and the coordinator's.

use clap::Args;
use serde::Serialize;

use super::super::ctx::Ctx;
use super::{Socket, ThisNode, is_same, worker_file};
use crate::api::Node;
use crate::config::worker::WorkerRecord;
use crate::core::url::BaseUrl;
use crate::core::{Kind, Result};
use crate::ui::fields;
use crate::worker::ipn::VENDOR_URL;
use crate::worker::status::EngineInfo;
use crate::worker::{DeviceState, DeviceStatus, LocalNode};

/// Show how this device stands
///
/// The state is one of connected, connecting, stopped, not_joined, no_engine. It is connected where tailscaled
/// and the coordinator both say so.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    socket: Socket,
}

/// What both say.
#[derive(Serialize)]
struct Answer {
    state: DeviceState,
    node: Option<ThisNode>,
    coordinator: Option<String>,
    /// `null` where there was nothing to ask.
    coordinator_reachable: Option<bool>,
    engine: Option<EngineInfo>,
    health: Vec<String>,
}

pub fn run(ctx: &Ctx, flags: &Status) -> Result<()> {
    let mut device = DeviceStatus::read(flags.socket.path.as_deref())?;
    let missing = device.missing.take();
    let answer = answer(ctx, device)?;
    ctx.ui.show(&answer, || described(&answer))?;
    if let Some(missing) = missing {
        ctx.ui.warn(missing.message());
        missing.hint_text().into_iter().for_each(|hint| ctx.ui.say(&format!("hint: {hint}")));
    } else if answer.state == DeviceState::NotJoined {
        ctx.ui.next("wonder worker join TOKEN", "joins");
    }
    Ok(())
}

/// The coordinator's word.
enum Word {
    /// It knows this device.
    Node(Box<Node>),
    /// It is there, and says nothing about this device: it was not joined by a token, or is not there any more.
    Nothing,
    Unreachable,
    /// What is there is no coordinator.
    Stranger,
}

fn answer(ctx: &Ctx, device: DeviceStatus) -> Result<Answer> {
    let asks = matches!(device.state, DeviceState::Connected | DeviceState::Connecting);
    let base = device.coordinator.as_deref().and_then(|url| url.parse::<BaseUrl>().ok());
    let record = worker_file()?.read()?.filter(|record| Some(&record.coordinator) == base.as_ref());
    let word = match (&device.coordinator, asks) {
        (Some(url), true) => Some(ask(ctx, url, record.as_ref())?),
        _ => None,
    };
    let word = word.map(|word| word.about(device.node.as_ref()));
    let state = match (&word, device.state) {
        (Some(Word::Stranger), _) => DeviceState::NotJoined,
        (Some(Word::Unreachable), DeviceState::Connected) => DeviceState::Connecting,
        (Some(Word::Node(node)), DeviceState::Connected) if !node.online => DeviceState::Connecting,
        (_, state) => state,
    };
    let coordinator_reachable = word.as_ref().map(|word| !matches!(word, Word::Unreachable | Word::Stranger));
    let node = match word {
        Some(Word::Node(node)) => Some(ThisNode::Told(node)),
        _ => device.node.map(|local| ThisNode::remembered(local, record.as_ref())),
    };
    let DeviceStatus { coordinator, engine, health, .. } = device;
    Ok(Answer { state, node, coordinator, coordinator_reachable, engine, health })
}

impl Word {
    /// What it says of the device that tailscaled is now, and not of one that it was.
    fn about(self, local: Option<&LocalNode>) -> Word {
        match (self, local) {
            (Word::Node(node), Some(local)) if !is_same(&node, local) => Word::Nothing,
            (word, _) => word,
        }
    }
}

fn ask(ctx: &Ctx, url: &str, record: Option<&WorkerRecord>) -> Result<Word> {
    let Ok(base) = url.parse::<BaseUrl>() else { return Ok(Word::Stranger) };
    if url == VENDOR_URL {
        return Ok(Word::Stranger);
    }
    let client = ctx.client(&base)?;
    let told = match record {
        Some(record) => client.bearer(&record.worker_key).worker().map(|answer| answer.node),
        None => client.version().map(|_| None),
    };
    Ok(match told {
        Ok(Some(node)) => Word::Node(Box::new(node)),
        Ok(None) => Word::Nothing,
        Err(error) if error.code() == "not_a_coordinator" => Word::Stranger,
        Err(error) if error.kind() == Kind::Unavailable => Word::Unreachable,
        Err(_) => Word::Nothing,
    })
}

fn described(answer: &Answer) -> String {
    let state = match (answer.state, answer.coordinator_reachable) {
        (DeviceState::Connected, _) => "connected",
        (DeviceState::Connecting, Some(false)) => "connecting: the coordinator cannot be reached",
        (DeviceState::Connecting, _) => "connecting",
        (DeviceState::Stopped, _) => "stopped: `tailscale up` starts it again",
        (DeviceState::NotJoined, _) => "not joined",
        (DeviceState::NoEngine, _) => "no tailscaled runs here",
    };
    // Of a device that is to be down, tailscaled says above all that it is.
    let is_up = matches!(answer.state, DeviceState::Connected | DeviceState::Connecting);
    let health = if is_up { answer.health.join("; ") } else { String::new() };
    let node = answer.node.as_ref();
    let engine = answer.engine.as_ref();
    fields(
        node.map_or("This device", ThisNode::dns_name),
        &[
            ("State", state.to_owned()),
            ("Addresses", node.map(ThisNode::addresses).unwrap_or_default()),
            ("Coordinator", answer.coordinator.clone().unwrap_or_default()),
            ("tailscaled", engine.map(|engine| engine.version.clone()).unwrap_or_default()),
            ("Socket", engine.map(|engine| engine.socket.display().to_string()).unwrap_or_default()),
            ("Health", health),
        ],
    )
}
