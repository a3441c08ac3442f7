//! What README files and the manual show on a terminal is what the commands print.
//!
//! How a page is run stands in `weft_golden_tests::page`; `UPDATE=1` writes what commands print now. Pages run side by side,
//! each in a folder and a network of its own.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use weft_golden_tests::page::{self, fits};
use weft_golden_tests::programs::{Need, is_missing};

/// What pages use beside our own programs.
const TOOLS: [Need; 4] = [
    Need::Program("curl", "--version"),
    Need::Program("python3", "--version"),
    Need::Program("openssl", "version"),
    Need::Program("git", "--version"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs pages, two at a time, and says of all that do not hold what differs.
fn assert_pages_hold(pages: &[PathBuf]) {
    let executable = Path::new(env!("CARGO_BIN_EXE_weft-tested"));
    let run = |page: &PathBuf| page::holds(&root(), page, executable).err();
    let (one, other) = pages.split_at(pages.len() / 2);
    let failures: Vec<String> = thread::scope(|scope| {
        let halves = [one, other].map(|half| {
            scope.spawn(move || half.iter().filter_map(run).collect::<Vec<anyhow::Error>>())
        });
        let failures = halves.into_iter().flat_map(|half| half.join().unwrap());
        failures.map(|error| format!("{error:#}")).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// The pages below a folder that show commands.
fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "md")
            && fs::read_to_string(&path).unwrap().contains("```console")
        {
            found.push(path);
        }
    }
}

#[test]
fn the_readme_shows_what_commands_print() {
    if is_missing(&TOOLS).unwrap() {
        return;
    }
    assert_pages_hold(&[root().join("README.md")]);
}

#[test]
fn the_examples_show_what_commands_print() {
    let mut found = Vec::new();
    pages(&root().join("examples"), &mut found);
    assert!(1 < found.len());
    assert_pages_hold(&found);
}

#[test]
fn the_manual_shows_what_commands_print() {
    if is_missing(&TOOLS).unwrap() {
        return;
    }
    let mut found = Vec::new();
    pages(&root().join("docs"), &mut found);
    assert!(5 < found.len());
    assert_pages_hold(&found);
}

/// Markdown as it is shown has no place for what stands behind the language of a block, so the name of a file stands in the words above it.
#[test]
fn what_is_to_be_written_is_named_where_people_read() {
    let mut all = vec![root().join("README.md")];
    for folder in ["docs", "examples"] {
        pages(&root().join(folder), &mut all);
    }
    let mut files = 0;
    for page in all {
        let text = fs::read_to_string(&page).unwrap();
        let mut above = String::new();
        let mut is_inside = false;
        for line in text.lines() {
            if let Some(info) = line.strip_prefix("```") {
                if let (false, Some((_, path))) = (is_inside, info.split_once(' ')) {
                    let named = format!("`{path}`");
                    assert!(
                        above.contains(&named),
                        "{}: no {named} above its block: {above}",
                        page.display()
                    );
                    files += 1;
                }
                is_inside = !is_inside;
                above.clear();
            } else if !is_inside {
                above.extend([line, "\n"]);
            }
        }
    }
    assert!(5 < files);
}

#[test]
fn dots_stand_for_lines_and_for_parts_of_lines() {
    assert!(fits(&["a", "...", "d"], &["a", "b", "c", "d"]));
    assert!(fits(&["took ... ms, all"], &["took 12 ms, all"]));
    assert!(!fits(&["a", "..."], &["b"]));
    assert!(!fits(&["a"], &["a", "b"]));
}
