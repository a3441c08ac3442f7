//! What becomes of trailers of requests.

use weft_spec::route::Trailers;

use super::{
    Among, Expected, Hops, Plan, Read, Setting, Unit, Value, never_idle, no_mutant, told, transform,
};

/// `trailers`.
pub static TRAILERS: Setting = Setting {
    name: "trailers",
    about: "What becomes of trailers of requests; those of gRPC always pass.",
    why: "Some servers refuse trailers and close, and take requests of others with them.",
    unit: Unit::Switch("pass", "drop"),
    range: None,
    read: Read {
        call: Some(|one| {
            told(one.trailers.as_ref(), |said| {
                Value::Flag(said == Trailers::Pass)
            })
        }),
        rule: Some(|one| {
            told(one.trailers.as_ref(), |said| {
                Value::Flag(said == Trailers::Pass)
            })
        }),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Flag(false),
    among: Among::LeastSaid,
    within: &[],
    at_least: None,
    plan: Plan::Route {
        put: |outcome, value| {
            outcome.policy.trailers = value.is_yes();
        },
        of: |outcome| Value::Flag(outcome.policy.trailers),
    },
    is_idle: never_idle,
    hops: Hops::Called,
    class: transform,
    expected: Some(Expected::Settings),
    is_bounded: false,
    mutant: no_mutant,
};
