//! How large the head of a request may be; the proxy's own limits are the largest.

use weft_snapshot::settings::HeadLimits;

use crate::diff::{Facet, Risk};

use super::{Among, Hops, Plan, Range, Read, Setting, Unit, Value, never_idle, no_mutant, told};

/// `limits.head`.
pub static HEAD_SIZE: Setting = Setting {
    name: "limits.head",
    about: "The size of a head: all fields, each with 4 bytes for what separates it, and the target; 431 beyond.",
    why: "Room for cookies and tickets, and less than a buffer of the proxy.",
    unit: Unit::Bytes,
    range: Some(Range {
        numbers: 1_024..=61_440,
        help: "the proxy itself refuses what is larger, and honest clients need the rest",
    }),
    read: Read {
        listener: Some(|one| told(one.limits.head.as_ref(), |size| Value::Number(size.bytes()))),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Number(u64::from(HeadLimits::MOST.head_bytes)),
    among: Among::LeastSaid,
    within: &[],
    at_least: None,
    plan: Plan::Listener {
        put: |received, value| {
            received.heads.limits.head_bytes = value.narrow().unwrap_or(u32::MAX);
        },
        of: |listener| Value::Number(u64::from(listener.heads.limits.head_bytes)),
    },
    is_idle: never_idle,
    hops: Hops::Called,
    class,
    expected: None,
    is_bounded: false,
    mutant: no_mutant,
};

/// `limits.fields`.
pub static HEAD_FIELDS: Setting = Setting {
    name: "limits.fields",
    about: "The number of fields of a head; 431 beyond.",
    why: "Browsers send 15 to 30; a cookie is one field, also where it comes in crumbs (HTTP/2).",
    unit: Unit::Count,
    range: Some(Range {
        numbers: 10..=100,
        help: "the proxy itself refuses what is larger, and honest clients need the rest",
    }),
    read: Read {
        listener: Some(|one| {
            told(one.limits.fields.as_ref(), |size| {
                Value::Number(u64::from(size))
            })
        }),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Number(u64::from(HeadLimits::MOST.fields)),
    among: Among::LeastSaid,
    within: &[],
    at_least: None,
    plan: Plan::Listener {
        put: |received, value| {
            received.heads.limits.fields = value.narrow().unwrap_or(u32::MAX);
        },
        of: |listener| Value::Number(u64::from(listener.heads.limits.fields)),
    },
    is_idle: never_idle,
    hops: Hops::Called,
    class,
    expected: None,
    is_bounded: false,
    mutant: no_mutant,
};

/// `limits.target`.
pub static TARGET_SIZE: Setting = Setting {
    name: "limits.target",
    about: "The size of the target, path and query together; 414 beyond.",
    why: "What other servers take.",
    unit: Unit::Bytes,
    range: Some(Range {
        numbers: 64..=8_192,
        help: "the proxy itself refuses what is larger, and honest clients need the rest",
    }),
    read: Read {
        listener: Some(|one| {
            told(one.limits.target.as_ref(), |size| {
                Value::Number(size.bytes())
            })
        }),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Number(u64::from(HeadLimits::MOST.target_bytes)),
    among: Among::LeastSaid,
    within: &[],
    at_least: None,
    plan: Plan::Listener {
        put: |received, value| {
            received.heads.limits.target_bytes = value.narrow().unwrap_or(u32::MAX);
        },
        of: |listener| Value::Number(u64::from(listener.heads.limits.target_bytes)),
    },
    is_idle: never_idle,
    hops: Hops::Called,
    class,
    expected: None,
    is_bounded: false,
    mutant: no_mutant,
};

/// A smaller head refuses requests that passed.
fn class(was: &Value, is: &Value) -> (Risk, Facet) {
    if is < was {
        (Risk::A1, Facet::Security)
    } else {
        (Risk::R2, Facet::Limits)
    }
}
