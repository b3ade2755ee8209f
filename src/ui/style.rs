//! Colour, where somebody can see it; and text from elsewhere that cannot do anything to the terminal.

use std::fmt::Display;
use std::io::IsTerminal;

/// Whether colour belongs into `stream`: a terminal, and nobody who objects (<https://no-color.org>).
pub fn coloured(stream: &impl IsTerminal) -> bool {
    let objects = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    stream.is_terminal() && !objects && !dumb
}

/// A colour or weight (ECMA-48, SGR).
#[derive(Clone, Copy, Debug)]
pub enum Paint {
    Bold = 1,
    Dim = 2,
    Red = 31,
    Yellow = 33,
    Cyan = 36,
}

/// `text` in that colour, where `on`.
pub fn paint(on: bool, paint: Paint, text: impl Display) -> String {
    if on { format!("\x1b[{}m{text}\x1b[0m", paint as u8) } else { text.to_string() }
}

/// Text from elsewhere with its control characters replaced, so that no device's name moves a cursor.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
