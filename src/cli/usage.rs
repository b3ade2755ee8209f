//! What was typed cannot be understood: from the parser's words to an [`Error`] with a suggestion.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;

use crate::core::Error;

/// Whether `--json` stands anywhere before `--`: asked where the parser has failed.
pub fn wants_json(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json")
}

/// The text of `--help` and `--version`, coloured where stdout shows it.
pub fn answer(error: &clap::Error) -> String {
    use std::io::IsTerminal as _;
    let text = error.render();
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if std::io::stdout().is_terminal() && !plain { text.ansi().to_string() } else { text.to_string() }
}

/// Whether a noun stands there without its verb, which is answered with what there is.
pub fn needs_command(error: &clap::Error) -> bool {
    error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
}

/// A usage error: message, and what to type instead.
pub fn explain(error: &clap::Error, arguments: &[OsString]) -> Error {
    Error::usage(code(error), message(error)).hint(hint(error, arguments))
}

fn code(error: &clap::Error) -> &str {
    match (own(error), error.kind()) {
        (Some(own), _) => own.code(),
        (_, ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand) => {
            "missing_command"
        }
        (_, ErrorKind::InvalidSubcommand) => "unknown_command",
        (_, ErrorKind::UnknownArgument) => "unknown_argument",
        (_, ErrorKind::InvalidValue | ErrorKind::ValueValidation) => "invalid_value",
        (_, ErrorKind::MissingRequiredArgument) => "missing_argument",
        (_, ErrorKind::ArgumentConflict) => "argument_conflict",
        _ => "usage",
    }
}

/// The first paragraph of the parser's message, without its label; our own words where we refused a value.
fn message(error: &clap::Error) -> String {
    if let Some(own) = own(error) {
        return own.message().to_owned();
    }
    if code(error) == "missing_command" {
        return "a command is missing".into();
    }
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let paragraph: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    paragraph.join(" ").replace("unrecognized subcommand", "unknown command")
}

fn hint(error: &clap::Error, arguments: &[OsString]) -> String {
    let suggested =
        [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue]
            .into_iter()
            .find_map(|kind| suggestion(error.get(kind)?));
    match (own(error).and_then(Error::hint_text), suggested) {
        (Some(own), _) => own.to_owned(),
        (None, Some(word)) => format!("did you mean `{word}`?"),
        (None, None) => format!("`{} --help` shows how it is used", command(arguments)),
    }
}

/// An error of ours that the parser carries.
fn own(error: &clap::Error) -> Option<&Error> {
    std::error::Error::source(error)?.downcast_ref()
}

fn suggestion(value: &ContextValue) -> Option<String> {
    match value {
        ContextValue::String(word) => Some(word.clone()),
        ContextValue::Strings(words) => words.first().cloned(),
        _ => None,
    }
}

/// The command that was begun, as far as it is one.
fn command(arguments: &[OsString]) -> String {
    let mut known = super::definition();
    let mut words = vec!["wonder".to_owned()];
    for argument in arguments.iter().skip(1).filter_map(|argument| argument.to_str()) {
        if let Some(found) = known.find_subcommand(argument) {
            words.push(argument.to_owned());
            known = found.clone();
        }
    }
    words.join(" ")
}
