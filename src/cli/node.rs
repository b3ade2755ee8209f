//! `wonder node`: the devices of an organization.

use clap::{ArgGroup, Args, Subcommand};
use ipnet::IpNet;

use super::ctx::{Acting, Ctx};
use super::value::subnet;
use crate::api::Node;
use crate::core::Result;
use crate::ui::{Cell, Table, ago, fields, under, until};

const ROUTES: &str = "\
Examples:
  wonder node approve-routes pi 192.168.1.0/24
      reach the home network through the node pi

  wonder node approve-routes pi --all
      whatever it offers, an exit to the Internet included

  wonder node approve-routes pi --none
      nothing any more";

/// The devices of an organization
#[derive(Debug, Subcommand)]
pub enum NodeCommand {
    /// List the nodes
    List,
    /// Show everything about a node
    Show {
        /// Its id or name
        node: String,
    },
    /// Give a node another name
    Rename {
        /// Its id or name
        node: String,
        /// The new name: letters, digits and dashes
        name: String,
    },
    /// Remove a node: it is cut off at once, and has to join again
    Remove {
        /// Its id or name
        node: String,
    },
    /// End a node's key: the device has to log in again
    Expire {
        /// Its id or name
        node: String,
    },
    /// Let a device in that waits for approval
    Approve {
        /// The code that the device shows
        code: String,
    },
    ApproveRoutes(ApproveRoutes),
}

/// Say which subnets are reached through a node: exactly those named
#[derive(Debug, Args)]
#[command(override_usage = "wonder node approve-routes [OPTIONS] <NODE> <CIDR…|--all|--none>")]
#[command(after_help = ROUTES, group = ArgGroup::new("which").required(true))]
pub struct ApproveRoutes {
    /// Its id or name
    node: String,
    /// The subnets; 0.0.0.0/0 and ::/0 make it an exit to the Internet
    #[arg(value_name = "CIDR", value_parser = subnet, group = "which")]
    routes: Vec<IpNet>,
    /// Everything that it offers
    #[arg(long, group = "which")]
    all: bool,
    /// Nothing
    #[arg(long, group = "which")]
    none: bool,
}

pub fn run(ctx: &Ctx, command: NodeCommand) -> Result<()> {
    match command {
        NodeCommand::List => list(ctx),
        NodeCommand::Show { node } => show(ctx, &node),
        NodeCommand::Rename { node, name } => {
            let renamed = ctx.acting().and_then(|to| to.client.rename_node(&to.org, &node, &name))?;
            changed(ctx, &renamed, format!("Renamed {node}; it is {} now.", renamed.dns_name))
        }
        NodeCommand::Remove { node } => {
            ctx.ui.confirm(&format!("Remove node {node}? It is cut off at once."))?;
            let removed = ctx.acting().and_then(|to| to.client.remove_node(&to.org, &node))?;
            changed(ctx, &removed, format!("Removed node {}.", removed.name))
        }
        NodeCommand::Expire { node } => {
            ctx.ui.confirm(&format!("End the key of node {node}? It has to log in again."))?;
            let expired = ctx.acting().and_then(|to| to.client.expire_node(&to.org, &node))?;
            changed(ctx, &expired, format!("Ended the key of node {}.", expired.name))
        }
        NodeCommand::Approve { code } => {
            let approved = ctx.acting().and_then(|to| to.client.approve_node(&to.org, &code))?;
            changed(ctx, &approved, let_in(&approved))
        }
        NodeCommand::ApproveRoutes(what) => approve_routes(ctx, what),
    }
}

fn changed(ctx: &Ctx, node: &Node, sentence: String) -> Result<()> {
    ctx.ui.changed(&under("node", node), || sentence)
}

fn let_in(node: &Node) -> String {
    let whole = format!("Let in node {}.", node.dns_name);
    match node.ephemeral {
        true => format!("{whole} It asked to be ephemeral: it is removed soon after it goes away."),
        false => whole,
    }
}

fn list(ctx: &Ctx) -> Result<()> {
    let acting = ctx.acting()?;
    let nodes = acting.client.nodes(&acting.org)?;
    ctx.ui.show(&under("nodes", &nodes), || {
        let mut table = Table::new(&["NAME", "ADDRESS", "OWNER", "OS", "STATUS"]);
        for node in &nodes {
            table.row([
                node.name.clone().into(),
                node.addresses.first().map(ToString::to_string).unwrap_or_default().into(),
                holder(node).into(),
                node.os.clone().unwrap_or_default().into(),
                status(ctx, node),
            ]);
        }
        table.text("No nodes yet. `wonder token create` makes a token that a device joins with.")
    })
}

/// Whose it is, or what for.
fn holder(node: &Node) -> String {
    if node.tags.is_empty() { node.owner.clone().unwrap_or_default() } else { node.tags.join(", ") }
}

fn status(ctx: &Ctx, node: &Node) -> Cell {
    let now = ctx.now();
    match (node.online, node.last_seen) {
        _ if node.expires_at.is_some_and(|end| end <= now) => Cell::Faint("key expired".into()),
        (true, _) => Cell::Good("online".into()),
        (false, Some(then)) => Cell::Faint(format!("offline, seen {}", ago(now, then))),
        (false, None) => Cell::Faint("never connected".into()),
    }
}

fn show(ctx: &Ctx, name: &str) -> Result<()> {
    let acting = ctx.acting()?;
    let node = acting.client.node(&acting.org, name)?;
    ctx.ui.show(&under("node", &node), || described(ctx, &node))
}

fn described(ctx: &Ctx, node: &Node) -> String {
    let now = ctx.now();
    let (Cell::Plain(status) | Cell::Good(status) | Cell::Faint(status)) = status(ctx, node);
    let version = node.client_version.as_deref();
    let system = [node.os.as_deref(), version].map(Option::unwrap_or_default).join(" ");
    let all = [
        ("Status", status),
        ("Name", node.dns_name.clone()),
        ("Addresses", joined(&node.addresses)),
        ("Owner", node.owner.clone().unwrap_or_default()),
        ("Tags", node.tags.join(", ")),
        ("Hostname", node.hostname.clone()),
        ("Client", system.trim().to_owned()),
        ("Joined", ago(now, node.created_at)),
        ("Key expires", node.expires_at.map_or("never".into(), |end| until(now, end))),
        ("Ephemeral", if node.ephemeral { "yes".into() } else { String::new() }),
        ("Offers", joined(&node.routes.advertised)),
        ("Approved", joined(&node.routes.approved)),
        ("Routes now", joined(&node.routes.primary)),
        ("Id", node.id.to_string()),
    ];
    fields(&node.name, &all)
}

fn joined(all: &[impl ToString]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn approve_routes(ctx: &Ctx, what: ApproveRoutes) -> Result<()> {
    let Acting { client, org } = ctx.acting()?;
    let routes = if what.all { client.node(&org, &what.node)?.routes.advertised } else { what.routes };
    let node = client.approve_routes(&org, &what.node, routes)?;
    let idle: Vec<_> =
        node.routes.approved.iter().filter(|route| !node.routes.advertised.contains(route)).collect();
    changed(
        ctx,
        &node,
        match node.routes.approved.as_slice() {
            [] => format!("No routes lead through {}.", node.name),
            approved => format!("Approved for {}: {}.", node.name, joined(approved)),
        },
    )?;
    if !idle.is_empty() {
        ctx.ui.warn(&format!("{} does not offer {} (yet)", node.name, joined(&idle)));
    }
    Ok(())
}
