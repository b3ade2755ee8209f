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
use crate::config::worker::{WorkerFile, WorkerRecord};
use crate::core::Result;
use crate::core::id::NodeId;
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

/// Whether the node of a join is the one that tailscaled is now: of the same realm, whose names end alike, with the same
/// addresses. It may have been logged in elsewhere since.
fn is_same(node: &Node, local: &LocalNode) -> bool {
    let realm = |name: &str| name.split_once('.').map(|(_, domain)| domain.to_owned());
    realm(&node.dns_name) == realm(&local.dns_name) && node.addresses == local.addresses
}

fn worker_file() -> Result<WorkerFile> {
    paths::config_dir().map(|directory| WorkerFile::in_directory(&directory))
}

/// This device's node: as the coordinator tells it, or told it when the device joined; as tailscaled does, where `wonder` has
/// not joined it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ThisNode {
    Told(Box<Node>),
    Seen(SeenNode),
}

/// The part of a node that its own device knows. Field names as in [`Node`].
#[derive(Debug, Serialize)]
struct SeenNode {
    /// Never known: the one that tailscaled tells is no id that any command takes.
    id: Option<NodeId>,
    name: String,
    hostname: String,
    dns_name: String,
    addresses: Vec<IpAddr>,
}

impl ThisNode {
    /// Without the coordinator's word: what it said at the join, with the names that tailscaled knows now. Nobody sees it
    /// online.
    fn remembered(local: LocalNode, record: Option<&WorkerRecord>) -> Self {
        let name = local.dns_name.split('.').next().unwrap_or_default().to_owned();
        let told = record.and_then(|record| record.node.clone()?.try_into::<Node>().ok());
        let LocalNode { hostname, dns_name, addresses, .. } = local.clone();
        match told.filter(|node| is_same(node, &local)) {
            Some(node) => {
                let node = Node { name, hostname, dns_name, addresses, online: false, ..node };
                ThisNode::Told(Box::new(node))
            }
            None => ThisNode::Seen(SeenNode { id: None, name, hostname, dns_name, addresses }),
        }
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
