//! Finds rules that some request matches both, with different outcomes, and that no precedence orders.
//!
//! DESIGN section 4: `priority` decides, then the narrower paths, then the narrower conditions. Where
//! none of them does, the order of files and of lines must not, so the spec has to say more.

use super::facts::Facts;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::lower::outcome;
use crate::model::Rule;
use crate::model::languages::Languages;
use crate::model::precedence::{Conflict, ConflictKind, conflicts};

use super::identical_routes;

/// Overlapping rules without an order.
pub(super) static CODE: Code = Code {
    name: "ambiguous-routes",
    severity: Severity::Error,
    finds: "Two rules of one host with different outcomes that some request matches both, neither of which is narrower.",
    why: "The outcome would depend on the order of files or lines, and moving a rule would change traffic.",
    bad: spec!(
        r#"routes:
  orders:
    on: public/web
    host: "*"
    rules:
      - {path: "/orders/{id}", to: orders}
      - {path: "/{any}/new", respond: {status: 404}}
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    on: public/web
    host: "*"
    rules:
      - {path: "/orders/{id}", to: orders, priority: 1}
      - {path: "/{any}/new", respond: {status: 404}}
"#
    ),
};

/// Reports every rule that is ambiguous with or identical to an earlier one.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    let same_outcome = |left: &Rule, right: &Rule| outcome::same(mesh, left, right);
    for host in mesh.hosts() {
        let mut languages = Languages::default();
        let found = conflicts(&host.rules, &mut languages, &same_outcome);
        for conflict in &found.found {
            diagnostics.push(match conflict.kind {
                ConflictKind::Identical => identical_routes::report(conflict),
                ConflictKind::Ambiguous => ambiguous(conflict, host.host, &mut languages),
            });
        }
        if let (true, Some(rule)) = (found.gave_up, host.rules.first()) {
            diagnostics.push(too_many(host.host, rule));
        }
    }
}

// The work is bounded, and an order that was not proved is no order.
fn too_many(host: &str, rule: &Rule) -> Diagnostic {
    let message = format!("the rules of host `{host}` overlap in too many ways to be compared");
    Diagnostic::new(&CODE, rule.place(), message)
        .saying("the first of them")
        .help("start paths with a literal segment, or spread the rules over several hosts")
}

fn ambiguous(conflict: &Conflict<'_>, host: &str, languages: &mut Languages) -> Diagnostic {
    let (first, second) = (conflict.first, conflict.second);
    let example = example(first, second, host, languages);
    let message = format!(
        "rules `{}` and `{}` both match `{example}`",
        first.id, second.id
    );
    Diagnostic::new(&CODE, second.place(), message)
        .saying("neither this")
        .label(first.place(), format!("nor `{}` is narrower", first.id))
        .help("give the rule that should decide a `priority`, or narrow one of them")
}

fn example(first: &Rule, second: &Rule, host: &str, languages: &mut Languages) -> String {
    let (left, right) = (&first.matched, &second.matched);
    let path = languages
        .relate_paths(&left.path.value, &right.path.value)
        .example;
    let common = left.methods.iter().find(|method| {
        right.methods.is_empty()
            || right
                .methods
                .iter()
                .any(|other| other.value == method.value)
    });
    let method = common
        .or(right.methods.first())
        .map_or("GET", |method| method.value.as_str());
    let host = match host {
        "*" => String::new(),
        host => host.replace('*', "any"),
    };
    let mut text = format!("{method} {host}{path}");
    let mut seen = Vec::new();
    for condition in left.headers.iter().chain(&right.headers) {
        push_condition(&mut text, "header", &condition.value, &mut seen);
    }
    for condition in left.query.iter().chain(&right.query) {
        push_condition(&mut text, "parameter", &condition.value, &mut seen);
    }
    text
}

fn push_condition(
    text: &mut String,
    kind: &str,
    condition: &weft_snapshot::plan::Condition,
    seen: &mut Vec<String>,
) {
    use weft_snapshot::plan::ValueTest;
    let value = match &condition.test {
        ValueTest::Exact { text } => text.clone(),
        ValueTest::Regex { regex } => format!("~{regex}"),
        ValueTest::Present => "…".to_owned(),
        ValueTest::Absent => return,
    };
    let shown = format!(" with {kind} {}: {value}", condition.name);
    if !seen.contains(&shown) {
        text.push_str(&shown);
        seen.push(shown);
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn paths_that_cross_need_a_priority() {
        check(
            r#"
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: "/a/{x}", to: s}
                  - {path: "/{y}/b", respond: {status: 404}}  #~ error[ambiguous-routes]
                  - {path: "/{z}", to: s}
                  - {path: "/a/**", respond: {status: 403}}   #~ error[ambiguous-routes]
                  - {path: "/a/b", respond: {status: 500}}
            "#,
        );
    }

    #[test]
    fn conditions_that_cross_on_one_path_are_ambiguous() {
        check(
            r#"
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /a, methods: [GET], to: s}
                  - {path: /a, headers: {x: "1"}, respond: {status: 404}}  #~ error[ambiguous-routes]
                  - {path: /a, headers: {x: "2"}, methods: [POST], to: s}
                  - {path: /b, headers: {x: "1"}, respond: {status: 404}}
                  - {path: /b, headers: {x: "2"}, respond: {status: 403}}
                  - {path: /b, headers: {x: {present: true}}, to: s}
                  - {path: /b, to: s}
            "#,
        );
    }

    #[test]
    fn equal_outcomes_and_separate_conditions_are_fine() {
        check(
            r#"
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: "/a/{x}", to: s}
                  - {path: "/{y}/b", to: s}
                  - {path: "/c/{x}/z", methods: [GET], to: s}
                  - {path: "/{y}/d/z", methods: [POST], respond: {status: 404}}
            "#,
        );
    }

    #[test]
    fn expressions_are_compared_with_everything() {
        check(
            r#"
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: {regex: "/a/[0-9]+"}, to: s}
                  - {path: "/a/{x}", respond: {status: 404}}
                  - {path: /a/7, respond: {status: 403}}
                  - {path: {regex: "/[ab]/7"}, respond: {status: 500}}  #~ error[ambiguous-routes]
            "#,
        );
    }

    #[test]
    fn routes_of_two_files_share_a_host() {
        check(
            r#"
            # file: a.yaml
            routes: {a: {on: public/web, host: "*", rules: [{path: /x, to: s}]}}
            # file: b.yaml
            routes:
              b: {on: public/web, host: "*", rules: [{path: /x, to: s}]}  #~ error[identical-routes]
              c: {on: public/web, host: a.example, rules: [{path: /x, to: s}]}
            "#,
        );
    }
}
