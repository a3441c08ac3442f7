//! Which bytes each side was made from, in a line.

use crate::diff::inputs::{Inputs, short};
use crate::diff::report::Report;

/// A line for each side; none where nobody said what a spec was made from.
pub(super) fn lines(report: &Report) -> Vec<String> {
    let sides = [
        ("old", &report.old, &report.old_inputs, &report.old_digest),
        ("new", &report.new, &report.new_inputs, &report.new_digest),
    ];
    if !report.is_of_snapshots && sides.iter().all(|(_, _, inputs, _)| inputs.is_none()) {
        return Vec::new();
    }
    let line = |(side, name, inputs, digest): (&str, &String, &Option<Inputs>, &String)| {
        let made = inputs.as_ref().map(Inputs::words);
        let made = made.unwrap_or_else(|| format!("snapshot {}", short(digest)));
        format!("{side}: {name}, {made}")
    };
    sides.map(line).to_vec()
}
