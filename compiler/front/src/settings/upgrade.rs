//! Protocols to which a connection may be upgraded.

use weft_spec::Spanned;

use super::{
    Among, Expected, Hops, Plan, Read, Setting, Unit, Value, never_idle, no_mutant, transform,
};

/// `upgrade`.
pub static UPGRADE: Setting = Setting {
    name: "upgrade",
    about: "Whether a WebSocket upgrade passes; between sidecars it always does.",
    why: "An upgrade ends what a proxy can check of a connection.",
    unit: Unit::Listed("websocket"),
    range: None,
    read: Read {
        rule: Some(|one| {
            let first = one.upgrade.first()?;
            Some(Spanned::new(Value::Flag(true), first.span))
        }),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Flag(false),
    among: Among::LeastSaid,
    within: &[],
    at_least: None,
    plan: Plan::Route {
        put: |outcome, value| {
            outcome.policy.websocket = value.is_yes();
        },
        of: |outcome| Value::Flag(outcome.policy.websocket),
    },
    is_idle: never_idle,
    hops: Hops::Called,
    class: transform,
    expected: Some(Expected::Settings),
    is_bounded: false,
    mutant: no_mutant,
};
