//! Finds suppressions that say nothing: of codes that do not exist, or without a reason.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity, nearest};
use weft_front::model::Suppression;
use weft_spec::Spanned;

use super::{stale_suppression, terms};
use crate::rules::facts::Facts;

/// Finding: a suppression that can suppress nothing, or does not say why.
pub(in crate::rules) static CODE: Code = Code {
    name: "bad-suppression",
    severity: Severity::Error,
    finds: "A suppression of a code that does not exist or that is about suppressions, whose reason is empty, or \
            that holds for more than a year.",
    why: "Whoever meets it later must be able to tell what was accepted, and why.",
    bad: with_method_loss!(
        r#"  - {code: method-loss, at: {route: old}, reason: "", owner: orders, until: 2027-01-31}
"#
    ),
    good: with_method_loss!(
        r#"  - {code: method-loss, at: {route: old}, reason: "no form posts there", owner: orders, until: 2027-01-31}
"#
    ),
};

/// Reports every suppression that says nothing.
pub(in crate::rules) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    let mut unknown = 0_usize;
    for one in &mesh.suppressions {
        let found = code(one, unknown < PROPOSED);
        unknown += usize::from(found.is_some());
        diagnostics.extend(found);
        diagnostics.extend(reason(&one.grant.reason));
        diagnostics.extend(terms::too_long(facts, &CODE, "suppression", &one.grant));
    }
}

/// So many get the name of a code that exists: of a file no more than that are shown.
const PROPOSED: usize = 200;

fn code(one: &Suppression, is_shown: bool) -> Option<Diagnostic> {
    let written = &one.code;
    if written.value == stale_suppression::CODE.name {
        let message = format!("findings of `{}` cannot be suppressed", written.value);
        return Some(
            Diagnostic::new(&CODE, written.span, message)
                .help("remove the suppression that is reported"),
        );
    }
    if crate::rules::is_code(&written.value) {
        return None;
    }
    let message = format!("there is no code `{}`", written.value);
    let found = Diagnostic::new(&CODE, written.span, message);
    Some(match is_shown.then(|| near(&written.value)).flatten() {
        Some(near) => found
            .help(format!("write `{near}`"))
            .edit_word(written.span, (&written.value, near)),
        None => found.help("write the code of a finding as `weft check` prints it in brackets"),
    })
}

fn near(written: &str) -> Option<&'static str> {
    let codes = crate::rules::codes().into_iter();
    nearest(written, codes.map(|code| code.name))
}

fn reason(written: &Spanned<String>) -> Option<Diagnostic> {
    written.value.trim().is_empty().then(|| {
        Diagnostic::new(&CODE, written.span, "this reason is empty")
            .help("say why it is accepted, and what would end that")
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_suppression_says_what_and_why() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, teams: {a: {}}}
            gateways: {g: {listeners: {w: {port: 1, protocol: http}}}}
            routes: {r1: {on: g/w, host: x.example, rules: [{path: /a, respond: {status: 200}}]}}
            suppressions:
              - {code: dead-rout, at: {route: r1}, reason: a, owner: a, until: 2027-01-01}  #~ error[bad-suppression]
              - {code: stale-suppression, at: {route: r1}, reason: a, owner: a, until: 2027-01-01}  #~ error[bad-suppression]
              - {code: dead-route, at: {route: r1}, reason: " ", owner: a, until: 2027-01-01}  #~ error[bad-suppression]
              - {code: dead-route, at: {route: r2}, reason: a, owner: a, until: 2027-01-01}  #~ error[unknown-reference]
              - {code: dead-route, at: {route: r1, rule: x}, reason: a, owner: a, until: 2027-01-01}  #~ error[unknown-reference]
              - {code: dead-route, at: {host: z.example}, reason: a, owner: b, until: 2027-01-01}  #~ error[unknown-reference], error[unknown-reference]
            "#,
        );
    }
}
