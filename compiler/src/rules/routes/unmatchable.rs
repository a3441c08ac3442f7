//! Finds rules that no request could match, whatever other rules there are.

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::model::Match;
use crate::rules::facts::Facts;

use weft_snapshot::automaton;
use weft_snapshot::plan::{PathPattern, ValueTest};

/// Finding: rules that no request could match, whatever other rules there are.
pub(super) static CODE: Code = Code {
    name: "unmatchable",
    severity: Severity::Error,
    finds: "A rule whose conditions no canonical request has, such as an expression for a path that canonicalisation never leaves.",
    why: "The proxy matches the canonical path: no `//`, no `/./`, `/../` or `?`, `%HH` in upper case. A rule for anything else never matches.",
    bad: spec!(
        r#"routes:
  orders:
    on: public/web
    host: "*"
    rules:
      - {path: {regex: "/a//b"}, to: orders}
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    on: public/web
    host: "*"
    rules:
      - {path: {regex: "/a/b/?"}, to: orders}
"#
    ),
};

/// Reports every rule that matches nothing by itself.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for host in facts.hosts() {
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        let silent = analysis.witness.iter().enumerate();
        for (position, _) in silent.filter(|(_, witness)| witness.is_none()) {
            let Some(rule) = analysis.rules.get(position) else {
                continue;
            };
            if is_valid(&rule.matched) && analysis.left_by(&[], position) == Ok(None) {
                let message = format!("no request can match rule `{}`", rule.id);
                diagnostics.push(
                    Diagnostic::new(&CODE, rule.place(), message)
                        .help("match what a request looks like after its path was made canonical, or remove the rule"),
                );
            }
        }
    }
}

// An expression that is none has its own finding.
fn is_valid(matched: &Match) -> bool {
    let path = match &matched.path.value {
        PathPattern::Regex { regex } => Some(regex),
        PathPattern::Segments { .. } => None,
    };
    let tests = matched.headers.iter().chain(&matched.query);
    let values = tests.filter_map(|test| match &test.value.test {
        ValueTest::Regex { regex } => Some(regex),
        ValueTest::Exact { .. } | ValueTest::Present | ValueTest::Absent => None,
    });
    path.into_iter()
        .chain(values)
        .all(|regex| automaton::compile(&[regex]).is_ok())
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn paths_that_are_never_canonical_match_nothing() {
        check(
            r#"
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: {regex: "/a/../b"}, to: s}
                  - {path: {regex: '/a/\.\./b'}, to: s}  #~ error[unmatchable]
                  - {path: {regex: '/a\?b'}, to: s}  #~ error[unmatchable]
                  - {path: {regex: "a"}, to: s}  #~ error[unmatchable]
                  - {path: {regex: "/%2f"}, to: s}  #~ error[unmatchable]
            "#,
        );
    }
}
