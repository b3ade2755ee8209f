//! A device made with the Rust implementation of the protocol, for the stories to talk to.
//!
//! ```text
//! TS_AUTH_KEY=… tailscale-rs --control URL --hostname NAME [--state FILE] [--echo PORT] [--ephemeral]
//! ```
//!
//! One JSON document a line on stdout. The first, once the device is in the network, is
//! `{"name","ipv4","ipv6"}` (or `{"auth_url"}` / `{"error"}`, then it exits with 1). With
//! `--echo` it gives every TCP connection on that port back what it sent. Commands come on
//! stdin, one a line, and are answered in order:
//!
//! - `ping ADDRESS PORT`: sends a line to an echo there → `{"ms":12.3}` or `{"error":"…"}`
//! - `peer NAME` → `{"peer":{"name","ipv4","ipv6","node_key"}}` or `{"peer":null}`
//!
//! At the end of stdin it shuts down and exits with 0.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tailscale::{AuthState, Config, Device, NodeInfo};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, stdin};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const JOIN_TIMEOUT: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

struct Args {
    control: String,
    hostname: String,
    state: Option<String>,
    echo: Option<u16>,
    ephemeral: bool,
}

impl Args {
    fn parse() -> Result<Self> {
        let mut args = Args {
            control: String::new(),
            hostname: String::new(),
            state: None,
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
        Err(_) => fail("not in the network within 30 s"),
    };
    if let Some(port) = args.echo {
        serve_echo(&device, port).await?;
    }
    say(
        &json!({"name": args.hostname, "ipv4": device.ipv4_addr().await?, "ipv6": device.ipv6_addr().await?}),
    );

    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        say(&answer(&device, &line).await.unwrap_or_else(|error| json!({"error": error.to_string()})));
    }
    device.shutdown(Some(Duration::from_secs(5))).await;
    Ok(())
}

/// Joins, and waits until the control server has given an address.
async fn join(args: &Args) -> Result<Device> {
    let device = Device::new(&args.config().await?, std::env::var("TS_AUTH_KEY").ok()).await?;
    if let AuthState::NotAuthorized(url) = device.is_authorized().await? {
        say(&json!({"auth_url": url.as_str()}));
        std::process::exit(1);
    }
    device.ipv4_addr().await?;
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
        ["peer", name] => Ok(json!({"peer": device.peer_by_name(name).await?.as_ref().map(describe)})),
        _ => Err(format!("unknown command: {line}").into()),
    }
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
        "ipv4": node.tailnet_address.ipv4.addr(),
        "ipv6": node.tailnet_address.ipv6.addr(),
        "node_key": node.node_key.to_string(),
    })
}

fn say(document: &Value) {
    println!("{document}");
}

fn fail(error: &str) -> ! {
    say(&json!({ "error": error }));
    std::process::exit(1)
}
