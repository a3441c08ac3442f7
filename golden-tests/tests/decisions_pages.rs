//! Each decision is a page with its day, its alternatives and its consequence, and the index has every page once.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The pages by name, the index left out.
fn pages(folder: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let read = files.map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(&path).unwrap())
    });
    read.filter(|(name, _)| name != "README.md").collect()
}

/// The line of the index that a page asks for, if it has the form of a decision.
fn line(name: &str, page: &str) -> Option<String> {
    let (title, rest) = page.strip_prefix("# ")?.split_once("\n\nDecided on ")?;
    let (day, rest) = rest.split_once(".\n\n## Decision\n\n")?;
    let (decision, rest) = rest.split_once("\n\n## Alternatives\n\n")?;
    let (alternatives, consequence) = rest.split_once("\n\n## Consequence\n\n")?;
    let is_said = [decision, alternatives, consequence]
        .iter()
        .all(|part| !part.trim().is_empty());
    let is_day = day.len() == 10
        && day
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_digit());
    (is_said && is_day).then(|| format!("- [{title}]({name}), {day}"))
}

#[test]
fn every_decision_says_when_and_what_else_and_what_follows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/decisions");
    let index = fs::read_to_string(folder.join("README.md")).unwrap();
    let pages = pages(&folder);
    assert!(50 < pages.len(), "{} pages", pages.len());
    for (name, page) in &pages {
        let line = line(name, page);
        assert!(line.is_some(), "{name} has not the form of a decision");
        let times = index.lines().filter(|one| Some(*one) == line.as_deref());
        assert_eq!(
            times.count(),
            1,
            "the index has not once: {}",
            line.unwrap()
        );
    }
    let linked = index.lines().filter(|one| one.starts_with("- ["));
    assert_eq!(linked.count(), pages.len());
}
