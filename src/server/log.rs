//! The coordinator's log, on stderr: for people on a terminal, JSON otherwise. Secrets have a type that does
//! not print, and requests are logged without query and body, so none gets here.

use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::core::{Error, Result};

/// Starts the log. `filter` is what `WONDER_LOG` says (`info,wonder::mesh=debug`); without it, `info`.
pub fn init(filter: Option<&str>) -> Result<()> {
    let filter = parse(filter.unwrap_or("info"))?;
    let stderr = std::io::stderr();
    let started = match stderr.is_terminal() {
        true => tracing::subscriber::set_global_default(
            tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).finish(),
        ),
        false => tracing::subscriber::set_global_default(json(filter, std::io::stderr)),
    };
    started.map_err(|e| Error::bug("the log was started twice").source(e))
}

fn parse(filter: &str) -> Result<EnvFilter> {
    EnvFilter::builder().parse(filter).map_err(|e| {
        Error::usage("malformed_log_filter", format!("WONDER_LOG cannot be read: {e}"))
            .hint("write it like info, or info,wonder::mesh=debug")
    })
}

fn json<W>(filter: EnvFilter, writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(writer)
        .finish()
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
        tracing::subscriber::with_default(json(parse("info").unwrap(), move || writer.clone()), || {
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
