//! The order in which the rules of one host are tried.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use weft_snapshot::plan::{PathPattern, Segment};

use super::prefixes::Prefixes;
use crate::condition::{self, Demand, asks_by_expression};
use crate::languages::Languages;
use crate::path::Relation;
use crate::predicate::Ranked;
use crate::work;

/// A key that is smaller for a rule that must be tried earlier, if both paths are structural.
///
/// A narrower path has at least as many literals, then at least as many segments, then no rest; with
/// equal paths, narrower conditions demand more, unless one asks by an expression ([`order()`] places those).
/// So sorting by it is a linear extension of precedence; what remains equal is told apart by id, which decides
/// nothing because it never overlaps.
pub type Rank<'rule> = (
    Reverse<i32>,
    Reverse<usize>,
    Reverse<usize>,
    bool,
    Reverse<Demand>,
    &'rule str,
);

/// The sort key of a rule.
pub fn rank<R: Ranked>(rule: &R) -> Rank<'_> {
    let (literals, length, rest) = match rule.path() {
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
        Reverse(Demand::of(rule)),
        rule.id(),
    )
}

/// The rules in the order in which they are tried.
pub fn order<'rule, R: Ranked>(rules: &[&'rule R], languages: &mut Languages) -> Vec<&'rule R> {
    let mut ordered = rules.to_vec();
    ordered.sort_by_cached_key(|rule| rank(*rule));
    place_values(&mut ordered, languages);
    if ordered.iter().any(|rule| is_regex(*rule)) {
        place_expressions(&ordered, languages)
    } else {
        ordered
    }
}

/// What it costs to relate two rules by their expressions, where a look at their texts is enough (`crate::work`).
const PAIR_STEPS: usize = 30;

/// Priority, segments (none for one of any text), and whether anything may follow.
type Shape<'rule> = (i32, Vec<Option<&'rule str>>, bool);

/// Puts rules for the same paths into the order of their conditions, where some ask by expressions on values.
///
/// They change places among themselves alone, so the order of paths stays. As for paths below: rules without expressions
/// are a chain, and each containment is one more arrow.
fn place_values<R: Ranked>(ordered: &mut [&R], languages: &mut Languages) {
    let asks = |rule: &R| asks_by_expression(rule);
    if !ordered.iter().any(|rule| asks(rule)) {
        return;
    }
    let mut groups: BTreeMap<Shape<'_>, Vec<usize>> = BTreeMap::new();
    for (position, rule) in ordered.iter().enumerate() {
        if let PathPattern::Segments { segments, rest } = rule.path() {
            let shape = segments.iter().map(|segment| match segment {
                Segment::Literal { text } => Some(text.as_str()),
                Segment::Any { .. } => None,
            });
            let key = (rule.priority(), shape.collect(), *rest);
            groups.entry(key).or_default().push(position);
        }
    }
    for places in groups.into_values() {
        let group: Vec<&R> = at(ordered, &places).collect();
        if group.len() < 2 || !group.iter().any(|rule| asks(rule)) {
            continue;
        }
        let mut arrows = Arrows::along(group.len(), &positions(&group, |rule| !asks(rule)));
        for (first, left) in group.iter().enumerate().filter(|(_, rule)| asks(rule)) {
            for (second, right) in group.iter().enumerate() {
                // Of two that ask by expressions, the later one looks.
                if (!asks(right) || second < first) && work::spend(PAIR_STEPS) {
                    let relation = condition::relate(*left, *right, languages);
                    arrows.add_by(relation, first, second);
                }
            }
        }
        let sorted = arrows.topological().filter_map(|one| group.get(one));
        for (place, rule) in places.iter().zip(sorted) {
            if let Some(slot) = ordered.get_mut(*place) {
                *slot = *rule;
            }
        }
    }
}

fn at<'rule, 'one, R>(
    ordered: &'one [&'rule R],
    places: &'one [usize],
) -> impl Iterator<Item = &'rule R> + 'one {
    places
        .iter()
        .filter_map(|place| ordered.get(*place).copied())
}

/// Whether the path of a rule is a regular expression.
pub(super) fn is_regex(rule: &impl Ranked) -> bool {
    matches!(rule.path(), PathPattern::Regex { .. })
}

// The structural rules of one priority are a chain, and each containment between an expression and
// another rule is one more arrow; containment is transitive and the chain extends it, so there is no
// cycle. The smallest rank goes first among those that nothing holds back.
fn place_expressions<'rule, R: Ranked>(
    ranked: &[&'rule R],
    languages: &mut Languages,
) -> Vec<&'rule R> {
    let mut ordered = Vec::with_capacity(ranked.len());
    for group in ranked.chunk_by(|left, right| left.priority() == right.priority()) {
        let mut arrows = Arrows::along(group.len(), &positions(group, |rule| !is_regex(rule)));
        let prefixes = Prefixes::new(group);
        for expression in positions(group, |rule| is_regex(rule)) {
            let Some(left) = group.get(expression) else {
                continue;
            };
            for other in prefixes.candidates(*left) {
                let Some(right) = group.get(other) else {
                    continue;
                };
                if is_regex(*right) && other <= expression {
                    continue;
                }
                if work::spend(PAIR_STEPS) {
                    arrows.add_by(relate(*left, *right, languages), expression, other);
                }
            }
        }
        ordered.extend(
            arrows
                .topological()
                .filter_map(|position| group.get(position)),
        );
    }
    ordered
}

fn positions<R>(group: &[&R], wanted: impl Fn(&R) -> bool) -> Vec<usize> {
    (0..group.len())
        .filter(|position| group.get(*position).is_some_and(|rule| wanted(rule)))
        .collect()
}

/// Which of some positions must come before which.
struct Arrows {
    after: BTreeMap<usize, Vec<usize>>,
    held: Vec<usize>,
}

impl Arrows {
    /// Among so many positions, some of which are a chain.
    fn along(count: usize, chain: &[usize]) -> Self {
        let mut arrows = Self {
            after: BTreeMap::new(),
            held: vec![0; count],
        };
        for pair in chain.windows(2) {
            if let [first, second] = pair {
                arrows.add(*first, *second);
            }
        }
        arrows
    }

    fn add(&mut self, first: usize, second: usize) {
        self.after.entry(first).or_default().push(second);
        if let Some(held) = self.held.get_mut(second) {
            *held += 1;
        }
    }

    /// Puts the narrower of two first.
    fn add_by(&mut self, relation: Relation, left: usize, right: usize) {
        match relation {
            Relation::Narrower => self.add(left, right),
            Relation::Wider => self.add(right, left),
            Relation::Equal | Relation::Disjoint | Relation::Overlapping => {}
        }
    }

    /// The positions in an order that follows all arrows, smaller ones first where nothing is said.
    fn topological(self) -> impl Iterator<Item = usize> {
        let Self { after, mut held } = self;
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
}

/// How two rules of one priority relate: by their paths, and where those are the same by their conditions.
pub fn relate(left: &impl Ranked, right: &impl Ranked, languages: &mut Languages) -> Relation {
    let paths = languages.relate_paths(left.path(), right.path());
    match paths.relation {
        Relation::Equal => condition::relate(left, right, languages),
        decided @ (Relation::Narrower
        | Relation::Wider
        | Relation::Disjoint
        | Relation::Overlapping) => decided,
    }
}
