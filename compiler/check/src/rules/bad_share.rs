//! Finds rules whose shares do not make a whole.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Action;
use weft_front::words::percent;
use weft_spec::Span;
use weft_spec::units::Share;

use super::facts::Facts;

/// Shares that are not 100% together.
pub(super) static CODE: Code = Code {
    name: "bad-share",
    severity: Severity::Error,
    finds: "A rule with several backends whose shares are not exactly 100% together.",
    why: "A forgotten backend and a typing mistake look the same; the compiler does not guess which part of the traffic was meant.",
    bad: spec!(
        r#"  canary: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8082"]}
routes:
  orders: {listener: public/web, host: "*", rules: [{to: {orders: 90%, canary: 5%}}]}
"#
    ),
    good: spec!(
        r#"  canary: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8082"]}
routes:
  orders: {listener: public/web, host: "*", rules: [{to: {orders: 95%, canary: 5%}}]}
"#
    ),
};

/// Reports every such rule.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for rule in mesh.routes.values().flat_map(|route| &route.rules) {
        let Action::Forward(backends) = &rule.action else {
            continue;
        };
        let sum: u64 = backends
            .iter()
            .map(|backend| u64::from(backend.share))
            .sum();
        if sum == u64::from(Share::WHOLE) {
            continue;
        }
        let (Some(first), Some(last)) = (backends.first(), backends.last()) else {
            continue;
        };
        let span = Span::new(first.span.file, first.span.start, last.share_span.end);
        let message = format!("the shares of rule `{}` sum to {}", rule.id, percent(sum));
        let help = if sum < u64::from(Share::WHOLE) {
            format!("add {}", percent(u64::from(Share::WHOLE) - sum))
        } else {
            format!("remove {}", percent(sum - u64::from(Share::WHOLE)))
        };
        diagnostics.push(Diagnostic::new(&CODE, span, message).help(help));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, findings};

    #[test]
    fn shares_are_exact() {
        check(
            r#"
            services: {t: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /a, to: {s: 33.3333%, t: 66.6667%}}
                  - {path: /b, to: {s: 100%, t: 0%}}
                  - {path: /c, to: {s: 99.9999%}}  #~ error[bad-share]
                  - {path: /d, to: {s: 60%, t: 60%}}  #~ error[bad-share]
            "#,
        );
        let found = findings("routes: {r: {on: public/web, host: '*', rules: [{to: {s: 99.5%}}]}}");
        let found: Vec<_> = found
            .iter()
            .filter(|one| one.code.name == "bad-share")
            .collect();
        assert_eq!(found[0].message, "the shares of rule `r/0` sum to 99.5%");
        assert_eq!(found[0].help.as_deref(), Some("add 0.5%"));
    }
}
