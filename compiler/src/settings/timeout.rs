//! Limits on waiting. `0s` says that there is none.

use super::{
    Among, Expected, Hops, Plan, Read, Setting, Unit, Value, never_idle, no_mutant, reliability,
    told,
};

/// `timeout.request`.
pub static REQUEST: Setting = Setting {
    name: "timeout.request",
    about: "From the request head being read to the response being complete, retries included; then 504.",
    why: "A limit that nobody chose would cut honest answers, so `unbounded-wait` asks for one instead.",
    unit: Unit::Time,
    range: None,
    read: Read {
        defaults: Some(|one| told(one.timeout.request.as_ref(), Value::time)),
        service: Some(|one| told(one.timeout.request.as_ref(), Value::time)),
        call: Some(|one| told(one.timeout.request.as_ref(), Value::time)),
        rule: Some(|one| told(one.timeout.request.as_ref(), Value::time)),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Unlimited,
    among: Among::LeastSaid,
    within: &[],
    at_least: None,
    plan: Plan::Route {
        put: |outcome, value| {
            outcome.timeouts.request = value.narrow();
        },
        of: |outcome| Value::limit(outcome.timeouts.request),
    },
    is_idle: never_idle,
    hops: Hops::All,
    class: reliability,
    expected: Some(Expected::Field("timeout")),
    is_bounded: true,
    mutant: no_mutant,
};

/// `timeout.backendRequest`.
pub static BACKEND_REQUEST: Setting = Setting {
    name: "timeout.backendRequest",
    about: "The same for one attempt.",
    why: "The limit of the whole request holds.",
    unit: Unit::Time,
    range: None,
    read: Read {
        defaults: Some(|one| told(one.timeout.backend_request.as_ref(), Value::time)),
        service: Some(|one| told(one.timeout.backend_request.as_ref(), Value::time)),
        call: Some(|one| told(one.timeout.backend_request.as_ref(), Value::time)),
        rule: Some(|one| told(one.timeout.backend_request.as_ref(), Value::time)),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Unlimited,
    among: Among::LeastSaid,
    within: &[&REQUEST],
    at_least: None,
    plan: Plan::Route {
        put: |outcome, value| {
            outcome.timeouts.backend_request = value.narrow();
        },
        of: |outcome| Value::limit(outcome.timeouts.backend_request),
    },
    is_idle: never_idle,
    hops: Hops::All,
    class: reliability,
    expected: Some(Expected::Settings),
    is_bounded: true,
    mutant: no_mutant,
};

/// `timeout.connect`.
pub static CONNECT: Setting = Setting {
    name: "timeout.connect",
    about: "Opening a connection, TLS included.",
    why: "A server that answers at all answers a SYN within a second.",
    unit: Unit::Time,
    range: None,
    read: Read {
        defaults: Some(|one| told(one.timeout.connect.as_ref(), Value::time)),
        service: Some(|one| told(one.timeout.connect.as_ref(), Value::time)),
        call: Some(|one| told(one.timeout.connect.as_ref(), Value::time)),
        rule: Some(|one| told(one.timeout.connect.as_ref(), Value::time)),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Number(1_000),
    among: Among::LeastSaid,
    within: &[&BACKEND_REQUEST, &REQUEST],
    at_least: None,
    plan: Plan::Route {
        put: |outcome, value| {
            outcome.timeouts.connect = value.narrow();
        },
        of: |outcome| Value::limit(outcome.timeouts.connect),
    },
    is_idle: never_idle,
    hops: Hops::All,
    class: reliability,
    expected: Some(Expected::Settings),
    is_bounded: true,
    mutant: no_mutant,
};

/// `timeout.idle`.
pub static IDLE: Setting = Setting {
    name: "timeout.idle",
    about: "Silence in either direction; while a response is waited for, only where neither `timeout.request` nor \
            `timeout.backendRequest` bounds that.",
    why: "Longer than any pause of an honest answer, shorter than what is forgotten.",
    unit: Unit::Time,
    range: None,
    read: Read {
        defaults: Some(|one| told(one.timeout.idle.as_ref(), Value::time)),
        service: Some(|one| told(one.timeout.idle.as_ref(), Value::time)),
        call: Some(|one| told(one.timeout.idle.as_ref(), Value::time)),
        rule: Some(|one| told(one.timeout.idle.as_ref(), Value::time)),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Number(300_000),
    among: Among::LeastSaid,
    within: &[],
    at_least: None,
    plan: Plan::Route {
        put: |outcome, value| {
            outcome.timeouts.idle = value.narrow();
        },
        of: |outcome| Value::limit(outcome.timeouts.idle),
    },
    is_idle: never_idle,
    hops: Hops::All,
    class: reliability,
    expected: Some(Expected::Settings),
    is_bounded: true,
    mutant: no_mutant,
};

/// The limits on waiting.
pub static TIMEOUTS: [&Setting; 4] = [&REQUEST, &BACKEND_REQUEST, &CONNECT, &IDLE];
