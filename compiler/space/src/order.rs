//! The precedence of the rules of the spec (DESIGN section 4) as a relation between two of them.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use weft_snapshot::plan::PathPattern;

use super::table::{Order, Pairing};
use crate::condition;
use crate::languages::Languages;
use crate::path::{self, Relation};
use crate::predicate::Ranked;

/// Precedence among the rules of one host.
pub(super) struct Precedence<'run, R> {
    rules: &'run [&'run R],
    languages: RefCell<Languages>,
    known: RefCell<BTreeMap<(&'run str, &'run str), Relation>>,
    same_outcome: &'run dyn Fn(&R, &R) -> bool,
}

impl<'run, R: Ranked> Precedence<'run, R> {
    /// Of these rules, in the order in which they are tried; `languages` may know their expressions already; `same_outcome` says when order is no matter.
    pub(super) fn new(
        rules: &'run [&'run R],
        languages: Languages,
        same_outcome: &'run dyn Fn(&R, &R) -> bool,
    ) -> Self {
        Self {
            rules,
            languages: RefCell::new(languages),
            known: RefCell::default(),
            same_outcome,
        }
    }

    fn rule(&self, entry: u32) -> Option<&'run R> {
        self.rules.get(usize::try_from(entry).ok()?).copied()
    }

    fn relate_paths(&self, left: &'run PathPattern, right: &'run PathPattern) -> Relation {
        match (left, right) {
            (
                PathPattern::Segments { segments, rest },
                PathPattern::Segments {
                    segments: other,
                    rest: other_rest,
                },
            ) => path::relate(
                path::Structure::new(segments, *rest),
                path::Structure::new(other, *other_rest),
            ),
            (PathPattern::Regex { regex }, PathPattern::Regex { regex: other }) => {
                let key = (regex.as_str(), other.as_str());
                if let Some(known) = self.known.borrow().get(&key) {
                    return *known;
                }
                let found = self
                    .languages
                    .borrow_mut()
                    .relate_paths(left, right)
                    .relation;
                self.known.borrow_mut().insert(key, found);
                found
            }
            (PathPattern::Regex { .. }, PathPattern::Segments { .. })
            | (PathPattern::Segments { .. }, PathPattern::Regex { .. }) => {
                self.languages
                    .borrow_mut()
                    .relate_paths(left, right)
                    .relation
            }
        }
    }

    /// Which of two rules decides wherever both match; `Equal` for rules that match the same requests.
    fn compare(&self, left: &'run R, right: &'run R) -> Option<Ordering> {
        ordered(
            left,
            right,
            || self.relate_paths(left.path(), right.path()),
            || condition::relate(left, right, &mut self.languages.borrow_mut()),
        )
    }
}

/// The precedence of DESIGN section 4, given how the paths and the conditions of two rules relate.
fn ordered(
    left: &impl Ranked,
    right: &impl Ranked,
    paths: impl FnOnce() -> Relation,
    conditions: impl FnOnce() -> Relation,
) -> Option<Ordering> {
    match right.priority().cmp(&left.priority()) {
        Ordering::Equal => {}
        decided @ (Ordering::Less | Ordering::Greater) => return Some(decided),
    }
    let narrower_first = |relation: Relation| match relation {
        Relation::Narrower => Some(Ordering::Less),
        Relation::Wider => Some(Ordering::Greater),
        Relation::Equal => Some(Ordering::Equal),
        Relation::Disjoint | Relation::Overlapping => None,
    };
    match narrower_first(paths()) {
        Some(Ordering::Equal) => narrower_first(conditions()),
        decided => decided,
    }
}

/// Which of two rules decides wherever both match, by themselves; `Equal` for rules that match the same requests, none if
/// nothing orders them.
pub fn decides_over(
    left: &impl Ranked,
    right: &impl Ranked,
    languages: &mut Languages,
) -> Option<Ordering> {
    let paths = (left.path(), right.path());
    let relation = languages.relate_paths(paths.0, paths.1).relation;
    let conditions = || condition::relate(left, right, languages);
    ordered(left, right, || relation, conditions)
}

impl<R: Ranked> Order for Precedence<'_, R> {
    fn decides(&self, first: u32, second: u32) -> bool {
        let (Some(left), Some(right)) = (self.rule(first), self.rule(second)) else {
            return false;
        };
        match self.compare(left, right) {
            Some(Ordering::Less) => true,
            // Reported as identical; which of them is kept does not matter then.
            Some(Ordering::Equal) => first < second,
            Some(Ordering::Greater) | None => false,
        }
    }

    fn pairing(&self, first: u32, second: u32) -> Pairing {
        let (Some(left), Some(right)) = (self.rule(first), self.rule(second)) else {
            return Pairing::Settled;
        };
        match self.compare(left, right) {
            Some(Ordering::Equal) => Pairing::Identical,
            Some(Ordering::Less | Ordering::Greater) => Pairing::Settled,
            None if (self.same_outcome)(left, right) => Pairing::Settled,
            None => Pairing::Open,
        }
    }

    fn is_same(&self, first: u32, second: u32) -> bool {
        let pair = self.rule(first).zip(self.rule(second));
        pair.is_some_and(|(left, right)| (self.same_outcome)(left, right))
    }
}
