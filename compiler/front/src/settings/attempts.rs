//! How often a request is tried.

use weft_spec::Spanned;
use weft_spec::policy::Retry;

use super::{
    Among, Expected, Hops, Plan, Range, Read, Setting, Unit, Value, never_idle, reliability, told,
};

/// `retry.attempts`.
pub static ATTEMPTS: Setting = Setting {
    name: "retry.attempts",
    about: "The number of tries: 1 means none again.",
    why: "One more try heals most restarts of a server, and more load a server that is down.",
    unit: Unit::Count,
    range: Some(Range {
        numbers: 1..=10,
        help: "write 1 for no retry, up to 10",
    }),
    read: Read {
        defaults: Some(|one| said(one.retry.as_deref())),
        service: Some(|one| said(one.retry.as_deref())),
        call: Some(|one| said(one.retry.as_deref())),
        rule: Some(|one| said(one.retry.as_deref())),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Number(2),
    among: Among::Least,
    within: &[],
    at_least: None,
    plan: Plan::Route {
        put: |outcome, value| {
            let tries = value.number().and_then(|tries| u8::try_from(tries).ok());
            outcome.policy.retry.attempts = tries.unwrap_or(u8::MAX);
        },
        of: |outcome| Value::Number(u64::from(outcome.policy.retry.attempts)),
    },
    is_idle: never_idle,
    hops: Hops::Called,
    class: reliability,
    expected: Some(Expected::Field("attempts")),
    is_bounded: true,
    mutant: one_more,
};

fn said(retry: Option<&Spanned<Retry>>) -> Option<Spanned<Value>> {
    let attempts = retry?.value.attempts.as_ref();
    told(attempts, |tries| Value::Number(u64::from(tries)))
}

fn one_more(value: &Value) -> Option<(&'static str, Value)> {
    let more = value.number()?.saturating_add(1);
    Some(("with one more try", Value::Number(more)))
}
