//! What is compared with what a file says, and how a difference is shown.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

/// Whether the person who runs the tests wants the expectations rewritten.
pub fn is_update_wanted() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}

/// Compares `seen` with the text of `path`; with `UPDATE=1` writes it there instead.
///
/// # Errors
///
/// When they differ, with the first line that does.
pub fn is_as_in(path: &Path, seen: &str) -> anyhow::Result<()> {
    if is_update_wanted() {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        return fs::write(path, seen).with_context(|| format!("cannot write {}", path.display()));
    }
    let expected = fs::read_to_string(path)
        .with_context(|| format!("cannot read {}; UPDATE=1 writes it", path.display()))?;
    is_same(&expected, seen).with_context(|| format!("not as in {}", path.display()))
}

/// Compares two texts.
///
/// # Errors
///
/// When they differ, with the first line that does.
pub fn is_same(expected: &str, seen: &str) -> anyhow::Result<()> {
    if expected == seen {
        return Ok(());
    }
    let mut pairs = (1..).zip(expected.lines()).zip(seen.lines());
    let first = pairs.find(|((_, expected), seen)| expected != seen);
    let (line, old, new) = match first {
        Some(((line, expected), seen)) => (line, expected, seen),
        None => (
            expected.lines().count().min(seen.lines().count()) + 1,
            "(end)",
            "(end)",
        ),
    };
    bail!("line {line} differs\n  expected: {old}\n  seen:     {new}\nseen in full:\n{seen}")
}
