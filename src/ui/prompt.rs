//! Every question that is ever asked. Each has a flag; without a terminal a missing answer is an error at once.

use dialoguer::{Confirm, Input, Password};
use std::io::{self, IsTerminal as _, Read as _};

use super::Ui;
use super::style::clean;
use crate::core::secret::Secret;
use crate::core::{Error, Kind, Result};

/// Largest secret that is read from stdin, in bytes.
const LARGEST: u64 = 64 << 10;

/// Whether there is somebody to ask.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

impl Ui {
    /// Asks for a line of text; `flag` answers it without asking.
    pub fn ask(&self, question: &str, flag: &str) -> Result<String> {
        if !can_ask() {
            return Err(missing(question, flag));
        }
        let answer = Input::<String>::new().with_prompt(question).interact_text().map_err(no_answer)?;
        Ok(answer.trim().to_owned())
    }

    /// Asks for a password that exists.
    pub fn ask_password(&self, flag: &str) -> Result<Secret> {
        if !can_ask() {
            return Err(missing("Password", flag));
        }
        Password::new().with_prompt("Password").interact().map(Secret::new).map_err(no_answer)
    }

    /// Asks twice for a password that is to be.
    pub fn ask_new_password(&self, flag: &str) -> Result<Secret> {
        if !can_ask() {
            return Err(missing("New password", flag));
        }
        let twice = Password::new()
            .with_prompt("New password")
            .with_confirmation("The same again", "These two are not the same.");
        twice.interact().map(Secret::new).map_err(no_answer)
    }

    /// Asks before something that cannot be undone. A no is an error, so that nothing goes on after it.
    pub fn confirm(&self, question: &str) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        if !can_ask() {
            return Err(unconfirmed());
        }
        let question = clean(question);
        let agreed = Confirm::new().with_prompt(question).default(false).interact().map_err(no_answer)?;
        if agreed {
            Ok(())
        } else {
            Err(Error::new(Kind::Local, "cancelled", "cancelled; nothing was changed"))
        }
    }
}

impl Ui {
    /// Whether [`Ui::confirm_by_name`] can have an answer: before anything is asked of a coordinator.
    pub fn can_confirm(&self, flag: &str) -> Result<()> {
        match self.yes || can_ask() {
            true => Ok(()),
            false => Err(unconfirmed().hint(format!("if it is meant, add --yes, or its name with {flag}"))),
        }
    }

    /// Asks before something that takes much with it: the answer is its name, typed; `flag` gives it without
    /// asking, and so does `--yes`.
    pub fn confirm_by_name(&self, question: &str, name: &str, flag: &str) -> Result<String> {
        self.can_confirm(flag)?;
        if self.yes {
            return Ok(name.to_owned());
        }
        self.say(&clean(question));
        self.ask("Its name, to go on", flag)
    }
}

/// Reads a secret from stdin, without one newline at its end; `what` it is, for the error.
pub fn secret_from_stdin(what: &str) -> Result<Secret> {
    let mut text = String::new();
    io::stdin().lock().take(LARGEST).read_to_string(&mut text).map_err(|error| {
        Error::usage("unreadable_stdin", format!("the {what} could not be read from stdin: {error}"))
            .hint("it is text, of 64 KiB at most")
            .source(error)
    })?;
    let secret = text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line));
    if secret.is_empty() {
        let message = format!("stdin is empty, where the {what} was expected");
        return Err(Error::usage("missing_answer", message).hint("pipe it in: `cat FILE | wonder …`"));
    }
    Ok(Secret::new(secret))
}

fn missing(question: &str, flag: &str) -> Error {
    let what = question.to_lowercase();
    Error::usage("missing_answer", format!("the {what} is missing, and there is no terminal to ask at"))
        .hint(format!("give it with {flag}"))
}

fn unconfirmed() -> Error {
    Error::usage("not_confirmed", "this cannot be undone, and there is no terminal to ask at")
        .hint("add --yes if it is meant")
}

fn no_answer(error: dialoguer::Error) -> Error {
    Error::usage("missing_answer", "there was no answer")
        .hint("type it at the question; `--help` names the flag that gives it without one")
        .source(error)
}
