//! Nodes.

use ipnet::IpNet;
use serde::Serialize;
use ureq::http::Method;

use super::call::{NOTHING, segment};
use super::{Client, organization};
use crate::api::{ApproveNode, ApproveRoutes, Node, NodeAnswer, NodeList, RenameNode};
use crate::core::Result;

impl Client {
    pub fn nodes(&self, org: &str) -> Result<Vec<Node>> {
        self.list(&nodes(org)?, |page: NodeList| (page.nodes, page.next_cursor))
    }

    /// One node, by id or name.
    pub fn node(&self, org: &str, node: &str) -> Result<Node> {
        self.node_call(Method::GET, one(org, node)?, NOTHING)
    }

    pub fn rename_node(&self, org: &str, node: &str, name: &str) -> Result<Node> {
        let what = RenameNode { name: name.to_owned() };
        self.node_call(Method::PATCH, one(org, node)?, Some(&what))
    }

    /// Removes a node; its device is told, and logged out.
    pub fn remove_node(&self, org: &str, node: &str) -> Result<Node> {
        self.node_call(Method::DELETE, one(org, node)?, NOTHING)
    }

    /// Ends a node's key: the device has to log in again.
    pub fn expire_node(&self, org: &str, node: &str) -> Result<Node> {
        self.node_call(Method::POST, format!("{}/expire", one(org, node)?), NOTHING)
    }

    /// Approves exactly these routes.
    pub fn approve_routes(&self, org: &str, node: &str, approved: Vec<IpNet>) -> Result<Node> {
        let what = ApproveRoutes { approved };
        self.node_call(Method::PUT, format!("{}/routes", one(org, node)?), Some(&what))
    }

    /// Lets a device in that waits, by the code that it shows.
    pub fn approve_node(&self, org: &str, code: &str) -> Result<Node> {
        let what = ApproveNode { code: code.to_owned() };
        self.node_call(Method::POST, format!("{}/approvals", organization::path(org)?), Some(&what))
    }

    fn node_call(&self, method: Method, path: String, body: Option<&impl Serialize>) -> Result<Node> {
        self.call(method, &path, body).map(|answer: NodeAnswer| answer.node)
    }
}

fn nodes(org: &str) -> Result<String> {
    Ok(format!("{}/nodes", organization::path(org)?))
}

fn one(org: &str, node: &str) -> Result<String> {
    Ok(format!("{}/{}", nodes(org)?, segment(node)?))
}
