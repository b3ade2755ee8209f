//! Where the relays are (`tailcfg.DERPMap`).

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

use crate::core::{Error, Result};

/// The region of the built-in relay: 900 to 999 are free for relays of one's own.
pub const REGION: u16 = 900;

/// The map (`tailcfg.DERPMap`, in JSON) in the two forms that clients need.
#[derive(Clone, Debug)]
pub struct RelayMaps {
    /// With the certificate that the built-in relay must show.
    pub pinned: Box<RawValue>,
    /// For clients that can only check a certificate that an authority vouches for.
    pub unpinned: Box<RawValue>,
}

impl RelayMaps {
    /// No relay.
    pub fn none() -> Self {
        RelayMaps { pinned: RawValue::NULL.to_owned(), unpinned: RawValue::NULL.to_owned() }
    }

    /// The built-in relay, and the regions of `others` (maps in the same form), whose regions of the same
    /// number win.
    pub fn new(own: Option<&RelayNode>, others: &[Value]) -> Result<Self> {
        let unpinned = own.map(RelayNode::unpinned);
        Ok(RelayMaps { pinned: relay_map(own, others)?, unpinned: relay_map(unpinned.as_ref(), others)? })
    }

    pub fn for_client(&self, pins: bool) -> &RawValue {
        if pins { &self.pinned } else { &self.unpinned }
    }
}

/// `tailcfg.DERPNode`, in a region of its own.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RelayNode {
    /// A name, or an address.
    pub host_name: String,
    /// How to trust its certificate where no authority vouches for it: `sha256-raw:` and its digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_name: Option<String>,
    /// An address, or `none` where the relay has no address of the family: clients wait 3 s for what is
    /// not said to be missing. Absent for a name, which clients resolve.
    #[serde(rename = "IPv4", skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<String>,
    #[serde(rename = "IPv6", skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<String>,
    #[serde(rename = "DERPPort")]
    pub derp_port: u16,
    #[serde(rename = "STUNPort")]
    pub stun_port: u16,
    /// The client cannot pin a certificate: it is told not to check the relay's. Packets are sealed between
    /// the devices all the same.
    #[serde(rename = "InsecureForTests", skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
}

impl RelayNode {
    /// The same relay for a client that cannot pin its certificate.
    fn unpinned(&self) -> RelayNode {
        RelayNode { cert_name: None, insecure: self.cert_name.is_some(), ..self.clone() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Region<'a> {
    #[serde(rename = "RegionID")]
    region_id: u16,
    region_code: &'a str,
    region_name: &'a str,
    nodes: [Named<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Named<'a> {
    name: &'a str,
    #[serde(rename = "RegionID")]
    region_id: u16,
    #[serde(flatten)]
    node: &'a RelayNode,
}

/// One form of the map. Clients' own list of relays is never used.
fn relay_map(own: Option<&RelayNode>, others: &[Value]) -> Result<Box<RawValue>> {
    let failed = |e: serde_json::Error| Error::bug("the map of relays cannot be written").source(e);
    let mut regions = BTreeMap::<String, Value>::new();
    if let Some(node) = own {
        let named = Named { name: "wonder", region_id: REGION, node };
        let region =
            Region { region_id: REGION, region_code: "wonder", region_name: "wonder", nodes: [named] };
        regions.insert(REGION.to_string(), serde_json::to_value(region).map_err(failed)?);
    }
    for other in others {
        let found = other.get("Regions").and_then(Value::as_object).ok_or_else(not_a_map)?;
        regions.extend(found.iter().map(|(id, region)| (id.clone(), region.clone())));
    }
    let regions: Map<String, Value> = regions.into_iter().collect();
    let map = serde_json::json!({ "Regions": regions, "omitDefaultRegions": true });
    serde_json::value::to_raw_value(&map).map_err(failed)
}

fn not_a_map() -> Error {
    Error::usage("malformed_relay_map", "a map of relays has an object \"Regions\"")
        .hint("its form is Tailscale's DERPMap in JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> RelayNode {
        RelayNode {
            host_name: "192.168.1.10".into(),
            cert_name: Some("sha256-raw:00".into()),
            ipv4: Some("192.168.1.10".into()),
            ipv6: Some("none".into()),
            derp_port: 8443,
            stun_port: 3478,
            insecure: false,
        }
    }

    #[test]
    fn a_missing_family_is_said_to_be_missing() {
        let map: Value = serde_json::from_str(relay_map(Some(&node()), &[]).unwrap().get()).unwrap();
        let region = &map["Regions"]["900"];
        assert_eq!((&region["RegionID"], &region["Nodes"][0]["RegionID"]), (&900.into(), &900.into()));
        assert_eq!(region["Nodes"][0]["IPv6"], "none");
        assert_eq!(map["omitDefaultRegions"], true);
    }

    #[test]
    fn a_client_that_cannot_pin_a_certificate_is_told_not_to_check_it() {
        let relay = |maps: &RelayMaps, pins| -> Value {
            let map: Value = serde_json::from_str(maps.for_client(pins).get()).unwrap();
            map["Regions"]["900"]["Nodes"][0].clone()
        };
        let maps = RelayMaps::new(Some(&node()), &[]).unwrap();
        let (pinned, unpinned) = (relay(&maps, true), relay(&maps, false));
        assert_eq!(
            (&pinned["CertName"], &pinned["InsecureForTests"]),
            (&"sha256-raw:00".into(), &Value::Null)
        );
        assert_eq!((&unpinned["CertName"], &unpinned["InsecureForTests"]), (&Value::Null, &true.into()));
        let vouched_for = RelayNode { cert_name: None, ..node() };
        let maps = RelayMaps::new(Some(&vouched_for), &[]).unwrap();
        assert_eq!(relay(&maps, false), relay(&maps, true), "which every client checks as any other");
    }

    #[test]
    fn other_maps_add_their_regions() {
        let other = serde_json::json!({ "Regions": { "901": { "RegionID": 901 } } });
        let map: Value = serde_json::from_str(relay_map(Some(&node()), &[other]).unwrap().get()).unwrap();
        assert!(map["Regions"]["900"].is_object() && map["Regions"]["901"].is_object());
        assert_eq!(relay_map(None, &[Value::Null]).unwrap_err().code(), "malformed_relay_map");
    }
}
