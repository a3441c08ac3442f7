//! What is compared with what a file says, and how a difference is shown.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

/// Whether the person who runs the tests wants the expectations rewritten.
pub fn is_update_wanted() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}

/// How many digits a digest has.
const DIGITS: usize = 64;

/// Compares `seen` with the text of `path`; with `UPDATE=1` writes it there instead. Digests are not compared.
///
/// # Errors
///
/// When they differ, with the first line that does.
pub fn is_as_in(path: &Path, seen: &str) -> anyhow::Result<()> {
    let seen = without_digests(seen);
    let seen = seen.as_str();
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

/// The text with `sha256:...` for every digest: what is expected is what a person reads, and no case is about the bytes
/// of the format.
fn without_digests(text: &str) -> String {
    let mut parts = text.split("sha256:");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        let is_digest = part.bytes().take_while(is_digit).count() == DIGITS;
        let rest = part.get(DIGITS..).filter(|_| is_digest);
        match rest {
            Some(rest) => shown.extend(["sha256:...", rest]),
            None => shown.extend(["sha256:", part]),
        }
    }
    shown
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_masked_and_nothing_else() {
        let digest = "0123456789abcdef".repeat(4);
        let seen = format!("a sha256:{digest}, sha256:{digest}0 and sha256:12");
        let expected = format!("a sha256:..., sha256:{digest}0 and sha256:12");
        assert_eq!(without_digests(&seen), expected);
    }
}
