//! How long to wait between tries.

use weft_spec::Spanned;
use weft_spec::policy::{Backoff, Retry};
use weft_spec::units::Duration;

use super::{
    Among, Expected, Hops, Plan, Read, Setting, Unit, Value, no_mutant, reliability, told,
};

/// A bound of the waits, by the field of `backoff` that says it and the field of the policy that holds it.
macro_rules! bound {
    ($name:ident = $field:ident as $held:ident, $written:literal, $about:literal, $why:literal, $built_in:literal, $at_least:expr) => {
        #[doc = concat!("`", $written, "`.")]
        pub static $name: Setting = Setting {
            name: $written,
            about: $about,
            why: $why,
            unit: Unit::Time,
            range: None,
            read: Read {
                defaults: Some(|one| told(backoff(one.retry.as_deref())?.$field.as_ref(), millis)),
                service: Some(|one| told(backoff(one.retry.as_deref())?.$field.as_ref(), millis)),
                call: Some(|one| told(backoff(one.retry.as_deref())?.$field.as_ref(), millis)),
                rule: Some(|one| told(backoff(one.retry.as_deref())?.$field.as_ref(), millis)),
                ..Read::NOWHERE
            },
            built_in: |_said| Value::Number($built_in),
            among: Among::Most,
            within: &[],
            at_least: $at_least,
            plan: Plan::Route {
                put: |outcome, value| {
                    outcome.policy.retry.$held = value.narrow().unwrap_or(u32::MAX);
                },
                of: |outcome| Value::Number(u64::from(outcome.policy.retry.$held)),
            },
            is_idle: |outcome| outcome.policy.retry.attempts < 2,
            hops: Hops::Called,
            class: reliability,
            expected: Some(Expected::Settings),
            is_bounded: false,
            mutant: no_mutant,
        };
    };
}

bound!(
    BACKOFF_BASE = base as backoff_base,
    "retry.backoff.base",
    "The upper bound of the first wait; each further one is doubled.",
    "Long enough for a restart of a listener to pass unseen.",
    25,
    None
);
bound!(
    BACKOFF_MAX = max as backoff_max,
    "retry.backoff.max",
    "The upper bound of every wait.",
    "A client should not notice that it waited.",
    250,
    Some(&BACKOFF_BASE)
);

fn backoff(retry: Option<&Spanned<Retry>>) -> Option<&Backoff> {
    Some(&retry?.value.backoff.as_ref()?.value)
}

/// A wait of zero is no wait.
fn millis(time: Duration) -> Value {
    Value::Number(u64::from(time.millis()))
}
