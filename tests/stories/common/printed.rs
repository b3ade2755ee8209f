//! What a document prints: its shell blocks, and what they answer.

use serde_json::Value;
use std::path::Path;
use wonder::core::Timestamp;

/// A shell block.
pub struct Block {
    pub text: String,
    /// The block right after it: what is shown. Empty where there is none.
    pub answer: String,
    /// Why no test runs it: `<!-- not run: WHY -->` stands before it.
    pub not_run: Option<String>,
}

const SHELL: &str = "```sh\n";
const NOT_RUN: &str = "<!-- not run: ";

pub fn read(document: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap()
}

/// All shell blocks of a document, in order.
pub fn blocks(document: &str) -> Vec<Block> {
    let text = read(document);
    text.match_indices(SHELL).map(|(at, _)| block(&text[..at], &text[at + SHELL.len()..])).collect()
}

/// The blocks of a document that are run, as many as a story knows of.
pub fn to_run<const N: usize>(document: &str) -> [Block; N] {
    let run: Vec<_> = blocks(document).into_iter().filter(|block| block.not_run.is_none()).collect();
    let count = run.len();
    run.try_into().unwrap_or_else(|_| panic!("{document} has {count} blocks to run, its story {N}"))
}

/// The line of a text in which a command stands.
pub fn line<'a>(text: &'a str, command: &str) -> &'a str {
    let found = text.lines().map(str::trim).find(|line| line.starts_with(command));
    found.unwrap_or_else(|| panic!("{command} is not in:\n{text}"))
}

/// All examples of the settings file in a document, one after the other.
pub fn settings(document: &str) -> String {
    let text = read(document);
    text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// The example that comes as the `nth` after these words.
fn shown_after(document: &str, words: &str, nth: usize) -> String {
    let text = read(document);
    let answer = text.split_once(words).and_then(|(_, rest)| rest.split("```").nth(2 * nth + 1));
    answer.unwrap_or_else(|| panic!("{document} shows nothing more after {words:?}")).to_owned()
}

fn block(before: &str, rest: &str) -> Block {
    let (text, rest) = rest.split_once("```\n").expect("a block ends");
    let answer = rest.strip_prefix("```json\n").or_else(|| rest.strip_prefix("```\n"));
    let answer = answer.and_then(|rest| rest.split_once("```")).map_or("", |(answer, _)| answer);
    let mark = before.lines().last().and_then(|line| line.strip_prefix(NOT_RUN)?.strip_suffix(" -->"));
    Block { text: text.to_owned(), answer: answer.to_owned(), not_run: mark.map(str::to_owned) }
}

impl Block {
    /// What the first command of a document's block shows at its end, where the text says so later.
    pub fn with_answer_after(mut self, document: &str, words: &str) -> Block {
        self.answer = shown_after(document, words, 0);
        self
    }

    /// What is shown of a command that the document does not print: the example that comes as the `nth` below a heading.
    pub fn example(document: &str, heading: &str, nth: usize) -> Block {
        let answer = shown_after(document, &format!("\n## {heading}\n"), nth);
        Block { text: String::new(), answer, not_run: None }
    }

    /// That the JSON document that was shown is the one that is printed, but for the same.
    pub fn was_answered_by_json(&self, shown: &str) {
        let [shown, printed] = [shown, &self.answer].map(|text| {
            let document =
                serde_json::from_str(text).unwrap_or_else(|e| panic!("{}: {e}: {text}", self.text));
            lasting_document(document)
        });
        assert_eq!(shown, printed, "{}", self.text);
    }

    /// That what was shown is what the document prints, line after line, but for what is new each time.
    pub fn was_answered_by(&self, shown: &str) {
        let mut lines = shown.lines();
        for wanted in self.answer.lines().filter(|line| !line.is_empty() && *line != "…") {
            let found = lines.any(|line| lasting(line) == lasting(wanted));
            assert!(found, "{}: {wanted:?} was not shown, or not there:\n{shown}", self.text);
        }
    }
}

/// A line without what is new each time: ids, secrets, times, ports, processes.
fn lasting(line: &str) -> String {
    let mut before = "";
    let words = line.split_whitespace().map(|word| {
        let is_process = before == "(process";
        before = word;
        if is_process { "a number" } else { lasting_word(word) }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn lasting_word(word: &str) -> &str {
    let new = ["wjt_", "wak_", "time=", "127.0.0.1:"].into_iter().find(|new| word.starts_with(new));
    let is_hex = |word: &str| word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    match new {
        Some(new) => new,
        None if is_seconds(word) => "seconds",
        None if Timestamp::parse(word).is_ok() => "a time",
        None if [16, 36].contains(&word.len()) && is_hex(word) => "an id",
        None => word,
    }
}

/// How long something took, as Go prints it: `1ms`, and `0s` where it was less.
fn is_seconds(word: &str) -> bool {
    let number = word.strip_suffix("ms").or_else(|| word.strip_suffix('s'));
    number.is_some_and(|number| number.parse::<f64>().is_ok())
}

/// The same of a document.
fn lasting_document(mut document: Value) -> Value {
    match &mut document {
        Value::String(text) => *text = lasting(text),
        Value::Array(items) => items.iter_mut().for_each(|item| *item = lasting_document(item.take())),
        Value::Object(members) => members.values_mut().for_each(|m| *m = lasting_document(m.take())),
        _ => {}
    }
    document
}
