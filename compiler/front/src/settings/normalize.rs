//! What becomes of dot segments in a path.

use weft_spec::gateway::Normalize;

use super::{
    Among, Hops, Plan, Read, Setting, Unit, Value, never_idle, no_mutant, reception, told,
};

/// The words, by whether they are refused.
const WORDS: [&str; 2] = ["merge", "reject"];

/// `normalize`.
pub static NORMALIZE: Setting = Setting {
    name: "normalize",
    about: "What becomes of `/./` and `/../` in a path, and of `//` where `slashes` is not said.",
    why: "Browsers and clients resolve them before they send; what is left is harmless when it is resolved.",
    unit: Unit::Words(&WORDS),
    range: None,
    read: Read {
        listener: Some(|one| {
            told(one.normalize.as_ref(), |said| match said {
                Normalize::Merge => Value::Word("merge"),
                Normalize::Reject => Value::Word("reject"),
            })
        }),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Word("merge"),
    among: Among::LeastSaid,
    within: &[],
    at_least: None,
    plan: Plan::Listener {
        put: |received, value| {
            received.path.refuse_dot_segments = *value == Value::Word("reject");
        },
        of: |listener| {
            Value::Word(if listener.path.refuse_dot_segments {
                "reject"
            } else {
                "merge"
            })
        },
    },
    is_idle: never_idle,
    hops: Hops::Called,
    class: |_was, is| reception(false, *is == Value::Word("reject")),
    expected: None,
    is_bounded: false,
    mutant: no_mutant,
};
