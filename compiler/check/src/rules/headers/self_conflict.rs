//! Finds changes to one header that undo each other.
//!
//! Changes are applied in the order remove, set, add. Removing what is set is without effect, and adding to
//! what is set in the same place sends two values where one was written twice.

use std::collections::BTreeMap;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::action::HeaderChanges;
use weft_spec::Span;

use crate::rules::facts::Facts;

/// A header that one place changes in two ways.
pub(super) static CODE: Code = Code {
    name: "self-conflict",
    severity: Severity::Warning,
    finds: "A header that one rule both removes and sets or adds, or both sets and adds.",
    why: "Changes are applied in the order remove, set, add, so one of the two has no effect or doubles the other.",
    bad: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {to: orders, requestHeaders: {set: {x-a: "1"}, remove: [x-a]}}
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {to: orders, requestHeaders: {set: {x-a: "1"}, remove: [x-b]}}
"#
    ),
};

/// Reports every second change of a header in one place.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let rules = facts.mesh.routes.values().flat_map(|route| &route.rules);
    for rule in rules {
        let changes = [&rule.request_headers, &rule.response_headers];
        for changes in changes.into_iter().flatten() {
            conflicts(changes, diagnostics);
        }
    }
}

fn conflicts(changes: &HeaderChanges, diagnostics: &mut Diagnostics) {
    let HeaderChanges { set, add, remove } = changes;
    let removed = remove
        .iter()
        .map(|name| ("removed", &name.value, name.span));
    let set = set.iter().map(|(name, _)| ("set", &name.value, name.span));
    let added = add
        .iter()
        .map(|(name, _)| ("added", &name.value, name.span));
    let mut known: BTreeMap<String, (&str, Span)> = BTreeMap::new();
    for (what, name, span) in removed.chain(set).chain(added) {
        let name = name.to_ascii_lowercase();
        match known.get(&name) {
            Some((before, place)) => {
                let message =
                    format!("the header `{name}` is {before} and {what} by the same rule");
                diagnostics.push(
                    Diagnostic::new(&CODE, span, message)
                        .label(*place, format!("{before} here"))
                        .help("keep one of them"),
                );
            }
            None => {
                known.insert(name, (what, span));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_rules;

    #[test]
    fn one_header_is_changed_in_one_way() {
        check_rules(
            r#"
            - path: /a
              to: s
              requestHeaders:
                remove: [x-a, x-b]
                set: {X-A: "1"}  #~ warning[self-conflict]
              responseHeaders:
                set: {x-b: "1"}
                add: {x-b: "2", x-a: "3"}  #~ warning[self-conflict]
            "#,
        );
    }
}
