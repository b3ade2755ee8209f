//! `wonder worker`: this device. Drives `crate::worker`, which knows tailscaled, and `client`, which knows the
//! coordinator; neither knows the other.

mod interrupt;
pub(super) mod join;
mod leave;
mod status;

use clap::{Args, Subcommand};
use serde::Serialize;
use std::net::IpAddr;
use std::path::PathBuf;

use super::ctx::Ctx;
use crate::api::Node;
use crate::config::paths;
use crate::config::worker::WorkerFile;
use crate::core::Result;
use crate::worker::LocalNode;

/// This device
#[derive(Debug, Subcommand)]
pub enum WorkerCommand {
    Join(join::Join),
    Status(status::Status),
    Leave(leave::Leave),
}

/// Which tailscaled.
#[derive(Debug, Args)]
pub struct Socket {
    /// Where tailscaled listens [default: where this system has it]
    #[arg(long = "socket", value_name = "PATH", env = "WONDER_TAILSCALED_SOCKET", hide_env_values = true)]
    path: Option<PathBuf>,
}

pub fn run(ctx: &Ctx, command: WorkerCommand) -> Result<()> {
    match command {
        WorkerCommand::Join(join) => join::run(ctx, join),
        WorkerCommand::Status(status) => status::run(ctx, &status),
        WorkerCommand::Leave(leave) => leave::run(ctx, &leave),
    }
}

fn worker_file() -> Result<WorkerFile> {
    paths::config_dir().map(|directory| WorkerFile::in_directory(&directory))
}

/// This device's node: as the coordinator tells it; as tailscaled does, where the coordinator cannot be asked.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ThisNode {
    Told(Box<Node>),
    Seen(SeenNode),
}

/// The part of a node that its own device knows. Field names as in [`Node`].
#[derive(Debug, Serialize)]
struct SeenNode {
    id: String,
    name: String,
    hostname: String,
    dns_name: String,
    addresses: Vec<IpAddr>,
}

impl ThisNode {
    fn seen(local: LocalNode) -> Self {
        let name = local.dns_name.split('.').next().unwrap_or_default().to_owned();
        let LocalNode { stable_id: id, hostname, dns_name, addresses, .. } = local;
        ThisNode::Seen(SeenNode { id, name, hostname, dns_name, addresses })
    }

    fn dns_name(&self) -> &str {
        match self {
            ThisNode::Told(node) => &node.dns_name,
            ThisNode::Seen(node) => &node.dns_name,
        }
    }

    fn addresses(&self) -> String {
        let addresses = match self {
            ThisNode::Told(node) => &node.addresses,
            ThisNode::Seen(node) => &node.addresses,
        };
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}
