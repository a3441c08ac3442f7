//! Finds hosts whose rules could not be analysed within the bounds.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_space::Unknown;

use crate::rules::facts::Facts;

/// Finding: hosts whose rules could not be analysed within the bounds.
pub(super) static CODE: Code = Code {
    name: "unproven-host",
    severity: Severity::Warning,
    finds: "A host whose rules have so many combinations of paths or conditions that no statement about them is proved.",
    why: "Nothing is known to be wrong, and nothing is known to be right: no dead, ambiguous or useless rule of the host was looked for.",
    bad: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {path: "/a/{s1}/{s2}/{s3}/{s4}/{s5}/{s6}/{s7}/{s8}/{s9}/{s10}/{s11}/{s12}/{s13}/{s14}/{s15}/{s16}", to: orders}
      - {path: "/{s0}/a/{s2}/{s3}/{s4}/{s5}/{s6}/{s7}/{s8}/{s9}/{s10}/{s11}/{s12}/{s13}/{s14}/{s15}/{s16}", to: orders}
      - {path: "/{s0}/{s1}/a/{s3}/{s4}/{s5}/{s6}/{s7}/{s8}/{s9}/{s10}/{s11}/{s12}/{s13}/{s14}/{s15}/{s16}", to: orders}
      - {path: "/{s0}/{s1}/{s2}/a/{s4}/{s5}/{s6}/{s7}/{s8}/{s9}/{s10}/{s11}/{s12}/{s13}/{s14}/{s15}/{s16}", to: orders}
      - {path: "/{s0}/{s1}/{s2}/{s3}/a/{s5}/{s6}/{s7}/{s8}/{s9}/{s10}/{s11}/{s12}/{s13}/{s14}/{s15}/{s16}", to: orders}
      - {path: "/{s0}/{s1}/{s2}/{s3}/{s4}/a/{s6}/{s7}/{s8}/{s9}/{s10}/{s11}/{s12}/{s13}/{s14}/{s15}/{s16}", to: orders}
      - {path: "/{s0}/{s1}/{s2}/{s3}/{s4}/{s5}/a/{s7}/{s8}/{s9}/{s10}/{s11}/{s12}/{s13}/{s14}/{s15}/{s16}", to: orders}
      - {path: "/{s0}/{s1}/{s2}/{s3}/{s4}/{s5}/{s6}/a/{s8}/{s9}/{s10}/{s11}/{s12}/{s13}/{s14}/{s15}/{s16}", to: orders}
      - {path: "/{s0}/{s1}/{s2}/{s3}/{s4}/{s5}/{s6}/{s7}/a/{s9}/{s10}/{s11}/{s12}/{s13}/{s14}/{s15}/{s16}", to: orders}
      - {path: "/{s0}/{s1}/{s2}/{s3}/{s4}/{s5}/{s6}/{s7}/{s8}/a/{s10}/{s11}/{s12}/{s13}/{s14}/{s15}/{s16}", to: orders}
      - {path: "/{s0}/{s1}/{s2}/{s3}/{s4}/{s5}/{s6}/{s7}/{s8}/{s9}/a/{s11}/{s12}/{s13}/{s14}/{s15}/{s16}", to: orders}
      - {path: "/{s0}/{s1}/{s2}/{s3}/{s4}/{s5}/{s6}/{s7}/{s8}/{s9}/{s10}/a/{s12}/{s13}/{s14}/{s15}/{s16}", to: orders}
      - {path: "/{s0}/{s1}/{s2}/{s3}/{s4}/{s5}/{s6}/{s7}/{s8}/{s9}/{s10}/{s11}/a/{s13}/{s14}/{s15}/{s16}", to: orders}
      - {path: "/{s0}/{s1}/{s2}/{s3}/{s4}/{s5}/{s6}/{s7}/{s8}/{s9}/{s10}/{s11}/{s12}/a/{s14}/{s15}/{s16}", to: orders}
      - {path: "/{s0}/{s1}/{s2}/{s3}/{s4}/{s5}/{s6}/{s7}/{s8}/{s9}/{s10}/{s11}/{s12}/{s13}/a/{s15}/{s16}", to: orders}
      - {path: "/{s0}/{s1}/{s2}/{s3}/{s4}/{s5}/{s6}/{s7}/{s8}/{s9}/{s10}/{s11}/{s12}/{s13}/{s14}/a/{s16}", to: orders}
      - {path: "/{s0}/{s1}/{s2}/{s3}/{s4}/{s5}/{s6}/{s7}/{s8}/{s9}/{s10}/{s11}/{s12}/{s13}/{s14}/{s15}/a", to: orders}
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {path: "/{a}/{b}", to: orders}
"#
    ),
};

/// Reports every host whose analysis met a bound.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for host in facts.hosts() {
        let Err(unknown) = &host.analysis else {
            continue;
        };
        // Such expressions are an error of their own.
        if matches!(unknown, Unknown::ExpressionsTooBig { .. }) {
            continue;
        }
        if let Some(rule) = host.host.rules.first() {
            let message = format!(
                "nothing is proved about host `{}`: {unknown}",
                host.host.host
            );
            diagnostics.push(
                Diagnostic::new(&CODE, rule.place(), message)
                    .saying("the first rule of the host")
                    .help("start paths with a literal segment, anchor expressions, or spread the rules over several hosts"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn many_paths_are_no_reason_to_give_up() {
        let rule = |number: u32| format!("{{path: \"/a{number}/{{x}}\", to: s}}, ");
        let rules: Vec<String> = (0..300).map(rule).collect();
        let rules = rules.concat();
        check(&format!(
            "routes: {{r: {{on: public/web, host: \"*\", rules: [{rules}]}}}}"
        ));
    }
}
