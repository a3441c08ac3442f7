//! Redirects to hosts of the mesh where no rule takes the client: found by the walk of `redirect_loop`.

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::model::Rule;

/// A redirect to a 404.
pub(super) static CODE: Code = Code {
    name: "redirect-to-nowhere",
    severity: Severity::Warning,
    finds: "A redirect to a host of this mesh that has no rule for the request that clients send then.",
    why: "Clients are led to a 404 by a spec that could know.",
    bad: spec!(
        r#"routes:
  shop: {on: public/web, host: shop.example, rules: [{path: /old, redirect: {path: /new}}]}
"#
    ),
    good: spec!(
        r#"routes:
  shop: {on: public/web, host: shop.example, rules: [{path: /old, redirect: {path: /new}}, {path: /new, to: orders}]}
"#
    ),
};

pub(super) fn report(rule: &Rule, to: &str) -> Diagnostic {
    let message = format!("the redirect of rule `{}` leads to a 404", rule.id);
    Diagnostic::new(&CODE, rule.place(), message)
        .note(format!("no rule takes {to}"))
        .help("add a rule for it, or redirect to where one is")
}
