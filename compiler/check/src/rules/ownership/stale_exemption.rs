//! Finds exemptions from guardrails that accept nothing, have ended, or accept more than is needed.
//!
//! Exact: what is written in the place of an exemption is compared with the guardrail and with the exemption.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Exemption;
use weft_space::work;

use crate::rules::addresses;
use crate::rules::facts::Facts;
use crate::rules::guardrail_exceeded::{max, of};
use crate::rules::settings::EverySaid;

/// What it costs to look at an exemption, and at a setting in its place (`weft_space::work`).
const STEPS: usize = 16;

/// An exemption that nobody needs.
pub(super) static CODE: Code = Code {
    name: "stale-exemption",
    severity: Severity::Warning,
    finds: "An entry of `exempt` of a guardrail that has ended, that no setting needs, or whose `max` is larger than any \
            setting there.",
    why: "An exemption is a hole in a lesson; it should be as small as its reason and go with it.",
    bad: r#"weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  teams: {reports: {}}
  defaults: {timeout: {request: 15s}}
  guardrails:
    - bound: timeout.request
      max: 30s
      why: slots ran out on 2026-03-02
      exempt: [{for: {service: reports}, max: 120s, reason: batch, owner: reports, until: 2027-01-31}]
services: {reports: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"], timeout: {request: 60s}}}
"#,
    good: r#"weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  teams: {reports: {}}
  defaults: {timeout: {request: 15s}}
  guardrails:
    - bound: timeout.request
      max: 30s
      why: slots ran out on 2026-03-02
      exempt: [{for: {service: reports}, max: 60s, reason: batch, owner: reports, until: 2027-01-31}]
services: {reports: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"], timeout: {request: 60s}}}
"#,
};

/// Reports every such exemption.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    if facts.mesh.exemptions.is_empty() {
        return;
    }
    let every = EverySaid::new(facts.mesh);
    for one in &facts.mesh.exemptions {
        if !work::spend(STEPS) {
            return;
        }
        if one.grant.is_over(facts.today) {
            let until = &one.grant.until;
            let message = format!("this exemption ended on {}", until.value);
            let finding = Diagnostic::new(&CODE, until.span, message);
            diagnostics.push(finding.help("remove it, or agree on another day"));
        } else {
            diagnostics.extend(unneeded(facts, &every, one));
        }
    }
}

fn unneeded(facts: &Facts<'_>, every: &EverySaid<'_>, one: &Exemption) -> Option<Diagnostic> {
    if addresses::is_needed(facts.mesh, one) == Some(false) {
        return Some(needless(one));
    }
    let guardrail = facts.mesh.guardrails.get(one.guardrail)?;
    let bound = max(guardrail.value.bound.value, &guardrail.value.max.value).ok()?;
    let own = max(guardrail.value.bound.value, &one.max.value).ok()?;
    let said = every.of(bound.setting).into_iter();
    let here = said.flat_map(|said| said.within(&one.place));
    let here = here.take_while(|_| work::spend(STEPS));
    let here = here.filter(|(_, said)| bound.most < said.value);
    let largest = here.max_by(|(_, one), (_, other)| one.value.cmp(&other.value));
    if work::is_spent() {
        return None;
    }
    let Some((_, largest)) = largest else {
        return Some(needless(one));
    };
    // A setting beyond the exemption has its own finding.
    if own.most <= largest.value {
        return None;
    }
    let text = of(bound.setting, &largest.value);
    let message = format!(
        "this exemption accepts {}, and nothing needs more than {}",
        one.max.value, text
    );
    Some(
        Diagnostic::new(&CODE, one.max.span, message)
            .label(largest.span, "what needs it")
            .help("lower `max` to what is needed"),
    )
}

fn needless(one: &Exemption) -> Diagnostic {
    let message = "nothing needs this exemption";
    Diagnostic::new(&CODE, one.place.span, message).help("remove it")
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn an_exemption_is_as_large_as_its_reason() {
        check(
            r#"
            # now: 2026-11-27
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
                    - {for: {service: a}, max: 60s, reason: r, owner: t, until: 2027-01-01}
                    - {for: {service: b}, max: 120s, reason: r, owner: t, until: 2027-01-01}  #~ warning[stale-exemption]
                    - {for: {service: c}, max: 120s, reason: r, owner: t, until: 2027-01-01}  #~ warning[stale-exemption]
                    - {for: {service: d}, max: 60s, reason: r, owner: t, until: 2026-11-26}  #~ warning[stale-exemption]
                    - {for: {service: e}, max: 60s, reason: r, owner: t, until: 2027-01-01}
                    - {for: {service: a}, max: fast, reason: r, owner: t, until: 2027-01-01}  #~ error[bad-guardrail]
            services:
              a: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], timeout: {request: 60s}}
              b: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], timeout: {request: 60s}}
              c: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], timeout: {request: 30s}}
              d: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], timeout: {request: 60s}}  #~ error[guardrail-exceeded]
              e: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], timeout: {request: 61s}}  #~ error[guardrail-exceeded]
            "#,
        );
    }
}
