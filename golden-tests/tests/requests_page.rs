//! What `docs/requests.md` says of requests is what the code does that reads them.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::fs;
use std::path::Path;

use weft_snapshot::Refusal;
use weft_snapshot::canonical::{self, LISTS};
use weft_snapshot::settings::{PathRules, Slashes};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/requests.md");
    fs::read_to_string(path).unwrap()
}

/// The rows of the table whose head is `head`, without the code marks of their cells.
fn rows(page: &str, head: &str) -> Vec<Vec<String>> {
    let lines = page.lines().skip_while(|line| *line != head).skip(2);
    let lines = lines.take_while(|line| line.starts_with('|'));
    let cells = |line: &str| {
        let whole = line.replace("\\|", "\u{1}");
        let cells = whole.trim_matches('|').split('|');
        let cells = cells.map(|cell| cell.trim().trim_matches('`').replace('\u{1}', "|"));
        cells.collect()
    };
    let rows: Vec<Vec<String>> = lines.map(cells).collect();
    assert!(!rows.is_empty(), "there is no table `{head}`");
    rows
}

fn shown(read: Result<impl AsRef<str>, Refusal>) -> String {
    match read {
        Ok(read) => read.as_ref().to_owned(),
        Err(refusal) => format!("400 {}", refusal.reason()),
    }
}

#[test]
fn hosts_are_read_as_the_page_says() {
    for row in rows(&page(), "| sent | read |") {
        let [sent, read] = row.as_slice() else {
            panic!("{row:?}");
        };
        assert_eq!(shown(canonical::host(sent)), *read);
    }
}

#[test]
fn paths_are_read_as_the_page_says() {
    for row in rows(&page(), "| sent | `merge` | `keep` | `refuse` |") {
        let [sent, read @ ..] = row.as_slice() else {
            panic!("{row:?}");
        };
        let slashes = [Slashes::Merge, Slashes::Keep, Slashes::Refuse];
        let found = slashes.map(|slashes| {
            let rules = PathRules {
                slashes,
                ..PathRules::default()
            };
            shown(canonical::path(sent, rules))
        });
        assert_eq!(found.as_slice(), read, "{sent}");
    }
}

#[test]
fn queries_are_forwarded_as_the_page_says() {
    for row in rows(&page(), "| sent | forwarded |") {
        let [sent, forwarded] = row.as_slice() else {
            panic!("{row:?}");
        };
        assert_eq!(canonical::query(sent), forwarded.as_str());
    }
}

#[test]
fn every_list_is_on_the_page_with_what_defines_it() {
    let found = rows(&page(), "| list | defined by |");
    let known = LISTS.iter();
    let known: Vec<Vec<String>> = known
        .map(|(name, defined)| vec![(*name).to_owned(), (*defined).to_owned()])
        .collect();
    assert_eq!(found, known);
}
