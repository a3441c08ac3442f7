//! What becomes of `//` in a path.

use weft_snapshot::settings::Slashes;
use weft_spec::gateway;

use super::{
    Among, Hops, NORMALIZE, Plan, Read, Said, Setting, Unit, Value, never_idle, no_mutant,
    reception, told,
};

/// The words.
const WORDS: [&str; 3] = ["merge", "keep", "refuse"];

/// `slashes`.
pub static SLASHES: Setting = Setting {
    name: "slashes",
    about: "What becomes of `//` in a path.",
    why: "`//` is a slip of whoever made the URL; with `normalize: reject` it is refused.",
    unit: Unit::Words(&WORDS),
    range: None,
    read: Read {
        listener: Some(|one| {
            told(one.slashes.as_ref(), |said| match said {
                gateway::Slashes::Merge => Value::Word("merge"),
                gateway::Slashes::Keep => Value::Word("keep"),
                gateway::Slashes::Refuse => Value::Word("refuse"),
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
            received.path.slashes = match value.word() {
                Some("keep") => Slashes::Keep,
                Some("refuse") => Slashes::Refuse,
                Some(_) | None => Slashes::Merge,
            };
        },
        of: |listener| {
            Value::Word(match listener.path.slashes {
                Slashes::Merge => "merge",
                Slashes::Keep => "keep",
                Slashes::Refuse => "refuse",
            })
        },
    },
    is_idle: never_idle,
    hops: Hops::Called,
    class: |_was, is| reception(*is == Value::Word("keep"), *is == Value::Word("refuse")),
    expected: None,
    is_bounded: false,
    mutant: no_mutant,
};

/// Whoever refuses dot segments refuses these, unless they are spoken of.
fn built_in(said: &Said) -> Value {
    let normalize = said.get(&NORMALIZE).map(|said| &said.value);
    match normalize {
        Some(Value::Word("reject")) => Value::Word("refuse"),
        Some(_) | None => Value::Word("merge"),
    }
}
