//! Finds settings beyond the bounds that the mesh gives itself.
//!
//! What is written anywhere is compared; `0s`, no limit, exceeds every bound. A built-in default that
//! exceeds a bound is reported at the guardrail, unless the defaults of the mesh replace it.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{Exemption, Mesh};
use weft_front::settings::{Said, Setting, Unit, Value};
use weft_space::work;
use weft_spec::Span;
use weft_spec::maximum::Maximum;
use weft_spec::mesh::{Bound, Guardrail};

use super::addresses;
use super::facts::Facts;
use super::ownership::terms;
use super::settings::places;

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
    setting: &'static Setting,
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

/// Reports every setting beyond a bound.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for (position, guardrail) in mesh.guardrails.iter().enumerate() {
        let beside = mesh.services.len().saturating_add(mesh.suppressions.len());
        if !work::spend(beside.saturating_mul(4).saturating_add(16)) {
            return;
        }
        addresses::bounded(facts, position, diagnostics);
        terms::bounded(facts, &guardrail.value, diagnostics);
        let Ok(max) = max(guardrail.value.bound.value, &guardrail.value.max.value) else {
            continue;
        };
        for place in places(mesh) {
            if !work::spend(2) {
                return;
            }
            if let Some(said) = beyond(&max, place)
                && !is_exempt(facts, position, place)
            {
                diagnostics.push(exceeded(&guardrail.value, &said.text, said.span));
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

/// Whether an exemption accepts what is written in a place.
fn is_exempt(facts: &Facts<'_>, guardrail: usize, place: &Said) -> bool {
    work::spend(facts.mesh.exemptions.len());
    let exemptions = facts.mesh.exemptions.iter();
    let mut of_it = exemptions.filter(|one| one.guardrail == guardrail);
    of_it.any(|one| !one.grant.is_over(facts.today) && accepts(facts, one, place))
}

/// Whether an exemption accepts what is written in a place, as long as it holds.
pub(super) fn accepts(facts: &Facts<'_>, one: &Exemption, place: &Said) -> bool {
    let guardrail = facts.mesh.guardrails.get(one.guardrail);
    let max = guardrail.map(|guardrail| max(guardrail.value.bound.value, &one.max.value));
    let Some(Ok(max)) = max else {
        return false;
    };
    let said = place.get(max.setting);
    said.is_some_and(|said| one.place.holds(said.span) && said.value <= max.most)
}

/// What is written in a place beyond a bound.
pub(super) struct Beyond {
    /// `` `request` of 60s``.
    pub(super) text: String,
    pub(super) value: Value,
    pub(super) span: Span,
}

/// What a place says, if it is beyond the bound; no limit is beyond any.
pub(super) fn beyond(max: &Max, place: &Said) -> Option<Beyond> {
    let Max { setting, most } = max;
    let said = place.get(setting)?;
    (*most < said.value).then(|| Beyond {
        text: of(setting, &said.value),
        value: said.value.clone(),
        span: said.span,
    })
}

/// `` `request` of 60s``.
fn of(setting: &Setting, value: &Value) -> String {
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
    let Guardrail {
        bound,
        max,
        why,
        exempt: _,
    } = guardrail;
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
        let named = weft_spec::mesh::BOUNDED.iter().copied();
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
