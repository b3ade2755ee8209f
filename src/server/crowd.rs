//! How many connections each address has, so that one cannot take all the places.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts connections by address. Cheap to clone.
#[derive(Clone)]
pub struct Crowd {
    seats: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most: usize,
}

/// One connection's place; free again when it is dropped.
pub struct Seat {
    crowd: Crowd,
    whose: IpAddr,
}

impl Crowd {
    /// At most `most` connections for each address.
    pub fn new(most: usize) -> Self {
        Crowd { seats: Arc::default(), most }
    }

    /// A seat, unless this address has all of its own.
    pub fn enter(&self, from: IpAddr) -> Option<Seat> {
        let whose = neighbourhood(from);
        let mut seats = self.lock();
        let taken = seats.entry(whose).or_default();
        if *taken >= self.most {
            return None;
        }
        *taken += 1;
        Some(Seat { crowd: self.clone(), whose })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.crowd.lock();
        match seats.get_mut(&self.whose) {
            Some(taken) if *taken > 1 => *taken -= 1,
            _ => drop(seats.remove(&self.whose)),
        }
    }
}

/// An IPv6 host has a whole /64 to call from (RFC 4291 section 2.5.1), so that counts as one address.
fn neighbourhood(from: IpAddr) -> IpAddr {
    match from {
        IpAddr::V4(_) => from,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_own_seats_and_gets_them_back() {
        let crowd = Crowd::new(2);
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        let seats = (crowd.enter(one).unwrap(), crowd.enter(one).unwrap());
        assert!(crowd.enter(one).is_none());
        assert!(crowd.enter("192.0.2.2".parse().unwrap()).is_some());
        drop(seats);
        assert!(crowd.lock().is_empty());
        assert!(crowd.enter(one).is_some());
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        let crowd = Crowd::new(1);
        let _seat = crowd.enter("2001:db8::1".parse().unwrap()).unwrap();
        assert!(crowd.enter("2001:db8::2".parse().unwrap()).is_none());
        assert!(crowd.enter("2001:db8:0:1::1".parse().unwrap()).is_some());
    }
}
