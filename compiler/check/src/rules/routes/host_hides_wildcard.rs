//! Finds hosts that answer with 404 what a wildcard above them would take.
//!
//! The most specific host owns a request, and there is no fall-through (DESIGN section 4). Exact: the tables of
//! the host and of its nearest wildcard are compared over all requests.

use std::collections::BTreeMap;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::owners::wider;
use weft_snapshot::settings::PathRules;
use weft_space::{Difference, Entry, WitnessRequest, differences, work};

use crate::rules::facts::{AnalysedHost, Facts};

/// A host without rules for requests that its nearest wildcard has rules for.
pub(super) static CODE: Code = Code {
    name: "host-hides-wildcard",
    severity: Severity::Warning,
    finds: "A host that has no rule for some requests, while the nearest wildcard host above it on the same listener has one.",
    why: "The most specific host owns a request, without fall-through: adding a host takes all requests to it away from the wildcard.",
    bad: spec!(
        r#"routes:
  all: {listener: public/web, host: "*.shop.example", rules: [{path: /health, to: orders}]}
  pay: {listener: public/web, host: pay.shop.example, rules: [{path: /pay/**, to: orders}]}
"#
    ),
    good: spec!(
        r#"routes:
  all: {listener: public/web, host: "*.shop.example", rules: [{path: /health, to: orders}]}
  pay:
    listener: public/web
    host: pay.shop.example
    rules: [{path: /pay/**, to: orders}, {path: /health, to: orders}]
"#
    ),
};

/// Reports every host that hides a rule of its nearest wildcard, once.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let hosts = facts.hosts();
    let key = |one: &AnalysedHost<'_>| (one.host.gateway, one.host.listener);
    let wildcards = hosts.iter().filter(|one| one.host.host.starts_with('*'));
    let wildcards: BTreeMap<_, &AnalysedHost<'_>> = wildcards
        .map(|one| ((key(one), one.host.host.to_owned()), one))
        .collect();
    for host in hosts {
        let mut above = wider(host.host.host);
        let nearest = above.find_map(|wider| wildcards.get(&(key(host), wider)));
        if let Some(nearest) = nearest
            && let Some((rule, witness)) = hidden(host, nearest)
            && let (Some(first), Some(theirs)) = (host.host.rules.first(), rule)
        {
            let message = format!(
                "host `{}` has no rule for `{witness}`, and hides the one of `{}`",
                host.host.host, nearest.host.host
            );
            diagnostics.push(
                Diagnostic::new(&CODE, first.place(), message)
                    .saying("the first rule of the host")
                    .label(theirs.place(), format!("`{}` would take it", theirs.id))
                    .help("repeat the rule for this host, or add a rule for `/**` that says what should happen"),
            );
        }
    }
}

type Hidden<'mesh> = (Option<&'mesh weft_front::model::Rule>, WitnessRequest);

/// A request that the wildcard takes and the host does not, with the rule that would take it.
fn hidden<'mesh>(
    host: &AnalysedHost<'mesh>,
    wildcard: &AnalysedHost<'mesh>,
) -> Option<Hidden<'mesh>> {
    let (own, theirs) = (
        host.analysis.as_ref().ok()?,
        wildcard.analysis.as_ref().ok()?,
    );
    own.uncovered.as_ref()?;
    if !work::spend((own.rules.len() + theirs.rules.len()).saturating_mul(16)) {
        return None;
    }
    let side = |rules: &[&'mesh weft_front::model::Rule]| Difference {
        entries: rules.iter().map(|rule| Entry::of(*rule)).collect(),
        actions: vec![0; rules.len()],
    };
    let (before, after) = (side(&theirs.rules), side(&own.rules));
    let rules: PathRules = own.path_rules;
    let regions = differences(&before, &after, rules, &own.host).ok()?;
    let lost = regions.into_iter().find(|region| region.new.is_none())?;
    let rule = lost
        .old
        .and_then(|position| theirs.rules.get(position).copied());
    Some((rule, lost.cells.into_iter().next()?.witness))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn the_nearest_wildcard_is_asked_and_a_catch_all_hides_nothing() {
        check(
            r#"
            routes:
              all: {on: public/web, host: "*", rules: [{path: /all, to: s}]}
              wild: {on: public/web, host: "*.a.example", rules: [{path: /health, to: s}, {path: /**, respond: {status: 404}}]}
              one: {on: public/web, host: x.a.example, rules: [{path: /pay/**, to: s}]}  #~ warning[host-hides-wildcard]
              two: {on: public/web, host: y.a.example, rules: [{path: /**, to: s}]}
              three: {on: public/web, host: b.example, rules: [{path: /all, respond: {status: 404}}]}
            "#,
        );
    }
}
