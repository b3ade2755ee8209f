//! How a person sees it: prompts, tables, progress, errors. Called by `cli`; decides nothing.
//!
//! Data goes to stdout, talk to stderr. With `--json` stdout holds one document and nobody talks; with `-q`
//! there is data, and errors.

mod output;
mod progress;
mod prompt;
mod report;
mod style;
mod table;
mod when;

pub use output::under;
pub use progress::Progress;
pub use prompt::{can_ask, secret_from_stdin};
pub use style::clean;
pub use table::{Cell, Table, fields};
pub use when::{ago, span, until};

/// How this run talks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ui {
    /// One JSON document on stdout, and failures as JSON on stderr.
    pub json: bool,
    /// Data and errors only.
    pub quiet: bool,
    /// Every question that can be answered with yes is.
    pub yes: bool,
}
