//! Findings that say of a rule what it is for all of its requests: of a route for several hosts they are true on each, or not
//! at all.

use std::collections::BTreeMap;

use weft_front::diagnostic::{Diagnostic, Diagnostics};
use weft_front::model::{Mesh, Rule};
use weft_spec::Span;

/// Findings, by rule and place, until they were found on every host.
pub(super) struct Everywhere<'mesh> {
    mesh: &'mesh Mesh,
    found: BTreeMap<(&'mesh str, Span), usize>,
}

impl<'mesh> Everywhere<'mesh> {
    /// Nothing is found yet.
    pub(super) fn new(mesh: &'mesh Mesh) -> Self {
        Self {
            mesh,
            found: BTreeMap::new(),
        }
    }

    /// Reports what was found about a rule on one host, once it is found on all of them.
    pub(super) fn push(
        &mut self,
        rule: &'mesh Rule,
        finding: Diagnostic,
        diagnostics: &mut Diagnostics,
    ) {
        let hosts = self
            .mesh
            .route_of(rule)
            .map_or(1, |route| route.hosts.len());
        if 1 < hosts {
            let key = (rule.id.as_str(), finding.primary.span);
            let found = self.found.entry(key).or_default();
            *found = found.saturating_add(1);
            if *found < hosts {
                return;
            }
        }
        diagnostics.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_rule_is_dead_where_it_takes_nothing_on_any_host() {
        check(
            r"
            routes:
              a:
                listener: public/web
                hosts: [a.example, b.example, a.example]
                rules:
                  - {path: /a/**, to: s}
                  - {path: /a/b, methods: [GET], priority: -1, respond: {status: 404}}  #~ error[dead-route]
                  - {path: /c/**, to: s}
                  - {path: /c/d, respond: {status: 403}}
              b:
                listener: public/web
                host: b.example
                rules: [{path: /c/**, priority: 1, respond: {status: 404}}]
            ",
        );
    }
}
