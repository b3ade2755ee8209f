//! The coordinator's log, on stderr: for people on a terminal, JSON otherwise. Secrets have a type that does
//! not print, and requests are logged without query and body, so none gets here.

use std::io::IsTerminal as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::core::{Error, Result};

/// Starts the log. `filter` is what `WONDER_LOG` says (`info,wonder::mesh=debug`); without it, `info`.
pub fn init(filter: Option<&str>) -> Result<()> {
    let filter = parse(filter.unwrap_or("info"))?;
    let lines = tracing_subscriber::registry().with(filter);
    let started = match std::io::stderr().is_terminal() {
        true => {
            tracing::subscriber::set_global_default(lines.with(fmt::layer().with_writer(std::io::stderr)))
        }
        false => tracing::subscriber::set_global_default(lines.with(json(std::io::stderr))),
    };
    started.map_err(|e| Error::bug("the log was started twice").source(e))
}

fn parse(filter: &str) -> Result<Targets> {
    filter.parse().map_err(|e| {
        Error::usage("malformed_log_filter", format!("WONDER_LOG cannot be read: {e}"))
            .hint("write it like info, or info,wonder::mesh=debug")
    })
}

fn json<W, S>(writer: W) -> impl Layer<S>
where
    W: for<'w> MakeWriter<'w> + 'static,
    S: tracing::Subscriber + for<'l> LookupSpan<'l>,
{
    fmt::layer().json().flatten_event(true).with_span_list(false).with_writer(writer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn one_line_is_one_json_object_with_the_request_in_it() {
        let captured = Captured::default();
        let writer = captured.clone();
        let lines =
            tracing_subscriber::registry().with(parse("info").unwrap()).with(json(move || writer.clone()));
        tracing::subscriber::with_default(lines, || {
            let _span = tracing::info_span!("request", id = "r1").entered();
            tracing::info!(status = 200, "answered");
            tracing::debug!("not this");
        });
        let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!((&line["message"], &line["status"]), (&"answered".into(), &200.into()));
        assert_eq!(line["span"]["id"], "r1");
    }

    #[test]
    fn a_broken_filter_is_a_usage_error() {
        assert_eq!(parse("wonder=loud").unwrap_err().code(), "malformed_log_filter");
    }
}
