//! An error, as a person or a program reads it.

use serde_json::{Value, json};
use std::io;

use super::Ui;
use super::output::to_stderr;
use super::style::{Paint, clean, coloured, paint};
use crate::core::Error;

impl Ui {
    /// Tells a failure on stderr; nothing of it goes to stdout.
    pub fn report(&self, error: &Error) {
        if self.json {
            return to_stderr(&as_json(error).to_string());
        }
        to_stderr(&as_text(error, coloured(&io::stderr())));
    }
}

fn as_json(error: &Error) -> Value {
    let mut inner = json!({ "code": error.code(), "message": error.message(), "hint": error.hint_text() });
    if let Some(id) = error.request_id_text() {
        inner["request_id"] = id.into();
    }
    json!({ "error": inner })
}

fn as_text(error: &Error, colour: bool) -> String {
    let mut lines = vec![labelled(paint(colour, Paint::Red, "error:"), error.message())];
    lines.extend(error.hint_text().map(|hint| labelled(paint(colour, Paint::Cyan, "hint:"), hint)));
    let request = error.request_id_text();
    lines.extend(request.map(|id| paint(colour, Paint::Dim, format!("request: {}", clean(id)))));
    lines.join("\n")
}

/// A message of several lines stays several lines.
fn labelled(label: String, text: &str) -> String {
    let lines: Vec<String> = text.lines().map(clean).collect();
    format!("{label} {}", lines.join("\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error() -> Error {
        Error::usage("malformed_name", "no\x1b[2J name").hint("use another")
    }

    #[test]
    fn people_read_the_message_and_what_to_do() {
        assert_eq!(as_text(&error(), false), "error: no\u{fffd}[2J name\nhint: use another");
        assert!(as_text(&error().request_id("r1"), true).starts_with("\x1b[31merror:\x1b[0m no"));
    }

    #[test]
    fn programs_read_one_object() {
        let plain = as_json(&error());
        assert_eq!(
            (&plain["error"]["code"], &plain["error"]["hint"]),
            (&json!("malformed_name"), &json!("use another"))
        );
        assert!(plain["error"].get("request_id").is_none());
        assert_eq!(as_json(&error().request_id("r1"))["error"]["request_id"], "r1");
    }
}
