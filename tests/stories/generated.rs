//! What is checked in under `completions/` and `man/` is what the program would write today.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use crate::common;

use common::wonder::Wonder;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use wonder::core::action::{Action, Concern};
use wonder::core::evidence::Evidence;

/// How to make them again.
const AGAIN: &str = "run `scripts/generate` and commit what it writes";

/// Where each shell looks for it, by name.
const COMPLETIONS: [(&str, &str); 4] =
    [("bash", "wonder.bash"), ("zsh", "_wonder"), ("fish", "wonder.fish"), ("powershell", "_wonder.ps1")];

fn checked_in(directory: &str) -> BTreeMap<String, String> {
    texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join(directory))
}

/// Every file of a directory, by name.
fn texts(directory: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(directory).unwrap_or_else(|e| panic!("{}: {e}; {AGAIN}", directory.display()));
    let read = |entry: fs::DirEntry| -> (String, String) {
        (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
    };
    let files = files.map(Result::unwrap).filter(|entry| entry.path().is_file());
    files.map(read).collect()
}

/// The tables of docs/audit.md: from the lists of actions and of what is shown at log-ins.
#[test]
fn the_audit_s_document_lists_every_action_and_evidence() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/audit.md");
    let text = fs::read_to_string(&path).unwrap();
    let whole = with_table(&with_table(&text, "actions", &actions()), "evidence", &evidence());
    if std::env::var_os("WONDER_GENERATE").is_some() {
        fs::write(&path, &whole).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap() == whole, "docs/audit.md is out of date: {AGAIN}");
}

/// A document with this table between its marks.
fn with_table(text: &str, name: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- {name}: made by scripts/generate -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = text.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{begin}{table}{end}{after}")
}

fn evidence() -> String {
    let row = |kind: &Evidence| format!("| `{kind}` | {} |\n", kind.meaning());
    let rows: String = Evidence::kinds("home".parse().unwrap()).iter().map(row).collect();
    format!("| by | |\n|---|---|\n{rows}")
}

fn actions() -> String {
    let whose = |action: &Action| match action.concern() {
        Concern::Organization => "organization",
        Concern::Coordinator => "coordinator",
        Concern::Either => "organization, where one is known",
    };
    let row = |action: &Action| format!("| `{action}` | {} | {} |\n", action.meaning(), whose(action));
    let rows: String = Action::ALL.iter().map(row).collect();
    format!("| action | | whose |\n|---|---|---|\n{rows}")
}

/// An action that nothing writes is a promise that nobody keeps.
#[test]
fn every_action_is_written_somewhere() {
    let service = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/service");
    let rooms = [service.clone(), service.join("factor"), service.join("oauth"), service.join("oidc")];
    let code: String = rooms.iter().flat_map(|room| texts(room).into_values()).collect();
    let never: Vec<_> =
        Action::ALL.iter().filter(|action| !code.contains(&format!("Action::{action:?}"))).collect();
    assert!(never.is_empty(), "nothing writes {never:?}");
}

#[test]
fn completions_are_those_of_the_program() {
    let wonder = Wonder::new();
    let made = COMPLETIONS.map(|(shell, file)| {
        let run = wonder.run(&["completions", shell]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        (file.to_owned(), run.stdout)
    });
    assert!(checked_in("completions") == BTreeMap::from(made), "completions/ is out of date: {AGAIN}");
}

#[test]
fn manual_pages_are_those_of_the_program() {
    let wonder = Wonder::new();
    let pages = tempfile::tempdir().unwrap();
    assert_eq!(wonder.run(&["man", pages.path().to_str().unwrap()]).code, 0);
    let (made, kept) = (texts(pages.path()), checked_in("man"));
    assert_eq!(kept.keys().collect::<Vec<_>>(), made.keys().collect::<Vec<_>>(), "man/: {AGAIN}");
    for (name, page) in &made {
        assert!(kept[name] == *page, "man/{name} is out of date: {AGAIN}");
    }
    assert_eq!(wonder.run(&["man"]).stdout, made["wonder.1"]);
}
