//! The house rules that a machine can read: imports run downward, each room keeps to its
//! trade, every file says what it is for and stays short.
//!
//! The order of the rooms is the order of the `pub mod` lines in `src/lib.rs`.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// Lines a file may have, its tests not counted.
const LONGEST_FILE: usize = 400;

/// Crates that a room must not name.
const BANNED_CRATES: &[(&str, &[&str])] = &[
    ("core", &["tokio", "axum", "hyper", "rusqlite", "postgres", "tokio_postgres", "clap"]),
    ("server", &["rusqlite", "postgres", "tokio_postgres", "refinery"]),
    ("service", &["axum", "hyper", "rusqlite", "postgres", "tokio_postgres", "refinery"]),
    ("mesh", &["axum", "rusqlite", "postgres", "tokio_postgres", "refinery"]),
    ("api", &["axum", "rusqlite", "postgres", "tokio_postgres"]),
    ("client", &["rusqlite", "postgres", "tokio_postgres"]),
    ("cli", &["rusqlite", "postgres", "tokio_postgres"]),
];

/// The only room that holds SQL.
const SQL_ROOM: &str = "store";

#[test]
fn the_source_keeps_the_house_rules() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rooms = rooms(&fs::read_to_string(src.join("lib.rs")).unwrap());
    assert!(rooms.len() > 10, "src/lib.rs lists the rooms: {rooms:?}");

    let files = rust_files(&src);
    let complaints: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let path = file.strip_prefix(&src).unwrap().to_str().unwrap();
            complaints(&rooms, path, &fs::read_to_string(file).unwrap())
        })
        .collect();
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

/// ARCHITECTURE.md has a line for every directory of `src/`, and names none that is not there.
#[test]
fn the_architecture_names_every_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("| `src/")?.split_once("/` |"));
    let mut named: Vec<&str> = lines.map(|(path, _)| path).collect();
    named.sort_unstable();
    let mut there = directories(&root.join("src"));
    there.sort_unstable();
    assert_eq!(named, there, "left: the lines of ARCHITECTURE.md; right: the directories of src/");
}

/// All directories below `dir`, as paths relative to it.
fn directories(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        found.extend(directories(&path).into_iter().map(|below| format!("{name}/{below}")));
        found.push(name);
    }
    found
}

/// What is wrong with the file `path` (relative to `src/`), one line each.
fn complaints(rooms: &[String], path: &str, text: &str) -> Vec<String> {
    let source = Source::read(text);
    let mut found = shape(path, text);
    let Some(room) = path.split(['/', '.']).next().filter(|room| rooms.iter().any(|r| r == room)) else {
        return found;
    };
    found.extend(imports(rooms, room, path, &source));
    found.extend(banned_crates(room, path, &source));
    if room != SQL_ROOM && source.literals.iter().any(|literal| is_sql(literal)) {
        found.push(format!("src/{path}: SQL text; it belongs to {SQL_ROOM}/, beside its row type"));
    }
    found
}

/// An opening `//!`, and not too many lines.
fn shape(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with("//!") {
        found.push(format!("src/{path}: opens without `//!`: say what it is for"));
    }
    let lines = if is_tests(path) { 0 } else { without_tests(text).lines().count() };
    if lines > LONGEST_FILE {
        found.push(format!("src/{path}: {lines} lines without its tests; at most {LONGEST_FILE}"));
    }
    found
}

/// Paths that lead to a room above the file's own, or out of its room by `super`.
fn imports(rooms: &[String], room: &str, path: &str, source: &Source) -> Vec<String> {
    let floor = |name: &str| rooms.iter().position(|r| r == name);
    let mut found = Vec::new();
    for target in crate_paths(&source.code) {
        if floor(target) < floor(room) && floor(target).is_some() {
            found.push(format!("src/{path}: imports crate::{target}, which lies above {room}"));
        }
    }
    if supers(without_tests(&source.code)) >= depth(path) {
        found.push(format!("src/{path}: leaves its room by `super`; write `crate::…`"));
    }
    found
}

fn banned_crates(room: &str, path: &str, source: &Source) -> Vec<String> {
    let banned = BANNED_CRATES.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, crates)| crates);
    let words: Vec<&str> = words(&source.code).collect();
    let named = banned.iter().filter(|name| words.contains(name));
    named.map(|name| format!("src/{path}: {room} must not name {name}")).collect()
}

/// The rooms from top to bottom.
fn rooms(lib: &str) -> Vec<String> {
    let name = |line: &str| Some(line.strip_prefix("pub mod ")?.strip_suffix(';')?.to_string());
    lib.lines().filter_map(name).collect()
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let deep = entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    deep.filter(|path| path.extension().is_some_and(|ext| ext == "rs")).collect()
}

/// How many modules deep a file lies: `core/mod.rs` 1, `core/key.rs` 2.
fn depth(path: &str) -> usize {
    path.split('/').filter(|part| *part != "mod.rs").count()
}

/// Whether a file holds tests alone.
fn is_tests(path: &str) -> bool {
    path.ends_with("tests.rs") || path.split('/').any(|part| ["tests", "stories"].contains(&part))
}

/// Everything before the module of unit tests, where that stands in the file itself.
fn without_tests(text: &str) -> &str {
    let mut modules = text.match_indices("#[cfg(test)]\nmod ");
    let inline =
        modules.find(|(at, start)| text[at + start.len()..].lines().next().unwrap_or("").contains('{'));
    inline.map_or(text, |(at, _)| &text[..at])
}

/// The first segment after every `crate::`, those in braces too.
fn crate_paths(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = code[at + "crate::".len()..].trim_start();
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group_heads(group)),
            None => found.extend(words(rest).next()),
        }
    }
    found
}

/// The first segments of `a::b, c::{d, e}, f}…`: those at the group's own level.
fn group_heads(group: &str) -> Vec<&str> {
    let (mut level, mut start, mut heads) = (0, 0, Vec::new());
    for (at, char) in group.char_indices() {
        match char {
            '{' => level += 1,
            '}' if level == 0 => {
                heads.extend(words(&group[start..at]).next());
                break;
            }
            '}' => level -= 1,
            ',' if level == 0 => {
                heads.extend(words(&group[start..at]).next());
                start = at + 1;
            }
            _ => {}
        }
    }
    heads
}

/// The longest chain of `super::super::…`.
fn supers(code: &str) -> usize {
    (1..9).take_while(|n| code.contains(&"super::".repeat(*n))).count()
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|char: char| !char.is_alphanumeric() && char != '_').filter(|word| !word.is_empty())
}

/// Whether a string literal reads as a statement; keywords stand in capitals in this house.
fn is_sql(literal: &str) -> bool {
    let text = literal.split_whitespace().collect::<Vec<_>>().join(" ");
    let pairs = [("SELECT ", " FROM "), ("INSERT ", "INTO "), ("UPDATE ", " SET "), ("DELETE ", "FROM ")];
    pairs.iter().any(|(verb, then)| text.contains(verb) && text.contains(then))
        || text.contains("CREATE TABLE ")
}

/// A file taken apart: code without comments and the contents of literals, and those contents.
struct Source {
    code: String,
    literals: Vec<String>,
}

impl Source {
    fn read(text: &str) -> Self {
        let mut source = Source { code: String::new(), literals: Vec::new() };
        let mut rest = text;
        while let Some(char) = rest.chars().next() {
            rest = source.step(rest, char);
        }
        source
    }

    /// Takes one comment, literal or character off the front.
    fn step<'t>(&mut self, rest: &'t str, char: char) -> &'t str {
        if rest.starts_with("//") {
            return &rest[rest.find('\n').unwrap_or(rest.len())..];
        }
        if rest.starts_with("/*") {
            return rest.split_once("*/").map_or("", |(_, after)| after);
        }
        if ["'\"'", "'\\\"'"].iter().any(|quote| rest.starts_with(quote)) {
            return &rest[rest[1..].find('\'').unwrap() + 2..];
        }
        if char == 'r' && !self.inside_word() {
            let hashes = rest[1..].chars().take_while(|c| *c == '#').count();
            if rest[1 + hashes..].starts_with('"') {
                return self.literal(&rest[hashes + 2..], &format!("\"{}", "#".repeat(hashes)), false);
            }
        }
        if char == '"' {
            return self.literal(&rest[1..], "\"", true);
        }
        self.code.push(char);
        &rest[char.len_utf8()..]
    }

    fn inside_word(&self) -> bool {
        self.code.ends_with(|c: char| c.is_alphanumeric() && c != 'b' || c == '_')
    }

    /// Takes a literal's content up to `end`; returns what follows it.
    fn literal<'t>(&mut self, rest: &'t str, end: &str, escapes: bool) -> &'t str {
        let mut at = 0;
        while at < rest.len() && !rest[at..].starts_with(end) {
            let escaped = usize::from(escapes && rest[at..].starts_with('\\'));
            at += rest[at..].chars().take(1 + escaped).map(char::len_utf8).sum::<usize>();
        }
        self.literals.push(rest[..at].to_string());
        self.code.push_str("\"\"");
        rest.get(at + end.len()..).unwrap_or("")
    }
}

/// The checker must be able to fail.
mod checker {
    use super::*;

    fn check(path: &str, code: &str) -> Vec<String> {
        let rooms = ["cli", "server", "service", "mesh", "store", "core"].map(String::from);
        complaints(&rooms, path, &format!("//! What it is for.\n{code}\n"))
    }

    #[test]
    fn downward_imports_pass() {
        assert_eq!(check("service/node.rs", "use crate::{store, core::{Error, Kind}};").len(), 0);
        assert_eq!(check("core/key.rs", "use crate::core::Error; use super::id;").len(), 0);
        assert_eq!(check("core/key.rs", "/// See [`crate::service`].\n// crate::cli::run").len(), 0);
    }

    #[test]
    fn upward_imports_are_found_in_every_form() {
        let forms = [
            "use crate::service::node;",
            "use crate::{core::Error, service::{node, token}};",
            "use crate::{\n    core::Error,\n    service,\n};",
            "pub(crate) use crate::service as s;",
            "fn f() { crate::service::node::list() }",
            "let quote = '\"'; let text = \"a \\\" b\"; use crate::service; // \"",
            "let text = r#\"say \"hi\"\"#; let größe = 'ß'; use crate::service;",
            "#[cfg(test)]\nmod tests {\n    use crate::service;\n}",
        ];
        for form in forms {
            let found = check("store/node.rs", form);
            assert_eq!(found.len(), 1, "{form}: {found:?}");
            assert!(found[0].contains("imports crate::service, which lies above store"), "{found:?}");
        }
    }

    #[test]
    fn leaving_a_room_by_super_is_found() {
        assert_eq!(check("core/key.rs", "use super::super::service;").len(), 1);
        assert_eq!(check("core/mod.rs", "use super::service;").len(), 1);
        assert_eq!(check("mesh/native/realm.rs", "use super::super::MeshBackend;").len(), 0);
        assert_eq!(check("core/mod.rs", "#[cfg(test)]\nmod tests { use super::*; }").len(), 0);
    }

    #[test]
    fn a_room_keeps_to_its_trade() {
        assert_eq!(check("core/time.rs", "use tokio::time::sleep;").len(), 1);
        assert_eq!(check("core/time.rs", "fn tokio_like() {} // tokio").len(), 0);
        assert_eq!(check("mesh/mod.rs", "fn f(_: axum::Router) {}").len(), 1);
        assert_eq!(check("service/node.rs", "use axum::Json;").len(), 1);
        assert_eq!(check("server/routes/node.rs", "use axum::Json;").len(), 0);
    }

    #[test]
    fn sql_lives_in_the_store_alone() {
        let code = "const FIND: &str = \"\n  SELECT id\n  FROM node\";";
        assert_eq!(check("store/node.rs", code).len(), 0);
        assert_eq!(check("service/node.rs", code).len(), 1);
        assert_eq!(check("server/routes/node.rs", "let q = r\"DELETE FROM node\";").len(), 1);
        assert_eq!(check("cli/node.rs", "let say = \"select a node from the list\";").len(), 0);
    }

    #[test]
    fn a_file_says_what_it_is_for_and_stays_short() {
        let rooms = ["core".to_string()];
        assert_eq!(complaints(&rooms, "core/a.rs", "use std::fmt;\n").len(), 1);
        assert_eq!(check("core/a.rs", &"\n".repeat(LONGEST_FILE)).len(), 1);
        let tests = format!("#[cfg(test)]\nmod tests {{{}}}", "\n".repeat(LONGEST_FILE));
        assert_eq!(check("core/a.rs", &tests).len(), 0);
        let elsewhere = format!("#[cfg(test)]\nmod tests;{}", "\n".repeat(LONGEST_FILE));
        assert_eq!(check("core/a.rs", &elsewhere).len(), 1);
        assert_eq!(check("core/a/tests.rs", &elsewhere).len(), 0);
    }

    #[test]
    fn the_order_is_read_from_the_library() {
        assert_eq!(rooms("//! x\npub mod cli;\n\npub mod core;\nmod hidden;\n"), ["cli", "core"]);
    }
}
