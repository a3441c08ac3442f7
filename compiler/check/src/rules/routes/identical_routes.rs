//! Finds rules that match exactly the same requests; [`super::ambiguous_routes`] runs the analysis.

use weft_front::diagnostic::{Code, Diagnostic, Severity};
use weft_front::model::Rule;
use weft_space::path::written;

/// Two rules with the same match and priority.
pub(super) static CODE: Code = Code {
    name: "identical-routes",
    severity: Severity::Error,
    finds: "Two rules of one host, in one route or in two, with the same match and the same priority.",
    why: "One of them can never receive a request, and nothing says which.",
    bad: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {path: "/orders/{id}", to: orders}
      - {path: "/orders/{order}", respond: {status: 404}}
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - {path: "/orders/{id}", to: orders}
      - {path: /orders/none, respond: {status: 404}}
"#
    ),
};

/// Says so.
pub(super) fn report(first: &Rule, second: &Rule) -> Diagnostic {
    let message = format!(
        "rules `{}` and `{}` match the same requests",
        first.id, second.id
    );
    Diagnostic::new(&CODE, second.place(), message)
        .saying(format!("`{}` again", written(&second.matched.path.value)))
        .label(first.place(), format!("`{}` matches them, too", first.id))
        .help("remove one of the rules, or give one a `priority`")
}
