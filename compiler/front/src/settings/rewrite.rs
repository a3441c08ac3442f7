//! Changes to the path and the host.

use weft_spec::Spanned;

use super::{Among, Hops, Plan, Read, Setting, Unit, Value, never_idle, no_mutant, transform};
/// `rewrite.path`.
pub static REWRITE_PATH: Setting = Setting {
    name: "rewrite.path",
    about: "The new path.",
    why: "What was matched is what is forwarded.",
    unit: Unit::Path,
    range: None,
    read: Read {
        resolved: Some(|rule| {
            let rewrite = rule.rewrite.as_ref()?;
            let new = Value::Path(rewrite.other_path().cloned());
            Some(Spanned::new(new, rewrite.path.as_ref()?.span))
        }),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Path(None),
    among: Among::LeastSaid,
    within: &[],
    at_least: None,
    plan: Plan::Route {
        put: |outcome, value| {
            if let Value::Path(path) = value {
                outcome.path.clone_from(path);
            }
        },
        of: |outcome| Value::Path(outcome.path.clone()),
    },
    is_idle: never_idle,
    hops: Hops::Called,
    class: transform,
    expected: None,
    is_bounded: false,
    mutant: no_mutant,
};

/// `rewrite.host`.
pub static REWRITE_HOST: Setting = Setting {
    name: "rewrite.host",
    about: "The new host.",
    why: "An application makes URLs of the host and compares it with `Origin`.",
    unit: Unit::Text,
    range: None,
    read: Read {
        resolved: Some(|rule| {
            let host = rule.rewrite.as_ref()?.host.as_ref()?;
            Some(Spanned::new(
                Value::Text(Some(host.value.clone())),
                host.span,
            ))
        }),
        ..Read::NOWHERE
    },
    built_in: |_said| Value::Text(None),
    among: Among::LeastSaid,
    within: &[],
    at_least: None,
    plan: Plan::Route {
        put: |outcome, value| {
            if let Value::Text(host) = value {
                outcome.host.clone_from(host);
            }
        },
        of: |outcome| Value::Text(outcome.host.clone()),
    },
    is_idle: never_idle,
    hops: Hops::Called,
    class: transform,
    expected: None,
    is_bounded: false,
    mutant: no_mutant,
};
