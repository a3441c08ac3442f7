//! Finds conditions that mean something else in other products: `*` as any value, the host as a header, a `?` in front of a parameter.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Rule;
use weft_snapshot::plan::{Condition, ValueTest};
use weft_spec::Spanned;

use crate::rules::facts::Facts;

/// A condition that few requests meet, or none.
pub(super) static CODE: Code = Code {
    name: "misread-match",
    severity: Severity::Warning,
    finds: "A condition on the text `*` or on an expression as a text, on the header `host`, or on a parameter with a `?` or `=` in its name.",
    why: "A text is compared letter by letter, the host of a request is the route's, and a name of a parameter has no signs of a query: \
          the rule takes few requests or none.",
    bad: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: /a, headers: {x-beta: "*"}, to: orders}]}
"#
    ),
    good: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: /a, headers: {x-beta: {present: true}}, to: orders}]}
"#
    ),
};

/// Reports every such condition.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for rule in facts.mesh.routes.values().flat_map(|route| &route.rules) {
        of_rule(rule, diagnostics);
    }
}

fn of_rule(rule: &Rule, diagnostics: &mut Diagnostics) {
    for condition in &rule.matched.headers {
        let name = &condition.value.name;
        if name == "host" {
            let message = "the host of a request is matched by the route";
            let help = "remove it, and write a route with `host` for these requests";
            diagnostics.push(Diagnostic::new(&CODE, condition.span, message).help(help));
        } else {
            diagnostics.extend(of_value("header", condition));
        }
    }
    for condition in &rule.matched.query {
        let name = &condition.value.name;
        let bare = name.trim_matches(['?', '&', '=']);
        if bare.len() < name.len() {
            let shown = name.escape_debug();
            let message = format!("no parameter is called `{shown}`");
            let help = format!("write its name alone: `{}`", bare.escape_debug());
            diagnostics.push(Diagnostic::new(&CODE, condition.span, message).help(help));
        } else {
            diagnostics.extend(of_value("parameter", condition));
        }
    }
}

/// A text that is a pattern elsewhere.
fn of_value(what: &str, condition: &Spanned<Condition>) -> Option<Diagnostic> {
    let ValueTest::Exact { text } = &condition.value.test else {
        return None;
    };
    let help = if text == "*" {
        "write `{present: true}` for any value".to_owned()
    } else if is_expression(text) {
        let bare = text.trim_start_matches('^').trim_end_matches('$');
        format!("write `{{regex: '{bare}'}}`, which is held against the whole value")
    } else {
        return None;
    };
    let name = &condition.value.name;
    let message = format!(
        "the value `{}` of the {what} `{}` is matched letter by letter",
        text.escape_debug(),
        name.escape_debug()
    );
    Some(Diagnostic::new(&CODE, condition.span, message).help(help))
}

/// Whether a text has signs that hardly any value has but an expression.
fn is_expression(text: &str) -> bool {
    let signs = [
        ".*", ".+", "]+", "]*", "]?", "[0-9]", "[a-z]", "\\d", "\\w", "(?",
    ];
    signs.iter().any(|sign| text.contains(sign)) || (text.starts_with('^') && text.ends_with('$'))
}

#[cfg(test)]
mod tests {
    use crate::testing::check_rules;

    #[test]
    fn conditions_of_other_products_are_found() {
        check_rules(
            r#"
            - {path: /a, headers: {x: "*"}, to: s}  #~ warning[misread-match]
            - {path: /b, headers: {x: "v[0-9]+"}, to: s}  #~ warning[misread-match]
            - {path: /c, headers: {Host: a.example}, to: s}  #~ warning[misread-match]
            - {path: /d, query: {"?x": "a"}, to: s}  #~ warning[misread-match]
            - {path: /e, query: {x: ".*"}, to: s}  #~ warning[misread-match]
            - {path: /f, headers: {accept: "*/*", x: "a+b"}, query: {y: "1.5"}, to: s}
            "#,
        );
    }
}
