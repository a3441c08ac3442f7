//! Whether repeating does no harm.

use weft_spec::Spanned;
use weft_spec::policy::Retry;

use super::{
    Among, Expected, Hops, Plan, Read, Setting, Unit, Value, never_idle, no_mutant, reliability,
    told,
};

/// `retry.idempotent`.
pub static IDEMPOTENT: Setting = Setting {
    name: "retry.idempotent",
    about: "Says that repeating a request does no harm, whatever its method.",
    why: "Only the service knows; RFC 9110 9.2.2 names the methods of which it is known.",
    unit: Unit::Switch("true", "false"),
    range: None,
    read: Read {
        defaults: Some(|one| said(one.retry.as_deref())),
        service: Some(|one| said(one.retry.as_deref())),
        call: Some(|one| said(one.retry.as_deref())),
        rule: Some(|one| said(one.retry.as_deref())),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Flag(false),
    among: Among::Common,
    within: &[],
    at_least: None,
    plan: Plan::Route {
        put: |outcome, value| {
            outcome.policy.retry.idempotent = value.is_yes();
        },
        of: |outcome| Value::Flag(outcome.policy.retry.idempotent),
    },
    // Also of a single try: what met the end of a kept connection is repeated outside of the policy.
    is_idle: never_idle,
    hops: Hops::Called,
    class: reliability,
    expected: Some(Expected::Settings),
    is_bounded: false,
    mutant: no_mutant,
};

fn said(retry: Option<&Spanned<Retry>>) -> Option<Spanned<Value>> {
    told(retry?.value.idempotent.as_ref(), Value::Flag)
}
