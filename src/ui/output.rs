//! What goes to stdout, and the talk that goes to stderr.

use serde::Serialize;
use std::io::{self, ErrorKind, IsTerminal as _, Write};

use super::Ui;
use super::style::{Paint, clean, coloured, paint};
use crate::core::{Error, Kind, Result};

impl Ui {
    /// The answer of a command: with `--json` the document, else the text for people.
    pub fn show(&self, document: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        if self.json { self.document(document) } else { self.data(&text()) }
    }

    /// The answer of a command that changed something: with `--json` the document, else a sentence about it.
    pub fn changed(&self, document: &impl Serialize, sentence: impl FnOnce() -> String) -> Result<()> {
        if self.json {
            return self.document(document);
        }
        self.say(&sentence());
        Ok(())
    }

    /// One of many documents, on a line of its own.
    pub fn line(&self, document: &impl Serialize) -> Result<()> {
        let written = serde_json::to_vec(document);
        let mut text =
            written.map_err(|error| Error::bug("an answer does not fit into JSON").source(error))?;
        text.push(b'\n');
        to_stdout(&text)
    }

    /// Text for stdout, as it is.
    pub fn data(&self, text: &str) -> Result<()> {
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        to_stdout(format!("{text}{end}").as_bytes())
    }

    /// A sentence about what happens.
    pub fn say(&self, sentence: &str) {
        if self.talks() {
            to_stderr(sentence);
        }
    }

    /// Something that a person has to know, whatever programs read: `-q` alone leaves it out.
    pub fn notice(&self, text: &str) {
        if !self.quiet {
            to_stderr(text);
        }
    }

    /// What can be done next: a command, and what for.
    pub fn next(&self, command: &str, purpose: &str) {
        let colour = coloured(&io::stderr());
        self.say(&format!(
            "Next: {}  {}",
            paint(colour, Paint::Bold, command),
            paint(colour, Paint::Dim, purpose)
        ));
    }

    /// Something that the reader should know, and that is no failure.
    pub fn warn(&self, what: &str) {
        let label = paint(coloured(&io::stderr()), Paint::Yellow, "warning:");
        self.say(&format!("{label} {}", clean(what)));
    }

    pub(super) fn talks(&self) -> bool {
        !self.quiet && !self.json
    }

    fn document(&self, document: &impl Serialize) -> Result<()> {
        // A program may read line by line; a person likes indents.
        let written = match io::stdout().is_terminal() {
            true => serde_json::to_vec_pretty(document),
            false => serde_json::to_vec(document),
        };
        let mut text =
            written.map_err(|error| Error::bug("an answer does not fit into JSON").source(error))?;
        text.push(b'\n');
        to_stdout(&text)
    }
}

/// One thing, or a list, under its name: `{"node": …}`.
pub fn under<T: Serialize + ?Sized>(noun: &'static str, what: &T) -> impl Serialize {
    std::collections::BTreeMap::from([(noun, what)])
}

/// Whoever closes the pipe has seen enough.
fn to_stdout(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(unwritten(error)),
        _ => Ok(()),
    }
}

/// Talk that nobody can hear is no failure.
pub(super) fn to_stderr(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

fn unwritten(error: io::Error) -> Error {
    Error::new(Kind::Local, "output", format!("the answer could not be written: {error}"))
        .hint("what was asked for is done; look at what stdout leads to")
        .source(error)
}
