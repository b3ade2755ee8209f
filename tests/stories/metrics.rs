//! The metrics as Prometheus reads them: a real one scrapes a real coordinator, and answers every query of the
//! dashboard.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story that cannot go on has failed")]

use crate::common;

use common::coordinator::Coordinator;
use common::house::PASSWORD;
use common::process::Process;
use common::wait::{try_wait_for, wait_for};
use common::wonder::Wonder;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// A Prometheus that scrapes one coordinator each second.
struct Prometheus {
    url: String,
    _process: Process,
    _directory: tempfile::TempDir,
}

impl Prometheus {
    fn scraping(target: &str) -> Prometheus {
        let directory = tempfile::tempdir().unwrap();
        let config = format!(
            "global: {{ scrape_interval: 1s }}\nscrape_configs:\n- job_name: wonder\n  static_configs: [ {{ targets: ['{target}'] }} ]\n"
        );
        fs::write(directory.path().join("prometheus.yml"), config).unwrap();
        // Whoever takes the port between may be another test: then the next one.
        let started = (0..5).find_map(|_| Prometheus::start(directory.path()));
        let (url, process) = started.expect("prometheus starts");
        Prometheus { url, _process: process, _directory: directory }
    }

    fn start(directory: &Path) -> Option<(String, Process)> {
        assert!(
            Path::new("/usr/bin/prometheus").exists(),
            "prometheus is missing: `scripts/install-peers debian` installs it"
        );
        let listen = format!("127.0.0.1:{}", common::port::own());
        let mut command = Command::new("/usr/bin/prometheus");
        command.arg(format!("--config.file={}", directory.join("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", directory.join("data").display()));
        command.arg(format!("--web.listen-address={listen}"));
        let mut process = Process::start(&mut command, &directory.join("log"), false);
        let url = format!("http://{listen}");
        let ready = || match process.ended() {
            Some(_) => Some(false),
            None => get(&format!("{url}/-/ready"), &[]).map(|_| true),
        };
        (try_wait_for(PATIENCE, ready) == Some(true)).then_some((url, process))
    }

    /// The samples that a query gives now; a query that it refuses is a panic.
    fn query(&self, query: &str) -> Vec<Value> {
        let answer = get(&format!("{}/api/v1/query", self.url), &[("query", query)]);
        let answer: Value =
            serde_json::from_str(&answer.unwrap_or_else(|| panic!("refused: {query}"))).unwrap();
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }
}

/// The body of a good answer.
fn get(url: &str, parameters: &[(&str, &str)]) -> Option<String> {
    let mut curl = Command::new("curl");
    curl.args(["-sfG", "--noproxy", "*", "--max-time", "10", url]);
    for (name, value) in parameters {
        curl.args(["--data-urlencode", &format!("{name}={value}")]);
    }
    let output = curl.output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

/// What the dashboard asks, as Grafana would send it.
fn queries() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/grafana/wonder.json");
    let board: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let panels = board["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let queries = targets.map(|target| target["expr"].as_str().unwrap());
    queries.map(|query| query.replace("$__rate_interval", "1m").replace("$job", "wonder")).collect()
}

fn traffic(coordinator: &Coordinator) {
    let wonder = Wonder::new();
    let log_in = ["login", coordinator.url(), "--email", "ada@example.org", "--password-stdin"];
    assert_eq!(wonder.run_with(&log_in, "wrong password").code, 3);
    assert_eq!(wonder.run_with(&log_in, PASSWORD).code, 0);
    wonder.json(&["node", "list"]);
    let nowhere = format!("{}/made/up/by/a/caller", coordinator.url());
    assert!(get(&nowhere, &[]).is_none());
}

#[test]
fn every_query_of_the_dashboard_is_answered() {
    let coordinator = Coordinator::options().args(&["--no-derp", "--metrics-listen", ":0"]).start();
    let address = coordinator.ready["metrics"].as_str().unwrap().to_owned();
    let made = coordinator.admin(&["user", "create", "ada@example.org", "--password-stdin"], PASSWORD);
    assert_eq!(made.code, 0, "{made:?}");
    traffic(&coordinator);
    let prometheus = Prometheus::scraping(&address);
    let scraped_twice = || {
        let counted = prometheus.query("count_over_time(wonder_build_info[1m])");
        let count = counted.first()?["value"][1].as_str()?.parse::<u32>().ok()?;
        (count >= 2).then_some(())
    };
    wait_for("two scrapes", PATIENCE, scraped_twice);
    traffic(&coordinator);
    let queries = queries();
    assert!(queries.len() > 20, "{} queries", queries.len());
    for query in &queries {
        wait_for(query, PATIENCE, || (!prometheus.query(query).is_empty()).then_some(()));
    }
    let refused = "wonder_refusals_total{action=\"session.refuse\"}";
    assert_eq!(prometheus.query(refused).len(), 1);
}

#[test]
fn metrics_are_nowhere_unless_asked_for_and_never_on_the_open_port() {
    let coordinator = Coordinator::options().args(&["--no-derp", "--metrics-listen", "127.0.0.1:0"]).start();
    assert!(get(&format!("{}/metrics", coordinator.url()), &[]).is_none());
    let address = coordinator.ready["metrics"].as_str().unwrap();
    traffic_of_strangers(&coordinator);
    let page = get(&format!("http://{address}/metrics"), &[]).unwrap();
    assert!(
        page.contains("wonder_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"}"),
        "{page}"
    );
    assert!(!page.contains("made/up"), "what a caller wrote is no label");
    assert!(page.contains("method=\"other\""), "{page}");
    assert!(get(&format!("http://{address}/api/v1/version"), &[]).is_none(), "and nothing else is there");
    let without = Coordinator::options().args(&["--no-derp"]).start();
    assert!(without.ready.get("metrics").is_none());
}

fn traffic_of_strangers(coordinator: &Coordinator) {
    for n in 0..20 {
        assert!(get(&format!("{}/made/up/{n}", coordinator.url()), &[]).is_none());
    }
    let mut curl = Command::new("curl");
    let sent = curl.args(["-s", "--noproxy", "*", "-X", "MADEUP", "-o", "/dev/null", coordinator.url()]);
    assert!(sent.status().unwrap().success());
}
