//! STUN: tells a device the address from which its packets come (RFC 8489). The coordinator runs one
//! [`serve`] a socket. An answer leaves from the address that was asked, of however many the host has: a device takes
//! none from elsewhere. It answers the binding requests of Tailscale's clients alone (40 bytes, answered by 32 or 44),
//! so that it is of no use to whoever would have its answers sent to a third party.

use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::sleep;

use crate::runtime::Stop;

/// A request is 40 bytes; whatever is much longer is none.
const MAX_REQUEST: usize = 512;
/// Room for the datagrams of one read.
const BUFFER: usize = 4 * 1024;
const HEADER: usize = 20;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const SOFTWARE: u16 = 0x8022;
const FINGERPRINT: u16 = 0x8028;
/// What FINGERPRINT's checksum is combined with (RFC 8489 section 14.7).
const FINGERPRINT_XOR: u32 = 0x5354_554e;
/// An attribute's type and length.
const ATTRIBUTE: usize = 4;
/// What Tailscale's clients call themselves (`net/stun/stun.go`).
const CLIENT: &[u8] = b"tailnode";
/// A pause after an error of the socket, so that a lasting one does not take a whole core.
const AFTER_ERROR: Duration = Duration::from_millis(10);

/// By which a device knows the answer to its request.
pub type TransactionId = [u8; 12];

/// A UDP socket that knows which of the host's addresses a datagram came to.
pub struct Socket {
    udp: UdpSocket,
    state: UdpSocketState,
}

impl Socket {
    pub fn new(udp: UdpSocket) -> io::Result<Self> {
        let state = UdpSocketState::new((&udp).into())?;
        Ok(Socket { udp, state })
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        self.udp.local_addr()
    }

    /// Waits for datagrams of one sender, which may stand one after another in `buffer`.
    async fn receive(&self, buffer: &mut [u8]) -> io::Result<RecvMeta> {
        let mut from = [RecvMeta::default()];
        let receive = || {
            let mut buffers = [IoSliceMut::new(buffer)];
            self.state.recv((&self.udp).into(), &mut buffers, &mut from)
        };
        self.udp.async_io(Interest::READABLE, receive).await?;
        Ok(from[0])
    }

    /// Answers whoever sent `asked`, from the address that it came to.
    async fn answer(&self, asked: &RecvMeta, contents: &[u8]) -> io::Result<()> {
        let (destination, src_ip) = (asked.addr, asked.dst_ip);
        let answer = Transmit { destination, ecn: None, contents, segment_size: None, src_ip };
        self.udp.async_io(Interest::WRITABLE, || self.state.try_send((&self.udp).into(), &answer)).await
    }
}

/// Answers requests until the process stops.
pub async fn serve(socket: Socket, mut stop: Stop) {
    tokio::select! {
        () = stop.wait() => {}
        () = answer_all(&socket) => {}
    }
}

async fn answer_all(socket: &Socket) {
    let mut buffer = [0; BUFFER];
    loop {
        match socket.receive(&mut buffer).await {
            Ok(from) => {
                let came = &buffer[..from.len.min(BUFFER)];
                for datagram in came.chunks(from.stride.max(1)) {
                    answer(socket, datagram, &from).await;
                }
            }
            Err(error) => {
                tracing::debug!(%error, "the STUN socket had an error");
                sleep(AFTER_ERROR).await;
            }
        }
    }
}

/// An answer that cannot be sent is lost, as any datagram may be: the device asks again.
async fn answer(socket: &Socket, datagram: &[u8], from: &RecvMeta) {
    if let Some(id) = parse_request(datagram)
        && let Err(error) = socket.answer(from, &response(&id, from.addr)).await
    {
        tracing::debug!(%error, "a STUN answer could not be sent");
    }
}

/// The transaction id of a binding request of Tailscale's clients: it names them in SOFTWARE and ends in a
/// FINGERPRINT that matches. `None` for all else. Pure, so that a fuzz target can call it.
pub fn parse_request(datagram: &[u8]) -> Option<TransactionId> {
    let (header, attributes) = datagram.split_first_chunk::<HEADER>()?;
    let [k0, k1, l0, l1, c0, c1, c2, c3, id @ ..] = *header;
    let sound = [k0, k1] == BINDING_REQUEST && [c0, c1, c2, c3] == COOKIE && datagram.len() <= MAX_REQUEST;
    if !sound || usize::from(u16::from_be_bytes([l0, l1])) != attributes.len() {
        return None;
    }
    let (before, fingerprint) = attributes.split_last_chunk::<{ ATTRIBUTE + 4 }>()?;
    let checked = &datagram[..HEADER + before.len()];
    (*fingerprint == fingerprint_of(checked) && names_client(before)).then_some(id)
}

/// Whether one of the attributes is a SOFTWARE that names Tailscale's clients, and all are well formed.
fn names_client(mut attributes: &[u8]) -> bool {
    let mut named = false;
    while let Some((&[t0, t1, l0, l1], rest)) = attributes.split_first_chunk::<ATTRIBUTE>() {
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let Some((padded, rest)) = rest.split_at_checked(length.next_multiple_of(4)) else { return false };
        named |= u16::from_be_bytes([t0, t1]) == SOFTWARE && &padded[..length] == CLIENT;
        attributes = rest;
    }
    named && attributes.is_empty()
}

/// The attribute that ends a message whose bytes before it are `message`.
fn fingerprint_of(message: &[u8]) -> [u8; ATTRIBUTE + 4] {
    let mut attribute = [0; ATTRIBUTE + 4];
    attribute[..2].copy_from_slice(&FINGERPRINT.to_be_bytes());
    attribute[2..4].copy_from_slice(&4u16.to_be_bytes());
    attribute[4..].copy_from_slice(&(crc32fast::hash(message) ^ FINGERPRINT_XOR).to_be_bytes());
    attribute
}

/// The binding success response: XOR-MAPPED-ADDRESS alone (RFC 8489 section 14.2), 32 bytes for an IPv4 and
/// 44 for an IPv6 address. An IPv4 address that came over an IPv6 socket is told as IPv4.
pub fn response(id: &TransactionId, mapped: SocketAddr) -> Vec<u8> {
    let (family, address) = match mapped.ip().to_canonical() {
        IpAddr::V4(v4) => (1, xor(&v4.octets(), id)),
        IpAddr::V6(v6) => (2, xor(&v6.octets(), id)),
    };
    let value = [&[0, family][..], &xor(&mapped.port().to_be_bytes(), id), &address].concat();
    let length = |bytes: usize| u16::try_from(bytes).unwrap_or(0).to_be_bytes();
    let mut message = Vec::with_capacity(HEADER + ATTRIBUTE + value.len());
    message.extend_from_slice(&BINDING_SUCCESS);
    message.extend_from_slice(&length(ATTRIBUTE + value.len()));
    message.extend_from_slice(&COOKIE);
    message.extend_from_slice(id);
    message.extend_from_slice(&XOR_MAPPED_ADDRESS.to_be_bytes());
    message.extend_from_slice(&length(value.len()));
    message.extend_from_slice(&value);
    message
}

/// `bytes` combined with the magic cookie and the transaction id.
fn xor(bytes: &[u8], id: &TransactionId) -> Vec<u8> {
    bytes.iter().zip(COOKIE.iter().chain(id)).map(|(byte, mask)| byte ^ mask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Supervisor;
    use proptest::prelude::*;
    use tokio::time::timeout;

    const ID: TransactionId = *b"transaction!";
    const PATIENCE: Duration = Duration::from_secs(20);

    /// As `stun.Request` of the Go client makes it, with other attributes in between.
    fn request_with(software: &[u8], more: &[u8]) -> Vec<u8> {
        let mut request = [&BINDING_REQUEST[..], &[0, 0], &COOKIE, &ID].concat();
        request.extend_from_slice(&SOFTWARE.to_be_bytes());
        request.extend_from_slice(&u16::try_from(software.len()).unwrap().to_be_bytes());
        request.extend_from_slice(software);
        request.resize(request.len().next_multiple_of(4), 0);
        request.extend_from_slice(more);
        let length = u16::try_from(request.len() + 8 - HEADER).unwrap();
        request[2..4].copy_from_slice(&length.to_be_bytes());
        let fingerprint = fingerprint_of(&request);
        request.extend_from_slice(&fingerprint);
        request
    }

    fn request() -> Vec<u8> {
        request_with(CLIENT, &[])
    }

    #[test]
    fn a_clients_request_is_known() {
        assert_eq!(request().len(), 40);
        assert_eq!(parse_request(&request()), Some(ID));
        assert_eq!(parse_request(&request_with(CLIENT, &[0x80, 0x99, 0, 1, 7, 0, 0, 0])), Some(ID));
    }

    #[test]
    fn all_else_is_not() {
        assert_eq!(parse_request(&request_with(b"coturn", &[])), None);
        assert_eq!(parse_request(&request_with(CLIENT, &[0x80, 0x99, 0, 9])), None, "an attribute cut short");
        assert_eq!(parse_request(&request_with(CLIENT, &[0; 600])), None, "too long");
        assert_eq!(parse_request(&response(&ID, "192.0.2.1:1".parse().unwrap())), None, "an answer");
        for length in 0..request().len() {
            assert_eq!(parse_request(&request()[..length]), None);
        }
        for bit in 0..request().len() * 8 {
            let mut changed = request();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse_request(&changed), None, "bit {bit}");
        }
    }

    #[test]
    fn the_answer_is_that_of_rfc_5769() {
        // RFC 5769 sections 2.2 and 2.3: the same transaction id, an address of each family.
        let id = *b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";
        let v4 = response(&id, "192.0.2.1:32853".parse().unwrap());
        assert_eq!(v4[..8], [1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42]);
        assert_eq!(v4[20..], *b"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43");
        let v6 = response(&id, "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap());
        let expected = b"\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9";
        assert_eq!(v6[20..], *expected);
        assert!(v4.len() < request().len() && v6.len() <= request().len() + 4, "no amplifier");
        assert_eq!(response(&id, "[::ffff:192.0.2.1]:32853".parse().unwrap()), v4);
    }

    #[tokio::test]
    async fn over_the_network_only_requests_are_answered() {
        let supervisor = Supervisor::new();
        let server = socket("127.0.0.1:0").await;
        let address = server.address().unwrap();
        supervisor.spawn("stun", serve(server, supervisor.stop_signal()));
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let own = client.local_addr().unwrap();
        for noise in [&b"garbage"[..], &[], &[0; 1_400], &request()[..39]] {
            client.send_to(noise, address).await.unwrap();
        }
        client.send_to(&request(), address).await.unwrap();
        let mut answer = [0; 100];
        let (length, from) = timeout(PATIENCE, client.recv_from(&mut answer)).await.unwrap().unwrap();
        assert_eq!(
            (&answer[..length], from),
            (&response(&ID, own)[..], address),
            "the first answer there is"
        );
        supervisor.stop();
        assert!(supervisor.drained(PATIENCE).await);
    }

    async fn socket(address: &str) -> Socket {
        Socket::new(UdpSocket::bind(address).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn an_answer_comes_from_the_address_that_was_asked() {
        let supervisor = Supervisor::new();
        for (everywhere, addresses) in
            [("0.0.0.0:0", &["127.0.0.1", "127.0.0.2"][..]), ("[::]:0", &["127.0.0.2", "127.0.0.1", "::1"])]
        {
            let server = socket(everywhere).await;
            let port = server.address().unwrap().port();
            supervisor.spawn("stun", serve(server, supervisor.stop_signal()));
            for address in addresses {
                let asked = SocketAddr::new(address.parse().unwrap(), port);
                let own = if asked.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
                let client = UdpSocket::bind(own).await.unwrap();
                client.send_to(&request(), asked).await.unwrap();
                let mut answer = [0; 100];
                let (length, from) = timeout(PATIENCE, client.recv_from(&mut answer)).await.unwrap().unwrap();
                assert_eq!(from, asked, "{everywhere}");
                assert_eq!(answer[..length], response(&ID, client.local_addr().unwrap()));
            }
        }
        supervisor.stop();
        assert!(supervisor.drained(PATIENCE).await);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            prop_assert_eq!(parse_request(&bytes), None);
        }

        #[test]
        fn any_attributes_are_read_without_harm(more in proptest::collection::vec(any::<u8>(), 0..200)) {
            let id = parse_request(&request_with(CLIENT, &more));
            prop_assert!(id.is_none_or(|id| id == ID));
        }
    }
}
