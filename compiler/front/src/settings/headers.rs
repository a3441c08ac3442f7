//! Changes to headers, applied in the order remove, set, add.

use weft_snapshot::plan::HeaderChanges;
use weft_spec::Spanned;

use super::{Among, Hops, Plan, Read, Setting, Unit, Value, never_idle, no_mutant, transform};
use crate::model::action;

/// Changes of the headers of a request or a response, by the field of a rule and of the policy.
macro_rules! changes {
    ($name:ident = $field:ident, $written:literal, $about:literal, $why:literal, $hops:expr) => {
        #[doc = concat!("`", $written, "`.")]
        pub static $name: Setting = Setting {
            name: $written,
            about: $about,
            why: $why,
            unit: Unit::Headers,
            range: None,
            read: Read {
                resolved: Some(|rule| changes(rule.$field?)),
                ..Read::NOWHERE
            },
            built_in: |_said| Value::Headers(None),
            among: Among::LeastSaid,
            within: &[],
            at_least: None,
            plan: Plan::Route {
                put: |outcome, value| {
                    if let Value::Headers(changes) = value {
                        outcome.policy.$field = changes.as_deref().cloned().unwrap_or_default();
                    }
                },
                of: |outcome| value(outcome.policy.$field.clone()),
            },
            is_idle: never_idle,
            hops: $hops,
            class: transform,
            expected: None,
            is_bounded: false,
            mutant: no_mutant,
        };
    };
}

changes!(
    REQUEST_HEADERS = request_headers,
    "requestHeaders",
    "Changes to the headers of the request, before it is forwarded.",
    "What is not asked for is not changed.",
    Hops::Called
);
changes!(
    RESPONSE_HEADERS = response_headers,
    "responseHeaders",
    "Changes to the headers of the response, before it is sent to the client.",
    "What is not asked for is not changed.",
    Hops::Answers
);

/// Changes with names in lower case; written where the first of them is.
fn changes(changes: &action::HeaderChanges) -> Option<Spanned<Value>> {
    let action::HeaderChanges { set, add, remove } = changes;
    let pairs = |named: &[(Spanned<String>, Spanned<String>)]| {
        let named = named.iter();
        let named =
            named.map(|(name, value)| (name.value.to_ascii_lowercase(), value.value.clone()));
        named.collect()
    };
    let names = set.iter().chain(add.iter()).map(|(name, _)| name.span);
    let first = names.chain(remove.iter().map(|name| name.span)).next()?;
    let changes = HeaderChanges {
        remove: remove
            .iter()
            .map(|name| name.value.to_ascii_lowercase())
            .collect(),
        set: pairs(set),
        add: pairs(add),
    };
    Some(Spanned::new(value(changes), first))
}

fn value(changes: HeaderChanges) -> Value {
    Value::Headers((!changes.is_empty()).then(|| Box::new(changes)))
}
