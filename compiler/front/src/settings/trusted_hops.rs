//! How many proxies in front are trusted.

use super::{
    Among, Hops, Plan, Read, Setting, Unit, Value, never_idle, no_mutant, reception, told,
};

/// `trustedHops`.
pub static TRUSTED_HOPS: Setting = Setting {
    name: "trustedHops",
    about: "How many proxies in front of this one are trusted to have set `X-Forwarded-*` and `X-Request-Id`.",
    why: "A client that is believed can name any address as its own.",
    unit: Unit::Count,
    range: None,
    read: Read {
        listener: Some(|one| {
            told(one.trusted_hops.as_ref(), |hops| {
                Value::Number(u64::from(hops))
            })
        }),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Number(0),
    among: Among::LeastSaid,
    within: &[],
    at_least: None,
    plan: Plan::Listener {
        put: |received, value| {
            let hops = value.number().and_then(|hops| u8::try_from(hops).ok());
            received.trusted_hops = hops.unwrap_or(u8::MAX);
        },
        of: |listener| Value::Number(u64::from(listener.trusted_hops)),
    },
    is_idle: never_idle,
    hops: Hops::Called,
    class: |was, is| reception(was < is, false),
    expected: None,
    is_bounded: false,
    mutant: no_mutant,
};
