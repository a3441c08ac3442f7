//! What `weft-snapshot` says about requests is said nowhere else: reasons, methods, and which pattern has a host.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use weft_snapshot::Reason;

/// The one file that spells reasons.
const TABLE: &str = "schemas/snapshot/src/reason/table.rs";

/// Where the word of a reason means something else.
const HOMONYMS: [(&str, &str, &str); 11] = [
    (
        "compiler/check/src/graph/failures.rs",
        "backend-timeout",
        "a condition of `retry.on`",
    ),
    (
        "compiler/front/src/parse/decode/foreign/mod.rs",
        "connect-failure",
        "in a test of words of other products",
    ),
    (
        "compiler/front/src/parse/decode/foreign/values.rs",
        "backend-timeout",
        "a condition of `retry.on`, for a word of another product",
    ),
    (
        "compiler/front/src/parse/decode/foreign/values.rs",
        "connect-failure",
        "another one",
    ),
    (
        "runtime/src/http2/abuse.rs",
        "head-timeout",
        "why a connection of HTTP/2 was cut",
    ),
    (
        "runtime/src/shared/failures.rs",
        "no-own-identity",
        "why a handshake failed",
    ),
    (
        "runtime/src/source/reason.rs",
        "no-identity",
        "why a snapshot is refused",
    ),
    (
        "runtime/src/worker/handshake.rs",
        "no-own-identity",
        "why a handshake failed",
    ),
    (
        "schemas/snapshot/src/repeat/condition.rs",
        "backend-timeout",
        "a condition of `retry.on`",
    ),
    (
        "schemas/snapshot/src/repeat/condition.rs",
        "connect-failure",
        "a condition of `retry.on`",
    ),
    (
        "schemas/snapshot/src/repeat/condition.rs",
        "refused-stream",
        "a condition of `retry.on`",
    ),
];

/// Who may compare a pattern with a host, beside `canonical` and `choice`.
const MATCHERS: [(&str, &str); 4] = [
    (
        "compiler/check/src/assertions/owner.rs",
        "the hosts of one table, given to `choice`",
    ),
    (
        "compiler/space/src/hosts.rs",
        "whether a host is within what is asked about",
    ),
    (
        "compiler/tell/src/diff/ports.rs",
        "whether a host is within what is asked about",
    ),
    (
        "compiler/tell/src/why/mod.rs",
        "names the hosts that are beaten",
    ),
];

/// Who may name the methods that are never forwarded, beside `head`.
const NAMERS: [(&str, &str); 3] = [
    (
        "compiler/check/src/rules/redirects/method_loss.rs",
        "TRACE is safe, which is another question",
    ),
    (
        "compiler/check/src/rules/unknown_method.rs",
        "both are in the registry of methods",
    ),
    (
        "schemas/snapshot/src/records.rs",
        "numbers of methods in a slice",
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The string literals of a source, without those of unit tests.
fn literals(source: &str) -> impl Iterator<Item = &str> {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
    // Line by line, so that an odd quote in one line does not turn all others inside out.
    let lines = source.lines().filter(|line| {
        let line = line.trim_start();
        // Codes of findings are names of their own.
        !line.starts_with("//") && !line.starts_with("name: \"")
    });
    lines.flat_map(|line| line.split('"').skip(1).step_by(2))
}

/// The sources below a folder that are no tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !["tests", "oracle", "testing"].contains(&name) {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|kind| kind == "rs") && !name.starts_with("test") {
            found.push(path);
        }
    }
}

/// Every source, by its path.
fn all() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for folder in ["compiler", "runtime/src", "schemas/snapshot/src"] {
        sources(&root().join(folder), &mut files);
    }
    let read = |file: PathBuf| {
        let path = file.strip_prefix(root()).unwrap().to_str().unwrap();
        (path.to_owned(), fs::read_to_string(&file).unwrap())
    };
    files.into_iter().map(read).collect()
}

/// The paths of sources for which something holds.
fn paths_where(holds: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let found = all()
        .into_iter()
        .filter(|(path, source)| holds(path, source));
    let mut found: Vec<String> = found.map(|(path, _)| path).collect();
    found.sort();
    found
}

#[test]
fn no_source_but_the_table_spells_a_reason() {
    let mut met = BTreeSet::new();
    let mut spelled = Vec::new();
    for (path, source) in &all() {
        for literal in literals(source).filter(|_| path != TABLE) {
            let word = literal.split("x-weft-reason: ").last().unwrap();
            let word = word.split('\\').next().unwrap();
            if Reason::parse(word).is_none() {
                continue;
            }
            let known =
                |(at, name, _): &&(&'static str, &'static str, &str)| *at == path && *name == word;
            match HOMONYMS.iter().find(known) {
                Some(homonym) => drop(met.insert(homonym)),
                None => spelled.push(format!("{path}: {word}")),
            }
        }
    }
    assert!(spelled.is_empty(), "use `Reason`: {spelled:#?}");
    assert_eq!(
        met.len(),
        HOMONYMS.len(),
        "only these homonyms are left: {met:#?}"
    );
}

#[test]
fn only_the_choice_says_which_pattern_has_a_host() {
    let matches = |path: &str, source: &str| {
        let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let is_home = path.contains("/canonical/") || path.ends_with("/choice.rs");
        !is_home && code.contains("host_matches(")
    };
    assert_eq!(paths_where(matches), MATCHERS.map(|(path, _)| path));
}

#[test]
fn only_the_gate_names_methods_that_are_never_forwarded() {
    let names = |path: &str, source: &str| {
        let is_home = path == "schemas/snapshot/src/head.rs";
        let mut literals = literals(source);
        let is_named = literals.any(|one| ["CONNECT", "TRACE"].contains(&one));
        !is_home
            && (is_named || source.contains("Method::TRACE") || source.contains("Method::CONNECT"))
    };
    assert_eq!(paths_where(names), NAMERS.map(|(path, _)| path));
}
