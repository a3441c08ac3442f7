//! Finds answers with the status of a redirect that say no place to go to.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Action;

use crate::rules::facts::Facts;
use crate::rules::header_names::changes_of;

/// The statuses with which clients go elsewhere (RFC 9110 section 15.4).
const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

/// A redirect to nowhere.
pub(super) static CODE: Code = Code {
    name: "redirect-without-location",
    severity: Severity::Warning,
    finds: "A `respond` with the status of a redirect, 301, 302, 303, 307 or 308, on a rule that sets no header `location`.",
    why: "A client goes where `location` says, and shows an empty page without it. `redirect` makes one from the request.",
    bad: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: /old, respond: {status: 302}}, {to: orders}]}
"#
    ),
    good: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: /old, redirect: {path: /new, code: 302}}, {to: orders}]}
"#
    ),
};

/// Reports every such answer.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for rule in facts.mesh.routes.values().flat_map(|route| &route.rules) {
        let Action::Respond(respond) = &rule.action else {
            continue;
        };
        let status = respond.status;
        let has_location =
            changes_of(rule).any(|change| change.name.value.eq_ignore_ascii_case("location"));
        if !REDIRECTS.contains(&status.value) || has_location {
            continue;
        }
        let code = status.value;
        let message = format!("an answer with status {code} says nowhere to go");
        diagnostics.push(Diagnostic::new(&CODE, status.span, message).help(format!(
            "write `redirect: {{path: /new, code: {code}}}` in place of `respond`"
        )));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_rules;

    #[test]
    fn a_status_of_a_redirect_needs_a_place() {
        check_rules(
            r"
            - {path: /a, respond: {status: 302}}  #~ warning[redirect-without-location]
            - {path: /b, respond: {status: 302}, responseHeaders: {set: {Location: /c}}}
            - {path: /c, respond: {status: 304}}
            - {to: s}
            ",
        );
    }
}
