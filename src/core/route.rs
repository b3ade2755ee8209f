//! Subnet routes: what may be one, and which node carries it when several offer it.

use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use super::address::{RANGE_V4, RANGE_V6};
use super::id::NodeNumber;

/// Where clients put IPv4 networks of the same range side by side, as IPv6 (`tailscale debug via`): within the range of
/// the mesh, and no node's.
const VIA: IpNet =
    IpNet::new_assert(IpAddr::V6(Ipv6Addr::new(0xfd7a, 0x115c, 0xa1e0, 0xb1a, 0, 0, 0, 0)), 64);

/// Whether a route lies among the addresses of the mesh itself: to whoever carried it, others' packets would go.
pub fn is_of_the_mesh(route: &IpNet) -> bool {
    [RANGE_V4, RANGE_V6].iter().any(|range| range.contains(route)) && !VIA.contains(route)
}

/// `0.0.0.0/0` and `::/0`: a way to the Internet (an exit node), not a subnet.
pub fn is_default(route: &IpNet) -> bool {
    route.prefix_len() == 0
}

/// Who carries which subnet route now. A route stays where it is while its router is able; when not, the
/// able router with the lowest number takes over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Primaries(BTreeMap<IpNet, NodeNumber>);

/// A node that may carry routes.
pub struct Router<'a> {
    pub number: NodeNumber,
    pub online: bool,
    pub routes: &'a mut dyn Iterator<Item = IpNet>,
}

impl Primaries {
    /// The routers after `routers` are what there is; gives the new state and the nodes that gained or
    /// lost a route. Cost: the number of usable routes in the realm.
    pub fn elect<'a>(&self, routers: impl Iterator<Item = Router<'a>>) -> (Primaries, Vec<NodeNumber>) {
        let mut elected = BTreeMap::<IpNet, (bool, bool, NodeNumber)>::new();
        for router in routers {
            for route in router.routes.filter(|r| !is_default(r)) {
                let holds = self.0.get(&route) == Some(&router.number);
                // Online first, then the one that holds it, then the lowest number.
                let claim = (!router.online, !holds, router.number);
                let best = elected.entry(route).or_insert(claim);
                *best = claim.min(*best);
            }
        }
        let next = Primaries(elected.into_iter().map(|(route, (_, _, number))| (route, number)).collect());
        let changed = self.difference(&next);
        (next, changed)
    }

    /// The subnet routes that `node` carries, sorted.
    pub fn of(&self, node: NodeNumber) -> impl Iterator<Item = IpNet> + '_ {
        self.0.iter().filter(move |(_, holder)| **holder == node).map(|(route, _)| *route)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn difference(&self, next: &Primaries) -> Vec<NodeNumber> {
        let lost = self.0.iter().filter(|(route, node)| next.0.get(route) != Some(node));
        let gained = next.0.iter().filter(|(route, node)| self.0.get(route) != Some(node));
        let mut changed: Vec<_> = lost.chain(gained).map(|(_, node)| *node).collect();
        changed.sort_unstable();
        changed.dedup();
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elect(before: &Primaries, routers: &[(i64, bool, &str)]) -> (Primaries, Vec<i64>) {
        let mut parsed: Vec<_> = routers
            .iter()
            .map(|(number, online, route)| (*number, *online, [route.parse::<IpNet>().unwrap()].into_iter()))
            .collect();
        let routers = parsed.iter_mut().map(|(number, online, routes)| Router {
            number: NodeNumber(*number),
            online: *online,
            routes,
        });
        let (next, changed) = before.elect(routers);
        (next, changed.into_iter().map(|n| n.0).collect())
    }

    #[test]
    fn a_route_fails_over_and_stays_there() {
        let lan = "192.168.7.0/24";
        let (one, changed) = elect(&Primaries::default(), &[(1, true, lan), (2, true, lan)]);
        assert_eq!((one.of(NodeNumber(1)).count(), changed), (1, vec![1]));
        let (two, changed) = elect(&one, &[(1, false, lan), (2, true, lan)]);
        assert_eq!((two.of(NodeNumber(2)).count(), changed), (1, vec![1, 2]));
        let (same, changed) = elect(&two, &[(1, true, lan), (2, true, lan)]);
        assert_eq!((same, changed), (two, vec![]));
    }

    #[test]
    fn no_route_leads_to_an_address_of_the_mesh() {
        for (route, of_the_mesh) in [
            ("100.64.0.2/32", true),
            ("100.64.0.0/10", true),
            ("fd7a:115c:a1e0::6440:2/128", true),
            ("fd7a:115c:a1e0:b1a:0:7:a01:0/112", false),
            ("100.0.0.0/8", false),
            ("10.77.0.0/24", false),
            ("0.0.0.0/0", false),
            ("::/0", false),
        ] {
            assert_eq!(is_of_the_mesh(&route.parse().unwrap()), of_the_mesh, "{route}");
        }
    }

    #[test]
    fn an_exit_route_is_nobodys_alone() {
        let (none, changed) = elect(&Primaries::default(), &[(1, true, "0.0.0.0/0")]);
        assert!(none.is_empty() && changed.is_empty());
    }

    #[test]
    fn a_route_without_an_online_router_stays_with_the_last() {
        let (one, _) = elect(&Primaries::default(), &[(3, true, "10.0.0.0/8"), (2, false, "10.0.0.0/8")]);
        let (still, changed) = elect(&one, &[(3, false, "10.0.0.0/8"), (2, false, "10.0.0.0/8")]);
        assert_eq!((still.of(NodeNumber(3)).count(), changed), (1, vec![]));
    }
}
