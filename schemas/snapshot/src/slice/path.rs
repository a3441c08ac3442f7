//! Matches one path against one pattern, without an index.

use super::{Reader, part};
use crate::records::Path;

/// Whether a canonical path is in the set of `pattern`; `automaton` is that of an expression.
pub(super) fn path_matches(reader: Reader<'_>, pattern: &Path, automaton: u32, path: &str) -> bool {
    if pattern.form.get() == 2 {
        return reader
            .automaton(automaton)
            .is_some_and(|expression| expression.is_match(path.as_bytes()));
    }
    let takes_rest = pattern.form.get() == 1;
    let Some(path) = path.strip_prefix('/') else {
        return false;
    };
    let mut segments = path.split('/');
    for wanted in part(reader.segments(), pattern.segments) {
        let Some(segment) = segments.next() else {
            return false;
        };
        let fits = match wanted.form.get() {
            0 => reader.text_bytes(wanted.text) == segment.as_bytes(),
            _ => !segment.is_empty(),
        };
        if !fits {
            return false;
        }
    }
    takes_rest || segments.next().is_none()
}
