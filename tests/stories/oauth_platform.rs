//! The one-click story, in a real browser and with real devices: a platform is let in, reads the nodes, joins
//! with a machine of its own, reaches a worker, and is out again when the person says so. And the command line
//! that logs in by that browser.

#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::common;

use common::chromium::Chromium;
use common::coordinator::Coordinator;
use common::mesh::{SOON, options, wait_for_state};
use common::oauth::{Client, Page, VERIFIER, decoded, send};
use common::oauth_peer::{EMAIL, PASSWORD, Stage};
use common::tailscaled::Tailscaled;
use common::wait::wait_for;
use common::wonder::Wonder;
use common::{echo, process::Process};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

/// A platform on the web: a page with one link, and the page that the browser comes back to.
struct Platform {
    address: SocketAddr,
    listener: TcpListener,
}

impl Platform {
    fn new() -> Platform {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Platform { address: listener.local_addr().unwrap(), listener }
    }

    fn callback(&self) -> String {
        format!("http://{}/callback", self.address)
    }

    /// Serves until a browser has come back with a code, which it redeems.
    fn run(self, client: Client, scope: &'static str) -> mpsc::Receiver<Value> {
        let (tell, told) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            for stream in self.listener.incoming().map_while(Result::ok) {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let asked = lines.next().unwrap_or_default();
                let path = asked.split(' ').nth(1).unwrap_or_default().to_owned();
                // The browser says its head to the end before it listens.
                lines.find(String::is_empty);
                let page = match path.split_once('?') {
                    Some(("/callback", query)) => {
                        let code = decoded(query).into_iter().find(|(name, _)| name == "code").unwrap().1;
                        let tokens = client.redeem(&code);
                        assert_eq!(tokens.status, 200, "{tokens:?}");
                        let _ = tell.try_send(tokens.json());
                        "<h1>Connected</h1>".to_owned()
                    }
                    _ => {
                        let link = client.request(scope, &[]).replace('&', "&amp;");
                        format!("<h1>Platform</h1><a href=\"{link}\">Connect</a>")
                    }
                };
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close";
                let _ = write!(&stream, "{head}\r\nContent-Length: {}\r\n\r\n{page}", page.len());
            }
        });
        told
    }
}

fn address(coordinator: &Coordinator) -> SocketAddr {
    coordinator.url().strip_prefix("http://").unwrap().parse().unwrap()
}

/// A call of the platform with its access token.
fn call(coordinator: &Coordinator, method: &str, path: &str, token: &str) -> Page {
    let bearer = format!("Bearer {token}");
    send(address(coordinator), method, &format!("/api/v1{path}"), &[("Authorization", &bearer)], "")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_is_let_in_with_one_click_and_reaches_a_worker() {
    let stage = Stage::on(options().start());
    let (coordinator, ada) = (&stage.coordinator, &stage.wonder);
    let port = echo::start();
    let worker = Tailscaled::start();
    let key = ada.json(&["token", "create"])["auth_key"].as_str().unwrap().to_owned();
    worker.up(coordinator.url(), &key, "worker", &[]);

    let platform = Platform::new();
    let app = stage.register("Platform", &platform.callback(), false);
    let (home, redirect) = (format!("http://{}", platform.address), app.redirect.clone());
    let client = Client { address: address(coordinator), id: app.id, secret: app.secret, redirect };
    let told = platform.run(client.clone(), "nodes:read nodes:write keys:write");

    let browser = Chromium::at(coordinator.url()).await;
    browser.client.goto(&home).await.unwrap();
    browser.press("Connect").await;
    browser.log_in(EMAIL, PASSWORD).await;
    browser.arrives("/oauth/authorize").await;
    browser.inspect("consent").await;
    browser.click("input[name=scope][value='keys:write']").await;
    browser.press("Allow").await;
    browser.shows("Connected").await;
    let tokens = told.recv_timeout(SOON).unwrap();
    assert_eq!(tokens["scope"], "nodes:read nodes:write", "she took one off");
    let (token, org) =
        (tokens["access_token"].as_str().unwrap(), tokens["organization"]["id"].as_str().unwrap());

    let nodes = call(coordinator, "GET", &format!("/organizations/{org}/nodes"), token).json();
    assert_eq!(nodes["nodes"][0]["name"], "worker", "{nodes}");
    let joined = call(coordinator, "POST", "/deployer/join", token);
    assert_eq!(joined.status, 201, "{joined:?}");
    let mesh = joined.json()["mesh"].clone();
    let own = Tailscaled::start();
    own.up(mesh["login_server"].as_str().unwrap(), mesh["auth_key"].as_str().unwrap(), "platform", &[]);
    assert_eq!(ada.json(&["node", "show", "platform"])["node"]["tags"], serde_json::json!(["tag:deployer"]));
    wait_for("the platform reaches the worker", SOON, || own.echo(&worker.address(), port).ok());

    // She ends it: tokens and the platform's machine are out at once.
    assert_eq!(ada.json(&["grant", "list"])["grants"][0]["app"]["name"], "Platform");
    browser.go("/o/ada/apps").await;
    browser.inspect("apps").await;
    browser.press("End").await;
    browser.shows("That access has ended.").await;
    assert_eq!(ada.json(&["grant", "list"])["grants"], serde_json::json!([]));
    assert_eq!(call(coordinator, "GET", &format!("/organizations/{org}/nodes"), token).status, 401);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(client.refresh(refresh).refusal(), (400, "invalid_grant".into()));
    wait_for_state(&own, "NeedsLogin");
    assert!(own.echo(&worker.address(), port).is_err());
    let again = own.try_up(coordinator.url(), mesh["auth_key"].as_str().unwrap(), "platform", &[]);
    assert!(again.is_err(), "its credentials are over too");
    assert_eq!(VERIFIER.len(), 43);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_logs_in_by_the_browser() {
    let stage = Stage::on(Coordinator::options().args(&["--no-derp"]).start());
    let url = stage.coordinator.url();
    let wonder = Wonder::new();
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wonder"));
    common::wonder::clean_environment(&mut command);
    command.args(["login", url, "--device", "--json"]).env("WONDER_CONFIG_DIR", wonder.config_dir());
    let mut login = Process::start(&mut command, &log, false);
    let page = wait_for("the code", SOON, || {
        assert!(login.ended().is_none(), "{}", login.log_tail());
        let said = login.log();
        said.split_whitespace().find(|word| word.contains("/device?user_code=")).map(str::to_owned)
    });
    let browser = Chromium::at(url).await;
    browser.client.goto(&page).await.unwrap();
    browser.log_in(EMAIL, PASSWORD).await;
    browser.arrives("/device").await;
    browser.shows("The command line of wonder wants to log in as").await;
    browser.inspect("device-code").await;
    browser.press("Allow").await;
    browser.shows("You can go back to the device").await;
    let status = wait_for("the log-in", Duration::from_secs(60), || login.ended());
    assert!(status.success(), "{}", login.log_tail());
    assert_eq!(wonder.json(&["whoami"])["user"]["email"], EMAIL);
}

/// A platform's machine that has `wonder` joins by itself, with an API key or an access token.
#[test]
fn a_platform_s_machine_joins_by_command_line() {
    let stage = Stage::on(options().start());
    let url = stage.coordinator.url();
    let made = stage.wonder.json(&["key", "create", "--name", "platform", "--scope", "nodes:write"]);
    let machine = Tailscaled::start();
    let theirs = Wonder::new().env("WONDER_TAILSCALED_SOCKET", machine.socket().to_str().unwrap());
    let join = ["--coordinator", url, "deployer", "join", "-", "--hostname", "deployer"];
    let secret = made["secret"].as_str().unwrap();
    let joined = theirs.json_with(&join, secret);
    assert_eq!(
        (&joined["node"]["name"], &joined["already"]),
        (&"deployer".into(), &false.into()),
        "{joined}"
    );
    assert_eq!(joined["node"]["tags"], serde_json::json!(["tag:deployer"]));
    assert_eq!(theirs.json_with(&join, secret)["already"], true);
    assert_eq!(theirs.json(&["worker", "status"])["state"], "connected");
    let little = stage.wonder.json(&["key", "create", "--name", "little", "--scope", "nodes:read"]);
    let other = Tailscaled::start();
    let poor = Wonder::new().env("WONDER_TAILSCALED_SOCKET", other.socket().to_str().unwrap());
    let run = poor.run_with(&join, little["secret"].as_str().unwrap());
    assert_eq!(run.code, 4, "{run:?}");
    assert!(run.stderr.contains("lacks the scope nodes:write"), "{run:?}");
}
