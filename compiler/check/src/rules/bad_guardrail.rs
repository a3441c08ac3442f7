//! Finds guardrails whose bound is not a value of what they bound, and exemptions from them without an end in sight.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::guardrail::{Bound, Maximum};

use super::addresses::Networks;
use super::facts::Facts;
use super::guardrail_exceeded::exemptions_of;
use super::guardrail_exceeded::max;
use super::ownership::terms;

/// A bound that bounds nothing.
pub(super) static CODE: Code = Code {
    name: "bad-guardrail",
    severity: Severity::Error,
    finds: "A guardrail whose `max` is not a duration (for timeouts and `keepAlive`), a number from 1 to 10 (for attempts), a \
            share (for budgets), days up to `366d` (for terms) or a list of networks and names (for endpoints); and an entry of \
            `exempt` that holds for more than a year.",
    why: "Nothing could be compared with such a bound, so it would protect nothing; and an exemption that nobody looks at again is a \
          hole that stays.",
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
    for exemption in &mesh.exemptions {
        diagnostics.extend(terms::too_long(facts, &CODE, "exemption", &exemption.grant));
    }
    for (position, guardrail) in mesh.guardrails.iter().enumerate() {
        let exemptions = exemptions_of(mesh, position);
        if guardrail.value.bound.value == Bound::SuppressionTerm
            && let Some(exempt) = exemptions.first()
        {
            let message = "no suppression can be exempt from this guardrail";
            diagnostics.push(
                Diagnostic::new(&CODE, exempt.place.span, message)
                    .note("a suppression lies in no definition")
                    .help("remove the exemption, or allow more days"),
            );
        }
        let limits = exemptions.iter().map(|one| &one.max);
        for written in std::iter::once(&guardrail.value.max).chain(limits) {
            let Err(expected) = readable(guardrail.value.bound.value, &written.value) else {
                continue;
            };
            let message = match wrong_entry(guardrail.value.bound.value, &written.value) {
                Some(entry) => format!(
                    "`{entry}` is neither a network such as `10.0.0.0/8` nor a name such as `*.internal`"
                ),
                None => format!("`{}` is not {expected}", written.value),
            };
            diagnostics.push(
                Diagnostic::new(&CODE, written.span, message)
                    .label(guardrail.value.bound.span, "what it bounds")
                    .help(format!("write {expected}")),
            );
        }
    }
}

/// The entry of a list of networks that is none.
fn wrong_entry(bound: Bound, written: &Maximum) -> Option<&String> {
    if bound != Bound::Endpoints {
        return None;
    }
    let is_wrong = |text: &&String| {
        let texts = vec![(*text).clone()];
        Networks::parse(&Maximum { texts }).is_err()
    };
    written.texts.iter().find(is_wrong)
}

/// Whether a bound can be read.
///
/// # Errors
///
/// What a value of this kind looks like.
fn readable(bound: Bound, written: &Maximum) -> Result<(), String> {
    match bound {
        Bound::Endpoints => Networks::parse(written)
            .map(|_networks| ())
            .map_err(str::to_owned),
        Bound::SuppressionTerm => terms::days(written).map(|_days| ()).map_err(str::to_owned),
        Bound::Setting(_) => max(bound, written).map(|_max| ()),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn an_exemption_ends_within_a_year() {
        check(
            r#"
            # now: 2026-11-26
            mesh:
              name: shop
              trustDomain: shop.example
              teams: {t: {}}
              defaults: {timeout: {request: 15s}}
              guardrails:
                - bound: timeout.request
                  max: 30s
                  why: slots
                  exempt:
                    - {for: {service: a}, max: 60s, reason: r, owner: t, until: 2027-11-27}
                    - {for: {service: b}, max: 60s, reason: r, owner: t, until: 2027-11-28}  #~ error[bad-guardrail]
            services:
              a: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], timeout: {request: 60s}}
              b: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], timeout: {request: 60s}}
            "#,
        );
    }

    #[test]
    fn each_bound_has_its_own_kind_of_value() {
        check(
            r#"
            mesh:
              name: shop
              trustDomain: shop.example
              mtls: disabled
              defaults: {timeout: {request: 15s}}
              guardrails:
                - {bound: endpoints, max: [10.0.0.0/8, "fd00::/8", 192.168.1.1, "*.internal"], why: a}
                - {bound: endpoints, max: 192.0.0.0/8, why: a}
                - {bound: endpoints, max: [10.0.0.0/33], why: a}  #~ error[bad-guardrail]
                - {bound: endpoints, max: [10.0.0.1/8], why: a}  #~ error[bad-guardrail]
                - {bound: endpoints, max: [], why: a}  #~ error[bad-guardrail]
                - {bound: endpoints, max: [A.example], why: a}  #~ error[bad-guardrail]
                - {bound: endpoints, max: [10.0.0.x], why: a}  #~ error[bad-guardrail]
                - {bound: suppression.term, max: 90d, why: a}
                - {bound: suppression.term, max: 90d, why: a, exempt: [{for: {service: s}, max: 99d, reason: r, owner: platform, until: 2027-01-01}]}  #~ error[bad-guardrail]
                - {bound: suppression.term, max: 0d, why: a}  #~ error[bad-guardrail]
                - {bound: suppression.term, max: 367d, why: a}  #~ error[bad-guardrail]
                - {bound: suppression.term, max: [9d, 8d], why: a}  #~ error[bad-guardrail]
                - {bound: timeout.request, max: [30s, 15s], why: a}  #~ error[bad-guardrail]
            services: {s: {protocol: http, mtls: disabled, endpoints: ["192.168.1.1:1"]}}
            "#,
        );
    }
}
