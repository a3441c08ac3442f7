//! How large the head of a request may be; the proxy's own limits are the largest.

use weft_snapshot::settings::HeadLimits;
use weft_spec::units::Size;

use super::{Among, Hops, Plan, Range, Read, Setting, Unit, Value, never_idle, no_mutant, told};
use crate::settings::risk::{Facet, Risk};

/// A limit, by the field of `limits` that says it and the field of the plan that holds it.
macro_rules! limit {
    ($name:ident = $field:ident ($read:expr) as $held:ident, $written:literal, $about:literal, $why:literal, $unit:expr, $numbers:expr) => {
        #[doc = concat!("`", $written, "`.")]
        pub static $name: Setting = Setting {
            name: $written,
            about: $about,
            why: $why,
            unit: $unit,
            range: Some(Range {
                numbers: $numbers,
                help: "the proxy itself refuses what is larger, and honest clients need the rest",
            }),
            read: Read {
                listener: Some(|one| told(one.limits.$field.as_ref(), $read)),
                ..Read::NOWHERE
            },
            built_in: |_said| Value::Number(u64::from(HeadLimits::MOST.$held)),
            among: Among::LeastSaid,
            within: &[],
            at_least: None,
            plan: Plan::Listener {
                put: |received, value| {
                    received.heads.limits.$held = value.narrow().unwrap_or(u32::MAX);
                },
                of: |listener| Value::Number(u64::from(listener.heads.limits.$held)),
            },
            is_idle: never_idle,
            hops: Hops::Called,
            class,
            expected: None,
            is_bounded: false,
            mutant: no_mutant,
        };
    };
}

limit!(
    HEAD_SIZE = head(bytes) as head_bytes,
    "limits.head",
    "The size of a head: all fields, each with 4 bytes for what separates it, and the target; 431 beyond.",
    "Room for cookies and tickets, and less than a buffer of the proxy.",
    Unit::Bytes,
    1_024..=61_440
);
limit!(
    HEAD_FIELDS = fields(count) as fields,
    "limits.fields",
    "The number of fields of a head; 431 beyond.",
    "Browsers send 15 to 30; a cookie is one field, also where it comes in crumbs (HTTP/2).",
    Unit::Count,
    10..=100
);
limit!(
    TARGET_SIZE = target(bytes) as target_bytes,
    "limits.target",
    "The size of the target, path and query together; 414 beyond.",
    "What other servers take.",
    Unit::Bytes,
    64..=8_192
);

fn bytes(size: Size) -> Value {
    Value::Number(size.bytes())
}

fn count(fields: u16) -> Value {
    Value::Number(u64::from(fields))
}

/// A smaller head refuses requests that passed.
fn class(was: &Value, is: &Value) -> (Risk, Facet) {
    if is < was {
        (Risk::A1, Facet::Security)
    } else {
        (Risk::R2, Facet::Limits)
    }
}
