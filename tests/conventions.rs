//! What holds of every secret and of every error that people meet, read from the sources: whoever adds one adds it
//! here, or mends it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::Path;

use wonder::core::secret::PREFIXES;

/// Rooms whose errors people read: at a terminal, or as the answer to what they asked for.
const MET_BY_PEOPLE: [&str; 7] = ["cli", "client", "config", "service", "store", "ui", "worker"];

/// Rooms within these whose errors programs read, by the code alone (RFC 6749 section 5.2).
const FOR_PROGRAMS: [&str; 2] = ["service/oauth/", "service/oidc/log_out.rs"];

/// Errors without a hint: file, and how the message or the code begins.
const WITHOUT_A_HINT: &[(&str, &str)] = &[
    // Whoever calls these adds one, or says it in the message.
    ("cli/generate.rs", "invalid_value"),
    ("client/failure.rs", "problem.code"),
    ("config/profile.rs", "corrupt_profiles"),
    ("config/worker.rs", "corrupt_worker_file"),
    ("service/authority.rs", "code"),
    ("service/mail.rs", "mail_refused"),
    ("store/engine/mod.rs", "code"),
    ("store/engine/sqlite/error.rs", "code"),
    // There is nothing to be done, or just this.
    ("cli/worker/interrupt.rs", "no_signals"),
    ("cli/worker/join.rs", "interrupted"),
    ("service/device.rs", "malformed_request"),
    ("service/device.rs", "client_too_old"),
    ("service/device.rs", "other_machine"),
    ("service/session.rs", "malformed_label"),
    ("store/engine/postgres/error.rs", "malformed_text"),
    ("store/node.rs", "realm_not_found"),
    ("ui/prompt.rs", "cancelled"),
];

/// Every file of `src/` by its path within it, without its tests and comments.
fn sources() -> Vec<(String, String)> {
    fn walk(directory: &Path, root: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.push((name, code(&fs::read_to_string(&path).unwrap())));
            }
        }
    }
    let (root, mut found) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), Vec::new());
    walk(&root, &root, &mut found);
    found
}

fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n").replace("'\"'", "' '").replace("'('", "' '").replace("')'", "' '")
}

#[test]
fn every_secret_begins_as_one_of_the_list() {
    let mut found = 0;
    for (file, text) in sources().iter().filter(|(file, _)| file != "core/secret.rs") {
        for word in text.split('"').filter(|word| is_prefix(word)) {
            assert!(PREFIXES.contains(&word), "{file}: {word:?} is not in core::secret::PREFIXES");
            found += 1;
        }
    }
    assert!(found >= PREFIXES.len() - 1, "{found}");
}

/// `w`, two letters, and a line below.
fn is_prefix(word: &str) -> bool {
    matches!(word.as_bytes(), [b'w', a, b, b'_'] if a.is_ascii_lowercase() && b.is_ascii_lowercase())
}

#[test]
fn every_error_that_people_meet_says_what_to_do_next() {
    let (mut seen, mut lacking) = (0, Vec::new());
    for (file, text) in sources() {
        let room = file.split('/').next().unwrap();
        if !MET_BY_PEOPLE.contains(&room) || FOR_PROGRAMS.iter().any(|place| file.starts_with(place)) {
            continue;
        }
        for (made, hint) in errors(&text) {
            seen += 1;
            let allowed = |(place, words): &&(&str, &str)| file == *place && made.contains(words);
            if !hint && !WITHOUT_A_HINT.iter().any(|known| allowed(&known)) {
                lacking.push(format!("{file}: {made}"));
            }
        }
    }
    assert!(seen > 100, "only {seen} errors were found");
    assert!(lacking.is_empty(), "no hint, and not in the list: {lacking:#?}");
}

/// What each error is made of, and whether a hint follows.
fn errors(text: &str) -> Vec<(String, bool)> {
    let made = [" Error::new(", " Error::usage(", "(Error::new(", "(Error::usage("].into_iter();
    let places = made.flat_map(|call| text.match_indices(call).map(move |(at, _)| at + call.len() - 1));
    places
        .filter(|at| !text[..*at].ends_with("io::Error::new"))
        .map(|at| {
            let (arguments, mut rest) = call(&text[at..]);
            while let Some(more) = rest.strip_prefix(".source").or(rest.strip_prefix(".request_id")) {
                rest = call(more).1;
            }
            let later = rest.starts_with(';') && rest[..rest.len().min(200)].contains("error.hint(");
            (arguments.split_whitespace().collect::<Vec<_>>().join(" "), rest.starts_with(".hint(") || later)
        })
        .collect()
}

/// The arguments of a call that begins here, and what follows it.
fn call(text: &str) -> (&str, &str) {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => continue,
        }
        if depth == 0 && !quoted {
            return (&text[..=at], text[at + 1..].trim_start());
        }
    }
    (text, "")
}

#[test]
fn an_error_without_a_hint_is_found() {
    let text = "return Err(Error::usage(\"a\", format!(\"({x}\")).source(e)); let y = Error::new(k, \"b\", m)\n .source(e).hint(\"c\")";
    let found: Vec<bool> = errors(text).into_iter().map(|(_, hint)| hint).collect();
    assert_eq!(found.len(), 2);
    assert!(found.contains(&true) && found.contains(&false));
}

/// One that is not declared is never run.
#[test]
fn every_file_of_stories_is_of_their_program() {
    let stories = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories");
    let program = fs::read_to_string(stories.join("main.rs")).unwrap();
    let files = fs::read_dir(&stories).unwrap().map(|entry| entry.unwrap().path());
    let names = files.filter(|file| file.extension().is_some_and(|ext| ext == "rs"));
    for name in names.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()) {
        assert!(name == "main" || program.contains(&format!("\nmod {name};\n")), "{name} is not in main.rs");
    }
}
