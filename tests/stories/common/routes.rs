//! The routes that the source of the server names, so that a table of a test can be held against all of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every `METHOD /path` below a directory of `src/server` whose files pass `wanted`. A panic where a path is neither
/// a literal nor a constant: nobody could say whether it is in the table.
pub fn routes(wanted: impl Fn(&Path) -> bool) -> BTreeSet<String> {
    let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server");
    let files: Vec<_> =
        sources(&server).into_iter().map(|path| (fs::read_to_string(&path).unwrap(), path)).collect();
    let mut found = BTreeSet::new();
    for (text, file) in files.iter().filter(|(_, path)| wanted(path.strip_prefix(&server).unwrap())) {
        for route in text.split(".route(").skip(1) {
            let (path, rest) = route.split_once(',').unwrap();
            let (path, rest) =
                (path.trim(), rest.split([';', '\n']).find(|part| !part.trim().is_empty()).unwrap());
            let path = match path.strip_prefix('"').and_then(|path| path.strip_suffix('"')) {
                Some(literal) => literal.to_owned(),
                None => constant(path, text, &files)
                    .unwrap_or_else(|| panic!("{}: no constant {path}", file.display())),
            };
            let methods =
                ["get", "post", "put", "patch", "delete", "any"].into_iter().filter(|m| calls(rest, m));
            let all: Vec<_> = methods.map(|method| format!("{} {path}", method.to_uppercase())).collect();
            assert!(!all.is_empty(), "{}: which methods has {path}?", file.display());
            found.extend(all);
        }
    }
    found
}

/// Whether a method's function is called, and not another one whose name ends alike.
fn calls(text: &str, method: &str) -> bool {
    let whole = |before: &str| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    text.match_indices(&format!("{method}(")).any(|(at, _)| whole(&text[..at]))
}

/// What a constant says: of this file, or of the one other that makes it public.
fn constant(name: &str, text: &str, files: &[(String, PathBuf)]) -> Option<String> {
    let said = |text: &str, before: &str| {
        let rest = text.split_once(&format!("{before}const {name}: &str = \""))?.1;
        Some(rest.split_once('"')?.0.to_owned())
    };
    said(text, "").or_else(|| files.iter().find_map(|(text, _)| said(text, "pub ")))
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let deep = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    deep.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}
