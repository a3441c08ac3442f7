//! Finds rules that some request matches both, with different outcomes, and that no precedence orders.
//!
//! DESIGN section 4: `priority` decides, then the narrower paths, then the narrower conditions. Where
//! none of them does, the order of files and of lines must not, so the spec has to say more. The question is
//! exact: it is asked of requests, so a third rule that decides about all that both match settles it.

use std::collections::BTreeSet;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Rule;
use weft_space::WitnessRequest;

use super::identical_routes;
use crate::rules::facts::Facts;

/// Overlapping rules without an order.
pub(super) static CODE: Code = Code {
    name: "ambiguous-routes",
    severity: Severity::Error,
    finds: "Two rules of one host with different outcomes that some request matches both, neither of which is narrower.",
    why: "The outcome would depend on the order of files or lines, and moving a rule would change traffic.",
    bad: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {path: "/orders/{id}", to: orders}
      - {path: "/{any}/new", respond: {status: 404}}
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {path: "/orders/{id}", to: orders, priority: 1}
      - {path: "/{any}/new", respond: {status: 404}}
"#
    ),
};

/// Reports every rule that is ambiguous with or identical to another one.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for host in facts.hosts() {
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        let rule = |position: usize| analysis.rules.get(position).copied();
        let mut blamed = BTreeSet::new();
        for (first, second) in &analysis.identical {
            if let (Some(first), Some(second)) = (rule(*first), rule(*second)) {
                let (first, second) = by_place(first, second);
                if blamed.insert((1, second.span)) {
                    diagnostics.push(identical_routes::report(first, second));
                }
            }
        }
        for pair in &analysis.undecided {
            if let (Some(first), Some(second)) = (rule(pair.first), rule(pair.second)) {
                let (first, second) = by_place(first, second);
                if blamed.insert((2, second.span)) {
                    diagnostics.push(ambiguous(first, second, &pair.witness));
                }
            }
        }
    }
}

// The one written later is to blame, whichever is tried first.
fn by_place<'rule>(left: &'rule Rule, right: &'rule Rule) -> (&'rule Rule, &'rule Rule) {
    if left.span <= right.span {
        (left, right)
    } else {
        (right, left)
    }
}

fn ambiguous(first: &Rule, second: &Rule, witness: &WitnessRequest) -> Diagnostic {
    let message = format!(
        "rules `{}` and `{}` both match `{witness}`",
        first.id, second.id
    );
    Diagnostic::new(&CODE, second.place(), message)
        .saying("neither this")
        .label(first.place(), format!("nor `{}` is narrower", first.id))
        .help("give the rule that should decide a `priority`, narrow one of them, or add a rule for what both match")
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_rules};

    #[test]
    fn paths_that_cross_need_a_priority() {
        check_rules(
            r#"
            - {path: "/a/{x}", to: s}
            - {path: "/{y}/b", respond: {status: 404}}  #~ error[ambiguous-routes]
            - {path: "/{z}", to: s}
            - {path: "/a/**", respond: {status: 403}}   #~ error[ambiguous-routes]
            "#,
        );
    }

    #[test]
    fn a_rule_for_what_both_match_settles_it() {
        check_rules(
            r#"
            - {path: "/a/{x}", to: s}
            - {path: "/{y}/b", respond: {status: 404}}
            - {path: /a/b, respond: {status: 500}}
            - {path: "/c/{x}/e", to: s}
            - {path: "/{y}/d/e", respond: {status: 403}}  #~ error[ambiguous-routes]
            - {path: /c/d/e, methods: [GET], respond: {status: 500}}
            "#,
        );
    }

    #[test]
    fn conditions_that_cross_on_one_path_are_ambiguous() {
        check_rules(
            r#"
            - {path: /a, methods: [GET], to: s}
            - {path: /a, headers: {x: "1"}, respond: {status: 404}}  #~ error[ambiguous-routes]
            - {path: /a, headers: {x: "2"}, methods: [POST], to: s}
            - {path: /b, headers: {x: "1"}, respond: {status: 404}}
            - {path: /b, headers: {x: "2"}, respond: {status: 403}}
            - {path: /b, headers: {x: {present: true}}, respond: {status: 400}}
            - {path: /b, to: s}
            "#,
        );
    }

    #[test]
    fn equal_outcomes_and_separate_conditions_are_fine() {
        check_rules(
            r#"
            - {path: "/a/{x}", to: s}
            - {path: "/{y}/b", to: s}
            - {path: "/c/{x}/z", methods: [GET], to: s}
            - {path: "/{y}/d/z", methods: [POST], respond: {status: 404}}
            "#,
        );
    }

    #[test]
    fn expressions_are_compared_with_everything() {
        check_rules(
            r#"
            - {path: {regex: "/a/[0-9]+"}, to: s}
            - {path: "/a/{x}", respond: {status: 404}}
            - {path: {regex: "/[ab]/7"}, respond: {status: 500}}  #~ error[ambiguous-routes]
            "#,
        );
    }

    #[test]
    fn routes_of_two_files_share_a_host() {
        check(
            r#"
            # file: a.yaml
            routes: {a: {on: public/web, host: "*", rules: [{path: /x, respond: {status: 404}}]}}
            # file: b.yaml
            routes:
              b: {on: public/web, host: "*", rules: [{path: /x, to: s}]}  #~ error[identical-routes]
              c: {on: public/web, host: a.example, rules: [{path: /x, to: s}]}
            "#,
        );
    }
}
