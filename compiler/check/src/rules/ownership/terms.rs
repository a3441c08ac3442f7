//! How long a suppression or an exemption may still hold: a year, or, for suppressions, what a guardrail says.
//!
//! Counted from the day of the check, so that nobody can accept something for ever by writing a day far away; without that day nothing
//! is said.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics};
use weft_front::model::guardrail::{Bound, Guardrail, Maximum};
use weft_front::model::suppression::Grant;
use weft_space::work;
use weft_spec::units::Date;

use crate::rules::facts::Facts;
use crate::rules::guardrail_exceeded::exceeded;

/// The longest term, in days: a year, a leap year too.
pub(super) const LONGEST: u32 = 366;

/// What the bound on terms looks like.
pub(in crate::rules) const EXPECTED: &str = "a number of days from `1d` to `366d`";

/// Reads a number of days.
///
/// # Errors
///
/// What one looks like.
pub(in crate::rules) fn days(written: &Maximum) -> Result<u32, &'static str> {
    let text = written.single().and_then(|text| text.strip_suffix('d'));
    let days = text.and_then(|text| text.parse::<u32>().ok());
    days.filter(|days| (1..=LONGEST).contains(days))
        .ok_or(EXPECTED)
}

/// Reports suppressions that hold for longer than a guardrail allows, if it is about terms.
pub(in crate::rules) fn bounded(
    facts: &Facts<'_>,
    guardrail: &Guardrail,
    diagnostics: &mut Diagnostics,
) {
    if guardrail.bound.value != Bound::SuppressionTerm {
        return;
    }
    let Ok(most) = days(&guardrail.max.value) else {
        return;
    };
    if !work::spend(facts.mesh.suppressions.len().saturating_mul(4)) {
        return;
    }
    for one in &facts.mesh.suppressions {
        let left = left(facts, &one.grant)
            .filter(|left| i64::from(most) < *left && *left <= LONGEST.into());
        if let Some(left) = left {
            let text = format!("a suppression for {left} more days");
            diagnostics.push(exceeded(guardrail, &text, one.grant.until.span));
        }
    }
}

/// That something is granted for longer than anything may be: a finding of a code about `what`.
pub(in crate::rules) fn too_long(
    facts: &Facts<'_>,
    code: &'static Code,
    what: &str,
    grant: &Grant,
) -> Option<Diagnostic> {
    let left = left(facts, grant).filter(|left| i64::from(LONGEST) < *left)?;
    let message = format!("this {what} holds for {left} more days, longer than a year");
    let found = Diagnostic::new(code, grant.until.span, message);
    Some(found.help("agree on a day within a year; it can be renewed then"))
}

/// The days from the day of the check to the last one.
fn left(facts: &Facts<'_>, grant: &Grant) -> Option<i64> {
    let seconds = |date: Date| date.end_unix_seconds();
    let left = seconds(grant.until.value).checked_sub(seconds(facts.today?))?;
    Some(left.div_euclid(86_400))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_suppression_ends_within_a_year_or_what_a_guardrail_says() {
        let with = |guardrails: &str, shorter: &str| {
            let text = r"
            # now: 2026-11-26
            mesh: {name: shop, trustDomain: shop.example, teams: {a: {}}, guardrails: [GUARDRAILS]}
            gateways: {g: {listeners: {w: {port: 1, protocol: http}}}}
            routes:
              r1: {on: g/w, host: x.example, rules: [{path: /a, methods: [POST], redirect: {host: b.example}}]}
              r2: {on: g/w, host: y.example, rules: [{path: /a, methods: [POST], redirect: {host: b.example}}]}
              r3: {on: g/w, host: z.example, rules: [{path: /a, methods: [POST], redirect: {host: b.example}}]}
            suppressions:
              - {code: method-loss, at: {route: r1}, reason: a, owner: a, until: 2027-11-27}  SHORTER
              - {code: method-loss, at: {route: r2}, reason: a, owner: a, until: 2027-11-28}  #~ error[bad-suppression]
              - {code: method-loss, at: {route: r3}, reason: a, owner: platform, until: 2027-02-24}
            ";
            check(
                &text
                    .replace("GUARDRAILS", guardrails)
                    .replace("SHORTER", shorter),
            );
        };
        with("", "");
        with(
            "{bound: suppression.term, max: 90d, why: look again}",
            "#~ error[guardrail-exceeded]",
        );
    }
}
