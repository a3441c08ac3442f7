//! How long to wait between tries.

use weft_spec::Spanned;
use weft_spec::policy::{Backoff, Retry};
use weft_spec::units::Duration;

use super::{
    Among, Expected, Hops, Plan, Read, Setting, Unit, Value, no_mutant, reliability, told,
};

/// `retry.backoff.base`.
pub static BACKOFF_BASE: Setting = Setting {
    name: "retry.backoff.base",
    about: "The upper bound of the first wait; each further one is doubled.",
    why: "Long enough for a restart of a listener to pass unseen.",
    unit: Unit::Time,
    range: None,
    read: Read {
        defaults: Some(|one| told(backoff(one.retry.as_ref())?.base.as_ref(), millis)),
        service: Some(|one| told(backoff(one.retry.as_ref())?.base.as_ref(), millis)),
        call: Some(|one| told(backoff(one.retry.as_ref())?.base.as_ref(), millis)),
        rule: Some(|one| told(backoff(one.retry.as_ref())?.base.as_ref(), millis)),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Number(25),
    among: Among::Most,
    within: &[],
    at_least: None,
    plan: Plan::Route {
        put: |outcome, value| {
            outcome.policy.retry.backoff_base = value.narrow().unwrap_or(u32::MAX);
        },
        of: |outcome| Value::Number(u64::from(outcome.policy.retry.backoff_base)),
    },
    is_idle: |outcome| outcome.policy.retry.attempts < 2,
    hops: Hops::Called,
    class: reliability,
    expected: Some(Expected::Settings),
    is_bounded: false,
    mutant: no_mutant,
};

/// `retry.backoff.max`.
pub static BACKOFF_MAX: Setting = Setting {
    name: "retry.backoff.max",
    about: "The upper bound of every wait.",
    why: "A client should not notice that it waited.",
    unit: Unit::Time,
    range: None,
    read: Read {
        defaults: Some(|one| told(backoff(one.retry.as_ref())?.max.as_ref(), millis)),
        service: Some(|one| told(backoff(one.retry.as_ref())?.max.as_ref(), millis)),
        call: Some(|one| told(backoff(one.retry.as_ref())?.max.as_ref(), millis)),
        rule: Some(|one| told(backoff(one.retry.as_ref())?.max.as_ref(), millis)),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Number(250),
    among: Among::Most,
    within: &[],
    at_least: Some(&BACKOFF_BASE),
    plan: Plan::Route {
        put: |outcome, value| {
            outcome.policy.retry.backoff_max = value.narrow().unwrap_or(u32::MAX);
        },
        of: |outcome| Value::Number(u64::from(outcome.policy.retry.backoff_max)),
    },
    is_idle: |outcome| outcome.policy.retry.attempts < 2,
    hops: Hops::Called,
    class: reliability,
    expected: Some(Expected::Settings),
    is_bounded: false,
    mutant: no_mutant,
};

fn backoff(retry: Option<&Spanned<Retry>>) -> Option<&Backoff> {
    Some(&retry?.value.backoff.as_ref()?.value)
}

/// A wait of zero is no wait.
fn millis(time: Duration) -> Value {
    Value::Number(u64::from(time.millis()))
}
