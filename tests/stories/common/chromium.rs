//! A real Chromium, driven over WebDriver by its chromedriver. Each story has a browser of its own, with a profile
//! of its own; dropped, driver and browser are ended by their pids.

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

use super::process::Process;
use super::scanner::scan;
use super::wait::{try_wait_for, wait_for};

/// What a slow machine may take to show what is shown at once.
const SOON: Duration = Duration::from_secs(30);

/// Impacts of axe-core that count.
const SERIOUS: [&str; 2] = ["serious", "critical"];

/// A running browser with one window.
pub struct Chromium {
    pub client: Client,
    /// Where its pages are.
    url: String,
    driver: Process,
    port: u16,
    _profile: TempDir,
}

impl Chromium {
    /// A browser that begins at `url`.
    pub async fn at(url: &str) -> Chromium {
        let profile = tempfile::Builder::new().prefix("wonder-chromium-").tempdir().unwrap();
        let program = Path::new("/usr/bin/chromedriver");
        assert!(program.exists(), "no chromedriver: scripts/install-peers debian");
        let (driver, port) = start(program, profile.path());
        let client = open(port, url.starts_with("https://"))
            .await
            .unwrap_or_else(|e| panic!("no browser: {e}\n{}", driver.log_tail()));
        let chromium = Chromium { client, url: url.to_owned(), driver, port, _profile: profile };
        chromium.desktop().await;
        chromium
    }

    /// A command of the browser's own protocol (Chrome DevTools).
    async fn devtools(&self, cmd: &str, params: Value) -> Value {
        self.ask("goog/cdp/execute", json!({ "cmd": cmd, "params": params })).await
    }

    /// An authenticator like that of a phone, which knows its owner by their finger (W3C WebAuthn section 11); its id.
    pub async fn authenticator(&self) -> String {
        let kind = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true,
        });
        self.ask("webauthn/authenticator", kind).await.as_str().expect("its id").to_owned()
    }

    /// Whose finger is on the authenticator: its owner's, or not.
    pub async fn finger(&self, authenticator: &str, right: bool) {
        let path = format!("webauthn/authenticator/{authenticator}/uv");
        self.ask(&path, json!({ "isUserVerified": right })).await;
    }

    /// A command of WebDriver that the client does not know.
    async fn ask(&self, path: &str, body: Value) -> Value {
        let session = self.client.session_id().await.unwrap().expect("a session");
        let url = format!("http://127.0.0.1:{}/session/{session}/{path}", self.port);
        let answer = tokio::task::spawn_blocking(move || {
            ureq::post(url)
                .send_json(body)
                .unwrap()
                .body_mut()
                .with_config()
                .limit(64 << 20)
                .read_json::<Value>()
        });
        answer.await.unwrap().unwrap()["value"].clone()
    }

    /// The window of a computer.
    pub async fn desktop(&self) {
        let size = json!({ "width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// The window of a phone.
    pub async fn phone(&self) {
        let size = json!({ "width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// What the system prefers: `light` or `dark`.
    pub async fn prefers(&self, scheme: &str) {
        // Without motion, so that no picture is taken half-way.
        let still = json!({ "name": "prefers-reduced-motion", "value": "reduce" });
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }, still] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// From now on pages run no script of theirs.
    pub async fn without_javascript(&self) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    }

    /// The cookies of the page, as the browser keeps them.
    pub async fn cookies(&self) -> Vec<Value> {
        self.devtools("Network.getCookies", json!({})).await["cookies"].as_array().unwrap().clone()
    }

    pub async fn go(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.url)).await.unwrap();
    }

    /// The path of the page that is shown.
    pub async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    /// Waits until the page that is shown has this path.
    pub async fn arrives(&self, path: &str) {
        self.until(&format!("the page {path}"), async || (self.path().await == path).then_some(())).await;
    }

    /// Waits until the page holds these words, as they are seen.
    pub async fn shows(&self, words: &str) {
        self.until(words, async || self.text("body").await?.contains(words).then_some(())).await;
    }

    /// Waits until the first table of the page holds these words.
    pub async fn lists(&self, words: &str) {
        let look = async || self.text("main .table").await?.contains(words).then_some(());
        self.until(&format!("{words} in the table"), look).await;
    }

    async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let deadline = tokio::time::Instant::now() + SOON;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            if tokio::time::Instant::now() > deadline {
                let (path, text) = (self.path().await, self.text("body").await.unwrap_or_default());
                panic!("waited in vain for: {what}\nat {path}:\n{text}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The text of the first element, as it is seen. None while a page gives way to another.
    pub async fn text(&self, css: &str) -> Option<String> {
        self.client.find(Locator::Css(css)).await.ok()?.text().await.ok()
    }

    pub async fn find(&self, css: &str) -> Element {
        self.until(css, async || self.client.find(Locator::Css(css)).await.ok()).await
    }

    /// What a phone reads off the first of these, as it is seen.
    pub async fn scan(&self, css: &str) -> String {
        scan(&self.find(css).await.screenshot().await.expect("a picture"))
    }

    /// How many there are now.
    pub async fn count(&self, css: &str) -> usize {
        self.client.find_all(Locator::Css(css)).await.unwrap().len()
    }

    /// Types into the field of this name, in place of what it holds.
    pub async fn fill(&self, name: &str, value: &str) {
        let css = format!("[name={name}]");
        let fill = async || {
            let field = self.client.find(Locator::Css(&css)).await.ok()?;
            field.clear().await.ok()?;
            field.send_keys(value).await.ok()
        };
        self.until(&format!("{css} to be filled in"), fill).await;
    }

    /// Fills in the field of this name, or chooses in it what reads so.
    pub async fn choose(&self, name: &str, value: &str) {
        let field = self.find(&format!("[name={name}]")).await;
        match field.tag_name().await.unwrap().as_str() {
            "select" => field.select_by_label(value).await.unwrap(),
            _ => self.fill(name, value).await,
        }
    }

    /// Clicks the first of these; anew where the page replaced it before it was clicked.
    pub async fn click(&self, css: &str) {
        let click = async || self.client.find(Locator::Css(css)).await.ok()?.click().await.ok();
        self.until(&format!("{css} to be clicked"), click).await;
    }

    /// Clicks the button or link with this text.
    pub async fn press(&self, text: &str) {
        let xpath = format!(
            "//*[self::button or self::a or self::summary or self::label][normalize-space(.)='{text}']"
        );
        let press = async || {
            for element in self.client.find_all(Locator::XPath(&xpath)).await.ok()? {
                if element.is_displayed().await.unwrap_or(false) {
                    return element.click().await.ok();
                }
            }
            None
        };
        self.until(&format!("{text} to be pressed"), press).await;
    }

    pub async fn log_in(&self, email: &str, password: &str) {
        self.fill("email", email).await;
        self.fill("password", password).await;
        self.press("Log in").await;
    }

    /// Keeps a picture of the whole page under `target/screenshots`.
    pub async fn picture(&self, name: &str) {
        let params = json!({ "format": "png", "captureBeyondViewport": true });
        let shot = self.devtools("Page.captureScreenshot", params).await;
        use base64::Engine as _;
        let engine = base64::engine::general_purpose::STANDARD;
        let bytes = engine.decode(shot["data"].as_str().expect("a picture")).unwrap();
        let directory = screenshots();
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(format!("{name}.png")), bytes).unwrap();
    }

    /// Pictures of the page: light and dark, on a computer and on a phone; axe-core looks at each.
    pub async fn inspect(&self, name: &str) {
        for scheme in ["light", "dark"] {
            self.prefers(scheme).await;
            self.desktop().await;
            self.picture(&format!("{name}-{scheme}-desktop")).await;
            self.is_accessible(&format!("{name} {scheme} desktop")).await;
            self.phone().await;
            self.fits(name).await;
            self.picture(&format!("{name}-{scheme}-phone")).await;
            self.is_accessible(&format!("{name} {scheme} phone")).await;
        }
        self.prefers("light").await;
        self.desktop().await;
    }

    /// The page is no wider than the window.
    async fn fits(&self, name: &str) {
        let script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        let over = self.client.execute(script, vec![]).await.unwrap();
        assert!(over.as_i64().unwrap() <= 0, "{name} is {over} pixels wider than a phone");
    }

    /// axe-core finds nothing that is serious.
    async fn is_accessible(&self, name: &str) {
        self.client.execute(&axe(), vec![]).await.unwrap();
        let run = "const done = arguments[arguments.length - 1]; \
            axe.run(document, { resultTypes: ['violations'] }).then(r => done(r.violations), e => done(String(e)))";
        let found = self.client.execute_async(run, vec![]).await.unwrap();
        let violations = found.as_array().unwrap_or_else(|| panic!("axe-core failed: {found}"));
        let serious: Vec<String> = violations
            .iter()
            .filter(|v| SERIOUS.contains(&v["impact"].as_str().unwrap_or_default()))
            .map(|v| format!("{}: {} {}", v["id"], v["help"], v["nodes"]))
            .collect();
        assert!(serious.is_empty(), "{name}:\n{}", serious.join("\n"));
    }
}

/// Starts the driver on a free port. It takes the same port of IPv6 and IPv4, and gives up where the second one is
/// another's: then it is started again.
fn start(program: &Path, profile: &Path) -> (Process, u16) {
    for attempt in 0..10 {
        let mut command = Command::new(program);
        // The browser leaves what it leaves in the profile's directory.
        command.arg("--port=0").env("TMPDIR", profile).env("HOME", profile);
        let mut driver = Process::start(&mut command, &profile.join(format!("driver-log-{attempt}")), false);
        let port = wait_for("chromedriver says its port, or ends", SOON, || {
            let log = driver.log();
            let said = log.split_once("successfully on port ").and_then(|(_, rest)| rest.split_once('.'));
            match said.and_then(|(port, _)| port.parse::<u16>().ok()) {
                Some(port) => Some(Ok(port)),
                None => driver.ended().map(Err),
            }
        });
        match port {
            Ok(port) => return (driver, port),
            Err(_) if driver.log().contains("port not available") => {}
            Err(status) => panic!("chromedriver ended with {status}: {}", driver.log_tail()),
        }
    }
    panic!("chromedriver finds no free port")
}

/// `own`: a certificate that nobody vouches for will do.
async fn open(port: u16, own: bool) -> Result<Client, fantoccini::error::NewSessionError> {
    let mut args = vec!["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
    if rustix::process::geteuid().is_root() {
        args.push("--no-sandbox");
    }
    let capabilities = json!({ "goog:chromeOptions": { "args": args }, "acceptInsecureCerts": own });
    let capabilities = capabilities.as_object().unwrap().clone();
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(capabilities).connect(&format!("http://127.0.0.1:{port}")).await
}

/// Where pictures are kept.
fn screenshots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots")
}

/// The source of axe-core.
fn axe() -> String {
    let path = super::tailscaled::peers().join("axe-core-4.14.1/node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("{}: {e}: scripts/install-peers axe-core-4.14.1", path.display()))
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Those below first are found while their parents live.
        let all = descendants(self.driver.pid());
        self.driver.kill();
        for pid in &all {
            if let Some(pid) = rustix::process::Pid::from_raw(*pid) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        // The profile can be removed once nobody writes into it.
        let gone = || all.iter().all(|pid| !is_running(*pid)).then_some(());
        let _ = try_wait_for(Duration::from_secs(5), gone);
    }
}

/// Neither gone nor a zombie.
fn is_running(pid: i32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != 'Z')
}

/// The state and the parent of a process.
fn stat(pid: i32) -> Option<(char, i32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut words = stat.rsplit_once(") ")?.1.split(' ');
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}

/// All processes below this one.
fn descendants(root: u32) -> Vec<i32> {
    let all = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let parents: Vec<(i32, i32)> = all.filter_map(|pid: i32| Some((pid, stat(pid)?.1))).collect();
    let mut found = vec![i32::try_from(root).unwrap()];
    let mut at = 0;
    while at < found.len() {
        let parent = found[at];
        found.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found.split_off(1)
}
