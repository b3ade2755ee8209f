//! Ports of 127.0.0.1 that the system gives to nobody else as long as the program runs.

use socket2::{Domain, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

static HELD: Mutex<Vec<Socket>> = Mutex::new(Vec::new());

/// A port of one's own, where nobody listens: whoever comes is refused. A server that is told of it can listen there, as
/// servers do with `SO_REUSEADDR`.
pub fn own() -> u16 {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let port = socket.local_addr().unwrap().as_socket().expect("an address of IPv4").port();
    HELD.lock().unwrap_or_else(PoisonError::into_inner).push(socket);
    port
}

/// Where nobody listens.
pub fn closed_url() -> String {
    format!("http://127.0.0.1:{}", own())
}
