//! What devices send: `tailcfg.RegisterRequest` and `tailcfg.MapRequest`, as far as it is used.

use ipnet::IpNet;
use serde::Deserialize;
use std::net::SocketAddr;

use super::fold;
use crate::core::key::{DiscoKey, NodeKey};
use crate::core::node::{Hostinfo, Report, Service};
use crate::core::route::is_of_the_mesh;
use crate::core::secret::Secret;
use crate::core::{Result, Timestamp};

/// More endpoints, routes, services or keys than this are cut off: no honest device has them.
const MOST_ENTRIES: usize = 64;
/// Longer text than this is cut off, in bytes.
const LONGEST_TEXT: usize = 512;
/// The first released capability version whose client pins certificates: Tailscale 1.82.
const OLDEST_PINNING: u16 = 115;
/// How programs with the Rust implementation name themselves (`ts_control::Config`); it skips relays whose
/// certificate it would have to pin.
const RUST_CLIENT: &str = "tailscale-rs";

/// `POST /machine/register` (`tailcfg.RegisterRequest`).
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "lowercase")]
pub struct RegisterRequest {
    pub version: u16,
    pub nodekey: NodeKey,
    auth: Auth,
    expiry: Option<String>,
    pub followup: String,
    hostinfo: WireHostinfo,
    pub ephemeral: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Auth {
    authkey: Option<Secret>,
}

/// `POST /machine/map` (`tailcfg.MapRequest`).
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "lowercase")]
pub struct MapRequest {
    pub version: u16,
    compress: String,
    pub nodekey: NodeKey,
    pub discokey: DiscoKey,
    endpoints: Vec<String>,
    hostinfo: Option<WireHostinfo>,
    stream: bool,
    omitpeers: bool,
    readonly: bool,
}

/// What a device asks for with a map request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To be told of everything from now on.
    Stream,
    /// To say where it is: only the status of the answer counts.
    Report,
    /// The map as it is now, and no more.
    Once,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "lowercase")]
struct WireHostinfo {
    hostname: String,
    os: String,
    ipnversion: String,
    app: String,
    routableips: Vec<String>,
    services: Vec<WireService>,
    sshhostkeys: Vec<String>,
    netinfo: Option<NetInfo>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "lowercase")]
struct WireService {
    proto: String,
    port: u16,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "lowercase")]
struct NetInfo {
    preferredderp: i64,
}

impl RegisterRequest {
    /// Reads the body of a request. Fails with `malformed_request`.
    pub fn read(body: &[u8]) -> Result<Self> {
        fold::read(body)
    }

    pub fn auth_key(&self) -> Option<&Secret> {
        self.auth.authkey.as_ref().filter(|key| !key.reveal().is_empty())
    }

    /// The expiry that the device asks for; one in the past is a log-out. Go's zero time is `None`.
    pub fn expiry(&self) -> Option<Timestamp> {
        let time = Timestamp::parse(self.expiry.as_deref()?).ok()?;
        (time.as_millis() > GO_ZERO_TIME_MILLIS).then_some(time)
    }

    pub fn hostinfo(&self) -> Hostinfo {
        self.hostinfo.to_core()
    }
}

/// 0001-01-02: Go's zero time is a day before it, in every time zone.
const GO_ZERO_TIME_MILLIS: i64 = -62_135_510_400_000;

impl MapRequest {
    /// Reads the body of a request. Fails with `malformed_request`.
    pub fn read(body: &[u8]) -> Result<Self> {
        fold::read(body)
    }

    /// Whether the device checks a relay's certificate by its digest (`DERPNode.CertName`).
    pub fn pins_certificates(&self) -> bool {
        let rust = self.hostinfo.as_ref().is_some_and(|hostinfo| hostinfo.app.starts_with(RUST_CLIENT));
        self.version >= OLDEST_PINNING && !rust
    }

    /// What the device asks for (`Stream`, `OmitPeers` and `ReadOnly` of `tailcfg.MapRequest`).
    pub fn wish(&self) -> Wish {
        match (self.stream, self.omitpeers && !self.readonly) {
            (true, _) => Wish::Stream,
            (false, true) => Wish::Report,
            (false, false) => Wish::Once,
        }
    }

    /// Whether the device only looks and says nothing of itself that counts: deprecated since capability version 68.
    pub fn is_read_only(&self) -> bool {
        self.readonly && !self.stream
    }

    /// Whether the device wishes to be told of its peers.
    pub fn wants_peers(&self) -> bool {
        !self.omitpeers
    }

    /// Whether the answers are to be compressed.
    pub fn wants_zstd(&self) -> bool {
        self.compress == "zstd"
    }

    /// What the device says of itself, put over what was known before: a missing part says nothing new.
    pub fn report_over(&self, before: &Report) -> Report {
        let mut report = before.clone();
        report.capability = self.version;
        if !self.discokey.is_zero() {
            report.disco_key = self.discokey;
        }
        report.endpoints =
            self.endpoints.iter().take(MOST_ENTRIES).filter_map(|e| e.parse::<SocketAddr>().ok()).collect();
        if let Some(hostinfo) = &self.hostinfo {
            report.hostinfo = hostinfo.to_core();
            let relay = hostinfo.netinfo.as_ref().and_then(|n| u16::try_from(n.preferredderp).ok());
            report.home_relay = relay.unwrap_or(before.home_relay);
        }
        report
    }
}

impl WireHostinfo {
    fn to_core(&self) -> Hostinfo {
        let offered = self.routableips.iter().filter_map(|r| r.parse::<IpNet>().ok()).map(|r| r.trunc());
        // Nobody offers what is another node's, whoever would approve it.
        let mut routes: Vec<IpNet> = offered.filter(|route| !is_of_the_mesh(route)).collect();
        routes.sort_unstable();
        routes.dedup();
        routes.truncate(MOST_ENTRIES);
        let services = self.services.iter().take(MOST_ENTRIES);
        Hostinfo {
            hostname: cut(&self.hostname),
            os: cut(&self.os),
            client_version: cut(number_of(&self.ipnversion)),
            routes,
            services: services.map(|s| Service { proto: cut(&s.proto), port: s.port }).collect(),
            ssh_host_keys: self.sshhostkeys.iter().take(MOST_ENTRIES).map(|k| cut(k)).collect(),
        }
    }
}

/// `1.80.3` of `1.80.3-t5c2…-g1a2…`: what follows is for the client's makers.
fn number_of(version: &str) -> &str {
    version.split(['-', '+']).next().unwrap_or_default()
}

fn cut(text: &str) -> String {
    text.chars()
        .scan(0, |len, c| {
            *len += c.len_utf8();
            (*len <= LONGEST_TEXT).then_some(c)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_whatever_their_case() {
        let go = MapRequest::read(
            br#"{"Version":145,"Hostinfo":{"IPNVersion":"1.102.3-ERR-BuildInfo","NetInfo":{"PreferredDERP":900}}}"#,
        );
        let rust = MapRequest::read(
            br#"{"Version":145,"HostInfo":{"IpnVersion":"1.102.3","NetInfo":{"PreferredDerp":900}}}"#,
        );
        for request in [go.unwrap(), rust.unwrap()] {
            let report = request.report_over(&Report::default());
            assert_eq!((report.home_relay, report.hostinfo.client_version.as_str()), (900, "1.102.3"));
        }
    }

    #[test]
    fn clients_that_cannot_pin_a_certificate_are_known() {
        let pins = |body: &str| MapRequest::read(body.as_bytes()).unwrap().pins_certificates();
        assert!(pins(r#"{"Version":115,"Hostinfo":{"App":""}}"#) && pins(r#"{"Version":145}"#));
        assert!(!pins(r#"{"Version":113}"#), "1.80");
        assert!(!pins(r#"{"Version":130,"HostInfo":{"App":"tailscale-rs (echo)"}}"#));
    }

    #[test]
    fn a_map_request_asks_for_a_stream_a_report_or_one_map() {
        let wish = |body: &str| {
            let request = MapRequest::read(body.as_bytes()).unwrap();
            (request.wish(), request.wants_peers(), request.is_read_only())
        };
        assert_eq!(wish(r#"{"Stream":true}"#), (Wish::Stream, true, false));
        assert_eq!(wish(r#"{"Stream":true,"OmitPeers":true}"#), (Wish::Stream, false, false));
        assert_eq!(wish(r#"{"OmitPeers":true}"#), (Wish::Report, false, false));
        assert_eq!(wish("{}"), (Wish::Once, true, false));
        assert_eq!(wish(r#"{"ReadOnly":true}"#), (Wish::Once, true, true));
        assert_eq!(wish(r#"{"OmitPeers":true,"ReadOnly":true}"#), (Wish::Once, false, true));
    }

    #[test]
    fn what_a_device_does_not_say_stays_known() {
        let before = Report { home_relay: 900, disco_key: DiscoKey([7; 32]), ..Report::default() };
        let request = MapRequest::read(br#"{"Hostinfo":{"NetInfo":null},"Endpoints":null}"#).unwrap();
        let after = request.report_over(&before);
        assert_eq!((after.home_relay, after.disco_key), (900, before.disco_key));
    }

    #[test]
    fn a_zero_time_is_no_expiry_and_an_early_one_is_a_log_out() {
        let request = |expiry| RegisterRequest { expiry: Some(String::from(expiry)), ..Default::default() };
        assert_eq!(request("0001-01-01T00:00:00Z").expiry(), None);
        assert_eq!(request("1970-01-01T00:02:03Z").expiry(), Some(Timestamp::from_millis(123_000)));
        assert_eq!(request("1970-01-01T02:02:03+02:00").expiry(), Some(Timestamp::from_millis(123_000)));
    }

    #[test]
    fn lists_and_text_are_cut_to_their_limits() {
        let endpoints = vec!["\"10.0.0.1:1\""; 1000].join(",");
        let body =
            format!(r#"{{"Endpoints":[{endpoints}],"Hostinfo":{{"Hostname":"{}"}}}}"#, "é".repeat(600));
        let report = MapRequest::read(body.as_bytes()).unwrap().report_over(&Report::default());
        assert_eq!(report.endpoints.len(), MOST_ENTRIES);
        assert_eq!(report.hostinfo.hostname.len(), LONGEST_TEXT);
    }
}
