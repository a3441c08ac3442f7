//! Finds settings beyond the bounds that the mesh gives itself.
//!
//! What is written anywhere is compared; `0s`, no limit, exceeds every bound. A built-in default that
//! exceeds a bound is reported at the guardrail, unless the defaults of the mesh replace it.

use weft_snapshot::limits::KEEP_ALIVE_MILLIS;
use weft_spec::maximum::Maximum;
use weft_spec::mesh::{Bound, Guardrail};
use weft_spec::units::{Duration, Share, Switch};
use weft_spec::{Span, Spanned};

use super::addresses;
use super::facts::Facts;
use super::ownership::terms;
use super::settings::{Written, written};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::model::effective::{
    BUILT_IN_ATTEMPTS, BUILT_IN_BUDGET, BUILT_IN_CONNECT, BUILT_IN_IDLE, TimeoutField,
};
use crate::model::{Exemption, Mesh};

/// A setting beyond a bound.
pub(super) static CODE: Code = Code {
    name: "guardrail-exceeded",
    severity: Severity::Error,
    finds: "A timeout, a number of attempts, a share of retries or a keep-alive that is larger than a guardrail of the mesh \
            allows; a timeout of `0s` and a budget that is `off` are larger than any. An endpoint outside of the networks and \
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

/// The largest accepted value of a guardrail.
#[derive(Clone, Copy, Debug)]
pub(super) enum Max {
    /// Of a timeout.
    Time(TimeoutField, Duration),
    /// Of the number of tries.
    Attempts(u8),
    /// Of the share of retries.
    Budget(Share),
    /// Of the time for which idle connections are kept.
    KeepAlive(Duration),
}

/// Reads the bound of a guardrail.
///
/// # Errors
///
/// What a value of this kind looks like.
pub(super) fn max(bound: Bound, written: &Maximum) -> Result<Max, &'static str> {
    // What is no list where a list is meant, or the other way round, is no value of any kind.
    let text = written.single().unwrap_or_default();
    let duration = || match text.parse::<Duration>() {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        Ok(_) | Err(_) => Err("a duration such as `30s`"),
    };
    let time = |field| duration().map(|duration| Max::Time(field, duration));
    match bound {
        Bound::TimeoutRequest => time(TimeoutField::Request),
        Bound::TimeoutBackendRequest => time(TimeoutField::BackendRequest),
        Bound::TimeoutConnect => time(TimeoutField::Connect),
        Bound::TimeoutIdle => time(TimeoutField::Idle),
        Bound::RetryAttempts => match text.parse::<u8>() {
            Ok(attempts @ 1..=10) => Ok(Max::Attempts(attempts)),
            Ok(_) | Err(_) => Err("a number of tries from 1 to 10"),
        },
        Bound::RetryBudget => text
            .parse()
            .map(Max::Budget)
            .map_err(|_error| "a share such as `20%`"),
        Bound::KeepAlive => duration().map(Max::KeepAlive),
        Bound::Endpoints => Err(addresses::EXPECTED),
        Bound::SuppressionTerm => Err(terms::EXPECTED),
    }
}

/// Reports every setting beyond a bound.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for (position, guardrail) in mesh.guardrails.iter().enumerate() {
        addresses::bounded(facts, position, diagnostics);
        terms::bounded(facts, &guardrail.value, diagnostics);
        let Ok(max) = max(guardrail.value.bound.value, &guardrail.value.max.value) else {
            continue;
        };
        for place in written(mesh) {
            if let Some(said) = beyond(max, place)
                && !is_exempt(facts, position, place)
            {
                diagnostics.push(exceeded(&guardrail.value, &said.text, said.span));
            }
        }
        if let Some(value) = built_in(mesh, max) {
            let bound = &guardrail.value.max;
            let message = format!("the built-in {value} exceeds this guardrail");
            diagnostics.push(
                Diagnostic::new(&CODE, bound.span, message).help("set it in `mesh.defaults`"),
            );
        }
    }
}

/// Whether an exemption accepts what is written in a place.
fn is_exempt(facts: &Facts<'_>, guardrail: usize, place: Written<'_>) -> bool {
    let exemptions = facts.mesh.exemptions.iter();
    let mut of_it = exemptions.filter(|one| one.guardrail == guardrail);
    of_it.any(|one| !one.grant.is_over(facts.today) && accepts(facts, one, place))
}

/// Whether an exemption accepts what is written in a place, as long as it holds.
pub(super) fn accepts(facts: &Facts<'_>, one: &Exemption, place: Written<'_>) -> bool {
    let guardrail = facts.mesh.guardrails.get(one.guardrail);
    let max = guardrail.map(|guardrail| max(guardrail.value.bound.value, &one.max.value));
    let Some(Ok(max)) = max else {
        return false;
    };
    let said = said(max, place);
    said.is_some_and(|said| one.place.holds(said.span) && said.size <= max.size())
}

/// What is written in a place.
pub(super) struct Said {
    /// In milliseconds, tries or parts of a million; no limit is larger than any.
    pub(super) size: u32,
    /// `` `request` of 60s``.
    pub(super) text: String,
    pub(super) span: Span,
}

/// What a place says of the setting of a bound.
pub(super) fn said(max: Max, place: Written<'_>) -> Option<Said> {
    match max {
        Max::Time(field, _) => {
            let said = field.of(place.timeout)?;
            let is_endless = said.value.is_zero();
            Some(Said {
                size: if is_endless {
                    u32::MAX
                } else {
                    said.value.millis()
                },
                text: format!("`{}` of {}", field.name(), said.value),
                span: said.span,
            })
        }
        Max::Attempts(_) => {
            let said: Spanned<u8> = place.retry?.value.attempts?;
            Some(Said {
                size: said.value.into(),
                text: format!("`attempts` of {}", said.value),
                span: said.span,
            })
        }
        Max::Budget(_) => {
            let said = place.retry?.value.budget?;
            let share = said.value.on().map(Share::parts_per_million);
            Some(Said {
                size: share.unwrap_or(u32::MAX),
                text: format!("`budget` of {}", said.value),
                span: said.span,
            })
        }
        Max::KeepAlive(_) => {
            let said: Spanned<Switch<Duration>> = place.keep_alive?;
            Some(Said {
                size: said.value.on().map_or(0, Duration::millis),
                text: format!("`keepAlive` of {}", said.value),
                span: said.span,
            })
        }
    }
}

impl Max {
    /// In milliseconds, tries or parts of a million.
    pub(super) fn size(self) -> u32 {
        match self {
            Self::Time(_, max) | Self::KeepAlive(max) => max.millis(),
            Self::Attempts(max) => max.into(),
            Self::Budget(max) => max.parts_per_million(),
        }
    }
}

/// What a place says, if it is beyond the bound.
pub(super) fn beyond(max: Max, place: Written<'_>) -> Option<Said> {
    said(max, place).filter(|said| max.size() < said.size)
}

fn built_in(mesh: &Mesh, max: Max) -> Option<String> {
    let defaults = &mesh.defaults;
    match max {
        Max::Time(field, max) => {
            let built_in = match field {
                TimeoutField::Connect => BUILT_IN_CONNECT,
                TimeoutField::Idle => BUILT_IN_IDLE,
                TimeoutField::Request | TimeoutField::BackendRequest => return None,
            };
            let is_beyond = field.of(&defaults.timeout).is_none() && max.millis() < built_in;
            let built_in = Duration::from_millis(u64::from(built_in)).ok()?;
            is_beyond.then(|| format!("`{}` of {built_in}", field.name()))
        }
        Max::Attempts(max) => {
            let said = defaults
                .retry
                .as_ref()
                .and_then(|retry| retry.value.attempts);
            let is_beyond = said.is_none() && max < BUILT_IN_ATTEMPTS;
            is_beyond.then(|| format!("`attempts` of {BUILT_IN_ATTEMPTS}"))
        }
        Max::Budget(max) => {
            let said = defaults.retry.as_ref().and_then(|retry| retry.value.budget);
            let is_beyond = said.is_none() && max.parts_per_million() < BUILT_IN_BUDGET;
            let built_in = crate::words::percent(BUILT_IN_BUDGET);
            is_beyond.then(|| format!("`budget` of {built_in}"))
        }
        Max::KeepAlive(max) => {
            let is_beyond = defaults.keep_alive.is_none() && max.millis() < KEEP_ALIVE_MILLIS;
            let built_in = crate::words::limit(KEEP_ALIVE_MILLIS);
            is_beyond.then(|| format!("`keepAlive` of {built_in}"))
        }
    }
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
        Bound::TimeoutRequest
        | Bound::TimeoutBackendRequest
        | Bound::TimeoutConnect
        | Bound::TimeoutIdle
        | Bound::RetryAttempts
        | Bound::RetryBudget
        | Bound::KeepAlive
        | Bound::SuppressionTerm => format!("write {} or less", max.value),
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

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
