//! `SECURITY.md` promises nothing that no test shows.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Everything in Rust below a folder, as one text.
fn code(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            code(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// The tests that a promise names, in brackets at its end.
fn tests(promise: &str) -> Vec<&str> {
    let inside = promise.trim_end().strip_suffix(')');
    let inside = inside.and_then(|promise| promise.rsplit_once('('));
    let names = inside.map_or("", |(_, names)| names);
    let names = names.split(", ");
    names
        .filter_map(|name| name.strip_prefix('`')?.strip_suffix('`'))
        .collect()
}

#[test]
fn every_promise_names_a_test_that_there_is() {
    let mut all = String::new();
    for folder in ["schemas", "compiler", "runtime", "golden-tests"] {
        code(&root().join(folder), &mut all);
    }
    let cases = root().join("golden-tests/cases");
    let is_there = |name: &&str| {
        let is_case = name.contains('/') && cases.join(name).is_dir();
        is_case || all.contains(&format!("fn {name}()"))
    };
    let page = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let promises: Vec<&str> = page.lines().filter(|line| line.starts_with("- ")).collect();
    assert!(10 < promises.len());
    for promise in promises {
        let tests = tests(promise);
        assert!(!tests.is_empty(), "no test: {promise}");
        assert!(tests.iter().all(is_there), "no such test: {promise}");
    }
}
