//! Providers as an operator meets them: added by `wonder provider`, named in the settings file, in place of local
//! accounts; with a real OpenID provider in Node.js.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on panics")]

use crate::common;

use common::coordinator::{Coordinator, Options};
use common::keycloak::path_of;
use common::oidc::{destination, leave};
use common::page::Browser;
use common::process::Process;
use common::tailscaled::peers;
use common::wonder::Wonder;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

/// oidc-provider, for a coordinator that is at `address`.
struct NodeProvider {
    process: Process,
    issuer: String,
    _directory: tempfile::TempDir,
}

impl NodeProvider {
    fn start(algorithm: &str, address: SocketAddr) -> NodeProvider {
        let home = peers().join("oidc-provider-9.13.3");
        assert!(
            home.join("main.mjs").exists(),
            "no provider: run scripts/install-peers oidc-provider-9.13.3"
        );
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("node");
        command.arg(home.join("main.mjs")).env("ALG", algorithm).current_dir(directory.path());
        command.env("REDIRECT", format!("http://{address}/auth/oidc/node/callback"));
        command.env("LOGGED_OUT", format!("http://{address}/login"));
        command.env("BACKCHANNEL", format!("http://{address}/auth/oidc/node/backchannel-logout"));
        let mut process = Process::start(&mut command, &directory.path().join("log"), true);
        let (tell, told) = std::sync::mpsc::channel();
        let stdout = process.stdout();
        // Reads on to the end: it says more, and ends when nobody listens.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let issuer = told.recv_timeout(Duration::from_secs(60)).unwrap_or_default();
        assert!(issuer.starts_with("http"), "{issuer} {}", process.log_tail());
        NodeProvider { process, issuer, _directory: directory }
    }

    fn browser(&self) -> Browser {
        Browser::new(self.issuer.trim_start_matches("http://").parse().unwrap())
    }

    /// Logs in where `url` leads; gives the URL that the browser is sent back to.
    async fn log_in(&self, browser: &mut Browser, url: &str, name: &str) -> String {
        let mut url = url.to_owned();
        for _ in 0..10 {
            let page = browser.get(path_of(&url)).await;
            if page.status == 200 {
                let action = page.between("action=\"", "\"");
                let consent = page.says("value=\"consent\"");
                let fields = [("prompt", "login"), ("login", name), ("password", "any")];
                let fields = if consent { &[("prompt", "consent")][..] } else { &fields };
                browser.post(path_of(&action), fields).await;
            }
            let next = browser.page.location().to_owned();
            assert!(!next.is_empty(), "{:?}\n{}", browser.page, self.process.log_tail());
            if next.contains("/auth/oidc/node/callback") {
                return next;
            }
            url = next;
        }
        panic!("it leads on and on: {url}")
    }
}

/// Without a relay, whose port is not free on every machine.
fn coordinator() -> Options {
    Coordinator::options().args(&["--no-derp"])
}

fn address(c: &Coordinator) -> SocketAddr {
    c.url().trim_start_matches("http://").parse().unwrap()
}

fn add(c: &Coordinator, provider: &NodeProvider, more: &[&str]) -> Value {
    let usual =
        ["provider", "add", "node", "--title", "Node", "--issuer", &provider.issuer, "--client-id", "wonder"];
    let args = [&usual[..], &["--client-secret-stdin", "--json"], more].concat();
    let run = c.admin(&args, "wonder-secret\n");
    assert_eq!(run.code, 0, "{run:?}");
    serde_json::from_str(&run.stdout).unwrap()
}

async fn log_in(c: &Coordinator, provider: &NodeProvider, name: &str) -> (Browser, Browser) {
    let (mut here, mut there) = (Browser::new(address(c)), provider.browser());
    let url = leave(&mut here, "node").await;
    let back = provider.log_in(&mut there, &url, name).await;
    here.get(path_of(&back)).await;
    (here, there)
}

#[tokio::test(flavor = "multi_thread")]
async fn people_log_in_by_every_algorithm_and_out_at_both_ends() {
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let c = coordinator().start();
        assert_eq!(
            c.admin(&["user", "create", "owner@example.org", "--password-stdin"], "a long password").code,
            0
        );
        let provider = NodeProvider::start(algorithm, address(&c));
        add(&c, &provider, &["--create-accounts"]);
        let (mut here, mut there) = log_in(&c, &provider, "ada").await;
        assert_eq!(
            (here.page.status, here.page.location()),
            (303, "/"),
            "{algorithm}: {:?}\n{}",
            here.page,
            c.log_tail()
        );
        assert!(here.follow("/").await.says("ada@example.org"));
        let (mut other, _) = log_in(&c, &provider, "bob").await;
        let (unverified, _) = log_in(&c, &provider, "unknown").await;
        assert!(unverified.page.says("email_unverified"), "{:?}", unverified.page);

        // She logs out in one place; the provider tells the other of it.
        let mut second = Browser::new(address(&c));
        let url = leave(&mut second, "node").await;
        let back = provider.log_in(&mut there, &url, "ada").await;
        assert_eq!(second.get(path_of(&back)).await.location(), "/");
        here.follow("/").await;
        here.submit("/logout", &[]).await;
        let out = destination(&here);
        let asked = there.get(path_of(&out)).await;
        let xsrf = asked.between("name=\"xsrf\" value=\"", "\"");
        let confirmed = there.post("/session/end/confirm", &[("xsrf", &xsrf), ("logout", "yes")]).await;
        assert_eq!(confirmed.location(), format!("{}/login", c.url()), "{confirmed:?}");
        let told = async {
            while second.get("/settings/identities").await.status != 303 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), told).await.expect("the other log-in ends");
        assert_eq!(other.get("/settings/identities").await.status, 200, "bob's does not");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_are_added_listed_and_removed_by_command() {
    let c = coordinator().start();
    let provider = NodeProvider::start("ES256", address(&c));
    let added = add(&c, &provider, &["--bearer-audience", "wonder"]);
    assert_eq!((&added["provider"]["title"], &added["provider"]["from"]), (&json!("Node"), &json!("host")));
    assert_eq!(added["redirect_uri"], format!("{}/auth/oidc/node/callback", c.url()));
    assert!(!added.to_string().contains("wonder-secret"));
    let again = c.admin(&["provider", "add", "node", "--issuer", &provider.issuer, "--client-id", "x"], "");
    assert_eq!(again.code, 6, "{again:?}");
    // One that cannot be used is not kept, and why is told, unless it is wished all the same.
    let slash = format!("{}/", provider.issuer);
    let closed = common::port::closed_url();
    for (issuer, code, words) in [(&slash, 6, "calls itself"), (&closed, 7, "nothing listens there")] {
        let tried = c.admin(&["provider", "add", "other", "--issuer", issuer, "--client-id", "x"], "");
        assert_eq!(tried.code, code, "{tried:?}");
        assert!(tried.stderr.contains(words) && tried.stderr.contains("--no-check"), "{tried:?}");
    }
    let other = ["provider", "add", "other", "--issuer", &closed, "--client-id", "x", "--no-check"];
    let run = c.admin(&other, "");
    let redirect = format!("{}/auth/oidc/other/callback", c.url());
    assert!(run.code == 0 && run.stderr.contains(&redirect), "{run:?}");
    assert_eq!(c.admin(&["provider", "remove", "other", "--yes"], "").code, 0);
    let listed = c.admin(&["provider", "list", "--json"], "");
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed["providers"], json!([added["provider"]]));
    for bad in [
        &["provider", "add", "No!", "--issuer", "https://id.example.org", "--client-id", "x"][..],
        &["provider", "add", "a", "--issuer", "http://id.example.org", "--client-id", "x"],
        &[
            "provider",
            "add",
            "a",
            "--issuer",
            "https://id.example.org",
            "--client-id",
            "x",
            "--rule",
            "groups=x",
        ],
    ] {
        assert_eq!(c.admin(bad, "").code, 2, "{bad:?}");
    }
    // The secret is nowhere in clear text.
    for file in std::fs::read_dir(c.data_dir()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap_or_default();
        assert!(!bytes.windows(13).any(|window| window == b"wonder-secret"));
    }
    let unasked = c.admin(&["provider", "remove", "node"], "");
    assert_eq!(unasked.code, 2, "it asks: {unasked:?}");
    assert_eq!(c.admin(&["provider", "remove", "node", "--yes"], "").code, 0);
    assert_eq!(c.admin(&["provider", "remove", "node", "--yes"], "").code, 5);
}

/// The secret is a new one, as after a leak, and whoever was connected is so still.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_changed_by_command_and_its_people_stay() {
    let c = coordinator().start();
    assert_eq!(
        c.admin(&["user", "create", "owner@example.org", "--password-stdin"], "a long password").code,
        0
    );
    let provider = NodeProvider::start("ES256", address(&c));
    let usual = ["--issuer", &provider.issuer, "--client-id", "wonder", "--create-accounts"];
    let add = [&["provider", "add", "node", "--client-secret-stdin"][..], &usual].concat();
    assert_eq!(c.admin(&add, "not the secret").code, 0);
    let (page, _) = log_in(&c, &provider, "ada").await;
    assert!(page.page.says("provider_misconfigured"), "{:?}", page.page);

    let edit = |more: &[&str], stdin: &str| c.admin(&[&["provider", "edit", "node"], more].concat(), stdin);
    let run = edit(&["--client-secret-stdin", "--title", "Our Node", "--json"], "wonder-secret\n");
    let changed: Value = serde_json::from_str(&run.stdout).unwrap();
    let changed = &changed["provider"];
    assert_eq!(
        (&changed["title"], &changed["create_accounts"]),
        (&json!("Our Node"), &json!(true)),
        "{run:?}"
    );
    let (ada, _) = log_in(&c, &provider, "ada").await;
    assert_eq!((ada.page.status, ada.page.location()), (303, "/"), "{:?}", ada.page);
    // Ada stays connected where nobody new gets in.
    assert_eq!(edit(&["--create-accounts=false"], "").code, 0);
    let (ada, _) = log_in(&c, &provider, "ada").await;
    assert_eq!(ada.page.status, 303, "{:?}", ada.page);
    let (bob, _) = log_in(&c, &provider, "bob").await;
    assert!(bob.page.says("account_unknown"), "{:?}", bob.page);

    let moved = edit(&["--issuer", "https://id.example.org"], "");
    assert!(moved.code == 6 && moved.stderr.contains("add https://id.example.org"), "{moved:?}");
    assert_eq!(edit(&["--issuer", &provider.issuer, "--scope", "email", "--no-rules"], "").code, 0);
    assert_eq!(edit(&["--client-id", ""], "").code, 2);
    assert_eq!(c.admin(&["provider", "edit", "nowhere", "--no-scopes"], "").code, 5);
    assert_eq!(edit(&["--no-client-secret"], "").code, 0);
    let (page, _) = log_in(&c, &provider, "ada").await;
    assert!(page.page.says("provider_misconfigured"), "it has no secret any more: {:?}", page.page);
}

/// The settings file, which the command does not read, is known from the coordinator's last start.
#[test]
fn those_of_the_settings_file_are_listed_and_changed_there_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("wonder.toml");
    let home = "[[provider]]\nname = 'home'\nissuer = 'https://id.example.org'\nclient-id = 'wonder'\nclient-secret = 'hush'\n";
    std::fs::write(&file, format!("url = 'https://mesh.example.org'\n{home}")).unwrap();
    let mut c = coordinator().args(&["--config", file.to_str().unwrap()]).start();
    let issuer = "https://login.example.org";
    let add = |c: &Coordinator, name: &str| {
        c.admin(
            &["provider", "add", name, "--issuer", issuer, "--client-id", "x", "--no-check", "--json"],
            "",
        )
    };
    let added: Value = serde_json::from_str(&add(&c, "work").stdout).unwrap();
    assert_eq!(added["redirect_uri"], "https://mesh.example.org/auth/oidc/work/callback");
    let listed = |c: &Coordinator| -> Vec<String> {
        let run = c.admin(&["provider", "list", "--json"], "");
        assert!(run.code == 0 && !run.stdout.contains("hush"), "{run:?}");
        let listed: Value = serde_json::from_str(&run.stdout).unwrap();
        let all = listed["providers"].as_array().unwrap().iter();
        all.map(|one| format!("{} {}", one["name"].as_str().unwrap(), one["from"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(listed(&c), ["home file", "work host"]);
    assert_eq!(add(&c, "home").code, 6, "its name is taken");
    for change in
        [&["provider", "edit", "home", "--title", "x"][..], &["provider", "remove", "home", "--yes"]]
    {
        let refused = c.admin(change, "");
        assert!(refused.code == 6 && refused.stderr.contains("change it there"), "{refused:?}");
    }
    // Before the coordinator has seen its file again, the command goes by what it was.
    std::fs::write(&file, "").unwrap();
    assert_eq!(listed(&c), ["home file", "work host"]);
    c.restart();
    assert_eq!(listed(&c), ["work host"]);
}

#[test]
fn before_the_first_start_nobody_knows_the_coordinator_s_address() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap();
    let add =
        ["provider", "add", "home", "--issuer", "https://id.example.org", "--client-id", "x", "--no-check"];
    let run = Wonder::new().run(&[&add[..], &["--data-dir", data]].concat());
    assert_eq!(run.code, 0, "{run:?}");
    assert!(
        run.stderr.contains("/auth/oidc/home/callback") && run.stderr.contains("below the coordinator's URL")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_and_disconnect_their_identities_by_command() {
    let c = coordinator().start();
    let password = "a long password";
    assert_eq!(c.admin(&["user", "create", "owner@example.org", "--password-stdin"], password).code, 0);
    let provider = NodeProvider::start("ES256", address(&c));
    add(&c, &provider, &[]);
    let mut here = Browser::new(address(&c));
    here.log_in("owner@example.org", password).await;
    here.get("/settings/identities").await;
    here.submit("/auth/oidc/node/link", &[]).await;
    let back = provider.log_in(&mut provider.browser(), &destination(&here), "boss").await;
    let page = here.get(path_of(&back)).await;
    assert_eq!(page.location(), "/settings/identities", "{page:?}");

    let wonder = Wonder::new();
    wonder.json_with(&["login", c.url(), "--email", "owner@example.org", "--password-stdin"], password);
    let list = wonder.json(&["identity", "list"]);
    let [known] = &list["identities"].as_array().unwrap()[..] else { panic!("{list}") };
    assert_eq!((&known["provider"], &known["subject"]), (&json!("node"), &json!("boss")));
    assert_eq!(wonder.run(&["identity", "remove", "node"]).code, 2, "it asks");
    let gone = wonder.json(&["identity", "remove", "node", "--yes"]);
    assert_eq!(gone["identity"]["id"], known["id"]);
    assert_eq!(wonder.run(&["identity", "remove", "node", "--yes"]).code, 5);
    assert!(wonder.run(&["identity", "list"]).stdout.contains("No provider opens your account"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_without_local_accounts_takes_no_passwords() {
    let port = common::port::own();
    let provider = NodeProvider::start("RS256", ([127, 0, 0, 1], port).into());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("wonder.toml");
    let settings = format!(
        "local-accounts = false\n[[provider]]\nname = 'node'\nissuer = '{}'\nclient-id = 'wonder'\n\
        client-secret = 'wonder-secret'\nlink-verified-email = true\n",
        provider.issuer
    );
    std::fs::write(&file, settings).unwrap();
    let listen = format!("127.0.0.1:{port}");
    let c = coordinator().listen(&listen).args(&["--config", file.to_str().unwrap()]).start();
    // The way in is on the host: an account there, and its address at the provider.
    assert_eq!(
        c.admin(&["user", "create", "ada@example.org", "--password-stdin"], "a long password").code,
        0
    );
    let mut browser = Browser::new(address(&c));
    let page = browser.get("/login").await;
    assert!(page.says("Log in with node") && !page.says("type=\"password\""), "{page:?}");
    let fields = [("email", "ada@example.org"), ("password", "a long password")];
    let refused = browser.submit("/login", &fields).await;
    assert!(refused.status == 403 && refused.says("takes no passwords"), "{refused:?}");
    let refused = Wonder::new()
        .run_with(&["login", c.url(), "--email", "ada@example.org", "--password-stdin"], "a long password");
    assert!(refused.code == 4 && refused.stderr.contains("takes no passwords"), "{refused:?}");
    let (mut here, _) = log_in(&c, &provider, "ada").await;
    assert!(here.follow("/").await.says("ada@example.org"));
    let (stranger, _) = log_in(&c, &provider, "eve").await;
    assert!(stranger.page.says("account_unknown"), "{:?}", stranger.page);
}
