//! Other people's OAuth 2.0 clients, unmodified, as apps of a coordinator: a program that says which page a
//! person has to open, and a browser that opens it.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;
use url::Url;

use super::apache::Apache;
use super::coordinator::Coordinator;
use super::oauth::Browser;
use super::tailscaled::peers;
use super::wonder::{Wonder, clean_environment};

pub const EMAIL: &str = "ada@example.org";
pub const PASSWORD: &str = "correct horse battery";
/// Seconds after which a program counts as hung.
const PATIENCE: &str = "120";

/// A coordinator with a person who is logged in, by command line and by browser.
pub struct Stage {
    pub coordinator: Coordinator,
    pub wonder: Wonder,
    pub browser: Browser,
}

/// An app that was registered.
pub struct App {
    pub id: String,
    pub secret: Option<String>,
    pub redirect: String,
    /// Where it has browsers led after a log-out.
    pub logged_out: String,
}

impl Stage {
    pub fn new() -> Stage {
        Stage::on(Coordinator::options().args(&["--no-derp"]).start())
    }

    pub fn on(coordinator: Coordinator) -> Stage {
        let password = format!("{PASSWORD}\n");
        let made = coordinator.admin(&["user", "create", EMAIL, "--password-stdin"], &password);
        assert_eq!(made.code, 0, "{made:?}");
        let wonder = Wonder::new();
        wonder.json_with(&["login", coordinator.url(), "--email", EMAIL, "--password-stdin"], &password);
        let mut browser = Browser::default();
        browser.log_in(coordinator.url(), EMAIL, PASSWORD);
        Stage { coordinator, wonder, browser }
    }

    pub fn register(&self, name: &str, redirect: &str, public: bool) -> App {
        let public = if public { &["--public"][..] } else { &[] };
        let logged_out = Url::parse(redirect).unwrap().join("/logged-out").unwrap().to_string();
        let uris = ["app", "register", name, "--redirect", redirect, "--post-logout-redirect", &logged_out];
        let made = self.wonder.json(&[&uris[..], public].concat());
        let secret = made["secret"].as_str().map(str::to_owned);
        let id = made["app"]["id"].as_str().unwrap().to_owned();
        App { id, secret, redirect: redirect.to_owned(), logged_out }
    }

    /// The person logs in to the coordinator, with a browser that has nothing of it.
    pub fn log_in(&mut self) {
        self.browser = Browser::default();
        self.browser.log_in(self.coordinator.url(), EMAIL, PASSWORD);
    }

    /// Runs a peer program to its end, and does what it asks of a person. Gives what it says at the end.
    pub fn drive(&mut self, program: &[&str], app: &App, scope: &str) -> Value {
        let mut command = Command::new("timeout");
        command.arg(PATIENCE).args(program);
        clean_environment(&mut command);
        command.env("ISSUER", self.coordinator.url()).env("CLIENT_ID", &app.id);
        command.env("REDIRECT", &app.redirect).env("SCOPE", scope).env("LOGGED_OUT", &app.logged_out);
        if let Some(secret) = &app.secret {
            command.env("CLIENT_SECRET", secret);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("timeout(1) is there");
        let mut stdin = child.stdin.take().unwrap();
        let mut done = Value::Null;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            match line.split_once(' ') {
                Some(("OPEN", url)) => writeln!(stdin, "{}", self.decide(url)).unwrap(),
                Some(("DONE", document)) => done = serde_json::from_str(document).unwrap(),
                _ => panic!("{program:?} said {line:?}"),
            }
        }
        let output = child.wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && done.is_object(), "{program:?}: {words}");
        done
    }

    /// The person allows what a page asks. Gives where the browser is sent to.
    pub fn decide(&mut self, url: &str) -> String {
        let site = self.coordinator.url().to_owned();
        if url.contains("/oauth/end_session") {
            let page = self.browser.get(url);
            return self.browser.confirm_log_out(&site, &page).location().to_owned();
        }
        if !url.contains("/device") {
            return self.browser.allow(&site, url, None).location().to_owned();
        }
        let page = self.browser.get(url);
        assert_eq!(page.status, 200, "{page:?}");
        let done = self.browser.decide(&site, "/device", &page, None);
        assert_eq!(done.status, 200, "{done:?}");
        "approved".to_owned()
    }

    /// Whether an access token lists the nodes of this organization.
    pub fn lists_nodes(&self, token: &str) -> bool {
        let wonder = Wonder::new().env("WONDER_TOKEN", token);
        let org = self.wonder.json(&["whoami"])["organization"]["id"].as_str().unwrap().to_owned();
        wonder.run(&["--coordinator", self.coordinator.url(), "--org", &org, "node", "list"]).code == 0
    }
}

/// A program of the cache, or a panic that says how to get it.
pub fn peer(path: &str) -> PathBuf {
    let path = peers().join(path);
    assert!(path.exists(), "{} is missing: run scripts/install-peers", path.display());
    path
}

/// Apache with `mod_auth_openidc` before a page that only people who are logged in see.
pub struct Gate {
    pub url: String,
    _apache: Apache,
    directory: TempDir,
}

impl Gate {
    pub fn start(port: u16, issuer: &str, app: &App) -> Gate {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::Builder::new().prefix("wonder-apache-").tempdir().unwrap();
        let root = directory.path();
        std::fs::set_permissions(root, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::create_dir(root.join("site")).unwrap();
        std::fs::write(root.join("site/index.html"), "behind the proxy\n").unwrap();
        std::fs::write(root.join("conf"), config(root, port, issuer, app)).unwrap();
        let apache = Apache::start(root, port);
        Gate { url: format!("http://127.0.0.1:{port}"), _apache: apache, directory }
    }

    /// What it has said: errors, and a line a request with the person's name.
    pub fn log(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.directory.path().join(name)).unwrap_or_default();
        format!("{}{}{}", read("log"), read("errors"), read("requests"))
    }
}

fn config(root: &Path, port: u16, issuer: &str, app: &App) -> String {
    let root = root.display();
    let modules =
        Apache::load(&["mpm_event", "authn_core", "authz_core", "authz_user", "dir", "auth_openidc"]);
    let secret = app.secret.as_deref().unwrap_or_default();
    format!(
        "ServerRoot {root}\nServerName 127.0.0.1\nListen 127.0.0.1:{port}\nPidFile {root}/pid\nUser www-data\n\
         Group www-data\nErrorLog {root}/errors\nLogLevel info\n{modules}CustomLog {root}/requests \"%u %r %>s\"\n\
         DocumentRoot {root}/site\nDirectoryIndex index.html\n\
         OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration\nOIDCClientID {id}\n\
         OIDCClientSecret {secret}\nOIDCRedirectURI {redirect}\nOIDCCryptoPassphrase a-phrase-of-this-test\n\
         OIDCPKCEMethod S256\nOIDCScope \"openid email\"\nOIDCRemoteUserClaim email\n\
         <Location />\nAuthType openid-connect\nRequire valid-user\n</Location>\n",
        id = app.id,
        redirect = app.redirect,
    )
}
