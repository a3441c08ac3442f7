//! Finds hosts with requests that no rule takes.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};

use crate::rules::facts::Facts;

/// Finding: hosts with requests that no rule takes.
pub(super) static CODE: Code = Code {
    name: "uncovered-space",
    severity: Severity::Info,
    finds: "A host that has rules, but not for every request; the others are answered with 404.",
    why: "Often that is meant. The example request shows whether it is.",
    bad: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {path: /v1/**, to: orders}
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {path: /v1/**, to: orders}
      - {path: /**, respond: {status: 404}}
"#
    ),
};

/// Reports every host that leaves requests to nobody.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for host in facts.hosts() {
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        if let (Some(witness), Some(rule)) = (&analysis.uncovered, host.host.rules.first()) {
            let message = format!("no rule of host `{}` takes `{witness}`", host.host.host);
            diagnostics.push(
                Diagnostic::new(&CODE, rule.place(), message)
                    .saying("the first rule of the host")
                    .help("add a rule for `/**` that says what should happen"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_catch_all_covers_everything() {
        check(
            "
            routes:
              a: {on: public/web, host: a.example, rules: [{path: /v1/**, to: s}]}  #~ info[uncovered-space]
              b: {on: public/web, host: b.example, rules: [{path: /**, to: s}]}
              c: {on: public/web, host: c.example, rules: [{path: /**, methods: [GET], to: s}]}  #~ info[uncovered-space]
            ",
        );
    }
}
