//! What the documents say is still so: their links lead somewhere, their commands are commands, and every
//! setting is described.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::common;

use common::wonder::Wonder;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every document: those at the root, and those in `docs/`.
fn documents() -> Vec<(PathBuf, String)> {
    let directories = [root().to_owned(), root().join("docs")];
    let files = directories.iter().flat_map(|directory| fs::read_dir(directory).unwrap());
    let paths = files.map(|entry| entry.unwrap().path());
    let documents = paths.filter(|path| path.extension().is_some_and(|ext| ext == "md"));
    let documents: Vec<_> = documents.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect();
    assert!(documents.len() >= 10, "{} documents", documents.len());
    documents
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for (path, text) in documents() {
        for link in links(&text).filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.with_file_name(file) };
            let there = match anchor {
                "" => target.exists(),
                anchor => fs::read_to_string(&target).is_ok_and(|text| anchors(&text).any(|a| a == anchor)),
            };
            if !there {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Each `wonder …` of the documents is asked for its help: an unknown command or flag is refused even then.
#[test]
fn every_command_is_one() {
    let wonder = Wonder::new();
    let (mut tried, mut refused) = (0, Vec::new());
    for (path, text) in documents() {
        for command in commands(&text) {
            let (words, flags) = take_apart(command);
            let help = wonder.run(&[words.as_slice(), &["--help"]].concat());
            let unknown: Vec<_> = flags.iter().filter(|flag| !help.stdout.contains(**flag)).collect();
            if help.code != 0 || !unknown.is_empty() {
                refused.push(format!("{}: {command} {unknown:?}", path.display()));
            }
            tried += 1;
        }
    }
    assert!(tried > 20, "only {tried} commands were found");
    assert!(refused.is_empty(), "{refused:#?}");
}

/// `FILE.rs` followed by the name of a story, as docs/oauth.md writes it.
#[test]
fn every_story_that_is_named_is_told() {
    let text = fs::read_to_string(root().join("docs/oauth.md")).unwrap();
    let spans: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
    let named: Vec<_> = spans.windows(2).filter(|pair| pair[0].ends_with(".rs")).collect();
    assert!(named.len() > 15, "{named:?}");
    for pair in named {
        let file = fs::read_to_string(root().join("tests/stories").join(pair[0])).unwrap();
        assert!(file.contains(&format!("async fn {}(", pair[1])), "{pair:?}");
    }
}

#[test]
fn every_setting_of_the_coordinator_is_described() {
    let text = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let help = Wonder::new().run(&["serve", "--help"]).stdout;
    let own = help.split("Global options").next().unwrap();
    let words = own.split_whitespace();
    let flags: Vec<_> =
        words.filter(|word| word.starts_with("--") && word.len() > 2 && *word != "--help").collect();
    assert!(flags.len() > 8, "{flags:?}");
    for flag in flags.iter().map(|flag| flag.trim_end_matches([',', ')'])) {
        assert!(text.contains(&format!("`{flag}`")), "docs/operations.md does not describe {flag}");
    }
    for variable in own.split("[env: ").skip(1).map(|rest| rest.split(['=', ']']).next().unwrap()) {
        assert!(text.contains(variable), "docs/operations.md does not name {variable}");
    }
}

/// Each limit stands in the document with what it usually is.
#[test]
fn every_limit_is_described() {
    let text = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    for allowance in wonder::core::allowance::Allowance::ALL {
        let row = format!("| `{allowance}` | `{}` | {} |", allowance.usual(), allowance.meaning());
        assert!(text.contains(&row), "docs/operations.md lacks: {row}");
    }
}

/// The targets of `[text](target)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// What the headings of a document are linked by.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
    headings.map(|heading| {
        let words = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        words.chars().filter(|c| c.is_alphanumeric() || *c == '-').collect()
    })
}

/// Every `wonder …` in a shell block or between backticks, up to what ends a command.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(str::lines).flat_map(|line| line.split(['|', '(', ')', ';']));
    let inline = text.split('`').skip(1).step_by(2).filter(|span| !span.contains('\n'));
    lines.chain(inline).filter_map(|part| {
        let part = part.trim();
        let part = part.strip_prefix("sudo ").unwrap_or(part);
        part.starts_with("wonder ").then(|| part.split(['|', '<', '>', '…']).next().unwrap_or(part).trim())
    })
}

/// The noun and verb of a command, and its flags.
fn take_apart(command: &str) -> (Vec<&str>, Vec<&str>) {
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    let is_name =
        |word: &&&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
    let nouns = [
        "user", "token", "worker", "node", "key", "org", "audit", "key-ring", "app", "grant", "deployer",
        "provider",
    ];
    let depth = if words.first().is_some_and(|word| nouns.contains(word)) { 2 } else { 1 };
    let path = words.iter().take(depth).take_while(is_name).copied().collect();
    let flags =
        words.iter().filter(|word| word.starts_with("--")).map(|word| word.split('=').next().unwrap());
    (path, flags.collect())
}
