//! The largest request body.

use super::{Among, Expected, Hops, Plan, Read, Setting, Unit, Value, never_idle, no_mutant, told};
use crate::settings::risk::{Facet, Risk};

/// `maxBody`.
pub static MAX_BODY: Setting = Setting {
    name: "maxBody",
    about: "The largest request body that is accepted; 413 beyond.",
    why: "How large an upload is sensible, only a service knows.",
    unit: Unit::Bytes,
    range: None,
    read: Read {
        rule: Some(|one| told(one.max_body.as_ref(), |size| Value::Number(size.bytes()))),
        listener: Some(|one| told(one.max_body.as_ref(), |size| Value::Number(size.bytes()))),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Unlimited,
    among: Among::LeastSaid,
    within: &[],
    at_least: None,
    plan: Plan::Route {
        put: |outcome, value| {
            outcome.policy.max_body = value.number();
        },
        of: |outcome| Value::limit(outcome.policy.max_body),
    },
    is_idle: never_idle,
    hops: Hops::Called,
    class: |_was, _is| (Risk::R2, Facet::Limits),
    expected: Some(Expected::Settings),
    is_bounded: true,
    mutant: no_mutant,
};
