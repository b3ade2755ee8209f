//! A device made with the Rust implementation of the protocol, for the stories to talk to.
//!
//! ```text
//! [TS_AUTH_KEY=…] tailscale-rs --control URL --hostname NAME [--state FILE] [--new-node-key] [--echo PORT] [--ephemeral]
//! ```
//!
//! One JSON document a line on stdout. `{"auth_url"}` comes first where a person has to let the device in. Once it is in
//! the network, it says who it is: `NODE`, which is `{"name","domain","ipv4","ipv6","node_key","tags"}`. If it does
//! not get there, `{"error"}`, and it exits with 1. With `--new-node-key` it has another node key than the state file
//! says. With `--echo` it gives every TCP connection on that port back what it sent. Commands come on stdin, one a line,
//! and are answered in order:
//!
//! - `ping ADDRESS PORT`: sends a line to an echo there → `{"ms":12.3}` or `{"error":"…"}`
//! - `hear ADDRESS PORT`: what is said there to whoever connects → `{"heard":"…"}` or `{"error":"…"}`
//! - `self` → `{"self":NODE}`
//! - `peer NAME` or `peer ADDRESS` → `{"peer":NODE}` or `{"peer":null}`
//! - `via ADDRESS`: the names of the peers that lead there → `{"via":["…"]}`
//!
//! At the end of stdin it shuts down and exits with 0.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tailscale::{AuthState, Config, Device, NodeInfo};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, stdin};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A person's approval is part of it.
const JOIN_TIMEOUT: Duration = Duration::from_secs(50);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// As long as the other devices of a story have for what must not work.
const HEAR_TIMEOUT: Duration = Duration::from_secs(3);

struct Args {
    control: String,
    hostname: String,
    state: Option<String>,
    new_node_key: bool,
    echo: Option<u16>,
    ephemeral: bool,
}

impl Args {
    fn parse() -> Result<Self> {
        let mut args = Args {
            control: String::new(),
            hostname: String::new(),
            state: None,
            new_node_key: false,
            echo: None,
            ephemeral: false,
        };
        let mut words = std::env::args().skip(1);
        while let Some(flag) = words.next() {
            let mut value = || words.next().ok_or(format!("{flag} needs a value"));
            match flag.as_str() {
                "--control" => args.control = value()?,
                "--hostname" => args.hostname = value()?,
                "--state" => args.state = Some(value()?),
                "--new-node-key" => args.new_node_key = true,
                "--echo" => args.echo = Some(value()?.parse()?),
                "--ephemeral" => args.ephemeral = true,
                _ => return Err(format!("unknown argument {flag}").into()),
            }
        }
        Ok(args)
    }

    async fn config(&self) -> Result<Config> {
        let mut config = match &self.state {
            Some(file) => Config::default_with_key_file(file).await?,
            None => Config::default(),
        };
        if self.new_node_key {
            config.key_state.node_key = Config::default().key_state.node_key;
        }
        config.control_server_url = self.control.parse::<url::Url>()?;
        config.requested_hostname = Some(self.hostname.clone());
        config.ephemeral = self.ephemeral;
        Ok(config)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse()?;
    let device = match tokio::time::timeout(JOIN_TIMEOUT, join(&args)).await {
        Ok(Ok(device)) => device,
        Ok(Err(error)) => fail(&error.to_string()),
        Err(_) => fail("not in the network within 50 s"),
    };
    if let Some(port) = args.echo {
        serve_echo(&device, port).await?;
    }
    say(&describe(&device.self_node().await?));

    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        say(&answer(&device, &line).await.unwrap_or_else(|error| json!({"error": error.to_string()})));
    }
    device.shutdown(Some(Duration::from_secs(5))).await;
    Ok(())
}

/// Joins, and waits until the control server has said who this device is.
async fn join(args: &Args) -> Result<Device> {
    let device = Device::new(&args.config().await?, std::env::var("TS_AUTH_KEY").ok()).await?;
    if let AuthState::NotAuthorized(url) = device.is_authorized().await? {
        say(&json!({"auth_url": url.as_str()}));
    }
    device.self_node().await?;
    Ok(device)
}

async fn answer(device: &Device, line: &str) -> Result<Value> {
    match line.split_whitespace().collect::<Vec<_>>()[..] {
        ["ping", address, port] => {
            let to = SocketAddr::new(address.parse::<IpAddr>()?, port.parse()?);
            let took = tokio::time::timeout(PING_TIMEOUT, ping(device, to))
                .await
                .map_err(|_| "no echo within 10 s")??;
            Ok(json!({"ms": took.as_secs_f64() * 1000.0}))
        }
        ["hear", address, port] => {
            let to = SocketAddr::new(address.parse::<IpAddr>()?, port.parse()?);
            let heard = tokio::time::timeout(HEAR_TIMEOUT, hear(device, to))
                .await
                .map_err(|_| "heard nothing within 3 s")??;
            Ok(json!({ "heard": heard }))
        }
        ["self"] => Ok(json!({"self": describe(&device.self_node().await?)})),
        ["peer", peer] => {
            let found = match peer.parse() {
                Ok(address) => device.peer_by_tailnet_ip(address).await?,
                Err(_) => device.peer_by_name(peer).await?,
            };
            Ok(json!({"peer": found.as_ref().map(describe)}))
        }
        ["via", address] => {
            let peers = device.peers_with_route(address.parse()?).await?;
            Ok(json!({"via": peers.iter().map(|peer| &peer.hostname).collect::<Vec<_>>()}))
        }
        _ => Err(format!("unknown command: {line}").into()),
    }
}

/// Reads what is said there to whoever connects.
async fn hear(device: &Device, to: SocketAddr) -> Result<String> {
    let mut heard = String::new();
    device.tcp_connect(to).await?.read_to_string(&mut heard).await?;
    Ok(heard)
}

/// Sends a line to an echo service and reads it back.
async fn ping(device: &Device, to: SocketAddr) -> Result<Duration> {
    let started = Instant::now();
    let mut stream = device.tcp_connect(to).await?;
    stream.write_all(b"are you there?\n").await?;
    let mut back = [0; 15];
    stream.read_exact(&mut back).await?;
    if &back != b"are you there?\n" {
        return Err("the echo differs from what was sent".into());
    }
    Ok(started.elapsed())
}

async fn serve_echo(device: &Device, port: u16) -> Result<()> {
    let listener = device.tcp_listen((device.ipv4_addr().await?, port).into()).await?;
    tokio::spawn(async move {
        while let Ok(stream) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reader, mut writer) = tokio::io::split(stream);
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
            });
        }
    });
    Ok(())
}

fn describe(node: &NodeInfo) -> Value {
    json!({
        "name": node.hostname,
        "domain": node.tailnet,
        "ipv4": node.tailnet_address.ipv4.addr(),
        "ipv6": node.tailnet_address.ipv6.addr(),
        "node_key": node.node_key.to_string(),
        "tags": node.tags,
    })
}

fn say(document: &Value) {
    println!("{document}");
}

fn fail(error: &str) -> ! {
    say(&json!({ "error": error }));
    std::process::exit(1)
}
