//! Limits on waiting. `0s` says that there is none.

use super::{
    Among, Expected, Hops, Plan, Read, Setting, Unit, Value, never_idle, no_mutant, reliability,
    told,
};

/// A limit, by the field of `timeout` that says it; all of them may be written in the same places and inherit alike.
macro_rules! limit {
    ($name:ident = $field:ident, $written:literal, $about:literal, $why:literal, $built_in:expr, within $within:expr, $expected:expr) => {
        #[doc = concat!("`", $written, "`.")]
        pub static $name: Setting = Setting {
            name: $written,
            about: $about,
            why: $why,
            unit: Unit::Time,
            range: None,
            read: Read {
                defaults: Some(|one| told(one.timeout.$field.as_ref(), Value::time)),
                service: Some(|one| told(one.timeout.$field.as_ref(), Value::time)),
                call: Some(|one| told(one.timeout.$field.as_ref(), Value::time)),
                rule: Some(|one| told(one.timeout.$field.as_ref(), Value::time)),
                ..Read::NOWHERE
            },
            built_in: |_said| $built_in,
            among: Among::LeastSaid,
            within: &$within,
            at_least: None,
            plan: Plan::Route {
                put: |outcome, value| {
                    outcome.timeouts.$field = value.narrow();
                },
                of: |outcome| Value::limit(outcome.timeouts.$field),
            },
            is_idle: never_idle,
            hops: Hops::All,
            class: reliability,
            expected: Some($expected),
            is_bounded: true,
            mutant: no_mutant,
        };
    };
}

limit!(
    REQUEST = request,
    "timeout.request",
    "From the request head being read to the response being complete, retries included; then 504.",
    "A limit that nobody chose would cut honest answers, so `unbounded-wait` asks for one instead.",
    Value::Unlimited,
    within [],
    Expected::Field("timeout")
);
limit!(
    BACKEND_REQUEST = backend_request,
    "timeout.backendRequest",
    "The same for one attempt.",
    "The limit of the whole request holds.",
    Value::Unlimited,
    within[&REQUEST],
    Expected::Settings
);
limit!(
    CONNECT = connect,
    "timeout.connect",
    "Opening a connection, TLS included.",
    "A server that answers at all answers a SYN within a second.",
    Value::Number(1_000),
    within [&BACKEND_REQUEST, &REQUEST],
    Expected::Settings
);
limit!(
    IDLE = idle,
    "timeout.idle",
    "Silence in either direction; while a response is waited for, only where neither `timeout.request` nor \
            `timeout.backendRequest` bounds that.",
    "Longer than any pause of an honest answer, shorter than what is forgotten.",
    Value::Number(300_000),
    within [],
    Expected::Settings
);

/// The limits on waiting.
pub static TIMEOUTS: [&Setting; 4] = [&REQUEST, &BACKEND_REQUEST, &CONNECT, &IDLE];
