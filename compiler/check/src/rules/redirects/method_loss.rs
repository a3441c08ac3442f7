//! Finds redirects after which a client asks with another method.
//!
//! RFC 9110 sections 15.4.2 to 15.4.4: after 301 and 302 user agents turn POST into GET, and after 303 every
//! method but HEAD. 307 and 308 keep the method and the body.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{Action, Rule};

use crate::rules::facts::Facts;

/// A redirect that loses the method of the requests it is for.
pub(super) static CODE: Code = Code {
    name: "method-loss",
    severity: Severity::Warning,
    finds: "A redirect with 301, 302 or 303 in a rule that names methods such as POST or PUT.",
    why: "Clients follow it with GET and without the body; 307 and 308 keep both.",
    bad: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {path: /old, methods: [POST], redirect: {path: /new}}
      - {path: /new, methods: [GET, POST], to: orders}
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {path: /old, methods: [POST], redirect: {path: /new, code: 308}}
      - {path: /new, methods: [GET, POST], to: orders}
"#
    ),
};

/// Methods that a redirect does not lose, or that have nothing to lose.
const SAFE: [&str; 4] = ["GET", "HEAD", "OPTIONS", "TRACE"];

/// Reports every redirect of named methods that loses one.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let rules = facts.mesh.routes.values().flat_map(|route| &route.rules);
    for rule in rules {
        diagnostics.extend(lost(rule));
    }
}

fn lost(rule: &Rule) -> Option<Diagnostic> {
    let Action::Redirect(redirect) = &rule.action else {
        return None;
    };
    let code = redirect.status();
    if !matches!(code, 301..=303) {
        return None;
    }
    let is_lost = |method: &&weft_spec::Spanned<weft_spec::units::Method>| {
        !SAFE.contains(&method.value.as_str())
    };
    let method = rule.matched.methods.iter().find(is_lost)?;
    let keeps = if code == 301 { 308 } else { 307 };
    let place = redirect.code.map_or(redirect.span, |code| code.span);
    let message = format!("a redirect with {code} turns `{}` into `GET`", method.value);
    Some(
        Diagnostic::new(&CODE, place, message)
            .label(method.span, "a method that is lost")
            .help(format!("write `code: {keeps}`")),
    )
}

#[cfg(test)]
mod tests {
    use crate::testing::check_rules;

    #[test]
    fn only_redirects_that_keep_the_method_are_for_post() {
        check_rules(
            r"
            - {path: /a, methods: [GET, POST], redirect: {path: /x}}  #~ warning[method-loss]
            - {path: /b, methods: [PUT], redirect: {path: /x, code: 301}}  #~ warning[method-loss]
            - {path: /c, methods: [POST], redirect: {path: /x, code: 307}}
            - {path: /d, methods: [GET], redirect: {path: /x}}
            - {path: /e, redirect: {path: /x}}
            - {path: /x, to: s}
            ",
        );
    }
}
