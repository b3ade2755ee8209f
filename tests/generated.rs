//! What is checked in under `completions/` and `man/` is what the program would write today.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::wonder::Wonder;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

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
    let read = |entry: fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
    };
    files.map(|entry| read(entry.unwrap())).collect()
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
