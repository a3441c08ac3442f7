//! How many requests run at one time.

use super::{
    Among, Expected, Hops, Plan, Range, Read, Setting, Unit, Value, never_idle, no_mutant, told,
};
use crate::settings::risk::{Facet, Risk};

/// `maxInFlight`.
pub static MAX_IN_FLIGHT: Setting = Setting {
    name: "maxInFlight",
    about: "How many requests of one rule or call a proxy forwards at one time, answers still running included; 503 \
            `too-many-in-flight` beyond.",
    why: "How much a service bears, only the service knows.",
    unit: Unit::Count,
    range: Some(Range {
        numbers: 1..=1_000_000,
        help: "leave it out for no limit",
    }),
    read: Read {
        service: Some(|one| told(one.max_in_flight.as_ref(), number)),
        call: Some(|one| told(one.max_in_flight.as_ref(), number)),
        rule: Some(|one| told(one.max_in_flight.as_ref(), number)),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Unlimited,
    among: Among::LeastSaid,
    within: &[],
    at_least: None,
    plan: Plan::Route {
        put: |outcome, value| {
            outcome.policy.max_in_flight = value.narrow();
        },
        of: |outcome| Value::limit(outcome.policy.max_in_flight),
    },
    is_idle: never_idle,
    hops: Hops::All,
    class: |_was, _is| (Risk::R2, Facet::Limits),
    expected: Some(Expected::Settings),
    is_bounded: false,
    mutant: no_mutant,
};

fn number(requests: u32) -> Value {
    Value::Number(u64::from(requests))
}
