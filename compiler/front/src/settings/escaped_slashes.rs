//! What becomes of `%2F` in a path.

use weft_spec::gateway::EscapedSlashes;

use super::{
    Among, Hops, Plan, Read, Setting, Unit, Value, never_idle, no_mutant, reception, told,
};

/// The words, by whether it is kept.
const WORDS: [&str; 2] = ["refuse", "keep"];

/// `escapedSlashes`.
pub static ESCAPED_SLASHES: Setting = Setting {
    name: "escapedSlashes",
    about: "What becomes of `%2F` in a path.",
    why: "Servers disagree whether it separates segments, so a path that holds it has two meanings.",
    unit: Unit::Words(&WORDS),
    range: None,
    read: Read {
        listener: Some(|one| {
            told(one.escaped_slashes.as_ref(), |said| match said {
                EscapedSlashes::Refuse => Value::Word("refuse"),
                EscapedSlashes::Keep => Value::Word("keep"),
            })
        }),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Word("refuse"),
    among: Among::LeastSaid,
    within: &[],
    at_least: None,
    plan: Plan::Listener {
        put: |received, value| {
            received.path.keep_escaped_slashes = *value == Value::Word("keep");
        },
        of: |listener| {
            Value::Word(if listener.path.keep_escaped_slashes {
                "keep"
            } else {
                "refuse"
            })
        },
    },
    is_idle: never_idle,
    hops: Hops::Called,
    class: |_was, is| {
        let keeps = *is == Value::Word("keep");
        reception(keeps, !keeps)
    },
    expected: None,
    is_bounded: false,
    mutant: no_mutant,
};
