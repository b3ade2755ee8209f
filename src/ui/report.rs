//! An error, as a person or a program reads it.

use serde_json::{Value, json};
use std::io;

use super::Ui;
use super::output::to_stderr;
use super::style::{Paint, clean, coloured, paint};
use crate::core::Error;
use crate::core::secret::PREFIXES;

impl Ui {
    /// Tells a failure on stderr; nothing of it goes to stdout.
    pub fn report(&self, error: &Error) {
        if self.json {
            return to_stderr(&as_json(error).to_string());
        }
        to_stderr(&as_text(error, coloured(&io::stderr())));
    }

    /// Tells on stderr what the coordinator warns of (`code; sentence`), also where programs read: `-q` alone
    /// leaves it out.
    pub fn warning(&self, warning: &str) {
        if !self.quiet {
            let colour = coloured(&io::stderr());
            to_stderr(&if self.json { warning_as_json(warning) } else { warning_as_text(warning, colour) });
        }
    }
}

fn warning_as_json(warning: &str) -> String {
    let (code, message) = warning.split_once("; ").unwrap_or(("warning", warning));
    json!({ "warning": { "code": code, "message": message } }).to_string()
}

fn warning_as_text(warning: &str, colour: bool) -> String {
    let sentence = warning.split_once("; ").map_or(warning, |(_, sentence)| sentence);
    labelled(paint(colour, Paint::Yellow, "warning:"), sentence)
}

fn as_json(error: &Error) -> Value {
    let mut inner =
        json!({ "code": error.code(), "message": hidden(error.message()), "hint": error.hint_text() });
    if let Some(id) = error.request_id_text() {
        inner["request_id"] = id.into();
    }
    json!({ "error": inner })
}

fn as_text(error: &Error, colour: bool) -> String {
    let mut lines = vec![labelled(paint(colour, Paint::Red, "error:"), &hidden(error.message()))];
    lines.extend(error.hint_text().map(|hint| labelled(paint(colour, Paint::Cyan, "hint:"), hint)));
    let request = error.request_id_text();
    lines.extend(request.map(|id| paint(colour, Paint::Dim, format!("request: {}", clean(id)))));
    lines.join("\n")
}

/// How much of a secret may be shown: a list shows so much of an API key.
const SHOWN: usize = 8;

/// Without the words that are secrets, which somebody may have typed in the wrong place: an error is shown to others too.
fn hidden(text: &str) -> String {
    let is_secret = |word: &str| {
        let begins = PREFIXES.iter().filter_map(|prefix| word.find(prefix)).min();
        begins.is_some_and(|at| word.len() - at > SHOWN + 4)
    };
    let words: Vec<&str> = text.split(' ').map(|word| if is_secret(word) { "'…'" } else { word }).collect();
    words.join(" ")
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
    fn a_secret_typed_in_the_wrong_place_is_not_repeated() {
        let error = Error::usage("x", "\"wjt_AQAAAAAAAAAA\" is not a URL");
        assert_eq!(as_text(&error, false), "error: '…' is not a URL");
        assert_eq!(as_json(&error)["error"]["message"], "'…' is not a URL");
        for prefix in PREFIXES {
            let error = Error::usage("x", format!("no key {prefix}AQAAAAAAAAAA here"));
            assert_eq!(as_text(&error, false), "error: no key '…' here");
        }
    }

    #[test]
    fn a_warning_is_a_sentence_for_people_and_an_object_for_programs() {
        let warning = "key_rotation_due; this key ends soon; rotate it";
        assert_eq!(warning_as_text(warning, false), "warning: this key ends soon; rotate it");
        let read: Value = serde_json::from_str(&warning_as_json(warning)).unwrap();
        assert_eq!(read["warning"]["code"], "key_rotation_due");
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
