//! What `wonder serve` is told: a flag wins over an environment variable, that over the file, that over the
//! default. Read once at the start by `cli`; the coordinator sees [`Settings`] alone.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::core::provider::Configured;
use crate::core::secret::Secret;
use crate::core::url::BaseUrl;
use crate::core::{Error, Kind, Result, time};

mod dns;
mod file;
mod limits;
mod mail;
mod network;
mod provider;
mod proxies;

pub use dns::Dns;
use file::File;
pub use limits::Limits;
pub use mail::{Mail, MailTls};
pub use proxies::{Proxies, ProxyHeader};

/// Where the coordinator listens by default, on every address of the host.
const PORT: u16 = 8080;
/// Where the relay listens by default, when the coordinator itself has no TLS.
const DERP_PORT: u16 = 8443;
/// The port of STUN (RFC 8489 section 18.6).
const STUN_PORT: u16 = 3478;
const EPHEMERAL_GRACE: Duration = Duration::from_secs(120);
/// A year, and time to notice that it is over.
const AUDIT_RETENTION: Duration = Duration::from_secs(400 * 86_400);
/// Less would be no trail.
const SHORTEST_RETENTION: Duration = Duration::from_secs(86_400);

/// The flags of `wonder serve`; each but `--json` can also come from the environment or the file.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Flags {
    /// Where to listen; port 0 takes a free one [default: [::]:8080]
    #[arg(long, env = "WONDER_LISTEN", value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// The URL that devices reach this coordinator by [default: the address it listens on]
    #[arg(long, env = "WONDER_URL", value_name = "URL")]
    pub url: Option<String>,
    /// Where the coordinator keeps what it must not lose [default: /var/lib/wonder for root]
    #[arg(long, env = "WONDER_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME` [default: SQLite in the data directory]
    #[arg(long, env = "WONDER_DATABASE", hide_env_values = true, value_name = "URL")]
    pub database: Option<String>,
    /// The certificate chain of the coordinator, in PEM; read again on SIGHUP
    #[arg(long, env = "WONDER_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The private key of that certificate, in PEM
    #[arg(long, env = "WONDER_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Run neither relay nor STUN
    #[arg(long, env = "WONDER_NO_DERP", value_parser = clap::builder::FalseyValueParser::new())]
    pub no_derp: bool,
    /// Where the relay listens [default: the coordinator's own port where that has TLS, else port 8443]
    #[arg(long, env = "WONDER_DERP_LISTEN", value_name = "ADDR:PORT")]
    pub derp_listen: Option<String>,
    /// Where STUN listens, on UDP [default: port 3478]
    #[arg(long, env = "WONDER_STUN_LISTEN", value_name = "ADDR:PORT")]
    pub stun_listen: Option<String>,
    /// How long an ephemeral node stays after its last disconnect [default: 2m]
    #[arg(long, env = "WONDER_EPHEMERAL_GRACE", value_name = "DURATION")]
    pub ephemeral_grace: Option<String>,
    /// How long the audit trail is kept, or `for-ever` [default: 400d]
    #[arg(long, env = "WONDER_AUDIT_RETENTION", value_name = "DURATION")]
    pub audit_retention: Option<String>,
    /// Where Prometheus finds `/metrics`; a port alone means 127.0.0.1 [default: nowhere]
    #[arg(long, env = "WONDER_METRICS_LISTEN", value_name = "ADDR:PORT")]
    pub metrics_listen: Option<String>,
    /// Proxies that are believed about whom they call for: networks, with commas
    #[arg(long, env = "WONDER_TRUSTED_PROXIES", value_name = "CIDR", value_delimiter = ',')]
    pub trusted_proxies: Vec<String>,
    /// A TOML file with these settings and more (DNS, extra relays, limits)
    #[arg(long, env = "WONDER_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Everything that a coordinator needs to know before it starts.
#[derive(Clone, Debug)]
pub struct Settings {
    pub listen: SocketAddr,
    /// `None`: the address that it is really bound to.
    pub url: Option<BaseUrl>,
    pub data_dir: PathBuf,
    /// As people write it, which may hold a password; `None`: SQLite in the data directory.
    pub database: Option<Secret>,
    pub tls: Option<TlsFiles>,
    /// `None`: neither relay nor STUN.
    pub relay: Option<Relay>,
    pub ephemeral_grace: Duration,
    pub dns: Dns,
    /// Files or URLs of further relays, each a DERP map in JSON.
    pub relay_maps: Vec<String>,
    /// How long events of the audit trail are kept; `None`: for ever.
    pub audit_retention: Option<Duration>,
    /// Who stands before the coordinator and is believed about its callers.
    pub proxies: Proxies,
    pub limits: Limits,
    /// Where Prometheus finds the metrics; `None`: nowhere.
    pub metrics: Option<SocketAddr>,
    /// `None`: no mail is sent.
    pub mail: Option<Mail>,
    /// Whether people log in with passwords that are kept here.
    pub local_accounts: bool,
    /// Where people log in elsewhere.
    pub providers: Vec<Configured>,
    /// Where providers that were added on a page may be, beside the Internet.
    pub provider_networks: Vec<IpNet>,
}

/// A certificate chain and its key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// Where the built-in relay and STUN listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// `None`: on the coordinator's own port, which has TLS.
    pub listen: Option<SocketAddr>,
    pub stun: SocketAddr,
}

impl Settings {
    /// Puts flags (and environment, which `clap` read), file and defaults together.
    pub fn load(flags: Flags) -> Result<Settings> {
        let file = match &flags.config {
            Some(path) => File::read(path)?,
            None => File::default(),
        };
        let listen = address("--listen", flags.listen.as_ref().or(file.listen.as_ref()))?
            .unwrap_or_else(|| SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), PORT));
        let tls = tls_files(&flags, &file)?;
        Ok(Settings {
            listen,
            relay: relay(&flags, &file, listen.ip(), tls.is_some())?,
            url: url(flags.url.as_ref().or(file.url.as_ref()))?,
            ephemeral_grace: grace(flags.ephemeral_grace.as_ref().or(file.ephemeral_grace.as_ref()))?,
            proxies: proxies(&flags, &file)?,
            limits: Limits::read(&file.limits)?,
            metrics: metrics(flags.metrics_listen.as_ref().or(file.metrics_listen.as_ref()))?,
            data_dir: data_dir(flags.data_dir.or(file.data_dir))?,
            database: flags.database.or(file.database).map(Secret::new),
            tls,
            dns: file.dns.check()?,
            relay_maps: file.relay_maps,
            audit_retention: retention(flags.audit_retention.as_ref().or(file.audit_retention.as_ref()))?,
            mail: file.mail.map(mail::MailTable::check).transpose()?,
            local_accounts: file.local_accounts.unwrap_or(true),
            providers: provider::read(file.provider)?,
            provider_networks: network::read("provider-networks", &file.provider_networks)?,
        })
    }
}

/// The data directory: the given one, else `/var/lib/wonder` for root, else in the user's own directories.
pub fn data_dir(given: Option<PathBuf>) -> Result<PathBuf> {
    if let Some(directory) = given {
        return Ok(directory);
    }
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/wonder"));
    }
    let own = directories::ProjectDirs::from("", "", "wonder").map(|own| own.data_dir().to_owned());
    own.ok_or_else(|| {
        Error::new(Kind::Local, "no_data_dir", "this user has no home directory to keep data in")
            .hint("name a directory with --data-dir or WONDER_DATA_DIR")
    })
}

/// A setting that cannot be read: `flag` names it, its variable follows from it.
fn malformed(flag: &str, value: &str, wanted: &str) -> Error {
    let variable = flag.trim_start_matches('-').replace('-', "_").to_uppercase();
    Error::usage("malformed_setting", format!("{flag} {value:?} cannot be read"))
        .hint(format!("{flag} (or WONDER_{variable}) is {wanted}"))
}

fn address(flag: &str, value: Option<&String>) -> Result<Option<SocketAddr>> {
    let parse = |text: &String| {
        // `:8080` is what people type for "every address".
        let whole = if text.starts_with(':') { format!("[::]{text}") } else { text.clone() };
        whole.parse().map_err(|_| malformed(flag, text, "ADDRESS:PORT, like 192.168.1.10:8080 or [::]:8080"))
    };
    value.map(parse).transpose()
}

fn url(value: Option<&String>) -> Result<Option<BaseUrl>> {
    value.map(|text| text.parse()).transpose()
}

fn grace(value: Option<&String>) -> Result<Duration> {
    let parse = |text: &String| {
        time::parse_duration(text)
            .map_err(|_| malformed("--ephemeral-grace", text, "a duration, like 30s or 2m"))
    };
    value.map_or(Ok(EPHEMERAL_GRACE), parse)
}

/// A port alone is for this host: whoever wants it seen by others names the address.
fn metrics(value: Option<&String>) -> Result<Option<SocketAddr>> {
    let local =
        value.map(|text| if text.starts_with(':') { format!("127.0.0.1{text}") } else { text.clone() });
    address("--metrics-listen", local.as_ref())
}

fn proxies(flags: &Flags, file: &File) -> Result<Proxies> {
    let trusted =
        if flags.trusted_proxies.is_empty() { &file.trusted_proxies } else { &flags.trusted_proxies };
    Proxies::read(trusted, file.proxy_header)
}

/// `None`: for ever.
fn retention(value: Option<&String>) -> Result<Option<Duration>> {
    let wanted = "for-ever, or a duration of a day at least, like 90d";
    match value.map(String::as_str) {
        None => Ok(Some(AUDIT_RETENTION)),
        Some("for-ever") => Ok(None),
        Some(text) => match time::parse_duration(text) {
            Ok(kept) if kept >= SHORTEST_RETENTION => Ok(Some(kept)),
            _ => Err(malformed("--audit-retention", text, wanted)),
        },
    }
}

fn tls_files(flags: &Flags, file: &File) -> Result<Option<TlsFiles>> {
    let cert = flags.tls_cert.as_ref().or(file.tls_cert.as_ref()).map(PathBuf::as_path);
    let key = flags.tls_key.as_ref().or(file.tls_key.as_ref()).map(PathBuf::as_path);
    let owned = |cert: &Path, key: &Path| TlsFiles { cert: cert.to_owned(), key: key.to_owned() };
    match (cert, key) {
        (Some(cert), Some(key)) => Ok(Some(owned(cert, key))),
        (None, None) => Ok(None),
        _ => Err(Error::usage("incomplete_tls", "--tls-cert and --tls-key go together")
            .hint("name both files, or neither to serve plain http")),
    }
}

fn relay(flags: &Flags, file: &File, ip: IpAddr, tls: bool) -> Result<Option<Relay>> {
    let listen = address("--derp-listen", flags.derp_listen.as_ref().or(file.derp_listen.as_ref()))?;
    let stun = address("--stun-listen", flags.stun_listen.as_ref().or(file.stun_listen.as_ref()))?;
    if flags.no_derp || file.no_derp {
        return Ok(None);
    }
    let own_port = (!tls).then(|| SocketAddr::new(ip, DERP_PORT));
    Ok(Some(Relay { listen: listen.or(own_port), stun: stun.unwrap_or(SocketAddr::new(ip, STUN_PORT)) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(text: &str, flags: Flags) -> Result<Settings> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("wonder.toml");
        std::fs::write(&path, text).unwrap();
        Settings::load(Flags { config: Some(path), ..flags })
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let flags = Flags { listen: Some("127.0.0.1:1".into()), ..Flags::default() };
        let file = "listen = '127.0.0.1:2'\nstun-listen = '127.0.0.1:3'\nephemeral-grace = '30s'";
        let settings = with_file(file, flags).unwrap();
        assert_eq!(settings.listen.port(), 1);
        assert_eq!(settings.relay.unwrap().stun.port(), 3);
        assert_eq!(settings.ephemeral_grace, Duration::from_secs(30));
        assert_eq!(settings.dns.base_domain, "wonder.internal");
    }

    #[test]
    fn the_relay_is_on_its_own_port_unless_the_coordinator_has_tls() {
        let plain = Settings::load(Flags { listen: Some("127.0.0.1:0".into()), ..Flags::default() }).unwrap();
        assert_eq!(plain.relay.unwrap().listen, Some("127.0.0.1:8443".parse().unwrap()));
        let (cert, key) = (Some("c.pem".into()), Some("k.pem".into()));
        let flags = Flags { tls_cert: cert, tls_key: key, ..Flags::default() };
        assert_eq!(Settings::load(flags).unwrap().relay.unwrap().listen, None);
        assert!(Settings::load(Flags { no_derp: true, ..Flags::default() }).unwrap().relay.is_none());
    }

    #[test]
    fn a_refusal_names_the_flag_and_the_variable() {
        let flags = Flags { stun_listen: Some("here".into()), ..Flags::default() };
        let error = Settings::load(flags).unwrap_err();
        assert!(error.message().contains("--stun-listen"), "{error}");
        assert!(error.hint_text().unwrap().contains("WONDER_STUN_LISTEN"));
        let flags = Flags { tls_cert: Some("c.pem".into()), ..Flags::default() };
        assert_eq!(Settings::load(flags).unwrap_err().code(), "incomplete_tls");
        let flags = Flags { url: Some("mesh/path".into()), ..Flags::default() };
        assert_eq!(Settings::load(flags).unwrap_err().code(), "malformed_url");
    }

    #[test]
    fn a_port_alone_means_every_address() {
        let settings = Settings::load(Flags { listen: Some(":80".into()), ..Flags::default() }).unwrap();
        assert_eq!(settings.listen, "[::]:80".parse().unwrap());
    }

    #[test]
    fn limits_and_proxies_come_from_the_file() {
        let file = "trusted-proxies = ['10.0.0.0/8', '::1']\nproxy-header = 'forwarded'\n[limits]\nlog-in-account = '5/1m'";
        let settings = with_file(file, Flags::default()).unwrap();
        assert!(settings.proxies.trusts("10.1.2.3".parse().unwrap()));
        assert!(!settings.proxies.trusts("::2".parse().unwrap()));
        assert_eq!(settings.proxies.header, ProxyHeader::Forwarded);
        use crate::core::allowance::{Allowance, Rate};
        assert_eq!(settings.limits.rate(Allowance::LogInAccount), Rate::new(5, 60));
        assert_eq!(settings.limits.rate(Allowance::JoinAddress), Allowance::JoinAddress.usual());
        for (bad, code) in [
            ("[limits]\nlog-in-account = 'often'", "malformed_rate"),
            ("[limits]\nlog-in-acount = '5/1m'", "unknown_setting"),
            ("trusted-proxies = ['proxy.example']", "malformed_setting"),
            ("provider-networks = ['id.home.arpa']", "malformed_setting"),
            ("proxy-header = 'x-real-ip'", "malformed_settings"),
        ] {
            assert_eq!(with_file(bad, Flags::default()).unwrap_err().code(), code, "{bad}");
        }
    }

    #[test]
    fn settings_print_without_the_password_of_the_database() {
        let flags = Flags { database: Some("postgres://ada:hush@db/mesh".into()), ..Flags::default() };
        assert!(!format!("{:?}", Settings::load(flags).unwrap()).contains("hush"));
    }
}
