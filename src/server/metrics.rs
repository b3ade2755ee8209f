//! `/metrics` for Prometheus, on an address of its own and never on the coordinator's port; and the layer that counts
//! requests. The text format: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{Method, header};
use std::fmt::{Display, Write as _};
use std::time::Instant;

use super::problem::Answer;
use crate::core::Result;
use crate::runtime::metrics::{BUCKETS, Counted, Metrics};
use crate::service::app::App;
use crate::service::health;

/// What Prometheus expects of an exporter.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Counts every request of `routes`.
pub fn count(metrics: Metrics, routes: Router) -> Router {
    routes.layer(from_fn_with_state(metrics, observe))
}

async fn observe(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = name(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    // A path that no route has is the caller's own words.
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    metrics.request(method, route, response.status().as_u16(), started.elapsed());
    response
}

/// A method of ours; a caller may make up others.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The one route.
pub fn routes(app: App) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(app)
}

async fn metrics(State(app): State<App>) -> Answer<Response> {
    Ok(([(header::CONTENT_TYPE, TEXT)], text(&app).await?).into_response())
}

async fn text(app: &App) -> Result<String> {
    let mut page = Page::default();
    page.family("wonder_build_info", "gauge", "The version that runs.");
    page.sample("wonder_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    requests(&mut page, app.metrics());
    people(&mut page, app).await;
    devices(&mut page, app);
    database(&mut page, app);
    Ok(page.0)
}

fn requests(page: &mut Page, metrics: &Metrics) {
    let all = metrics.requests();
    page.family("wonder_http_requests_total", "counter", "Requests by route and status.");
    for ((method, route), requests) in &all {
        for (status, count) in &requests.statuses {
            let labels = [("method", *method), ("route", route), ("status", &status.to_string())];
            page.sample("wonder_http_requests_total", &labels, count);
        }
    }
    page.family("wonder_http_request_duration_seconds", "histogram", "How long answers took.");
    for ((method, route), requests) in &all {
        let labels = [("method", *method), ("route", route.as_str())];
        page.histogram("wonder_http_request_duration_seconds", &labels, &requests.took.read());
    }
}

async fn people(page: &mut Page, app: &App) {
    page.family("wonder_refusals_total", "counter", "What was refused, by the audit trail's word for it.");
    for (action, count) in app.metrics().refusals() {
        page.sample("wonder_refusals_total", &[("action", action)], count);
    }
    page.family("wonder_sessions", "gauge", "Log-ins by kind and state.");
    match health::sessions(app).await {
        Ok(sessions) => sessions.iter().for_each(|counted| {
            let labels = [("kind", counted.kind.as_str()), ("state", counted.state.as_str())];
            page.sample("wonder_sessions", &labels, counted.count);
        }),
        // The rest is worth knowing all the more.
        Err(e) => tracing::debug!("log-ins were not counted: {e}"),
    }
}

fn devices(page: &mut Page, app: &App) {
    let (new, again) = app.metrics().joins();
    page.family("wonder_joins_total", "counter", "Devices that joined, and that came back with a new key.");
    page.sample("wonder_joins_total", &[("kind", "new")], new);
    page.sample("wonder_joins_total", &[("kind", "again")], again);
    page.family("wonder_devices_online", "gauge", "Devices with an open map stream.");
    page.sample("wonder_devices_online", &[], app.metrics().devices());
    let relay = app.mesh().relay_stats().unwrap_or_default();
    page.family("wonder_relay_clients", "gauge", "Devices connected to the relay.");
    page.sample("wonder_relay_clients", &[], relay.clients);
    for (name, help, count) in [
        ("wonder_relay_bytes_total", "Bytes that the relay carried.", relay.bytes),
        ("wonder_relay_packets_total", "Packets that the relay carried.", relay.packets),
        ("wonder_relay_dropped_total", "Packets that the relay could not deliver.", relay.dropped),
    ] {
        page.family(name, "counter", help);
        page.sample(name, &[], count);
    }
}

fn database(page: &mut Page, app: &App) {
    let (reads, writes) = app.store().times();
    page.family("wonder_database_seconds", "histogram", "How long database work took, its wait included.");
    page.histogram("wonder_database_seconds", &[("kind", "read")], &reads);
    page.histogram("wonder_database_seconds", &[("kind", "write")], &writes);
    page.family("wonder_database_commits_total", "counter", "Commits; one may hold several writes.");
    page.sample("wonder_database_commits_total", &[], app.store().commits());
}

/// A page of the text format.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let written: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        let _ = match written.is_empty() {
            true => writeln!(self.0, "{name} {value}"),
            false => writeln!(self.0, "{name}{{{}}} {value}", written.join(",")),
        };
    }

    fn histogram(&mut self, name: &str, labels: &[(&str, &str)], counted: &Counted) {
        let ends = BUCKETS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
        for (end, count) in ends.zip(counted.cumulative) {
            self.sample(&format!("{name}_bucket"), &[labels, &[("le", &end)]].concat(), count);
        }
        self.sample(&format!("{name}_sum"), labels, counted.seconds);
        self.sample(&format!("{name}_count"), labels, counted.cumulative[BUCKETS.len()]);
    }
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_page_is_as_prometheus_reads_it() {
        let metrics = Metrics::default();
        metrics.request("GET", "/a/{b}", 200, Duration::from_millis(2));
        metrics.request("GET", "/a/{b}", 503, Duration::from_millis(400));
        let mut page = Page::default();
        requests(&mut page, &metrics);
        for line in [
            "# TYPE wonder_http_requests_total counter",
            "wonder_http_requests_total{method=\"GET\",route=\"/a/{b}\",status=\"503\"} 1",
            "wonder_http_request_duration_seconds_bucket{method=\"GET\",route=\"/a/{b}\",le=\"0.0025\"} 1",
            "wonder_http_request_duration_seconds_bucket{method=\"GET\",route=\"/a/{b}\",le=\"+Inf\"} 2",
            "wonder_http_request_duration_seconds_count{method=\"GET\",route=\"/a/{b}\"} 2",
        ] {
            assert!(page.0.lines().any(|l| l == line), "{line}\n{}", page.0);
        }
        page.sample("x", &[("a", "\"\\\n")], 1);
        assert!(page.0.ends_with("x{a=\"\\\"\\\\\\n\"} 1\n"));
    }
}
