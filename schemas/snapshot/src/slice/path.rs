//! Matches one path against one pattern, without an index.

use super::Reader;
use crate::records::Path;

/// Whether a canonical path is in the set of `pattern`; `automaton` is that of an expression.
pub(super) fn path_matches(reader: Reader<'_>, pattern: &Path, automaton: u32, path: &str) -> bool {
    if pattern.form.get() != 0 {
        return reader
            .automaton(automaton)
            .is_some_and(|expression| expression.is_match(path.as_bytes()));
    }
    let text = reader.text(pattern.text);
    let (fixed, takes_rest) = match text.strip_suffix("/**") {
        Some(fixed) => (fixed, true),
        None => (text, false),
    };
    let mut segments = path.split('/').skip(1);
    for wanted in fixed.split('/').skip(1) {
        let Some(segment) = segments.next() else {
            return false;
        };
        let fits = if wanted.starts_with('{') {
            !segment.is_empty()
        } else {
            wanted == segment
        };
        if !fits {
            return false;
        }
    }
    takes_rest || segments.next().is_none()
}
