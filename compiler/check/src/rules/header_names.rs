//! Every header change of a mesh, for rules that treat them alike.

use weft_front::model::action::HeaderChanges;
use weft_front::model::{Mesh, Rule};
use weft_spec::Spanned;

/// A header that a rule changes; removals have no value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change<'mesh> {
    /// The name as written.
    pub(super) name: &'mesh Spanned<String>,
    /// The value it gets.
    pub(super) value: Option<&'mesh Spanned<String>>,
}

/// All header changes of all rules.
pub(super) fn changes(mesh: &Mesh) -> impl Iterator<Item = Change<'_>> {
    let rules = mesh.routes.values().flat_map(|route| &route.rules);
    rules.flat_map(changes_of)
}

/// The header changes of a rule.
pub(super) fn changes_of(rule: &Rule) -> impl Iterator<Item = Change<'_>> {
    let Rule {
        request_headers,
        response_headers,
        ..
    } = rule;
    let changes = [request_headers, response_headers];
    changes
        .into_iter()
        .flatten()
        .flat_map(|changes| of(changes))
}

fn of(changes: &HeaderChanges) -> impl Iterator<Item = Change<'_>> {
    let HeaderChanges { set, add, remove } = changes;
    let with_value = set.iter().chain(add).map(|(name, value)| Change {
        name,
        value: Some(value),
    });
    with_value.chain(remove.iter().map(|name| Change { name, value: None }))
}
