//! From a tree to the types of `weft-spec`, reporting everything that is wrong on the way.
//!
//! serde stops at the first mistake of a definition. So each mistake is reported, its node is marked as refused, and the
//! document is decoded again without it, until only what is right is left; lists and mappings of definitions are read on
//! behind a mistake, so that a kind of mistake costs one more round and not each of its places. A refused list element or
//! entry is left out; a refused value of a needed field takes the mapping around it along, silently,
//! because that is only a consequence. The number of rounds is bounded.

mod address;
mod decoder;
mod fault;
mod foreign;
mod kind;
mod odd;
mod place;
mod report;
mod shorthand;
#[cfg(test)]
mod tests;
mod unquoted;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use decoder::Decoder;
use serde::Deserialize;
use weft_spec::File;

use super::template::Values;
use super::yaml::{Elsewhere, NodeId, Tree};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// The most rounds for one document, and so about the most mistakes that one run reports in it.
const MAX_ROUNDS: usize = 200;
/// The most entries of a list or mapping within a definition. What compares the parts of one definition with each other may
/// look at all pairs of them.
const MAX_ENTRIES: usize = 4_096;
/// The fields whose entries are definitions or rules, of which a mesh may have as many as a file holds.
const DEFINITIONS: &[&str] = &[
    "assert",
    "certificates",
    "files",
    "gateways",
    "guardrails",
    "hosts",
    "routes",
    "rules",
    "services",
    "suppressions",
    "teams",
    "tests",
];
/// The most nodes that all rounds for one document may visit together.
const MAX_VISITS: usize = 10_000_000;

/// Decodes one document; nothing when not even its outline is right.
pub(super) fn decode(
    tree: &Tree<'_>,
    values: &Values,
    diagnostics: &mut Diagnostics,
) -> Option<File> {
    let root = tree.root()?;
    let state = State {
        tree,
        values,
        refused: RefCell::new(tree.refused().clone()),
        found: RefCell::default(),
        unquoted: RefCell::default(),
        variables: RefCell::default(),
    };
    let rounds = MAX_ROUNDS
        .min(MAX_VISITS.checked_div(tree.len()).unwrap_or_default())
        .max(2);
    let mut file = None;
    for round in 1..=rounds {
        if state.is_refused(root) {
            break;
        }
        match File::deserialize(Decoder::value(&state, root, None)) {
            Ok(decoded) => {
                file = Some(decoded);
                break;
            }
            Err(fault::Fault::Reported) if round < rounds => {}
            Err(_) => state.push(more_mistakes(&state, root)),
        }
    }
    unquoted::report(&state);
    unquoted::report_variables(&state);
    diagnostics.append(state.found.into_inner());
    file
}

fn more_mistakes(state: &State<'_, '_>, root: NodeId) -> Diagnostic {
    let span = report::head(state, root, None);
    Diagnostic::new(
        &crate::diagnostic::TOO_LARGE,
        span,
        "there are more mistakes in this file than one run shows",
    )
    .help("correct the others first")
}

/// What all decoders of one document share.
struct State<'t, 's> {
    tree: &'t Tree<'s>,
    values: &'t Values,
    refused: RefCell<BTreeSet<NodeId>>,
    found: RefCell<Diagnostics>,
    /// Texts without quotes that other tools take for something else.
    unquoted: RefCell<BTreeMap<NodeId, Elsewhere>>,
    /// Texts with variables of a shell.
    variables: RefCell<BTreeSet<NodeId>>,
}

impl State<'_, '_> {
    fn is_refused(&self, id: NodeId) -> bool {
        self.refused.borrow().contains(&id)
    }

    fn refuse(&self, id: NodeId) {
        self.refused.borrow_mut().insert(id);
    }

    /// Remembers a text that other tools take for something else; a document is decoded several times, but each is said once.
    fn take_as_text(&self, id: NodeId, is_key: bool, of: &str) {
        // A body may be a script, in which such a variable is one.
        let has_variable = |text: &str| text.contains("${") && super::variable(text).is_some();
        if of != "Respond" && self.tree.text(id).is_some_and(has_variable) {
            self.variables.borrow_mut().insert(id);
        }
        let text = self.tree.text(id).filter(|_| self.tree.is_plain(id));
        let elsewhere = match text {
            Some(text) if is_key => Elsewhere::of_key(text),
            Some(text) => Elsewhere::of_value(text),
            None => None,
        };
        if let Some(elsewhere) = elsewhere {
            self.unquoted.borrow_mut().insert(id, elsewhere);
        }
    }

    fn push(&self, found: Diagnostic) {
        self.found.borrow_mut().push(found);
    }

    /// Whether nobody gets to see more mistakes of this document.
    fn is_full(&self) -> bool {
        self.found.borrow().is_full(self.tree.file())
    }

    /// Counts a mistake.
    fn count(&self) {
        self.found.borrow_mut().count_error(self.tree.file());
    }

    /// Reports a mistake; its words are looked for only while somebody gets to see them.
    fn push_with(&self, words: impl FnOnce() -> Diagnostic) {
        if self.is_full() {
            self.count();
        } else {
            let found = words();
            self.push(found);
        }
    }
}
