//! What changed in a realm since the last message: put together once for everybody who is not part of it,
//! and once each for those who are, since nobody is told of himself as of a peer.

use crate::core::id::NodeNumber;
use crate::mesh::native::wire::{Profile, to_json};

/// One incremental `MapResponse` in the making. Nodes and patches are JSON already.
#[derive(Default, Debug)]
pub struct Delta {
    pub removed: Vec<NodeNumber>,
    pub changed: Vec<(NodeNumber, Vec<u8>)>,
    pub patched: Vec<(NodeNumber, Vec<u8>)>,
    pub profiles: Vec<Profile>,
    /// Nodes that changed in any way, in ways that only concern themselves too.
    pub touched: Vec<NodeNumber>,
}

impl Delta {
    /// Whether there is anything to tell the peers.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty()
            && self.changed.is_empty()
            && self.patched.is_empty()
            && self.profiles.is_empty()
    }

    /// Whether `viewer` is part of it, so that the common message is not for it.
    pub fn concerns(&self, viewer: NodeNumber) -> bool {
        self.touched.binary_search(&viewer).is_ok()
    }

    /// The JSON for everybody but `except`, with `own` (`"Node":…,` or nothing) first; `None` where there
    /// is nothing to say.
    pub fn to_json(&self, except: Option<NodeNumber>, own: &[u8]) -> Option<Vec<u8>> {
        let mut json = vec![b'{'];
        json.extend(own);
        list(&mut json, "PeersRemoved", self.removed.iter().map(|n| n.0.to_string().into_bytes()));
        let others = |nodes: &[(NodeNumber, Vec<u8>)]| -> Vec<Vec<u8>> {
            nodes.iter().filter(|(n, _)| Some(*n) != except).map(|(_, json)| json.clone()).collect()
        };
        list(&mut json, "UserProfiles", self.profiles.iter().map(to_json));
        list(&mut json, "PeersChanged", others(&self.changed).into_iter());
        list(&mut json, "PeersChangedPatch", others(&self.patched).into_iter());
        (json.len() > 1).then(|| {
            json.pop(); // the last comma
            json.push(b'}');
            json
        })
    }
}

/// Appends `"name":[…],` unless the list is empty.
fn list(json: &mut Vec<u8>, name: &str, items: impl Iterator<Item = Vec<u8>>) {
    let mut items = items.peekable();
    if items.peek().is_none() {
        return;
    }
    json.extend(format!("\"{name}\":[").as_bytes());
    for item in items {
        json.extend(item);
        json.push(b',');
    }
    json.pop();
    json.extend(b"],");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_of_himself_as_of_a_peer() {
        let delta = Delta {
            removed: vec![NodeNumber(9)],
            patched: vec![
                (NodeNumber(1), b"{\"NodeID\":1}".to_vec()),
                (NodeNumber(2), b"{\"NodeID\":2}".to_vec()),
            ],
            touched: vec![NodeNumber(1), NodeNumber(2)],
            ..Delta::default()
        };
        let common = delta.to_json(None, b"").unwrap();
        assert_eq!(
            String::from_utf8(common).unwrap(),
            r#"{"PeersRemoved":[9],"PeersChangedPatch":[{"NodeID":1},{"NodeID":2}]}"#
        );
        let own = delta.to_json(Some(NodeNumber(1)), b"\"Node\":{},").unwrap();
        assert_eq!(
            String::from_utf8(own).unwrap(),
            r#"{"Node":{},"PeersRemoved":[9],"PeersChangedPatch":[{"NodeID":2}]}"#
        );
    }

    #[test]
    fn nothing_to_say_is_no_message() {
        assert!(Delta::default().to_json(None, b"").is_none());
    }
}
