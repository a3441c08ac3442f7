//! The order in which the rules of one host are tried.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use weft_snapshot::plan::{PathPattern, Segment};

use super::prefixes::Prefixes;
use crate::model::condition::{self, Demand};
use crate::model::languages::Languages;
use crate::model::path::Relation;
use crate::model::route::Rule;

/// A key that is smaller for a rule that must be tried earlier, if both paths are structural.
///
/// A narrower path has at least as many literals, then at least as many segments, then no rest; with
/// equal paths, narrower conditions demand more. So sorting by it is a linear extension of precedence;
/// what remains equal is told apart by id, which decides nothing because it never overlaps.
pub type Rank<'rule> = (
    Reverse<i32>,
    Reverse<usize>,
    Reverse<usize>,
    bool,
    Reverse<Demand>,
    &'rule str,
);

/// The sort key of a rule.
pub fn rank(rule: &Rule) -> Rank<'_> {
    let (literals, length, rest) = match &rule.matched.path.value {
        PathPattern::Segments { segments, rest } => {
            let literals = segments
                .iter()
                .filter(|segment| matches!(segment, Segment::Literal { .. }))
                .count();
            (literals, segments.len(), *rest)
        }
        PathPattern::Regex { .. } => (0, 0, false),
    };
    (
        Reverse(rule.priority()),
        Reverse(literals),
        Reverse(length),
        rest,
        Reverse(Demand::of(&rule.matched)),
        rule.id.as_str(),
    )
}

/// The rules in the order in which they are tried.
pub fn order<'rule>(rules: &[&'rule Rule], languages: &mut Languages) -> Vec<&'rule Rule> {
    let mut ordered = rules.to_vec();
    ordered.sort_by_cached_key(|rule| rank(rule));
    if ordered.iter().any(|rule| is_regex(rule)) {
        place_expressions(&ordered, languages)
    } else {
        ordered
    }
}

/// Whether the path of a rule is a regular expression.
pub(super) fn is_regex(rule: &Rule) -> bool {
    matches!(rule.matched.path.value, PathPattern::Regex { .. })
}

// The structural rules of one priority are a chain, and each containment between an expression and
// another rule is one more arrow; containment is transitive and the chain extends it, so there is no
// cycle. The smallest rank goes first among those that nothing holds back.
fn place_expressions<'rule>(ranked: &[&'rule Rule], languages: &mut Languages) -> Vec<&'rule Rule> {
    let mut ordered = Vec::with_capacity(ranked.len());
    for group in ranked.chunk_by(|left, right| left.priority() == right.priority()) {
        let mut after: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut held = vec![0_usize; group.len()];
        let mut arrow = |first: usize, second: usize| {
            after.entry(first).or_default().push(second);
            if let Some(held) = held.get_mut(second) {
                *held += 1;
            }
        };
        let chain: Vec<usize> = positions(group, |rule| !is_regex(rule));
        for pair in chain.windows(2) {
            if let [first, second] = pair {
                arrow(*first, *second);
            }
        }
        let prefixes = Prefixes::new(group);
        for expression in positions(group, is_regex) {
            let Some(left) = group.get(expression) else {
                continue;
            };
            for other in prefixes.candidates(left) {
                let Some(right) = group.get(other) else {
                    continue;
                };
                if is_regex(right) && other <= expression {
                    continue;
                }
                match precedes(left, right, languages) {
                    Some(Ordering::Less) => arrow(expression, other),
                    Some(Ordering::Greater) => arrow(other, expression),
                    Some(Ordering::Equal) | None => {}
                }
            }
        }
        ordered.extend(topological(&after, held).filter_map(|position| group.get(position)));
    }
    ordered
}

fn positions(group: &[&Rule], wanted: impl Fn(&Rule) -> bool) -> Vec<usize> {
    (0..group.len())
        .filter(|position| group.get(*position).is_some_and(|rule| wanted(rule)))
        .collect()
}

fn topological(
    after: &BTreeMap<usize, Vec<usize>>,
    mut held: Vec<usize>,
) -> impl Iterator<Item = usize> {
    let mut free: BTreeSet<usize> = (0..held.len())
        .filter(|position| held.get(*position) == Some(&0))
        .collect();
    std::iter::from_fn(move || {
        let next = free.pop_first()?;
        for &follower in after.get(&next).into_iter().flatten() {
            if let Some(held) = held.get_mut(follower) {
                *held -= 1;
                if *held == 0 {
                    free.insert(follower);
                }
            }
        }
        Some(next)
    })
}

/// Which of two rules of one priority decides where both match; nothing if neither or if they never meet.
pub(super) fn precedes(left: &Rule, right: &Rule, languages: &mut Languages) -> Option<Ordering> {
    let paths = languages.relate_paths(&left.matched.path.value, &right.matched.path.value);
    match paths.relation {
        Relation::Narrower => Some(Ordering::Less),
        Relation::Wider => Some(Ordering::Greater),
        Relation::Disjoint | Relation::Overlapping => None,
        Relation::Equal => match condition::relate(&left.matched, &right.matched, languages) {
            Relation::Narrower => Some(Ordering::Less),
            Relation::Wider => Some(Ordering::Greater),
            Relation::Equal => Some(Ordering::Equal),
            Relation::Disjoint | Relation::Overlapping => None,
        },
    }
}
