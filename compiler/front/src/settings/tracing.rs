//! What becomes of trace context.

use weft_snapshot::settings::Tracing;
use weft_spec::gateway;

use super::{
    Among, Hops, Plan, Read, Said, Setting, TRUSTED_HOPS, Unit, Value, never_idle, no_mutant,
    reception, told,
};

/// The words.
const WORDS: [&str; 3] = ["keep", "restart", "remove"];

/// `tracing`.
pub static TRACING: Setting = Setting {
    name: "tracing",
    about: "What becomes of the trace context that clients send.",
    why: "A stranger may not join a trace or switch sampling on; a trusted proxy in front has begun the trace.",
    unit: Unit::Words(&WORDS),
    range: None,
    read: Read {
        listener: Some(|one| {
            told(one.tracing.as_ref(), |said| match said {
                gateway::Tracing::Keep => Value::Word("keep"),
                gateway::Tracing::Restart => Value::Word("restart"),
                gateway::Tracing::Remove => Value::Word("remove"),
            })
        }),
        ..Read::NOWHERE
    },
    built_in,
    among: Among::LeastSaid,
    within: &[],
    at_least: None,
    plan: Plan::Listener {
        put: |received, value| {
            received.heads.tracing = match value.word() {
                Some("keep") => Tracing::Keep,
                Some("restart") => Tracing::Restart,
                Some(_) | None => Tracing::Remove,
            };
        },
        of: |listener| {
            Value::Word(match listener.heads.tracing {
                Tracing::Keep => "keep",
                Tracing::Restart => "restart",
                Tracing::Remove => "remove",
            })
        },
    },
    is_idle: never_idle,
    hops: Hops::Called,
    class: |_was, is| reception(*is == Value::Word("keep"), false),
    expected: None,
    is_bounded: false,
    mutant: no_mutant,
};

fn built_in(said: &Said) -> Value {
    let hops = said.get(&TRUSTED_HOPS).and_then(|said| said.value.number());
    match hops {
        None | Some(0) => Value::Word("remove"),
        Some(_) => Value::Word("keep"),
    }
}
