//! The pages of the manual that are written from the code: language, codes, commands, metrics, fields of the access log.
//!
//! `UPDATE=1 cargo test -p weft-golden-tests --test manual` writes them; without it, a page that differs fails.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has failed"
)]

mod codes;
mod commands;
mod fields;
mod format;
mod language;
mod metrics;

use std::fs;
use std::path::{Path, PathBuf};

/// What every such page says of itself.
const WRITTEN: &str = "`UPDATE=1 cargo test -p weft-golden-tests --test manual` writes it";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Holds a page against what the code says, or writes it.
fn is_as_written(page: &str, made: &str) {
    let path = root().join("docs").join(page);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, made).unwrap();
        return;
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == made,
        "docs/{page} is not what the code says; {WRITTEN}"
    );
}

/// A text as a cell of a table: one line, and no bar that would end the cell.
fn cell(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ").replace('|', "\\|")
}
