//! The addresses of a node: one of IPv4 and one of IPv6, both from the same offset, stable for its life.
//! Realms are separate meshes, so each gives out the same range.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The range of IPv4 mesh addresses (RFC 6598), as clients expect it: 100.64.0.0/10.
pub const RANGE_V4: IpNet = IpNet::new_assert(IpAddr::V4(Ipv4Addr::from_bits(BASE_V4)), 10);
/// The range of IPv6 mesh addresses (RFC 4193), as clients expect it: fd7a:115c:a1e0::/48.
pub const RANGE_V6: IpNet = IpNet::new_assert(IpAddr::V6(Ipv6Addr::from_bits(BASE_V6)), 48);

const BASE_V4: u32 = u32::from_be_bytes([100, 64, 0, 0]);
const BASE_V6: u128 = 0xfd7a_115c_a1e0 << 80;
/// Offsets run from 1 to one below this: 100.64.0.1 to 100.127.255.254.
const END: u32 = (1 << 22) - 1;

/// Ranges within 100.64.0.0/10 that mean something to clients: the client's own services
/// (100.100.0.0/24, 100.100.100.0/24) and a virtual network of ChromeOS (100.115.92.0/23).
const RESERVED: [(u32, u32); 3] = [
    (offset([100, 100, 0, 0]), offset([100, 100, 0, 255])),
    (offset([100, 100, 100, 0]), offset([100, 100, 100, 255])),
    (offset([100, 115, 92, 0]), offset([100, 115, 93, 255])),
];

const fn offset(address: [u8; 4]) -> u32 {
    u32::from_be_bytes(address) - BASE_V4
}

/// A node's place in the mesh range: the offset from 100.64.0.0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address(u32);

impl Address {
    /// The first usable address at or after `offset`, going round at the end of the range.
    pub fn at_or_after(offset: u32) -> Self {
        let mut offset = if (1..END).contains(&offset) { offset } else { 1 };
        for (first, last) in RESERVED {
            if (first..=last).contains(&offset) {
                offset = last + 1;
            }
        }
        Address(offset)
    }

    /// The next one to try when this is taken.
    #[must_use]
    pub fn next(self) -> Self {
        Address::at_or_after(self.0 + 1)
    }

    pub fn offset(self) -> u32 {
        self.0
    }

    pub fn v4(self) -> Ipv4Addr {
        Ipv4Addr::from(BASE_V4 + self.0)
    }

    /// The IPv6 address ends in the IPv4 one: `fd7a:115c:a1e0::6440:1` beside `100.64.0.1`.
    pub fn v6(self) -> Ipv6Addr {
        Ipv6Addr::from(BASE_V6 | u128::from(BASE_V4 + self.0))
    }

    pub fn both(self) -> [IpAddr; 2] {
        [self.v4().into(), self.v6().into()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_addresses_come_from_one_offset() {
        let first = Address::at_or_after(0);
        assert_eq!(first.v4().to_string(), "100.64.0.1");
        assert_eq!(first.v6().to_string(), "fd7a:115c:a1e0::6440:1");
    }

    #[test]
    fn reserved_ranges_are_never_given() {
        let mut address = Address::at_or_after(offset([100, 99, 255, 250]));
        for _ in 0..100_000 {
            let [a, b, c, _] = address.v4().octets();
            assert!(!(a == 100 && b == 100 && (c == 0 || c == 100)), "{}", address.v4());
            address = address.next();
        }
    }

    #[test]
    fn the_range_is_gone_round() {
        assert_eq!(Address::at_or_after(END - 1).next(), Address::at_or_after(0));
    }
}
