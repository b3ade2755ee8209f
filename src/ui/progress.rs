//! What goes on while somebody waits: a spinner on a terminal, plain lines elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use super::Ui;
use super::output::to_stderr;
use super::style::clean;

/// How often the spinner moves.
const TICK: Duration = Duration::from_millis(100);

/// A wait with a name; it goes from the screen when it is dropped.
#[derive(Debug)]
pub struct Progress(How);

#[derive(Debug)]
enum How {
    Spinner(ProgressBar),
    Lines { last: String },
    Silent,
}

impl Ui {
    /// Begins a wait for `what`.
    pub fn progress(&self, what: &str) -> Progress {
        let mut progress = Progress(match (self.talks(), io::stderr().is_terminal()) {
            (false, _) => How::Silent,
            (true, false) => How::Lines { last: String::new() },
            (true, true) => How::Spinner(spinner()),
        });
        progress.step(what);
        progress
    }
}

impl Progress {
    /// What is waited for now. The same again says nothing new.
    pub fn step(&mut self, what: &str) {
        match &mut self.0 {
            How::Spinner(bar) => bar.set_message(clean(what)),
            How::Lines { last } if last != what => {
                what.clone_into(last);
                to_stderr(&format!("{}…", clean(what)));
            }
            How::Lines { .. } | How::Silent => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let How::Spinner(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_style(ProgressStyle::default_spinner());
    bar.enable_steady_tick(TICK);
    bar
}
