//! A real Keycloak, one for all stories of a test program: it takes its time to start. It ends with the program.

use serde_json::{Value, json};
use std::fs::File;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use super::page::{Browser, Page};
use super::tailscaled::peers;
use super::wait::wait_for;

const VERSION: &str = "26.4.5";
/// It takes 10 s on an idle machine.
const READY: Duration = Duration::from_secs(170);

pub struct Keycloak {
    pub address: SocketAddr,
    agent: ureq::Agent,
}

impl Keycloak {
    /// The one that the stories share.
    pub fn shared() -> &'static Keycloak {
        static SHARED: OnceLock<Keycloak> = OnceLock::new();
        SHARED.get_or_init(Keycloak::start)
    }

    fn start() -> Keycloak {
        let home = peers().join(format!("keycloak-{VERSION}"));
        assert!(home.join("bin/kc.sh").exists(), "no Keycloak: run scripts/install-peers keycloak-{VERSION}");
        let port = super::port::own();
        let log = std::env::temp_dir().join(format!("wonder-keycloak-{port}.log"));
        let serve = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/keycloak/serve");
        // The kernel ends it when the thread that started it ends: that waits for it, so this is when the
        // program ends.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "SIGKILL", serve]).arg(home).arg(port.to_string());
        let file = File::create(&log).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let (started, start) = mpsc::channel();
        std::thread::spawn(move || {
            let child = command.spawn();
            started.send(child.is_ok()).unwrap();
            child.unwrap().wait().unwrap();
        });
        assert!(start.recv().unwrap(), "setpriv is missing");
        let keycloak = Keycloak { address: ([127, 0, 0, 1], port).into(), agent: agent() };
        let document = format!("{}/.well-known/openid-configuration", keycloak.issuer());
        wait_for(&format!("Keycloak, see {}", log.display()), READY, || {
            let answer = keycloak.agent.get(&document).call();
            answer.is_ok_and(|answer| answer.status() == 200).then_some(())
        });
        let _ = std::fs::remove_file(log);
        keycloak
    }

    pub fn issuer(&self) -> String {
        format!("http://{}/realms/home", self.address)
    }

    fn admin_token(&self) -> String {
        let url = format!("http://{}/realms/master/protocol/openid-connect/token", self.address);
        let form = [
            ("grant_type", "password"),
            ("client_id", "admin-cli"),
            ("username", "admin"),
            ("password", "admin"),
        ];
        let mut answer = self.agent.post(url).send_form(form).unwrap();
        let answer: Value = answer.body_mut().read_json().unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// Calls its administration below the realm.
    pub fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://{}/admin/realms/home{path}", self.address))
            .header("authorization", format!("Bearer {}", self.admin_token()))
            .header("content-type", "application/json");
        let mut answer = match method {
            "GET" => self.agent.run(request.body(()).unwrap()).unwrap(),
            _ => self.agent.run(request.body(body.to_string()).unwrap()).unwrap(),
        };
        let text = answer.body_mut().read_to_string().unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {} {text}", answer.status());
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Makes a client, `more` over the usual; its secret is `secret`.
    pub fn client(&self, id: &str, coordinator: SocketAddr, more: &Value) {
        let mut client = json!({
            "clientId": id, "secret": "secret", "publicClient": false, "standardFlowEnabled": true,
            "redirectUris": [format!("http://{coordinator}/*")],
            "attributes": {
                "pkce.code.challenge.method": "S256", "post.logout.redirect.uris": "+",
                "backchannel.logout.url": format!("http://{coordinator}/auth/oidc/keycloak/backchannel-logout"),
                "backchannel.logout.session.required": "true",
            },
            "frontchannelLogout": false,
            "protocolMappers": [{
                "name": "groups", "protocol": "openid-connect", "protocolMapper": "oidc-group-membership-mapper",
                "config": { "claim.name": "groups", "full.path": "false", "id.token.claim": "true",
                    "access.token.claim": "true" },
            }],
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            match (client.get_mut(key).and_then(Value::as_object_mut), value) {
                (Some(present), Value::Object(value)) => present.extend(value.clone()),
                _ => client[key] = value.clone(),
            }
        }
        self.admin("POST", "/clients", client);
    }

    pub fn user(&self, name: &str) -> String {
        let found = self.admin("GET", &format!("/users?exact=true&username={name}"), Value::Null);
        found[0]["id"].as_str().unwrap_or_else(|| panic!("no user {name}")).to_owned()
    }

    /// The access token that a client gets by a form at the token endpoint.
    pub fn token(&self, form: &[(&str, &str)]) -> Value {
        let url = format!("{}/protocol/openid-connect/token", self.issuer());
        let mut answer = self.agent.post(url).send_form(form.to_vec()).unwrap();
        answer.body_mut().read_json().unwrap()
    }

    /// A browser that has nothing of it yet.
    pub fn browser(&self) -> Browser {
        Browser::new(self.address)
    }
}

/// Logs in at Keycloak where `url` leads, unless that browser is logged in already; gives the URL that it is sent
/// back to.
pub async fn log_in(browser: &mut Browser, url: &str, name: &str) -> String {
    let page = browser.get(path_of(url)).await;
    if page.status != 302 {
        let action = page.between("id=\"kc-form-login\"", ">");
        let action =
            action.split_once("action=\"").unwrap().1.split('"').next().unwrap().replace("&amp;", "&");
        let password = format!("{name}-password");
        let fields = [("username", name), ("password", password.as_str()), ("credentialId", "")];
        browser.post(path_of(&action), &fields).await;
    }
    let page: &Page = &browser.page;
    assert_eq!(page.status, 302, "{page:?}");
    page.location().to_owned()
}

/// What follows the authority of a URL.
pub fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |slash| &rest[slash..])
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(60)))
        .http_status_as_error(false);
    config.build().new_agent()
}
