//! Finds rules with conditions that lose requests to rules without them.

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::model::Rule;
use crate::rules::facts::Facts;
use crate::space::WitnessRequest;

/// Finding: rules with conditions that lose requests to rules without them.
pub(super) static CODE: Code = Code {
    name: "partial-shadow",
    severity: Severity::Info,
    finds: "A rule that asks for a header or parameter and loses some of its requests to a rule with a narrower path that does not.",
    why: "A canary on `/**` does not win over `/api/**`: the narrower path decides first.",
    bad: spec!(
        r#"routes:
  orders:
    on: public/web
    host: "*"
    rules:
      - {name: canary, path: /**, headers: {x-canary: "1"}, to: orders}
      - {name: api, path: /api/**, respond: {status: 404}}
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    on: public/web
    host: "*"
    rules:
      - {name: canary, path: /**, headers: {x-canary: "1"}, to: orders, priority: 1}
      - {name: api, path: /api/**, respond: {status: 404}}
"#
    ),
};

/// Most pairs that are looked at for one host; the rest would say the same again.
const PAIRS: usize = 10_000;

/// Reports every rule with conditions that a narrower path without them takes requests from; once each.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for host in facts.hosts() {
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        let asks = |rule: &Rule| !rule.matched.headers.is_empty() || !rule.matched.query.is_empty();
        let mut pairs = 0_usize;
        for (position, rule) in analysis.rules.iter().enumerate() {
            if !asks(rule) || analysis.witness.get(position).is_none_or(Option::is_none) {
                continue;
            }
            for (earlier, other) in analysis.rules.iter().enumerate().take(position) {
                pairs = pairs.saturating_add(1);
                if PAIRS < pairs {
                    break;
                }
                let is_louder = other.priority() != rule.priority();
                if is_louder
                    || asks(other)
                    || !analysis.may_meet(earlier, position)
                    || facts.same_outcome(rule, other)
                {
                    continue;
                }
                if let Ok(Some(witness)) = analysis.common(earlier, position) {
                    diagnostics.push(shadow(rule, other, &witness));
                    break;
                }
            }
        }
    }
}

fn shadow(rule: &Rule, other: &Rule, witness: &WitnessRequest) -> Diagnostic {
    let message = format!("rule `{}` does not take `{witness}`", rule.id);
    Diagnostic::new(&CODE, rule.place(), message)
        .label(
            other.place(),
            format!("`{}` has a narrower path and takes it", other.id),
        )
        .help("give the rule a `priority` if it should decide")
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn a_narrower_path_decides_before_a_header() {
        check(
            r#"
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /**, headers: {x: "1"}, to: s}  #~ info[partial-shadow]
                  - {path: /a/**, respond: {status: 404}}
                  - {path: /**, headers: {y: "1"}, priority: 1, to: s}
                  - {path: /b/**, headers: {x: "1"}, respond: {status: 403}}
            "#,
        );
    }

    #[test]
    fn expressions_decide_before_a_header_where_they_meet_it() {
        check(
            r#"
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /a/**, headers: {x: "1"}, to: s}  #~ info[partial-shadow]
                  - {path: {regex: "/a/[0-9]+"}, respond: {status: 404}}
                  - {path: {regex: "/b/[0-9]+"}, headers: {x: "1"}, to: s}  #~ info[partial-shadow]
                  - {path: /b/7, respond: {status: 404}}
                  - {path: /b/x, respond: {status: 404}}
                  - {path: {regex: "/c/[0-9]+"}, headers: {x: "1"}, to: s}
                  - {path: /c/x, respond: {status: 404}}
                  - {path: {regex: "/.*-e"}, headers: {x: "1"}, to: s}  #~ info[partial-shadow]
                  - {path: {regex: "/[de]*-e"}, respond: {status: 404}}
            "#,
        );
    }
}
