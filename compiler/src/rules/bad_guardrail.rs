//! Finds guardrails whose bound is not a value of what they bound.

use super::facts::Facts;
use super::guardrail_exceeded::max;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};

/// A bound that bounds nothing.
pub(super) static CODE: Code = Code {
    name: "bad-guardrail",
    severity: Severity::Error,
    finds: "A guardrail whose `max` is not a duration (for timeouts and `keepAlive`), a number from 1 to 10 (for attempts) or a \
            share (for budgets).",
    why: "Nothing could be compared with it, so it would protect nothing.",
    bad: r#"weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  guardrails: [{bound: timeout.request, max: "30", why: "slots ran out on 2026-03-02"}]
"#,
    good: r#"weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  guardrails: [{bound: timeout.request, max: 30s, why: "slots ran out on 2026-03-02"}]
"#,
};

/// Reports every such guardrail.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for guardrail in &mesh.guardrails {
        let limits = guardrail.value.exempt.iter().map(|one| &one.value.max);
        for written in std::iter::once(&guardrail.value.max).chain(limits) {
            let Err(expected) = max(guardrail.value.bound.value, &written.value) else {
                continue;
            };
            let message = format!("`{}` is not {expected}", written.value);
            diagnostics.push(
                Diagnostic::new(&CODE, written.span, message)
                    .label(guardrail.value.bound.span, "what it bounds")
                    .help(format!("write {expected}")),
            );
        }
    }
}
