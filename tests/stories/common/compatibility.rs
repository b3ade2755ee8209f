//! The tables in docs/compatibility.md: a column for each kind of client, which its story fills. A story fails when
//! the document says something else than it saw; with `WONDER_RECORD_COMPATIBILITY=1` it writes what it saw.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// One of the tables: between `<!-- NAME:begin -->` and `<!-- NAME:end -->`.
pub struct Table {
    pub name: &'static str,
    /// The heads of its columns.
    pub clients: &'static [&'static str],
}

/// What a story saw: features in their order, and a word on each.
#[derive(Default)]
pub struct Seen(Vec<(&'static str, &'static str)>);

impl Seen {
    pub fn new() -> Seen {
        Seen::default()
    }

    /// Whether a feature works.
    pub fn push(&mut self, (feature, works): (&'static str, bool)) {
        self.note(feature, if works { "yes" } else { "no" });
    }

    /// What there is to say of a feature that the client does not have, or promises nothing of.
    pub fn note(&mut self, feature: &'static str, word: &'static str) {
        self.0.push((feature, word));
    }
}

/// Compares a client's column of the table with what its story saw, or writes it.
pub fn check(table: &Table, client: &str, seen: &Seen) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {}:begin -->\n", table.name), format!("<!-- {}:end -->", table.name));
    let (before, rest) = document.split_once(&begin).expect("the table's beginning is marked");
    let (written, after) = rest.split_once(&end).expect("the table's end is marked");
    let filled = fill(written, table.clients, client, seen);
    if std::env::var_os("WONDER_RECORD_COMPATIBILITY").is_some() {
        std::fs::write(&path, format!("{before}{begin}{filled}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(
        written, filled,
        "docs/compatibility.md is not what {client} does: run with WONDER_RECORD_COMPATIBILITY=1"
    );
}

/// The table with this client's column as it was seen; the others stay.
fn fill(table: &str, clients: &[&str], client: &str, seen: &Seen) -> String {
    let column = clients.iter().position(|c| *c == client).expect("the table has a column for it");
    let rows: Vec<Vec<&str>> = table.lines().skip(2).map(cells).collect();
    let mut filled = format!("| | {} |\n|---|{}\n", clients.join(" | "), "---|".repeat(clients.len()));
    for (feature, word) in &seen.0 {
        let known = rows.iter().find(|row| row.first() == Some(feature));
        let cell = |i: usize| known.and_then(|row| row.get(i + 1)).copied().unwrap_or_default();
        let mut line: Vec<&str> = (0..clients.len()).map(cell).collect();
        line[column] = word;
        filled += &format!("| {feature} | {} |\n", line.join(" | "));
    }
    filled
}

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}
