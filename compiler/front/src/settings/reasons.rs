//! What is worth another try.

use weft_snapshot::plan::Outcome;
use weft_spec::policy::{Retry, RetryOn};
use weft_spec::{Span, Spanned};

use super::{Among, Hops, Plan, Read, Setting, Unit, Value, no_mutant, reliability};

/// `retry.on`.
pub static REASONS: Setting = Setting {
    name: "retry.on",
    about: "What is worth another try.",
    why: "Both say that the request was never seen, so that trying again is safe for every method.",
    unit: Unit::Reasons,
    range: None,
    read: Read {
        defaults: Some(|one| said(one.retry.as_deref())),
        service: Some(|one| said(one.retry.as_deref())),
        call: Some(|one| said(one.retry.as_deref())),
        rule: Some(|one| said(one.retry.as_deref())),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Reasons(vec![RetryOn::ConnectFailure, RetryOn::RefusedStream]),
    among: Among::Common,
    within: &[],
    at_least: None,
    plan: Plan::Route { put, of },
    is_idle: |outcome| outcome.policy.retry.attempts < 2,
    hops: Hops::Called,
    class: reliability,
    expected: None,
    is_bounded: false,
    mutant: no_mutant,
};

fn said(retry: Option<&Spanned<Retry>>) -> Option<Spanned<Value>> {
    let on = retry?.value.on.as_ref()?;
    let mut reasons: Vec<RetryOn> = on.iter().map(|reason| reason.value).collect();
    reasons.sort_unstable();
    reasons.dedup();
    let span = on.first().map_or(Span::NONE, |reason| reason.span);
    Some(Spanned::new(Value::Reasons(reasons), span))
}

fn put(outcome: &mut Outcome, value: &Value) {
    let retry = &mut outcome.policy.retry;
    retry.on_connect_failure = false;
    retry.on_refused_stream = false;
    retry.on_reset = false;
    retry.on_backend_timeout = false;
    retry.on_5xx = false;
    retry.on_statuses.clear();
    for reason in value.reasons() {
        match *reason {
            RetryOn::ConnectFailure => retry.on_connect_failure = true,
            RetryOn::RefusedStream => retry.on_refused_stream = true,
            RetryOn::Reset => retry.on_reset = true,
            RetryOn::BackendTimeout => retry.on_backend_timeout = true,
            RetryOn::ServerError => retry.on_5xx = true,
            RetryOn::Status(status) => retry.on_statuses.push(status),
        }
    }
}

fn of(outcome: &Outcome) -> Value {
    let retry = &outcome.policy.retry;
    let named = [
        (retry.on_connect_failure, RetryOn::ConnectFailure),
        (retry.on_refused_stream, RetryOn::RefusedStream),
        (retry.on_reset, RetryOn::Reset),
        (retry.on_backend_timeout, RetryOn::BackendTimeout),
        (retry.on_5xx, RetryOn::ServerError),
    ];
    let named = named.into_iter().filter(|(is_on, _)| *is_on);
    let statuses = retry.on_statuses.iter().copied().map(RetryOn::Status);
    Value::Reasons(named.map(|(_, reason)| reason).chain(statuses).collect())
}
