//! Crates meet only where the design lets them meet.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The crates of this workspace that each crate may depend on, in any way: normal, for tests, or for builds.
const ALLOWED: [(&str, &[&str]); 13] = [
    ("schemas/spec", &[]),
    // It asks itself for its own feature in tests.
    ("schemas/snapshot", &["weft-snapshot"]),
    ("compiler/testing", &[]),
    // The floors of the compiler: each stands on those before it.
    ("compiler/space", &["weft-snapshot", "weft-testing"]),
    (
        "compiler/front",
        &["weft-snapshot", "weft-space", "weft-spec", "weft-testing"],
    ),
    (
        "compiler/back",
        &["weft-front", "weft-snapshot", "weft-space", "weft-spec"],
    ),
    (
        "compiler/check",
        &[
            "weft-back",
            "weft-front",
            "weft-snapshot",
            "weft-space",
            "weft-spec",
            "weft-testing",
        ],
    ),
    (
        "compiler/tell",
        &[
            "weft-back",
            "weft-check",
            "weft-front",
            "weft-snapshot",
            "weft-space",
            "weft-spec",
            "weft-testing",
        ],
    ),
    ("compiler/cli", COMPILER),
    ("runtime", &["weft-snapshot"]),
    ("examples", EVERY),
    ("bench", EVERY),
    ("golden-tests", EVERY),
];

/// What the command of the compiler stands on.
const COMPILER: &[&str] = &[
    "weft-back",
    "weft-check",
    "weft-front",
    "weft-snapshot",
    "weft-space",
    "weft-spec",
    "weft-tell",
];

/// What holds both halves of the product against one another.
const EVERY: &[&str] = &[
    "weft-back",
    "weft-check",
    "weft-cli",
    "weft-examples",
    "weft-front",
    "weft-runtime",
    "weft-snapshot",
    "weft-space",
    "weft-spec",
    "weft-tell",
];

#[test]
fn crates_depend_only_on_what_the_design_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (folder, allowed) in ALLOWED {
        let text = fs::read_to_string(root.join(folder).join("Cargo.toml")).unwrap();
        for name in ours(&text) {
            assert!(
                allowed.contains(&name.as_str()),
                "{folder} must not depend on {name}"
            );
        }
    }
}

#[test]
fn every_member_of_the_workspace_is_listed_here() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let members = text
        .lines()
        .find(|line| line.starts_with("members"))
        .unwrap();
    let members: BTreeSet<&str> = members.split('"').skip(1).step_by(2).collect();
    let listed: BTreeSet<&str> = ALLOWED.iter().map(|(folder, _)| *folder).collect();
    assert!(members.is_subset(&listed), "{members:?} against {listed:?}");
}

#[test]
fn an_edge_is_seen_however_it_is_written() {
    let text = "[dependencies]\nweft-a.workspace = true\nweft-b = { path = \"b\" }\n\
        [dev-dependencies.weft-c]\npath = \"c\"\n[build-dependencies]\n\"weft-d\" = \"1\"\n\
        other = { package = \"weft-e\", path = \"e\" }\n[features]\nweft-f = []\n";
    assert_eq!(
        ours(text),
        ["weft-a", "weft-b", "weft-c", "weft-d", "weft-e"]
    );
}

/// Names that begin with `weft-` in any table of dependencies.
fn ours(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_table = false;
    for line in text.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            is_table = header.contains("dependencies");
            if let Some((_, name)) = header.trim_end_matches(']').split_once("dependencies.") {
                note(name, &mut found);
            }
        } else if is_table {
            note(
                line.split(['=', '.']).next().unwrap_or_default(),
                &mut found,
            );
            if let Some((_, package)) = line.split_once("package") {
                note(
                    package
                        .trim_start_matches([' ', '='])
                        .split(',')
                        .next()
                        .unwrap_or_default(),
                    &mut found,
                );
            }
        }
    }
    found
}

fn note(name: &str, found: &mut Vec<String>) {
    let name = name.trim_matches([' ', '"']);
    if name.starts_with("weft-") {
        found.push(name.to_owned());
    }
}
