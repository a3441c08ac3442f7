//! How long idle connections are kept.

use weft_snapshot::limits::KEEP_ALIVE_MILLIS;
use weft_spec::Spanned;
use weft_spec::units::{Duration, Switch};

use super::{
    Among, Hops, Plan, Range, Read, Setting, Unit, Value, never_idle, no_mutant, reliability,
};

/// `keepAlive`.
pub static KEEP_ALIVE: Setting = Setting {
    name: "keepAlive",
    about: "How long an idle connection to the process of a service is kept for the next request.",
    why: "Most servers keep an idle connection for longer, and those that do not mostly say so.",
    unit: Unit::TimeOrOff,
    range: Some(Range {
        numbers: 1_000..=86_400_000,
        help: "write `off` to let a connection serve one request, or `1s` and more",
    }),
    read: Read {
        defaults: Some(|one| said(one.keep_alive.as_ref())),
        service: Some(|one| said(one.keep_alive.as_ref())),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Number(u64::from(KEEP_ALIVE_MILLIS)),
    among: Among::LeastSaid,
    within: &[],
    at_least: None,
    plan: Plan::Backend {
        put: |cluster, value| {
            cluster.keep_alive_millis = value.narrow().unwrap_or(0);
        },
        of: |cluster| match cluster.keep_alive_millis {
            0 => Value::Off,
            millis => Value::Number(u64::from(millis)),
        },
    },
    is_idle: never_idle,
    hops: Hops::Called,
    class: reliability,
    expected: None,
    is_bounded: true,
    mutant: no_mutant,
};

fn said(time: Option<&Spanned<Switch<Duration>>>) -> Option<Spanned<Value>> {
    let time = time?;
    let value = match time.value {
        Switch::Off => Value::Off,
        Switch::On(time) => Value::Number(u64::from(time.millis())),
    };
    Some(Spanned::new(value, time.span))
}
