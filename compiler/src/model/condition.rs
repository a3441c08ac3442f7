//! Conditions beside the path: methods, headers and query parameters, as sets of requests.
//!
//! A request has at most one value per name (DESIGN section 4), so tests of different names are
//! independent and tests of one name compare like sets of values: exact ⊂ regex (if it matches) ⊂
//! present; absent is disjoint from all of them.

use std::cmp::Ordering;

use weft_snapshot::plan::{Condition, ValueTest};
use weft_spec::Spanned;
use weft_spec::units::Method;

use super::languages::Languages;
use super::path::Relation;
use super::route::Match;

/// How the conditions of two rules relate, whatever their paths.
pub fn relate(left: &Match, right: &Match, languages: &mut Languages) -> Relation {
    let relation = relate_methods(&left.methods, &right.methods);
    if relation == Relation::Disjoint {
        return relation;
    }
    let relation = relation.and(relate_tests(&left.headers, &right.headers, languages));
    if relation == Relation::Disjoint {
        return relation;
    }
    relation.and(relate_tests(&left.query, &right.query, languages))
}

/// How two lists of methods relate; empty means all. Both are sorted.
pub fn relate_methods(left: &[Spanned<Method>], right: &[Spanned<Method>]) -> Relation {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => Relation::Equal,
        (true, false) => Relation::Wider,
        (false, true) => Relation::Narrower,
        (false, false) => {
            let has = |list: &[Spanned<Method>], method: &Spanned<Method>| {
                list.iter().any(|other| other.value == method.value)
            };
            if !left.iter().any(|method| has(right, method)) {
                return Relation::Disjoint;
            }
            let left_has_own = !left.iter().all(|method| has(right, method));
            let right_has_own = !right.iter().all(|method| has(left, method));
            Relation::of_overlapping(left_has_own, right_has_own)
        }
    }
}

fn relate_tests(
    left: &[Spanned<Condition>],
    right: &[Spanned<Condition>],
    languages: &mut Languages,
) -> Relation {
    let mut relation = Relation::Equal;
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    loop {
        // Both lists are sorted by name: a merge meets each name once.
        let order = match (left.peek(), right.peek()) {
            (None, None) => return relation,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.value.name.cmp(&right.value.name),
        };
        let next = match order {
            Ordering::Less => {
                left.next();
                Relation::Narrower
            }
            Ordering::Greater => {
                right.next();
                Relation::Wider
            }
            Ordering::Equal => match (left.next(), right.next()) {
                (Some(left), Some(right)) => {
                    relate_values(&left.value.test, &right.value.test, languages)
                }
                (_, _) => Relation::Equal,
            },
        };
        relation = relation.and(next);
        if relation == Relation::Disjoint {
            return relation;
        }
    }
}

fn relate_values(left: &ValueTest, right: &ValueTest, languages: &mut Languages) -> Relation {
    match (left, right) {
        (ValueTest::Absent, ValueTest::Absent) | (ValueTest::Present, ValueTest::Present) => {
            Relation::Equal
        }
        (ValueTest::Absent, _) | (_, ValueTest::Absent) => Relation::Disjoint,
        (ValueTest::Present, _) => Relation::Wider,
        (_, ValueTest::Present) => Relation::Narrower,
        (ValueTest::Exact { text }, ValueTest::Exact { text: other }) => {
            if text == other {
                Relation::Equal
            } else {
                Relation::Disjoint
            }
        }
        (ValueTest::Exact { text }, ValueTest::Regex { regex }) => {
            if languages.matches(regex, text.as_bytes()) {
                Relation::Narrower
            } else {
                Relation::Disjoint
            }
        }
        (ValueTest::Regex { regex }, ValueTest::Exact { text }) => {
            if languages.matches(regex, text.as_bytes()) {
                Relation::Wider
            } else {
                Relation::Disjoint
            }
        }
        (ValueTest::Regex { regex }, ValueTest::Regex { regex: other }) => {
            if regex == other {
                Relation::Equal
            } else if languages.values_overlap(regex, other) {
                Relation::Overlapping
            } else {
                Relation::Disjoint
            }
        }
    }
}

/// How much the conditions ask for: a rule whose conditions are narrower has a larger demand.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Demand {
    tests: usize,
    strength: usize,
    // Fewer methods ask for more; no list is the longest.
    fewer_methods: std::cmp::Reverse<usize>,
}

impl Demand {
    /// The demand of a rule.
    pub fn of(matched: &Match) -> Self {
        let tests = || matched.headers.iter().chain(&matched.query);
        let methods = match matched.methods.len() {
            0 => usize::MAX,
            count => count,
        };
        Self {
            tests: tests().count(),
            strength: tests().map(|test| strength(&test.value.test)).sum(),
            fewer_methods: std::cmp::Reverse(methods),
        }
    }
}

// Strictly larger for a narrower test of the same name.
fn strength(test: &ValueTest) -> usize {
    match test {
        ValueTest::Exact { .. } | ValueTest::Absent => 3,
        ValueTest::Regex { .. } => 2,
        ValueTest::Present => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(text: &str) -> Match {
        let tests = text
            .split_whitespace()
            .map(|test| {
                let (name, value) = test.split_once('=').unwrap();
                let condition = match value {
                    "present" => ValueTest::Present,
                    "absent" => ValueTest::Absent,
                    regex if regex.starts_with('~') => ValueTest::Regex {
                        regex: regex.trim_start_matches('~').to_owned(),
                    },
                    exact => ValueTest::Exact {
                        text: exact.to_owned(),
                    },
                };
                Spanned::built_in(Condition {
                    name: name.to_owned(),
                    test: condition,
                })
            })
            .collect();
        Match {
            path: Spanned::built_in(super::super::path::all_paths()),
            methods: Vec::new(),
            headers: tests,
            query: Vec::new(),
        }
    }

    #[test]
    fn narrower_conditions_take_fewer_requests() {
        use Relation::{Disjoint, Equal, Narrower, Overlapping, Wider};
        let mut languages = Languages::default();
        for (left, right, expected) in [
            ("", "", Equal),
            ("a=1", "", Narrower),
            ("a=1", "a=1", Equal),
            ("a=1", "a=2", Disjoint),
            ("a=1", "b=1", Overlapping),
            ("a=present", "a=1", Wider),
            ("a=absent", "a=present", Disjoint),
            ("a=absent", "a=~x+", Disjoint),
            ("a=xx", "a=~x+", Narrower),
            ("a=xy", "a=~x+", Disjoint),
            ("a=~x+", "a=present", Narrower),
            ("a=~x+", "a=~y+", Disjoint),
            ("a=~x+", "a=~xx", Overlapping),
            ("a=1 b=1", "a=1", Narrower),
            ("a=1 b=present", "a=present b=1", Overlapping),
        ] {
            let (left, right) = (conditions(left), conditions(right));
            assert_eq!(relate(&left, &right, &mut languages), expected);
            if expected == Narrower {
                assert!(Demand::of(&right) < Demand::of(&left));
            }
        }
    }
}
