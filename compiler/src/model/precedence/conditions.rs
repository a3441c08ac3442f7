//! Pairs of rules with one and the same path, without comparing every two.
//!
//! Rules that ask for different values of one header never meet. A large group is therefore split by the
//! header, parameter or method that most of its rules fix, and only the parts are compared.

use std::collections::BTreeMap;

use weft_snapshot::plan::{Condition, ValueTest};
use weft_spec::Spanned;

use crate::model::route::{Match, Rule};

/// Groups up to this size are compared pair by pair.
const SMALL: usize = 16;

/// Something that a rule can fix to one value.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Key<'rule> {
    Method,
    Header(&'rule str),
    Query(&'rule str),
}

/// Calls `meet` with every two positions whose rules may match one request, and perhaps some more.
///
/// `meet` returns whether to go on.
pub(super) fn pairs(
    rules: &[&Rule],
    group: &[usize],
    meet: &mut dyn FnMut(usize, usize) -> bool,
) -> bool {
    split(rules, group, &mut Vec::new(), meet)
}

fn split<'rule>(
    rules: &[&'rule Rule],
    group: &[usize],
    used: &mut Vec<Key<'rule>>,
    meet: &mut dyn FnMut(usize, usize) -> bool,
) -> bool {
    let key = if group.len() <= SMALL {
        None
    } else {
        best_key(rules, group, used)
    };
    let Some(key) = key else {
        return group
            .iter()
            .enumerate()
            .all(|(nth, left)| group.iter().skip(nth + 1).all(|right| meet(*left, *right)));
    };
    let mut parts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut free = Vec::new();
    for &position in group {
        match rules.get(position).and_then(|rule| value(rule, key)) {
            Some(value) => parts.entry(value).or_default().push(position),
            None => free.push(position),
        }
    }
    used.push(key);
    let goes_on = parts.values().all(|part| split(rules, part, used, meet))
        && split(rules, &free, used, meet)
        && free
            .iter()
            .all(|left| parts.values().flatten().all(|right| meet(*left, *right)));
    used.pop();
    goes_on
}

// The key with the most rules that fix it, if it tells any apart.
fn best_key<'rule>(
    rules: &[&'rule Rule],
    group: &[usize],
    used: &[Key<'rule>],
) -> Option<Key<'rule>> {
    let mut fixed: BTreeMap<Key<'rule>, usize> = BTreeMap::new();
    for rule in group.iter().filter_map(|position| rules.get(*position)) {
        if rule.matched.methods.len() == 1 {
            *fixed.entry(Key::Method).or_default() += 1;
        }
        for header in &rule.matched.headers {
            if matches!(header.value.test, ValueTest::Exact { .. }) {
                *fixed.entry(Key::Header(&header.value.name)).or_default() += 1;
            }
        }
        for parameter in &rule.matched.query {
            if matches!(parameter.value.test, ValueTest::Exact { .. }) {
                *fixed.entry(Key::Query(&parameter.value.name)).or_default() += 1;
            }
        }
    }
    fixed
        .into_iter()
        .filter(|(key, _)| !used.contains(key))
        .max_by_key(|(_, count)| *count)
        .map(|(key, _)| key)
}

fn value(rule: &Rule, key: Key<'_>) -> Option<String> {
    let Match {
        path: _,
        methods,
        headers,
        query,
    } = &rule.matched;
    match key {
        Key::Method => match methods.as_slice() {
            [method] => Some(method.value.as_str().to_owned()),
            _ => None,
        },
        Key::Header(name) => exact(headers, name),
        Key::Query(name) => exact(query, name),
    }
}

fn exact(tests: &[Spanned<Condition>], name: &str) -> Option<String> {
    tests.iter().find_map(|test| match &test.value {
        Condition {
            name: tested,
            test: ValueTest::Exact { text },
        } if tested == name => Some(text.clone()),
        Condition { .. } => None,
    })
}
