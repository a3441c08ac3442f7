//! Finds settings beyond the bounds that the mesh gives itself.
//!
//! What is written anywhere is compared; `0s`, no limit, exceeds every bound. A built-in default that
//! exceeds a bound is reported at the guardrail, unless the defaults of the mesh replace it.

use std::collections::BTreeSet;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::guardrail::{Bound, Guardrail, Maximum};
use weft_front::model::{Exemption, Mesh};
use weft_front::settings::{Setting, Unit, Value};
use weft_space::work;
use weft_spec::Span;

use super::addresses;
use super::facts::Facts;
use super::ownership::terms;
use super::settings::{EverySaid, SaidOfOne};

/// A setting beyond a bound.
pub(super) static CODE: Code = Code {
    name: "guardrail-exceeded",
    severity: Severity::Error,
    finds: "A setting that is larger than a guardrail of the mesh allows; a timeout of `0s` and a budget that is `off` are \
            larger than any. An endpoint outside of the networks and \
            names of a guardrail on `endpoints`, and a suppression that holds for longer than one on `suppression.term`.",
    why: "Guardrails are lessons: each says why it is there.",
    bad: r#"weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  guardrails: [{bound: timeout.request, max: 30s, why: "slots ran out on 2026-03-02"}]
  defaults: {timeout: {request: 60s}}
"#,
    good: r#"weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  guardrails: [{bound: timeout.request, max: 30s, why: "slots ran out on 2026-03-02"}]
  defaults: {timeout: {request: 15s}}
"#,
};

/// What a guardrail or an exemption accepts.
pub(super) struct Max {
    /// The setting that it bounds.
    pub(super) setting: &'static Setting,
    /// The largest accepted value.
    pub(super) most: Value,
}

/// Reads the bound of a guardrail on a setting.
///
/// # Errors
///
/// What a value of this kind looks like.
pub(super) fn max(bound: Bound, written: &Maximum) -> Result<Max, String> {
    let setting = match bound {
        Bound::Endpoints => return Err(addresses::EXPECTED.to_owned()),
        Bound::SuppressionTerm => return Err(terms::EXPECTED.to_owned()),
        Bound::Setting(name) => Setting::named(name).ok_or_else(|| "a setting".to_owned())?,
    };
    // What is no list where a list is meant, or the other way round, is no value of any kind.
    let value = setting.unit.read(written.single().unwrap_or_default())?;
    // A bound without a limit would bound nothing.
    let number = value.number().filter(|number| {
        let range = setting.range.as_ref();
        let is_in_range = range.is_none_or(|range| range.numbers.contains(number));
        is_in_range && (*number != 0 || setting.unit == Unit::Share)
    });
    match number {
        Some(_) => Ok(Max {
            setting,
            most: value,
        }),
        None => Err(match &setting.range {
            Some(range) => format!(
                "{} from {} to {}",
                setting.unit,
                setting.unit.written(&Value::Number(*range.numbers.start())),
                setting.unit.written(&Value::Number(*range.numbers.end()))
            ),
            None => setting.unit.to_string(),
        }),
    }
}

/// What it costs to report a setting beyond a bound, and to look at one in the place of an exemption (`weft_space::work`).
const FOUND_STEPS: usize = 16;

/// Reports every setting beyond a bound.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    if mesh.guardrails.is_empty() {
        return;
    }
    let every = EverySaid::new(mesh);
    for (position, guardrail) in mesh.guardrails.iter().enumerate() {
        addresses::bounded(facts, position, diagnostics);
        terms::bounded(facts, &guardrail.value, diagnostics);
        let Ok(max) = max(guardrail.value.bound.value, &guardrail.value.max.value) else {
            continue;
        };
        if let Some(said) = every.of(max.setting) {
            let accepted = accepted(facts, (position, said));
            for (number, one) in said.beyond(&max.most) {
                if !work::spend(FOUND_STEPS) {
                    return;
                }
                let file = one.span.file;
                if accepted.contains(&number) {
                    continue;
                }
                if diagnostics.is_full(file) {
                    diagnostics.count_error(file);
                } else {
                    let text = of(max.setting, &one.value);
                    diagnostics.push(exceeded(&guardrail.value, &text, one.span));
                }
            }
        }
        if let Some(value) = built_in(mesh, &max) {
            let bound = &guardrail.value.max;
            let message = format!("the built-in {value} exceeds this guardrail");
            diagnostics.push(
                Diagnostic::new(&CODE, bound.span, message).help("set it in `mesh.defaults`"),
            );
        }
    }
}

/// The numbers of what exemptions of a guardrail accept, as long as they hold.
fn accepted(facts: &Facts<'_>, (guardrail, said): (usize, &SaidOfOne<'_>)) -> BTreeSet<usize> {
    let mut accepted = BTreeSet::new();
    for one in exemptions_of(facts.mesh, guardrail) {
        let most = bound_of(facts.mesh, one);
        let Some(Max { most, .. }) = most.filter(|_| !one.grant.is_over(facts.today)) else {
            continue;
        };
        for (number, said) in said.within(&one.place) {
            if !work::spend(FOUND_STEPS) {
                return accepted;
            }
            if said.value <= most {
                accepted.insert(number);
            }
        }
    }
    accepted
}

/// The exemptions of a guardrail by its position; those of the mesh are in the order of guardrails.
pub(super) fn exemptions_of(mesh: &Mesh, guardrail: usize) -> &[Exemption] {
    let all = &mesh.exemptions;
    let start = all.partition_point(|one| one.guardrail < guardrail);
    let end = all.partition_point(|one| one.guardrail <= guardrail);
    all.get(start..end).unwrap_or_default()
}

/// The bound of an exemption, if it is one of a setting.
pub(super) fn bound_of(mesh: &Mesh, one: &Exemption) -> Option<Max> {
    let guardrail = mesh.guardrails.get(one.guardrail)?;
    max(guardrail.value.bound.value, &one.max.value).ok()
}

/// `` `request` of 60s``.
pub(super) fn of(setting: &Setting, value: &Value) -> String {
    let field = setting.name.rsplit('.').next().unwrap_or(setting.name);
    format!("`{field}` of {}", setting.unit.written(value))
}

/// What is built in, if it is beyond the bound and the defaults of the mesh leave it so. What has no limit unless somebody
/// says one is no built-in value; where it may not be written in the defaults, nobody could mend it there.
fn built_in(mesh: &Mesh, max: &Max) -> Option<String> {
    let Max { setting, most } = max;
    let built_in = (setting.built_in)(&mesh.defaults);
    let is_left = setting.read.defaults.is_some() && mesh.defaults.get(setting).is_none();
    let is_beyond = is_left && built_in != Value::Unlimited && *most < built_in;
    is_beyond.then(|| of(setting, &built_in))
}

/// That a value exceeds a guardrail.
pub(super) fn exceeded(guardrail: &Guardrail, value: &str, span: Span) -> Diagnostic {
    let Guardrail { bound, max, why } = guardrail;
    Diagnostic::new(
        &CODE,
        span,
        format!("{value} exceeds the guardrail of {}", max.value),
    )
    .label(max.span, "the guardrail")
    .note(format!("why it is there: {}", why.value))
    .help(match bound.value {
        Bound::Endpoints => format!("use one within {}", max.value),
        Bound::Setting(_) | Bound::SuppressionTerm => format!("write {} or less", max.value),
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn the_language_names_every_setting_that_can_be_bounded() {
        let bounded = weft_front::settings::ALL
            .iter()
            .filter(|one| one.is_bounded);
        let bounded: Vec<&str> = bounded.map(|one| one.name).collect();
        let named = weft_front::model::guardrail::BOUNDED.iter().copied();
        let beside = ["endpoints", "suppression.term"];
        let named: Vec<&str> = named.filter(|name| !beside.contains(name)).collect();
        assert_eq!(bounded, named);
    }

    #[test]
    fn every_level_keeps_the_bounds() {
        check(
            r#"
            mesh:
              name: shop
              trustDomain: shop.example
              defaults: {timeout: {request: 15s, idle: 0s}}  #~ error[guardrail-exceeded]
              guardrails:
                - {bound: timeout.request, max: 30s, why: a, exempt: [{for: {service: e}, max: 60s, reason: batch, owner: t, until: 2027-01-01}]}
                - {bound: timeout.idle, max: 1h, why: b}
                - {bound: retry.attempts, max: "3", why: c}
                - {bound: timeout.connect, max: 500ms, why: d}  #~ error[guardrail-exceeded]
                - {bound: retry.budget, max: 10%, why: e}  #~ error[guardrail-exceeded]
                - {bound: keepAlive, max: 30s, why: f}  #~ error[guardrail-exceeded]
              teams: {t: {}}
            services:
              e: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], timeout: {request: 60s}}
              s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], timeout: {request: 31s}}  #~ error[guardrail-exceeded]
              c: {protocol: http, app: 127.0.0.1:8080, calls: {s: {retry: {attempts: 4}}}}  #~ error[guardrail-exceeded]
              d: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], retry: {budget: off}}  #~ error[guardrail-exceeded]
              f: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], keepAlive: 31s}  #~ error[guardrail-exceeded]
              g: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], keepAlive: off, retry: {budget: 10%}}
            "#,
        );
    }
}
