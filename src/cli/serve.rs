//! `wonder serve`: the flags of the coordinator, and nothing else of it.

use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::ctx::Ctx;
use super::value::Seconds;
use crate::core::url::BaseUrl;
use crate::core::{Error, Kind, Result};

const EXAMPLES: &str = "\
Examples:
  wonder serve
      on every address, port 8080, data in the data directory

  wonder serve --listen 192.168.1.10:8080 --url http://192.168.1.10:8080
      at home

  wonder serve --listen :443 --url https://mesh.example.org --tls-cert cert.pem --tls-key key.pem
      on the Internet";

/// Run the coordinator
///
/// Everything it needs is in this program: database, relay and all. The first start says on stderr how to make
/// the first account. When it is ready, one line on stdout says where it listens. SIGTERM ends it gently.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Serve {
    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:8080", value_parser = listen_address)]
    pub listen: SocketAddr,
    /// The URL by which devices and people reach it [default: made from the address it listens on]
    #[arg(long, value_name = "URL")]
    pub url: Option<BaseUrl>,
    /// Where its data lives [default: /var/lib/wonder for root, else the user's data directory]
    #[arg(long, value_name = "DIR", env = "WONDER_DATA_DIR", hide_env_values = true)]
    pub data_dir: Option<PathBuf>,
    /// sqlite:PATH or postgres://… [default: SQLite in the data directory]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// The certificate (PEM) of its own HTTPS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The key (PEM) of that certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Run without relay and STUN
    #[arg(long, conflicts_with_all = ["derp_listen", "stun_listen"])]
    pub no_derp: bool,
    /// Where the relay listens
    #[arg(long, value_name = "ADDR:PORT", value_parser = listen_address)]
    pub derp_listen: Option<SocketAddr>,
    /// Where STUN listens (UDP)
    #[arg(long, value_name = "ADDR:PORT", value_parser = listen_address)]
    pub stun_listen: Option<SocketAddr>,
    /// How long an ephemeral node outlives its last connection [default: 2m]
    #[arg(long, value_name = "DURATION")]
    pub ephemeral_grace: Option<Seconds>,
    /// A file with these settings (TOML); flags and environment win over it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Starts the coordinator, and returns when it has been told to stop.
pub fn run(_ctx: &Ctx, _flags: Serve) -> Result<()> {
    Err(Error::new(Kind::Unsupported, "no_coordinator_built_in", "this build has no coordinator in it"))
}

/// `ADDR:PORT`; `:PORT` is every address.
fn listen_address(text: &str) -> Result<SocketAddr> {
    let whole = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    whole.parse().map_err(|_| {
        Error::usage("malformed_address", format!("{text:?} is not an address and a port"))
            .hint("write it like 0.0.0.0:8080, :8080, or [::]:8080")
    })
}
