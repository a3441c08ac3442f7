//! Finds exact paths whose twin with a slash at the end is answered with 404.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_snapshot::plan::{PathPattern, Segment};

use crate::rules::facts::Facts;

/// Finding: exact paths whose twin with a slash at the end is answered with 404.
pub(super) static CODE: Code = Code {
    name: "trailing-slash-trap",
    severity: Severity::Info,
    finds: "A rule for an exact path such as `/login`, where no rule at all has the path `/login/`.",
    why: "Clients and people add slashes; whether both should work is better decided than discovered.",
    bad: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {path: /login, to: orders}
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {path: /login, to: orders}
      - {path: /login/, redirect: {path: /login}}
"#
    ),
};

/// Reports every exact path that loses its requests to a slash.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    if !facts.looks_for_remarks {
        return;
    }
    for host in facts.hosts() {
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        for (rule, witness) in analysis.rules.iter().zip(&analysis.witness) {
            let Some(path) = plain(&rule.matched.path.value) else {
                continue;
            };
            if witness.is_some() && !analysis.takes_path(&format!("{path}/")) {
                let message = format!("`{path}` has a rule, and `{path}/` has none");
                diagnostics.push(
                    Diagnostic::new(&CODE, rule.place(), message)
                        .help(format!("write `{path}/**`, or add a rule for `{path}/`")),
                );
            }
        }
    }
}

/// The only path of a pattern, unless it ends in a slash.
fn plain(pattern: &PathPattern) -> Option<String> {
    let PathPattern::Segments {
        segments,
        rest: false,
    } = pattern
    else {
        return None;
    };
    let mut path = String::new();
    for segment in segments {
        match segment {
            Segment::Literal { text } if !text.is_empty() => {
                path.push('/');
                path.push_str(text);
            }
            Segment::Literal { .. } | Segment::Any { .. } => return None,
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use crate::testing::check_rules;

    #[test]
    fn any_rule_for_the_twin_is_enough() {
        check_rules(
            r#"
            - {path: /a, to: s}  #~ info[trailing-slash-trap]
            - {path: /b, to: s}
            - {path: /b/, respond: {status: 404}}
            - {path: /c, to: s}
            - {path: {regex: "/c/?"}, respond: {status: 404}}
            "#,
        );
    }
}
