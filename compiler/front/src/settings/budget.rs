//! The share of retries.

use weft_spec::Spanned;
use weft_spec::policy::Retry;
use weft_spec::units::Share;

use super::{Among, Expected, Hops, Plan, Read, Setting, Unit, Value, no_mutant, reliability};

/// `retry.budget`.
pub static BUDGET: Setting = Setting {
    name: "retry.budget",
    about: "The largest share of requests that may be retries, per worker and backend, beyond ten a second.",
    why: "When a backend fails, retries may add a fifth to its load and no more.",
    unit: Unit::Share,
    range: None,
    read: Read {
        defaults: Some(|one| said(one.retry.as_deref())),
        service: Some(|one| said(one.retry.as_deref())),
        call: Some(|one| said(one.retry.as_deref())),
        rule: Some(|one| said(one.retry.as_deref())),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Number(200_000),
    among: Among::Least,
    within: &[],
    at_least: None,
    plan: Plan::Route {
        put: |outcome, value| {
            outcome.policy.retry.budget = value.narrow();
        },
        of: |outcome| Value::limit(outcome.policy.retry.budget),
    },
    is_idle: |outcome| outcome.policy.retry.attempts < 2,
    hops: Hops::Called,
    class: reliability,
    expected: Some(Expected::Settings),
    is_bounded: true,
    mutant: no_mutant,
};

fn said(retry: Option<&Spanned<Retry>>) -> Option<Spanned<Value>> {
    let budget = retry?.value.budget.as_ref()?;
    let share = budget.value.on().map(Share::parts_per_million);
    Some(Spanned::new(Value::limit(share), budget.span))
}
