//! Conditions beside the path: methods, headers and query parameters, as sets of requests.
//!
//! A request has at most one value per name (DESIGN section 4), so tests of different names are
//! independent and tests of one name compare like sets of values: what matters is which values they have, not
//! how they are written. A header of one line that comes in several is there and has no value, so `present` has
//! more than any expression.

use std::cmp::Ordering;

use weft_snapshot::canonical::{Lines, lines};
use weft_snapshot::head::is_forwarded;
use weft_snapshot::plan::{Condition, ValueTest};

use crate::languages::{Languages, TestedName};
use crate::path::Relation;
use crate::predicate::Predicate;

/// How the conditions of two rules relate, whatever their paths.
pub fn relate(
    left: &impl Predicate,
    right: &impl Predicate,
    languages: &mut Languages,
) -> Relation {
    let (own, others): (Vec<&str>, Vec<&str>) =
        (left.methods().collect(), right.methods().collect());
    let relation = relate_methods(&own, &others);
    if relation == Relation::Disjoint {
        return relation;
    }
    let headers = relate_tests(
        TestedName::Header,
        left.headers(),
        right.headers(),
        languages,
    );
    let relation = relation.and(headers);
    if relation == Relation::Disjoint {
        return relation;
    }
    relation.and(relate_tests(
        TestedName::Parameter,
        left.query(),
        right.query(),
        languages,
    ))
}

/// How two lists of methods relate; empty means all. What is never forwarded is in neither.
fn relate_methods(left: &[&str], right: &[&str]) -> Relation {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => Relation::Equal,
        (true, false) if forwarded(right).next().is_some() => Relation::Wider,
        (false, true) if forwarded(left).next().is_some() => Relation::Narrower,
        (true, false) | (false, true) => Relation::Disjoint,
        (false, false) => {
            if !forwarded(left).any(|method| right.contains(&method)) {
                return Relation::Disjoint;
            }
            let left_has_own = !forwarded(left).all(|method| right.contains(&method));
            let right_has_own = !forwarded(right).all(|method| left.contains(&method));
            Relation::of_overlapping(left_has_own, right_has_own)
        }
    }
}

/// The methods of a list that requests can have.
fn forwarded<'one>(methods: &[&'one str]) -> impl Iterator<Item = &'one str> {
    let methods = methods.iter().copied();
    methods.filter(|method| is_forwarded(method))
}

fn relate_tests<'one>(
    of: TestedName,
    left: impl Iterator<Item = &'one Condition>,
    right: impl Iterator<Item = &'one Condition>,
    languages: &mut Languages,
) -> Relation {
    let mut relation = Relation::Equal;
    let (mut left, mut right) = (left.peekable(), right.peekable());
    loop {
        // Both lists are sorted by name: a merge meets each name once.
        let order = match (left.peek(), right.peek()) {
            (None, None) => return relation,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.name.cmp(&right.name),
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
                (Some(left), Some(right)) => relate_values(of, left, right, languages),
                (_, _) => Relation::Equal,
            },
        };
        relation = relation.and(next);
        if relation == Relation::Disjoint {
            return relation;
        }
    }
}

fn relate_values(
    of: TestedName,
    left: &Condition,
    right: &Condition,
    languages: &mut Languages,
) -> Relation {
    match (&left.test, &right.test) {
        (ValueTest::Absent, ValueTest::Absent) | (ValueTest::Present, ValueTest::Present) => {
            Relation::Equal
        }
        (ValueTest::Absent, _) | (_, ValueTest::Absent) => Relation::Disjoint,
        (ValueTest::Present, ValueTest::Exact { .. }) => Relation::Wider,
        (ValueTest::Exact { .. }, ValueTest::Present) => Relation::Narrower,
        (ValueTest::Present, ValueTest::Regex { regex }) => {
            match languages.relate_all_values(of, regex) {
                // It is also there where it came in several lines and has no value.
                Relation::Equal if of == TestedName::Header && is_of_one_line(&left.name) => {
                    Relation::Wider
                }
                relation @ (Relation::Equal
                | Relation::Disjoint
                | Relation::Narrower
                | Relation::Wider
                | Relation::Overlapping) => relation,
            }
        }
        (ValueTest::Regex { .. }, ValueTest::Present)
        | (ValueTest::Regex { .. }, ValueTest::Exact { .. }) => {
            relate_values(of, right, left, languages).reversed()
        }
        (ValueTest::Exact { text }, ValueTest::Exact { text: other }) => {
            if text == other {
                Relation::Equal
            } else {
                Relation::Disjoint
            }
        }
        (ValueTest::Exact { text }, ValueTest::Regex { regex }) => {
            languages.relate_value(of, text, regex)
        }
        (ValueTest::Regex { regex }, ValueTest::Regex { regex: other }) => {
            if regex == other {
                Relation::Equal
            } else {
                languages.relate_values(of, regex, other)
            }
        }
    }
}

fn is_of_one_line(header: &str) -> bool {
    lines(header) == Lines::Single
}

/// How much the conditions ask for: of two rules without expressions, the one whose conditions are narrower has a larger
/// demand. What is narrower by an expression is decided by its values alone, see [`super::precedence`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Demand {
    tests: usize,
    strength: usize,
    // Fewer methods ask for more; no list is the longest.
    fewer_methods: std::cmp::Reverse<usize>,
}

impl Demand {
    /// The demand of a rule.
    pub fn of(asked: &impl Predicate) -> Self {
        let tests = || asked.headers().chain(asked.query());
        let methods: Vec<&str> = asked.methods().collect();
        let methods = if methods.is_empty() {
            usize::MAX
        } else {
            forwarded(&methods).count()
        };
        Self {
            tests: tests().count(),
            strength: tests().map(|test| strength(&test.test)).sum(),
            fewer_methods: std::cmp::Reverse(methods),
        }
    }
}

/// Whether a header or parameter is asked for by an expression.
pub fn asks_by_expression(asked: &impl Predicate) -> bool {
    let mut tests = asked.headers().chain(asked.query());
    tests.any(|test| matches!(test.test, ValueTest::Regex { .. }))
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
    use weft_snapshot::plan::PathPattern;

    use super::*;
    use crate::entry::Entry;
    use crate::path::all_paths;

    fn asked<'path>(text: &str, path: &'path PathPattern) -> Entry<'path> {
        let tests = text.split_whitespace().map(|one| {
            let (name, value) = one.split_once('=').unwrap();
            let asked = match value {
                "present" => ValueTest::Present,
                "absent" => ValueTest::Absent,
                regex if regex.starts_with('~') => ValueTest::Regex {
                    regex: regex.trim_start_matches('~').to_owned(),
                },
                exact => ValueTest::Exact {
                    text: exact.to_owned(),
                },
            };
            let name = name.to_owned();
            Condition { name, test: asked }
        });
        let mut entry = Entry::of_path(path);
        entry.conditions.headers = tests.collect();
        entry
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
            ("a=~x+", "a=~xx", Wider),
            ("a=~x|y", "a=~[xy]", Equal),
            ("a=~x|y", "a=~y|z", Overlapping),
            ("a=x", "a=~x", Equal),
            ("a=~.*", "a=present", Narrower),
            // A list has a value however many lines it comes in.
            ("accept=~.*", "accept=present", Equal),
            ("a=~x+ b=1", "a=~xx", Overlapping),
            ("a=1 b=1", "a=1", Narrower),
            ("a=1 b=present", "a=present b=1", Overlapping),
        ] {
            let all = all_paths();
            let (left, right) = (asked(left, &all), asked(right, &all));
            assert_eq!(relate(&left, &right, &mut languages), expected);
            let has_expression = [&left, &right].iter().any(|one| asks_by_expression(*one));
            if expected == Narrower && !has_expression {
                assert!(Demand::of(&right) < Demand::of(&left));
            }
        }
    }

    /// What a header may be: absent, a value, or several lines without one.
    #[expect(
        clippy::option_option,
        reason = "the three cases are those of the comment"
    )]
    fn requests(name: &str) -> Vec<Option<Option<String>>> {
        let mut values = vec![String::new()];
        for length in 0..4 {
            let longer: Vec<String> = values
                .iter()
                .filter(|value| value.len() == length)
                .flat_map(|value| ["x", "y", "z"].map(|letter| format!("{value}{letter}")))
                .collect();
            values.extend(longer);
        }
        let mut all: Vec<Option<Option<String>>> = vec![None];
        all.extend(values.into_iter().map(|value| Some(Some(value))));
        if is_of_one_line(name) {
            all.push(Some(None));
        }
        all
    }

    fn passes(test: &ValueTest, found: Option<&Option<String>>, languages: &mut Languages) -> bool {
        match (test, found) {
            (ValueTest::Absent, found) => found.is_none(),
            (ValueTest::Present, found) => found.is_some(),
            (_, None | Some(None)) => false,
            (ValueTest::Exact { text }, Some(Some(value))) => text == value,
            (ValueTest::Regex { regex }, Some(Some(value))) => {
                languages.matches(regex, value.as_bytes())
            }
        }
    }

    #[test]
    fn tests_relate_as_the_sets_of_what_passes_them() {
        let tests = [
            "absent", "present", "x", "xy", "~x", "~x+", "~xx", "~x|y", "~[xy]", "~y?x", "~xy*",
            "~.*", "~[^z]*", "~.", "~..", "~(x|xy)", "~x.?",
        ];
        let mut languages = Languages::default();
        for name in ["a", "accept"] {
            for (one, other) in tests
                .iter()
                .flat_map(|one| tests.iter().map(move |other| (one, other)))
            {
                let all = all_paths();
                let (left, right) = (
                    asked(&format!("{name}={one}"), &all),
                    asked(&format!("{name}={other}"), &all),
                );
                let (mut both, mut only_left, mut only_right) = (false, false, false);
                for found in requests(name) {
                    let mut has = |asked: &Entry<'_>| {
                        let test = &asked.conditions.headers[0].test;
                        passes(test, found.as_ref(), &mut languages)
                    };
                    match (has(&left), has(&right)) {
                        (true, true) => both = true,
                        (true, false) => only_left = true,
                        (false, true) => only_right = true,
                        (false, false) => {}
                    }
                }
                let expected = if both {
                    Relation::of_overlapping(only_left, only_right)
                } else {
                    Relation::Disjoint
                };
                let found = relate(&left, &right, &mut languages);
                assert_eq!(found, expected, "{name}: {one} {other}");
            }
        }
    }
}
