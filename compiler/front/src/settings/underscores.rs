//! What becomes of headers with an underscore in their name.

use weft_snapshot::settings::Underscores;
use weft_spec::gateway;

use super::{
    Among, Hops, Plan, Read, Setting, Unit, Value, never_idle, no_mutant, reception, told,
};

/// The words.
const WORDS: [&str; 3] = ["refuse", "drop", "keep"];
/// The built-in value, which no spec writes.
const DROP_UNLESS_GRPC: &str = "drop, but keep for gRPC";

/// `underscores`.
pub static UNDERSCORES: Setting = Setting {
    name: "underscores",
    about: "What becomes of headers with an underscore in their name.",
    why: "Servers that turn `-` into `_` take `x_user` for `x-user`; for gRPC they are legal metadata.",
    unit: Unit::Words(&WORDS),
    range: None,
    read: Read {
        listener: Some(|one| {
            told(one.underscores.as_ref(), |said| match said {
                gateway::Underscores::Refuse => Value::Word("refuse"),
                gateway::Underscores::Drop => Value::Word("drop"),
                gateway::Underscores::Keep => Value::Word("keep"),
            })
        }),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Word(DROP_UNLESS_GRPC),
    among: Among::LeastSaid,
    within: &[],
    at_least: None,
    plan: Plan::Listener {
        put: |received, value| {
            received.heads.underscores = match value.word() {
                Some("refuse") => Underscores::Refuse,
                Some("drop") => Underscores::Drop,
                Some("keep") => Underscores::Keep,
                Some(_) | None => Underscores::DropUnlessGrpc,
            };
        },
        of: |listener| {
            Value::Word(match listener.heads.underscores {
                Underscores::Refuse => "refuse",
                Underscores::Drop => "drop",
                Underscores::DropUnlessGrpc => DROP_UNLESS_GRPC,
                Underscores::Keep => "keep",
            })
        },
    },
    is_idle: never_idle,
    hops: Hops::Called,
    class: |was, is| {
        let (was, is) = (rank(was), rank(is));
        reception(was < is && 1 < is, is == 0)
    },
    expected: None,
    is_bounded: false,
    mutant: no_mutant,
};

/// How many of the names with an underscore arrive.
fn rank(value: &Value) -> u8 {
    match value.word() {
        Some("refuse") => 0,
        Some("drop") => 1,
        Some("keep") => 3,
        Some(_) | None => 2,
    }
}
