//! `docs/reasons.md` names every reason of an answer of the proxy's own, and `docs/tls.md` every failed handshake.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Texts in kebab-case that stand beside the reasons in the source and are none: headers, and details of reasons.
const NO_REASONS: [&str; 25] = [
    "100-continue",
    "bad-chain",
    "grpc-message",
    "grpc-status",
    "grpc-timeout",
    "keep-alive",
    "proxy-connection",
    "sec-fetch-site",
    "timed-out",
    "transfer-encoding",
    "wrong-purpose",
    "x-compress",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-gzip",
    "x-real-ip",
    "x-request-id",
    "x-weft-admin",
    "x-weft-deadline-ms",
    "x-weft-reason",
    "x-weft-snapshot",
    "content-type",
    "content-length",
];

/// Reasons of one word, which no search for kebab-case finds.
const SINGLE_WORDS: [&str; 2] = ["misdirected", "overloaded"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The string literals in kebab-case of two words or more, without those of unit tests.
fn kebab_literals(source: &str) -> BTreeSet<String> {
    let source = source.split("#[cfg(test)]").next().unwrap();
    // Line by line, so that an odd quote in one line does not turn all others inside out.
    let literals = source
        .lines()
        .flat_map(|line| line.split('"').skip(1).step_by(2));
    let is_kebab = |text: &&str| {
        text.contains('-')
            && !text.starts_with('-')
            && !text.ends_with('-')
            && text
                .bytes()
                .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
    };
    literals.filter(is_kebab).map(str::to_owned).collect()
}

/// What stands in backticks in the first cell of the rows of a page.
fn listed(page: &str) -> BTreeSet<String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    let names = cells.flat_map(|cell| cell.split(',').map(|it| it.trim().trim_matches('`')));
    names.map(str::to_owned).collect()
}

#[test]
fn every_reason_is_on_the_page_and_nothing_else() {
    let mut sources = vec![
        read("runtime/src/upstream/trouble.rs"),
        read("schemas/snapshot/src/canonical/mod.rs"),
        read("schemas/snapshot/src/head.rs"),
    ];
    for entry in fs::read_dir(root().join("runtime/src/serve")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(fs::read_to_string(path).unwrap());
        }
    }
    let mut reasons: BTreeSet<String> = sources.iter().flat_map(|it| kebab_literals(it)).collect();
    reasons.extend(SINGLE_WORDS.map(str::to_owned));
    for text in NO_REASONS {
        reasons.remove(text);
    }
    let page = listed(&read("docs/reasons.md"));

    let missing: Vec<_> = reasons.difference(&page).collect();
    let invented: Vec<_> = page.difference(&reasons).collect();

    assert!(
        missing.is_empty(),
        "not on the page, or not in NO_REASONS: {missing:?}"
    );
    assert!(
        invented.is_empty(),
        "on the page, and nowhere in the source: {invented:?}"
    );
}

#[test]
fn every_failed_handshake_is_on_the_page() {
    let source = read("runtime/src/shared/failures.rs");
    let list = source
        .split("HANDSHAKE_REASONS: &[&str] = &[")
        .nth(1)
        .unwrap();
    let list = list.split("];").next().unwrap();
    let reasons: BTreeSet<String> = list
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","))
        .map(str::to_owned)
        .collect();
    assert!(20 < reasons.len());

    assert_eq!(listed(&read("docs/tls.md")), reasons);
}
