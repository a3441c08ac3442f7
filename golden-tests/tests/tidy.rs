//! The repository keeps its own house rules.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use weft_front::diagnostic::Severity;
use weft_golden_tests::folder::Case;
use weft_tell::explain;

/// Crates of the workspace's table whose use is plain from their names.
const OBVIOUS: [&str; 16] = [
    "http",
    "http-body",
    "http-body-util",
    "itoa",
    "libc",
    "rustls",
    "rustls-pki-types",
    "rustls-webpki",
    "serde",
    "serde_json",
    "thiserror",
    "tokio",
    "tokio-rustls",
    "weft",
    "futures-util",
    "rustix",
];

/// Names that several types of a crate have by convention, with what they mean in each place.
const CONVENTIONAL: [(&str, &str); 1] = [(
    "Arguments",
    "what a command of `weft` is given: one in the file of each, never named without its file elsewhere",
)];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust file of the repository with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for folder in [
        "schemas",
        "compiler",
        "runtime",
        "examples",
        "golden-tests",
        "bench",
    ] {
        collect(&root().join(folder), &mut files);
    }
    assert!(
        100 < files.len(),
        "the search found only {} files",
        files.len()
    );
    files
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            files.push((path, text));
        }
    }
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let without: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| !text.starts_with("//!") && !text.starts_with("#![no_main]"))
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert_none("files that do not open with `//!`", &without);
}

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| 500 < text.lines().count())
        .map(|(path, text)| format!("{}: {}", path.display(), text.lines().count()))
        .collect();
    assert_none("files that are too long", &long);
}

/// The name of the type that a line at the left edge defines.
fn defined_type(line: &str) -> Option<&str> {
    let rest = match line.strip_prefix("pub") {
        Some(shown) if shown.starts_with('(') => shown.split_once(") ")?.1,
        Some(shown) => shown.strip_prefix(' ')?,
        None => line,
    };
    let (keyword, rest) = rest.split_once(' ')?;
    let name = rest.split(|sign: char| !sign.is_alphanumeric() && sign != '_');
    let is_type = ["struct", "enum", "union", "trait", "type"].contains(&keyword);
    name.take(1).next().filter(|_| is_type)
}

/// One name, one idea: whoever reads it in any file of the crate knows what is meant. The types of a unit test and those that a
/// macro writes do not count: the former never leave it, and the latter are named with their module.
#[test]
fn no_two_types_of_a_crate_share_a_name() {
    let mut defined: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (path, text) in sources() {
        let shown = path.strip_prefix(root()).unwrap().display().to_string();
        // A program in `src/bin` is a crate of its own, and so is a file of tests.
        let Some((folder, _)) = shown
            .split_once("/src/")
            .filter(|(_, file)| !file.starts_with("bin/"))
        else {
            continue;
        };
        let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for name in own.lines().filter_map(defined_type) {
            let key = (folder.to_owned(), name.to_owned());
            defined.entry(key).or_default().push(shown.clone());
        }
    }
    let shared = defined.iter().filter(|(_, files)| 1 < files.len());
    let is_conventional = |name: &str| CONVENTIONAL.iter().any(|(one, _)| *one == name);
    let (allowed, wrong): (Vec<_>, Vec<_>) =
        shared.partition(|((_, name), _)| is_conventional(name));
    let lines = wrong
        .iter()
        .map(|((folder, name), files)| format!("{folder}: `{name}` in {}", files.join(", ")));
    assert_none(
        "names that say two things in a crate",
        &lines.collect::<Vec<_>>(),
    );
    assert_eq!(
        allowed.len(),
        CONVENTIONAL.len(),
        "conventions that nothing follows any more"
    );
}

#[test]
fn nothing_is_ignored_or_left_for_later() {
    // Written in pieces, so that this file does not find itself.
    let banned = ["#[ignore", "#[should_panic", "todo!", "unimplemented!"].map(|word| {
        let (head, tail) = word.split_at(3);
        format!("{head}{tail}")
    });
    let found: Vec<String> = sources()
        .iter()
        .filter(|(path, _)| !path.ends_with("tests/tidy.rs"))
        .flat_map(|(path, text)| {
            let is_code = |line: &&str| !line.trim_start().starts_with("//");
            let lines = text.lines().filter(is_code).collect::<Vec<_>>().join("\n");
            let has = |word: &&String| lines.contains(word.as_str());
            banned
                .iter()
                .filter(has)
                .map(|word| format!("{}: {word}", path.display()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_none("words that nothing in the repository may use", &found);
}

#[test]
fn code_that_meets_strangers_does_not_unwrap() {
    let is_test = |path: &Path| {
        let has = |name: &str| path.components().any(|part| part.as_os_str() == name);
        // The oracle of the trials is compiled for tests alone.
        has("tests")
            || has("fuzz")
            || has("oracle")
            || path
                .to_str()
                .is_some_and(|path| path.ends_with("_tests.rs"))
            || path.ends_with("tests.rs")
            || path.ends_with("testing.rs")
    };
    let found: Vec<String> = sources()
        .iter()
        .filter(|(path, _)| !is_test(path))
        .filter(|(_, text)| {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let is_code = |line: &&str| !line.trim_start().starts_with("//");
            let unwraps = code
                .lines()
                .filter(is_code)
                .any(|line| line.contains(".unwrap()") || line.contains(".expect(\""));
            let is_argued =
                text.contains("clippy::unwrap_used") || text.contains("clippy::expect_used");
            unwraps && !is_argued
        })
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert_none("unwraps without an argument", &found);
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let text = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let table = text.split("[workspace.dependencies]").nth(1).unwrap();
    let table = table.split("\n[").next().unwrap();
    let silent: Vec<String> = table
        .lines()
        .filter(|line| line.contains('=') && !line.starts_with('#') && !line.contains(" # "))
        .map(|line| line.split(' ').next().unwrap_or_default().to_owned())
        .filter(|name| !name.starts_with("weft-") && !OBVIOUS.contains(&name.as_str()))
        .collect();
    assert_none("dependencies without a reason", &silent);
}

#[test]
fn every_page_for_users_is_linked_from_the_index_of_the_manual() {
    let docs = root().join("docs");
    let index = fs::read_to_string(docs.join("README.md")).unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains("(docs/README.md)"));
    let mut unlinked = Vec::new();
    for folder in [docs.clone(), docs.join("how-to")] {
        for page in fs::read_dir(&folder).unwrap() {
            let path = page.unwrap().path();
            let below = path.strip_prefix(&docs).unwrap().display().to_string();
            // Decisions have an index of their own, which a test holds against its folder.
            let is_index = below == "README.md" || below == "how-to";
            let link = if path.is_dir() {
                format!("({below}/README.md)")
            } else {
                format!("({below})")
            };
            if !is_index && !index.contains(&link) {
                unlinked.push(below);
            }
        }
    }
    assert_none("pages without a link in docs/README.md", &unlinked);
}

/// Every page of the repository that is Markdown, with its text.
fn markdown() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && name != "target" && name != "cases" {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

#[test]
fn every_link_to_a_file_leads_somewhere() {
    let mut broken = Vec::new();
    for (page, text) in markdown() {
        let links = text.split("](").skip(1);
        for link in links.filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            let is_elsewhere = file.contains("://") || file.contains(' ') || file.is_empty();
            if !is_elsewhere && !page.parent().unwrap().join(file).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert_none("links that lead nowhere", &broken);
}

#[test]
fn every_code_has_a_golden_case() {
    let mut texts = String::new();
    for kind in ["reject", "warn", "info"] {
        for case in Case::all(kind).unwrap() {
            texts.push_str(&case.text("expected.txt").unwrap_or_default());
        }
    }
    let without: Vec<String> = explain::all()
        .into_iter()
        .filter(|code| {
            let level = match code.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "info",
            };
            !texts.contains(&format!("{level}[{}]", code.name))
        })
        .map(|code| code.name.to_owned())
        .collect();
    assert_none("codes without a golden case", &without);
}
