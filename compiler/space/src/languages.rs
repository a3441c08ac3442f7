//! Regular expressions as sets: membership, overlap, and which of two path patterns is narrower.
//!
//! Both patterns and the set of all canonical paths are compiled into automata like those that a slice
//! carries, each once; walking the states of their product answers every question, and the way to a state is
//! an example. Expressions that do not compile have their own finding and
//! count as the empty set here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use weft_snapshot::automaton::{Automaton, AutomatonError, OwnedAutomaton, compile};
use weft_snapshot::plan::{PathPattern, Segment};
use weft_snapshot::settings::{PathRules, Slashes};

use crate::automata::Automata;
use crate::path::{Relation, Structure, common_path, relate};
use crate::work;

/// Canonical paths: segments that are not empty, and perhaps a slash at the end.
const CANONICAL_PATHS: &str = "/(?:[!-.0-~]+/)*[!-.0-~]*";
/// The same with empty segments, where a listener keeps them.
const PATHS_WITH_SLASHES: &str = "/[!-~]*";
/// The values of headers (RFC 9110 section 5.5).
const HEADER_VALUES: &str = "[\\x09\\x20-\\x7E\\x80-\\xFF]*";
/// The values of parameters, which are decoded.
const PARAMETER_VALUES: &str = "(?s-u:.)*";
/// How many products of automata one analysis builds; beyond, expressions count as overlapping.
const MAX_PRODUCTS: usize = 20_000;
/// What a product costs beside its states (`crate::work`).
const PRODUCT_STEPS: usize = 1_000;
/// How many states of a product are looked at; beyond, its expressions count as overlapping.
const MAX_STATES: usize = 100_000;

/// Compiled expressions, kept for the length of one analysis.
#[derive(Debug, Default)]
pub struct Languages {
    automata: Automata,
    slashes: Slashes,
    compiled: BTreeMap<String, Option<Arc<OwnedAutomaton>>>,
    /// How the values of two expressions relate, as far as it was asked.
    values: BTreeMap<(TestedName, String, String), Relation>,
    products: usize,
}

/// What a test on a value is about.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum TestedName {
    /// A header.
    Header,
    /// A parameter of the query.
    Parameter,
}

impl TestedName {
    /// An expression for all values.
    fn universe(self) -> &'static str {
        match self {
            Self::Header => HEADER_VALUES,
            Self::Parameter => PARAMETER_VALUES,
        }
    }
}

/// How two sets of paths relate, with a path of both if there is one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PathRelation {
    /// How they relate.
    pub relation: Relation,
    /// A path that both have; empty when they have none.
    pub example: String,
}

impl Languages {
    /// Expressions whose automata others need as well.
    pub fn sharing(automata: &Automata) -> Self {
        Self {
            automata: automata.clone(),
            ..Self::default()
        }
    }

    /// The same, for the paths that are canonical by some rules; without it, for those of which slashes are merged.
    #[must_use]
    pub fn by(mut self, rules: PathRules) -> Self {
        self.go_by(rules);
        self
    }

    /// Holds expressions against the paths that are canonical by some rules from here on.
    pub fn go_by(&mut self, rules: PathRules) {
        self.slashes = rules.slashes;
    }

    /// Whether the whole of `text` matches.
    pub fn matches(&mut self, regex: &str, text: &[u8]) -> bool {
        let automaton = match self.compiled.get(regex) {
            Some(automaton) => automaton,
            None => self
                .compiled
                .entry(regex.to_owned())
                .or_insert_with(|| self.automata.of(&[regex]).ok()),
        };
        automaton
            .as_ref()
            .is_some_and(|automaton| automaton.view().is_match(text))
    }

    /// How the values that match two expressions relate.
    pub fn relate_values(&mut self, of: TestedName, left: &str, right: &str) -> Relation {
        // Most expressions on one name begin with different texts, and then no automata are needed.
        let (prefix, other) = (regex_prefix(left), regex_prefix(right));
        if !prefix.starts_with(&other) && !other.starts_with(&prefix) {
            return Relation::Disjoint;
        }
        let key = (of, left.to_owned(), right.to_owned());
        if let Some(known) = self.values.get(&key) {
            return *known;
        }
        let found = self.product(left, right, of.universe()).relation;
        self.values.insert(key, found);
        found
    }

    /// How all values relate to those that match an expression: they are wider, or the same, or it has none.
    pub fn relate_all_values(&mut self, of: TestedName, regex: &str) -> Relation {
        self.relate_values(of, of.universe(), regex)
    }

    /// How a value relates to those that match an expression: it is one of them, or the only one, or none.
    pub fn relate_value(&mut self, of: TestedName, text: &str, regex: &str) -> Relation {
        if !self.matches(regex, text.as_bytes()) {
            return Relation::Disjoint;
        }
        let mut literal = String::new();
        push_literal(&mut literal, text);
        self.relate_values(of, &literal, regex)
    }

    /// How the paths of two patterns relate.
    pub fn relate_paths(&mut self, left: &PathPattern, right: &PathPattern) -> PathRelation {
        if let (
            PathPattern::Segments { segments, rest },
            PathPattern::Segments {
                segments: other,
                rest: other_rest,
            },
        ) = (left, right)
        {
            let relation = relate(
                Structure::new(segments, *rest),
                Structure::new(other, *other_rest),
            );
            let example = if relation == Relation::Disjoint {
                String::new()
            } else {
                common_path(segments, other)
            };
            return PathRelation { relation, example };
        }
        let (prefix, other_prefix) = (literal_prefix(left), literal_prefix(right));
        if !prefix.starts_with(&other_prefix) && !other_prefix.starts_with(&prefix) {
            return PathRelation {
                relation: Relation::Disjoint,
                example: String::new(),
            };
        }
        for (fixed, regex) in [(left, right), (right, left)] {
            // Most paths are plain text, and then one run through the automaton is enough.
            if let (Some(path), PathPattern::Regex { regex }) = (plain(fixed), regex)
                && !self.matches(regex, path.as_bytes())
            {
                return PathRelation {
                    relation: Relation::Disjoint,
                    example: String::new(),
                };
            }
        }
        let paths = match self.slashes {
            Slashes::Merge | Slashes::Refuse => CANONICAL_PATHS,
            Slashes::Keep => PATHS_WITH_SLASHES,
        };
        self.product(&expression(left), &expression(right), paths)
    }

    fn product(&mut self, left: &str, right: &str, universe: &str) -> PathRelation {
        self.products += 1;
        let without_example = |relation| PathRelation {
            relation,
            example: String::new(),
        };
        if MAX_PRODUCTS < self.products || !work::spend(PRODUCT_STEPS) {
            return without_example(Relation::Overlapping);
        }
        for text in [left, right] {
            if !self.compiled.contains_key(text) {
                let automaton = self.automata.of(&[text]).ok();
                self.compiled.insert(text.to_owned(), automaton);
            }
        }
        let known = |text: &str| self.compiled.get(text).and_then(Option::as_ref);
        if let (Some(left), Some(right), Some(universe)) =
            (known(left), known(right), compiled_universe(universe))
        {
            let product = [left.view(), right.view(), universe.view()];
            return walk(product).unwrap_or(without_example(Relation::Overlapping));
        }
        let is_invalid = |text: &&str| {
            matches!(
                self.automata.of(&[text]),
                Err(AutomatonError::Invalid { .. })
            )
        };
        if [left, right].iter().any(is_invalid) {
            without_example(Relation::Disjoint)
        } else {
            without_example(Relation::Overlapping)
        }
    }
}

/// The automaton of a set of all values, which is the same for every analysis.
fn compiled_universe(text: &str) -> Option<&'static OwnedAutomaton> {
    static PATHS: OnceLock<Option<OwnedAutomaton>> = OnceLock::new();
    static WITH_SLASHES: OnceLock<Option<OwnedAutomaton>> = OnceLock::new();
    static HEADERS: OnceLock<Option<OwnedAutomaton>> = OnceLock::new();
    static PARAMETERS: OnceLock<Option<OwnedAutomaton>> = OnceLock::new();
    let known = match text {
        CANONICAL_PATHS => &PATHS,
        PATHS_WITH_SLASHES => &WITH_SLASHES,
        HEADER_VALUES => &HEADERS,
        _ => &PARAMETERS,
    };
    known.get_or_init(|| compile(&[text]).ok()).as_ref()
}

/// The states of the left, of the right and of the universe.
type States = [u32; 3];

/// One byte for each class of bytes that none of the automata tells apart; plain ones first.
fn alphabet(product: &[Automaton<'_>; 3]) -> Vec<u8> {
    let [left, right, universe] = product;
    let mut seen = BTreeSet::new();
    let letters = (b'a'..=b'z').chain(0x20..=0xFF_u8).chain(0..=0x1F_u8);
    letters
        .filter(|byte| {
            let of = |one: &Automaton<'_>| one.class_of(*byte);
            seen.insert((of(left), of(right), of(universe)))
        })
        .collect()
}

// Breadth first, so that the example is a shortest one. Nothing beyond the bound on states.
fn walk(product: [Automaton<'_>; 3]) -> Option<PathRelation> {
    let [left, right, universe] = product;
    let alphabet = alphabet(&product);
    let start: States = [left.start(), right.start(), universe.start()];
    let mut came_from = BTreeMap::from([(start, None)]);
    let mut waiting = VecDeque::from([start]);
    let (mut left_has_own, mut right_has_own, mut common) = (false, false, None);
    while let Some(states) = waiting.pop_front() {
        if MAX_STATES < came_from.len() || !work::spend(alphabet.len() * 8 + 16) {
            return None;
        }
        let [in_left, in_right, in_universe] = states;
        let matches = |one: &Automaton<'_>, state| one.matches(state).next().is_some();
        if matches(&universe, in_universe) {
            match (matches(&left, in_left), matches(&right, in_right)) {
                (true, true) => common = common.or(Some(states)),
                (true, false) => left_has_own = true,
                (false, true) => right_has_own = true,
                (false, false) => {}
            }
        }
        for byte in &alphabet {
            let next = [
                left.next(in_left, *byte),
                right.next(in_right, *byte),
                universe.next(in_universe, *byte),
            ];
            // Outside of the universe, or of both, nothing more can be learnt.
            let is_over = matches!(next, [_, _, 0] | [0, 0, _]);
            if !is_over && !came_from.contains_key(&next) {
                came_from.insert(next, Some((states, *byte)));
                waiting.push_back(next);
            }
        }
    }
    let Some(mut states) = common else {
        return Some(PathRelation {
            relation: Relation::Disjoint,
            example: String::new(),
        });
    };
    let mut example = Vec::new();
    while let Some(Some((previous, byte))) = came_from.get(&states) {
        example.push(*byte);
        states = *previous;
    }
    example.reverse();
    Some(PathRelation {
        relation: Relation::of_overlapping(left_has_own, right_has_own),
        example: String::from_utf8_lossy(&example).into_owned(),
    })
}

/// The only path of a pattern, if it has just one.
fn plain(pattern: &PathPattern) -> Option<String> {
    let PathPattern::Segments {
        segments,
        rest: false,
    } = pattern
    else {
        return None;
    };
    let is_literal = |segment: &Segment| matches!(segment, Segment::Literal { .. });
    segments
        .iter()
        .all(is_literal)
        .then(|| literal_prefix(pattern))
}

/// A regular expression for the paths of a pattern.
pub fn expression(pattern: &PathPattern) -> String {
    match pattern {
        PathPattern::Regex { regex } => regex.clone(),
        PathPattern::Segments { segments, rest } => {
            let mut text = String::new();
            for segment in segments {
                text.push('/');
                match segment {
                    Segment::Literal { text: literal } => push_literal(&mut text, literal),
                    Segment::Any { .. } => text.push_str("[^/]+"),
                }
            }
            if *rest {
                text.push_str("(?:/(?s-u:.)*)?");
            }
            text
        }
    }
}

fn push_literal(text: &mut String, literal: &str) {
    for byte in literal.bytes() {
        if byte.is_ascii_alphanumeric() {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02X}");
        }
    }
}

/// Text that every path of the pattern starts with; perhaps not all of it.
pub fn literal_prefix(pattern: &PathPattern) -> String {
    match pattern {
        PathPattern::Segments { segments, .. } => {
            let literals = segments.iter().map_while(|segment| match segment {
                Segment::Literal { text } => Some(text),
                Segment::Any { .. } => None,
            });
            let mut prefix = String::new();
            for literal in literals {
                prefix.push('/');
                prefix.push_str(literal);
            }
            prefix
        }
        PathPattern::Regex { regex } => regex_prefix(regex),
    }
}

fn regex_prefix(regex: &str) -> String {
    if regex.contains('|') {
        return String::new();
    }
    let is_plain =
        |symbol: &char| symbol.is_ascii_alphanumeric() || "/-_~!@%&=:;,'\"<>".contains(*symbol);
    let mut prefix: String = regex.chars().take_while(is_plain).collect();
    // A quantifier behind the last symbol takes that symbol back.
    if regex
        .chars()
        .nth(prefix.len())
        .is_some_and(|symbol| "?*+{".contains(symbol))
    {
        prefix.pop();
    }
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::parse;

    fn regex(text: &str) -> PathPattern {
        PathPattern::Regex {
            regex: text.to_owned(),
        }
    }

    fn relation(left: &PathPattern, right: &PathPattern) -> Relation {
        Languages::default().relate_paths(left, right).relation
    }

    #[test]
    fn expressions_compare_as_sets() {
        let numbers = regex("/a/[0-9]+");
        assert_eq!(
            relation(&numbers, &parse("/a/{id}").unwrap()),
            Relation::Narrower
        );
        assert_eq!(
            relation(&numbers, &parse("/a/**").unwrap()),
            Relation::Narrower
        );
        assert_eq!(relation(&numbers, &parse("/a/7").unwrap()), Relation::Wider);
        assert_eq!(
            relation(&numbers, &parse("/a/b").unwrap()),
            Relation::Disjoint
        );
        assert_eq!(
            relation(&numbers, &parse("/b/**").unwrap()),
            Relation::Disjoint
        );
        assert_eq!(relation(&numbers, &regex("/a/[0-5]+")), Relation::Wider);
        assert_eq!(
            relation(&numbers, &regex("/[ab]/[0-9]")),
            Relation::Overlapping
        );
        assert_eq!(
            relation(&regex("/.*"), &parse("/**").unwrap()),
            Relation::Equal
        );
        assert_eq!(
            relation(&regex("/a"), &parse("/a").unwrap()),
            Relation::Equal
        );
    }

    #[test]
    fn where_slashes_are_kept_there_are_more_paths() {
        let keep = PathRules {
            slashes: Slashes::Keep,
            ..PathRules::default()
        };
        let (left, right) = (regex("/a|//b"), parse("/a").unwrap());
        assert_eq!(relation(&left, &right), Relation::Equal);
        let kept = Languages::default().by(keep).relate_paths(&left, &right);
        assert_eq!(kept.relation, Relation::Wider);
        let kept = Languages::default()
            .by(keep)
            .relate_paths(&regex("/a//+b"), &regex("/a/.*"));
        assert_eq!(kept.relation, Relation::Narrower);
    }

    #[test]
    fn values_compare_as_sets() {
        let mut languages = Languages::default();
        let mut header = |left, right| languages.relate_values(TestedName::Header, left, right);
        assert_eq!(header("v[0-9]", "v[0-9]+"), Relation::Narrower);
        assert_eq!(header("v[0-9]+", "v[0-9]"), Relation::Wider);
        assert_eq!(header("a|b", "[ab]"), Relation::Equal);
        assert_eq!(header("a+", "b+"), Relation::Disjoint);
        assert_eq!(header("[ab]", "[bc]"), Relation::Overlapping);
        let mut all = |of, regex| languages.relate_all_values(of, regex);
        assert_eq!(all(TestedName::Header, ".*"), Relation::Equal);
        // A parameter can hold a line feed.
        assert_eq!(all(TestedName::Parameter, ".*"), Relation::Wider);
        assert_eq!(all(TestedName::Parameter, "(?s).*"), Relation::Equal);
        let mut one = |text, regex| languages.relate_value(TestedName::Header, text, regex);
        assert_eq!(one("a.b", r"a\.b"), Relation::Equal);
        assert_eq!(one("a.b", "a.b"), Relation::Narrower);
        assert_eq!(one("a", "b"), Relation::Disjoint);
    }

    #[test]
    fn an_overlap_has_an_example() {
        let mut languages = Languages::default();
        let found = languages.relate_paths(&regex("/a/[0-9]+x?"), &parse("/{any}/7x").unwrap());
        assert_eq!(found.example, "/a/7x");
    }

    #[test]
    fn a_prefix_is_never_too_long() {
        assert_eq!(regex_prefix("/ab?"), "/a");
        assert_eq!(regex_prefix("/ab.*"), "/ab");
        assert_eq!(regex_prefix("/a|/b"), "");
    }
}
