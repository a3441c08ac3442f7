//! Finds rules with conditions that lose requests to rules without them.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Rule;
use weft_space::path::Relation;
use weft_space::{Ranked, WitnessRequest, work};

use crate::rules::HostAnalysis;
use crate::rules::facts::Facts;

/// Finding: rules with conditions that lose requests to rules without them.
pub(super) static CODE: Code = Code {
    name: "partial-shadow",
    severity: Severity::Info,
    finds: "A rule that asks for a header or parameter and loses some of its requests to a rule with a narrower path that does not.",
    why: "A canary on `/**` does not win over `/api/**`: the narrower path decides first.",
    bad: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {name: canary, path: /**, headers: {x-canary: "1"}, to: orders}
      - {name: api, path: /api/**, respond: {status: 404}}
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    listener: public/web
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
    if !facts.looks_for_remarks {
        return;
    }
    for host in facts.hosts() {
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        let mut pairs = 0_usize;
        for (position, rule) in analysis.rules.iter().enumerate() {
            if !asks(rule) || analysis.witness.get(position).is_none_or(Option::is_none) {
                continue;
            }
            let asked = (0..position).take_while(|_| {
                pairs = pairs.saturating_add(1);
                pairs <= PAIRS && work::spend(8)
            });
            let mut shadows =
                asked.filter_map(|earlier| taken(facts, analysis, (earlier, position)));
            let shadow = shadows.next();
            diagnostics.extend(shadow);
        }
    }
}

fn asks(rule: &Rule) -> bool {
    !rule.matched.headers.is_empty() || !rule.matched.query.is_empty()
}

/// The finding about a rule of which an earlier one takes a request because its path is narrower; none if it takes none, or
/// does so for another reason.
fn taken(
    facts: &Facts<'_>,
    analysis: &HostAnalysis<'_>,
    (earlier, position): (usize, usize),
) -> Option<Diagnostic> {
    let (other, rule) = (analysis.rules.get(earlier)?, analysis.rules.get(position)?);
    let is_louder = other.priority() != rule.priority();
    if is_louder
        || asks(other)
        || !analysis.may_meet(earlier, position)
        || facts.same_outcome(rule, other)
    {
        return None;
    }
    let paths = (&other.matched.path.value, &rule.matched.path.value);
    let relation = analysis.languages().relate_paths(paths.0, paths.1).relation;
    let witness = (relation == Relation::Narrower)
        .then(|| analysis.lost(earlier, position).ok())
        .flatten()??;
    Some(shadow(rule, other, &witness))
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
    use crate::testing::check_rules;

    #[test]
    fn a_narrower_path_decides_before_a_header() {
        check_rules(
            r#"
            - {path: /**, headers: {x: "1"}, to: s}  #~ info[partial-shadow]
            - {path: /a/**, respond: {status: 404}}
            - {path: /**, headers: {y: "1"}, priority: 1, to: s}
            - {path: /b/**, headers: {x: "1"}, respond: {status: 403}}
            "#,
        );
    }

    #[test]
    fn expressions_decide_before_a_header_where_they_meet_it() {
        check_rules(
            r#"
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

    #[test]
    fn who_is_named_takes_the_example() {
        let found = crate::testing::findings(
            r#"
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {name: canary, path: /**, headers: {x: "1"}, to: s}
                  - {name: a, path: /a/**, respond: {status: 404}}
                  # Takes what would be the first example, and asks for a parameter.
                  - {name: other, path: /a/**, query: {q: {absent: true}}, respond: {status: 403}}
            "#,
        );
        let shadows = found.iter().filter(|one| one.code.name == "partial-shadow");
        let messages: Vec<&str> = shadows.map(|one| one.message.as_str()).collect();
        assert_eq!(
            messages,
            ["rule `r/canary` does not take `GET x.example/a?q=x, x: 1`"]
        );
    }
}
