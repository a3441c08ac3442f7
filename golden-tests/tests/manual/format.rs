//! The tables of `format.md`: the sections of a slice and the bounds of a snapshot, from the files that define them.

use std::fmt::Write as _;
use std::fs;

use super::{cell, is_as_written, root};

/// What stands in a section, in the words of the manual.
const SECTIONS: [(&str, &str); 22] = [
    (
        "SETTINGS",
        "listeners, clusters and certificates by reference, as canonical JSON",
    ),
    ("STRINGS", "every text once"),
    ("STRING_LIST", "lists of texts"),
    (
        "TABLES",
        "a table of hosts for each listener that has one of its own",
    ),
    ("HOSTS", "host patterns with their routes"),
    ("HOST_SLOTS", "the hash index of hosts"),
    ("NODES", "places of the index of paths"),
    (
        "EDGES",
        "ways from one of them to the next: segments of paths",
    ),
    ("ROUTE_LISTS", "which routes end at a place"),
    ("ROUTE_REFERENCES", "the routes of those lists"),
    (
        "ROUTES",
        "routes in the order of precedence: path, methods, conditions, outcome",
    ),
    ("CONDITIONS", "tests of headers and query parameters"),
    ("AUTOMATA", "regular expressions, compiled"),
    ("AUTOMATON_WORDS", "their states"),
    ("OUTCOMES", "what becomes of a request"),
    ("BACKENDS", "clusters with their shares"),
    (
        "POLICIES",
        "timeouts, retries, limits and changes of headers",
    ),
    ("REWRITES", "new paths and hosts"),
    ("REWRITE_PARTS", "their parts"),
    ("ANSWERS", "responses without a backend"),
    ("ACCESS", "who may call, by identity, method and path"),
    ("GRANTS", "the identities of those rules"),
];

#[test]
fn sections_and_bounds_are_those_of_the_source() {
    let page = fs::read_to_string(root().join("docs/format.md")).unwrap();
    let page = with(&page, "sections", &sections());
    let page = with(&page, "bounds", &bounds());
    is_as_written("format.md", &page);
}

/// A page with another table between two comments.
fn with(page: &str, name: &str, table: &str) -> String {
    let (begin, end) = (
        format!("<!-- {name} -->\n"),
        format!("<!-- end of {name} -->\n"),
    );
    let (before, rest) = page.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{begin}{table}{end}{after}")
}

fn sections() -> String {
    let source = fs::read_to_string(root().join("schemas/snapshot/src/records.rs")).unwrap();
    let format = source
        .split("format: ")
        .nth(1)
        .and_then(|rest| rest.split(',').next());
    let mut table = format!(
        "Format number {}.\n\n| kind | section | holds |\n|---|---|---|\n",
        format.unwrap()
    );
    let (_, kinds) = source.split_once("mod kind {").unwrap();
    let (kinds, _) = kinds.split_once('}').unwrap();
    for line in kinds
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub(crate) const "))
    {
        let (name, rest) = line.split_once(": u32 = ").unwrap();
        let number = rest.trim_end_matches(';');
        let known = SECTIONS.iter().find(|(known, _)| *known == name);
        let (_, holds) = known.unwrap_or_else(|| panic!("say what section {name} holds"));
        let name = name.to_lowercase().replace('_', " ");
        writeln!(table, "| {number} | {name} | {holds} |").unwrap();
    }
    table
}

fn bounds() -> String {
    let source = fs::read_to_string(root().join("schemas/snapshot/src/limits.rs")).unwrap();
    let mut table = "| bound | of what |\n|---|---|\n".to_owned();
    let mut described = String::new();
    for line in source.lines() {
        if let Some(text) = line.strip_prefix("///") {
            described.push_str(text);
        } else if let Some(rest) = line.strip_prefix("pub const ") {
            let (_, value) = rest.split_once(" = ").unwrap();
            let value = value.trim_end_matches(';');
            writeln!(table, "| `{value}` | {} |", cell(&described)).unwrap();
            described.clear();
        }
    }
    table
}
