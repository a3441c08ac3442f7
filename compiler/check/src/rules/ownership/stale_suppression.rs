//! Finds suppressions that let nothing pass, or no longer.
//!
//! They are reported behind all rules, by [`super::suppressions`]; here is what `weft explain` says.

use weft_front::diagnostic::{Code, Severity};

/// Finding: suppressions that let nothing pass.
pub(in crate::rules) static CODE: Code = Code {
    name: "stale-suppression",
    severity: Severity::Warning,
    finds: "A suppression that lets nothing pass now, or whose last day is over.",
    why: "It would hide the next finding of its kind, which nobody has looked at. Without the day of the check, nothing is said.",
    bad: with_method_loss!(
        r#"  # now: 2026-11-26
  - {code: method-loss, at: {route: old}, reason: "no form posts there", owner: orders, until: 2027-01-31}
  - {code: dead-route, at: {route: old}, reason: "it was dead once", owner: orders, until: 2027-01-31}
"#
    ),
    good: with_method_loss!(
        r#"  # now: 2026-11-26
  - {code: method-loss, at: {route: old}, reason: "no form posts there", owner: orders, until: 2027-01-31}
"#
    ),
};

#[cfg(test)]
mod tests {
    use crate::testing::{check, findings};

    fn on_that_day(rest: &str) {
        let prelude = r"
            # now: 2026-11-26
            mesh: {name: shop, trustDomain: shop.example, teams: {a: {}}}
            gateways: {g: {listeners: {w: {port: 1, protocol: http}}}}";
        check(&[prelude, rest].concat());
    }

    #[test]
    fn a_suppression_needs_a_finding_at_its_place() {
        on_that_day(
            r"
            routes:
              r1: {on: g/w, host: x.example, rules: [{name: n, path: /a, methods: [POST], redirect: {host: b.example}}, {name: m, path: /c, respond: {status: 200}}]}
              r2: {on: g/w, host: y.example, rules: [{path: /a, methods: [POST], redirect: {host: b.example}}]}
            suppressions:
              - {code: method-loss, at: {route: r1, rule: n}, reason: a, owner: a, until: 2026-11-26}
              - {code: method-loss, at: {route: r1, rule: m}, reason: a, owner: a, until: 2027-01-01}  #~ warning[stale-suppression]
              - {code: dead-route, at: {host: y.example}, reason: a, owner: a, until: 2027-01-01}  #~ warning[stale-suppression]
              - {code: method-loss, at: {host: y.example}, reason: a, owner: a, until: 2027-01-01}
              - {code: method-loss, at: {gateway: g}, reason: a, owner: a, until: 2027-01-01}  #~ warning[stale-suppression]
            ",
        );
    }

    #[test]
    fn an_ended_suppression_hides_nothing() {
        on_that_day(
            r"
            routes:
              r1: {on: g/w, host: x.example, rules: [{path: /a, methods: [POST], redirect: {host: b.example}}]}  #~ warning[method-loss]
            suppressions:
              - {code: method-loss, at: {route: r1}, reason: a, owner: a, until: 2026-11-25}  #~ warning[stale-suppression]
            ",
        );
    }

    #[test]
    fn an_error_stays_and_its_suppression_is_reported() {
        on_that_day(
            r"
            routes:
              r1:
                on: g/w
                host: x.example
                rules:
                  - {path: /a/**, priority: 1, respond: {status: 200}}
                  - {path: /a/b, respond: {status: 201}}  #~ error[dead-route]
            suppressions:
              - {code: dead-route, at: {route: r1}, reason: a, owner: a, until: 2027-01-01}  #~ warning[stale-suppression]
              - {code: partial-shadow, at: {route: r1}, reason: a, owner: a, until: 2027-01-01}
            ",
        );
    }

    #[test]
    fn nothing_is_stale_while_the_day_is_unknown() {
        let text = r"
            mesh: {name: shop, trustDomain: shop.example, teams: {a: {}}}
            gateways: {g: {listeners: {w: {port: 1, protocol: http}}}}
            routes: {r1: {on: g/w, host: x.example, rules: [{path: /a, respond: {status: 200}}]}}
            suppressions: [{code: dead-route, at: {route: r1}, reason: a, owner: a, until: 2020-01-01}]
        ";
        let stale =
            |found: &weft_front::diagnostic::Diagnostic| found.code.name == "stale-suppression";
        assert!(!findings(text).iter().any(stale));
    }
}
