//! A device on TUN, and what its host's own programs reach by it.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use super::dns;
use super::netns::NetNs;
use super::tailscaled::Tailscaled;

/// How long a device has for what must work.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long it has for what must not: a connection inside takes milliseconds.
pub const IN_VAIN: Duration = Duration::from_secs(3);
/// Where services listen.
pub const PORT: u16 = 7007;
/// Where MagicDNS answers on every device.
const MAGIC_DNS: (Ipv4Addr, u16) = (Ipv4Addr::new(100, 100, 100, 100), 53);

/// A daemon, and the host whose network it takes part in.
pub struct Device<'a> {
    pub daemon: Tailscaled,
    pub host: &'a NetNs,
}

impl Device<'_> {
    /// `ping` of an address or name, by the system's own resolver.
    pub fn pings(&self, target: &str) -> bool {
        let ping = self.daemon.command("ping").args(["-c1", "-W2", target]).output().unwrap();
        ping.status.success()
    }

    /// [`Device::pings`] that must come to succeed: what is sent while two devices still learn of each other is lost.
    pub fn reaches(&self, target: &str) {
        self.daemon.wait_until(&format!("a ping reaches {target}"), PATIENCE, |_| self.pings(target));
    }

    /// What the service at this address says; `None` if there is no way to it.
    pub fn hears(&self, address: &str, within: Duration) -> Option<String> {
        let to = SocketAddr::new(address.parse().unwrap(), PORT);
        self.host.enter(|| {
            let mut stream = TcpStream::connect_timeout(&to, within).ok()?;
            stream.set_read_timeout(Some(within)).unwrap();
            let mut heard = String::new();
            stream.read_to_string(&mut heard).ok().map(|_| heard)
        })
    }

    /// A service that says `word` to whoever connects, on every address.
    pub fn says(&self, word: &'static str) {
        serve(self.host, move |_| word.to_owned());
    }

    /// What MagicDNS answers to a question for `name`.
    pub fn asks(&self, kind: u16, name: &str) -> dns::Answer {
        self.host.enter(|| {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket.send_to(&dns::question(kind, name), MAGIC_DNS).unwrap();
            let mut answer = [0; 512];
            let length = socket.recv(&mut answer).expect("MagicDNS answers");
            dns::Answer::read(&answer[..length])
        })
    }

    /// Both addresses on the mesh: IPv4, then IPv6.
    pub fn addresses(&self) -> [String; 2] {
        let status = self.daemon.status_json();
        [0, 1].map(|i| status["TailscaleIPs"][i].as_str().unwrap().to_owned())
    }
}

/// A service on a host without a device, which says to whoever connects from which address that is.
pub fn tells_who_asks(host: &NetNs) {
    serve(host, |from| from.ip().to_canonical().to_string());
}

fn serve(host: &NetNs, says: impl Fn(SocketAddr) -> String + Send + 'static) {
    let listener = host.enter(|| TcpListener::bind(("::", PORT)).unwrap());
    std::thread::spawn(move || {
        loop {
            let (mut stream, from) = listener.accept().unwrap();
            // Whoever has hung up hears nothing.
            let _ = stream.write_all(says(from).as_bytes());
        }
    });
}
