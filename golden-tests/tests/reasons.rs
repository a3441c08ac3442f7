//! `docs/reasons.md` is written from the table of reasons, and `docs/tls.md` has every failed handshake.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use weft_snapshot::Reason;
use weft_snapshot::reason::Group;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// What stands in backticks in the first cell of the rows of a page.
fn listed(page: &str) -> BTreeSet<String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    let names = cells.flat_map(|cell| cell.split(',').map(|it| it.trim().trim_matches('`')));
    names.map(str::to_owned).collect()
}

const INTRODUCTION: &str = "\
# Reasons

What the proxy answers itself carries its reason in `x-weft-reason`, in the body, and in `reason` of the access log. A gRPC call gets status
200, the reason as `grpc-message`, and the status of gRPC that stands in the table; so does one that is cut after its answer had begun.
`weft explain REASON` says the same of one of them, and which proxy sends it.

This page is written from `schemas/snapshot/src/reason/table.rs` (`UPDATE=1 cargo test -p weft-golden-tests --test reasons`).
";

/// The page as the table has it.
fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for group in Group::ALL {
        section(group, &mut page);
    }
    page
}

fn section(group: Group, page: &mut String) {
    let all = Reason::ALL.iter().copied();
    let reasons: Vec<Reason> = all.filter(|one| one.group() == group).collect();
    let is_repeated = reasons.iter().any(|one| one.repeated().is_some());
    let again = |text: String| {
        if is_repeated {
            text + " | "
        } else {
            String::new()
        }
    };
    write!(page, "\n## {}\n\n", group.title()).unwrap();
    if !group.remark().is_empty() {
        write!(page, "{}\n\n", group.remark()).unwrap();
    }
    let more = again("`retry.on`".to_owned());
    writeln!(
        page,
        "| reason | status | gRPC | connection | {more}means | what to do |"
    )
    .unwrap();
    let more = again("---".to_owned());
    writeln!(
        page,
        "|---|---|---|---|{}---|---|",
        more.replace(" | ", "|")
    )
    .unwrap();
    for reason in reasons {
        let (status, grpc) = match reason.status() {
            0 => ("none".to_owned(), "none"),
            status => (status.to_string(), reason.grpc_status().number()),
        };
        let after = if reason.closes() { "closes" } else { "stays" };
        let condition = reason.repeated().map(|one| format!("`{one}`"));
        let more = again(condition.unwrap_or_default());
        let (meaning, look) = (linked(reason.meaning()), linked(reason.look()));
        let row =
            format!("| `{reason}` | {status} | {grpc} | {after} | {more}{meaning} | {look} |");
        writeln!(page, "{}", row.replace("|  |", "| |")).unwrap();
    }
}

/// A text with links to the pages that it names.
fn linked(text: &str) -> String {
    let word = |word: &str| match word.strip_prefix("docs/") {
        Some(rest) => {
            let end = rest.find(".md").map_or(rest.len(), |at| at + ".md".len());
            let (page, behind) = rest.split_at(end);
            format!("[{page}]({page}){behind}")
        }
        None => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<String>>().join(" ")
}

#[test]
fn the_page_is_what_the_table_says() {
    let path = root().join("docs/reasons.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, page()).unwrap();
        return;
    }
    let written = fs::read_to_string(path).unwrap();
    assert!(
        written == page(),
        "docs/reasons.md is not what the table says; write it with UPDATE=1"
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
