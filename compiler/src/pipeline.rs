//! The passes in a row. A pass runs only when the ones before it found no error, so that no finding is
//! only a consequence of another.

use weft_snapshot::layout::Bundle;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::parse::{self, Values};
use crate::source::Sources;

/// A spec that passed every check.
#[derive(Debug)]
pub struct Checked;

/// Checks a spec; what is checked comes back unless an error was found.
pub fn check_spec(sources: &Sources, values: &Values) -> (Option<Checked>, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::default();
    let _files = parse::parse(sources, values, &mut diagnostics);
    if diagnostics.has_errors() {
        return (None, diagnostics.sorted());
    }
    (Some(Checked), diagnostics.sorted())
}

/// Compiles a spec; a snapshot comes back unless an error was found.
pub fn compile(sources: &Sources, values: &Values) -> (Option<Bundle>, Vec<Diagnostic>) {
    let (checked, found) = check_spec(sources, values);
    (
        checked.map(|_| Bundle::new("", Vec::new(), Vec::new())),
        found,
    )
}
