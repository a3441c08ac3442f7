//! The values that conditions of one dimension tell apart: one atom for each, with an example.
//!
//! A method is one of those mentioned or another, and none that the proxy answers itself. A header or parameter is absent, one of the texts
//! mentioned, or some other text, and then the expressions that match it tell it apart. A header of one line may
//! also come in several, and then it has no value.

use std::collections::{BTreeMap, BTreeSet};

use weft_snapshot::automaton::{AutomatonError, OwnedAutomaton, compile};
use weft_snapshot::head::is_forwarded;
use weft_snapshot::plan::ValueTest;

use super::spelling::{Labels, Spelling};
use super::unknown::{Unknown, spend};
use crate::work;

/// How many states a search for values may visit.
const STATES: usize = 200_000;
/// What it costs to build an automaton, for each byte of its expressions (`crate::work`).
const STEPS_PER_BYTE: usize = 32;
/// Methods in the order in which examples prefer them.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// What a request has for a name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Given {
    /// Nothing.
    Absent,
    /// This value.
    Value(Vec<u8>),
    /// Several lines of a header that may have one.
    Repeated,
}

/// A class of values that no condition tells apart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Value {
    /// One of them.
    pub(super) example: Given,
    /// Which of the expressions match it.
    expressions: Vec<u32>,
    /// Whether it is a text that was mentioned, or the only one of its class.
    pub(super) is_text: bool,
}

/// The classes of one dimension.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    pub(super) all: Vec<Value>,
    expressions: Vec<String>,
    /// The classes that each expression matches, ascending.
    by_expression: Vec<Vec<usize>>,
    /// The classes of names.
    names: BTreeMap<Vec<u8>, usize>,
    /// The patterns of identities, each with the class of what it names and nothing else does.
    pub(super) patterns: Vec<(String, usize)>,
}

/// Which bytes values may hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Bytes {
    /// Those of header values (RFC 9110 section 5.5).
    Header,
    /// All, because parameters are decoded.
    Any,
}

impl Values {
    /// The classes of methods: the names mentioned, and any other.
    pub(super) fn of_methods(names: &BTreeSet<&str>) -> Self {
        // No request with a method that the proxy answers itself is ever looked at.
        let names = names.iter().copied().filter(|name| is_forwarded(name));
        let names: BTreeSet<&str> = names.collect();
        let other = (other_method(&names), false);
        let mentioned = names.iter().map(|name| ((*name).to_owned(), true));
        let mut all: Vec<(String, bool)> = mentioned.chain([other]).collect();
        let place = |name: &str| METHODS.iter().position(|method| *method == name);
        all.sort_by_key(|(name, _)| place(name).unwrap_or(METHODS.len()));
        Self::of_examples(all)
    }

    /// Classes with these examples, each of which is a text of its own or stands for others.
    pub(super) fn of_examples(examples: Vec<(String, bool)>) -> Self {
        let classes = examples.into_iter().map(|(example, is_text)| Value {
            example: Given::Value(example.into_bytes()),
            expressions: Vec::new(),
            is_text,
        });
        let all: Vec<Value> = classes.collect();
        let texts = all.iter().enumerate().filter(|(_, value)| value.is_text);
        let names = texts.filter_map(|(class, value)| Some((value.text()?.to_vec(), class)));
        Self {
            names: names.collect(),
            all,
            ..Self::default()
        }
    }

    /// The classes of some names.
    pub(super) fn named(&self, names: &[String]) -> Vec<usize> {
        let classes = names.iter().map(|name| self.names.get(name.as_bytes()));
        classes.flatten().copied().collect()
    }

    /// The classes of a header or parameter by the tests on it.
    ///
    /// # Errors
    ///
    /// [`Unknown::TooManyValues`] beyond the bounds of automata or of the search.
    pub(super) fn of_tests(
        name: &str,
        tests: &[&ValueTest],
        bytes: Bytes,
    ) -> Result<Self, Unknown> {
        let (mut literals, mut expressions) = (BTreeSet::new(), BTreeSet::new());
        for test in tests {
            match test {
                ValueTest::Exact { text } => {
                    literals.insert(text.as_bytes());
                }
                ValueTest::Regex { regex } => {
                    expressions.insert(regex.clone());
                }
                ValueTest::Present | ValueTest::Absent => {}
            }
        }
        let mut expressions: Vec<String> = expressions.into_iter().collect();
        let automaton = together(&mut expressions)?;
        let labels = Labels::new(literals.iter().copied());
        let mut all = vec![Value::without(Given::Absent)];
        if expressions.is_empty() {
            all.extend(literals.iter().map(|text| Value {
                example: Given::Value(text.to_vec()),
                expressions: Vec::new(),
                is_text: true,
            }));
            all.push(Value {
                example: Given::Value(labels.fresh().into_bytes()),
                expressions: Vec::new(),
                is_text: false,
            });
            return Ok(Self {
                all,
                expressions,
                ..Self::default()
            });
        }
        let too_many = || Unknown::TooManyValues {
            name: name.to_owned(),
        };
        let automaton = automaton.ok_or_else(too_many)?;
        let view = automaton.view();
        all.extend(literals.iter().map(|text| Value {
            example: Given::Value(text.to_vec()),
            expressions: view.matches(view.run(text)).collect(),
            is_text: true,
        }));
        all.extend(classes(&automaton, &labels, bytes).ok_or_else(too_many)?);
        let mut by_expression = vec![Vec::new(); expressions.len()];
        for (class, value) in all.iter().enumerate() {
            for expression in &value.expressions {
                let position = usize::try_from(*expression).unwrap_or(usize::MAX);
                if let Some(classes) = by_expression.get_mut(position) {
                    classes.push(class);
                }
            }
        }
        Ok(Self {
            all,
            expressions,
            by_expression,
            ..Self::default()
        })
    }

    /// The same with one more class, the last: a header that came in several lines.
    pub(super) fn with_repeated(mut self) -> Self {
        self.all.push(Value::without(Given::Repeated));
        self
    }

    /// The class of a header that came in several lines, if there is one.
    pub(super) fn repeated(&self) -> Option<usize> {
        let last = self.all.len().checked_sub(1)?;
        self.is_repeated(last).then_some(last)
    }

    /// Whether a class is that of a header that came in several lines.
    pub(super) fn is_repeated(&self, class: usize) -> bool {
        let value = self.all.get(class);
        value.is_some_and(|value| value.example == Given::Repeated)
    }

    /// The classes that pass a test for one text or by an expression, if it is such a test.
    pub(super) fn chosen(&self, test: &ValueTest) -> Option<Vec<usize>> {
        match test {
            ValueTest::Exact { text } => {
                // Behind absence, texts stand in their order.
                let texts = self.all.get(1..)?;
                let count = texts.partition_point(|value| value.is_text);
                let texts = texts.get(..count)?;
                let wanted = Some(text.as_bytes());
                let found = texts.binary_search_by(|value| value.text().cmp(&wanted));
                Some(found.ok().map(|at| at + 1).into_iter().collect())
            }
            ValueTest::Regex { regex } => {
                let position = self.expressions.binary_search(regex).ok();
                let classes = position.and_then(|position| self.by_expression.get(position));
                Some(classes.cloned().unwrap_or_default())
            }
            ValueTest::Present | ValueTest::Absent => None,
        }
    }

    /// Whether the values of a class pass a test.
    pub(super) fn passes(&self, class: usize, test: &ValueTest) -> bool {
        let Some(value) = self.all.get(class) else {
            return false;
        };
        match (test, &value.example) {
            (ValueTest::Absent, example) => *example == Given::Absent,
            (ValueTest::Present, example) => *example != Given::Absent,
            (_, Given::Absent | Given::Repeated) => false,
            (ValueTest::Exact { text }, Given::Value(example)) => {
                value.is_text && text.as_bytes() == example.as_slice()
            }
            (ValueTest::Regex { regex }, Given::Value(_)) => {
                let position = self.expressions.binary_search(regex).ok();
                let position = position.and_then(|position| u32::try_from(position).ok());
                position.is_some_and(|position| value.expressions.contains(&position))
            }
        }
    }
}

impl Value {
    /// A class without a value.
    fn without(given: Given) -> Self {
        Self {
            example: given,
            expressions: Vec::new(),
            is_text: false,
        }
    }

    /// The value of the example.
    pub(super) fn text(&self) -> Option<&[u8]> {
        match &self.example {
            Given::Value(text) => Some(text),
            Given::Absent | Given::Repeated => None,
        }
    }
}

/// The automaton of some expressions, if there are any and it is not too large; what is no expression is left out, because it
/// matches nothing and has a finding of its own.
fn together(expressions: &mut Vec<String>) -> Result<Option<OwnedAutomaton>, Unknown> {
    let compiled = |expressions: &[String]| {
        let patterns: Vec<&str> = expressions.iter().map(String::as_str).collect();
        (!patterns.is_empty()).then(|| compile(&patterns))
    };
    let bytes: usize = expressions.iter().map(String::len).sum();
    spend(bytes.saturating_mul(STEPS_PER_BYTE))?;
    let mut automaton = compiled(expressions);
    if let Some(Err(_)) = automaton {
        let count = expressions.len();
        expressions
            .retain(|regex| !matches!(compile(&[regex]), Err(AutomatonError::Invalid { .. })));
        if expressions.len() < count {
            automaton = compiled(expressions);
        }
    }
    Ok(automaton.and_then(Result::ok))
}

/// A method that has no name here: a common one while there is one.
fn other_method(names: &BTreeSet<&str>) -> String {
    let common = METHODS.iter().map(|method| (*method).to_owned());
    let others = (0..=names.len()).map(|number| match number {
        0 => "OTHER".to_owned(),
        number => format!("OTHER{number}"),
    });
    let mut free = common.chain(others);
    free.find(|method| !names.contains(method.as_str()))
        .unwrap_or_default()
}

/// Whether a test asks for the value, which a header that came in several lines does not have.
pub(super) fn asks_for_value(test: &ValueTest) -> bool {
    match test {
        ValueTest::Exact { .. } | ValueTest::Regex { .. } => true,
        ValueTest::Present | ValueTest::Absent => false,
    }
}

/// The state of the automaton and of the labels; the step before and the byte between.
type Step = ((u32, Option<Spelling>), usize, u8);

/// The sets of expressions that texts other than the labels match, each with a shortest text, one that
/// is not empty if there is one.
fn classes(automaton: &OwnedAutomaton, labels: &Labels<'_>, bytes: Bytes) -> Option<Vec<Value>> {
    let view = automaton.view();
    // Of bytes that nothing tells apart the first is enough.
    let mut told = BTreeSet::new();
    let mut alphabet = alphabet(bytes);
    alphabet.retain(|byte| {
        let label = labels.have(*byte).then_some(*byte);
        told.insert((view.class_of(*byte), label))
    });
    let start = (view.start(), labels.start());
    let mut steps: Vec<Step> = vec![(start, 0, 0)];
    let mut seen = BTreeSet::from([start]);
    let mut found: Vec<Value> = Vec::new();
    let mut known: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
    let (mut at, mut is_start_repeated) = (0, false);
    while let Some(((state, spelling), _, _)) = steps.get(at).copied() {
        if STATES < steps.len() || !work::spend(alphabet.len() * 8 + 16) {
            return None;
        }
        if !labels.is_label(spelling) {
            let matched: Vec<u32> = view.matches(state).collect();
            let example = text(&steps, at);
            let fresh = found.len();
            let class = *known.entry(matched.clone()).or_insert(fresh);
            match found.get_mut(class) {
                Some(known) if known.text().is_some_and(<[u8]>::is_empty) => {
                    known.example = Given::Value(example);
                }
                Some(_) => {}
                None => found.push(Value {
                    example: Given::Value(example),
                    expressions: matched,
                    is_text: false,
                }),
            }
        }
        for byte in &alphabet {
            let key = (view.next(state, *byte), labels.next(spelling, *byte));
            // Behind a byte the start stands for a text that is not empty.
            let is_again = key == start && !is_start_repeated;
            is_start_repeated |= is_again;
            if seen.insert(key) || is_again {
                steps.push((key, at, *byte));
            }
        }
        at += 1;
    }
    Some(found)
}

fn text(steps: &[Step], mut at: usize) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some((_, before, byte)) = steps.get(at).filter(|_| at != 0) {
        text.push(*byte);
        at = *before;
    }
    text.reverse();
    text
}

fn alphabet(bytes: Bytes) -> Vec<u8> {
    let letters = (b'a'..=b'z').chain(b'0'..=b'9').chain(b'A'..=b'Z');
    let signs = (0x21..=0x7E_u8).filter(|byte| !byte.is_ascii_alphanumeric());
    let mut all: Vec<u8> = letters.chain(signs).collect();
    all.extend([b' ', b'\t']);
    all.extend(0x80..=0xFF_u8);
    if bytes == Bytes::Any {
        all.extend((0..=0x1F_u8).filter(|byte| *byte != b'\t'));
        all.push(0x7F);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> ValueTest {
        ValueTest::Exact {
            text: text.to_owned(),
        }
    }

    fn regex(text: &str) -> ValueTest {
        ValueTest::Regex {
            regex: text.to_owned(),
        }
    }

    #[test]
    fn every_combination_of_tests_that_a_value_can_pass_has_a_class() {
        let tests = [
            exact("v1"),
            regex("v[0-9]+"),
            regex(".*1"),
            ValueTest::Absent,
        ];
        let borrowed: Vec<&ValueTest> = tests.iter().collect();
        let values = Values::of_tests("x", &borrowed, Bytes::Header).unwrap();
        let mut found: Vec<Vec<bool>> = (0..values.all.len())
            .map(|class| {
                tests
                    .iter()
                    .map(|test| values.passes(class, test))
                    .collect()
            })
            .collect();
        for test in &tests {
            let passing = (0..values.all.len()).filter(|class| values.passes(*class, test));
            let chosen = values.chosen(test);
            assert!(chosen.is_none_or(|chosen| chosen == passing.collect::<Vec<_>>()));
        }
        found.sort();
        let expected: Vec<Vec<bool>> = vec![
            vec![false, false, false, false],
            vec![false, false, false, true],
            vec![false, false, true, false],
            vec![false, true, false, false],
            vec![false, true, true, false],
            vec![true, true, true, false],
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_repeated_header_is_there_and_has_no_value() {
        let tests = [
            exact("1"),
            regex(".*"),
            ValueTest::Present,
            ValueTest::Absent,
        ];
        let borrowed: Vec<&ValueTest> = tests.iter().collect();
        let values = Values::of_tests("x", &borrowed, Bytes::Header).unwrap();
        let values = values.with_repeated();
        let last = values.all.len() - 1;
        assert!(values.is_repeated(last) && !values.is_repeated(last - 1));
        let passed = tests.map(|test| values.passes(last, &test));
        assert_eq!(passed, [false, false, true, false]);
    }

    #[test]
    fn another_method_is_a_common_one_while_there_is_one() {
        let names = BTreeSet::from(["POST", "GET"]);
        let values = Values::of_methods(&names);
        let examples: Vec<&[u8]> = values.all.iter().filter_map(Value::text).collect();
        assert_eq!(examples, [&b"GET"[..], b"HEAD", b"POST"]);
    }

    #[test]
    fn another_method_is_none_that_was_mentioned_or_is_never_forwarded() {
        let mut names = BTreeSet::from(METHODS);
        names.extend(["OTHER", "TRACE", "CONNECT"]);
        let values = Values::of_methods(&names);
        let examples: BTreeSet<&[u8]> = values.all.iter().filter_map(Value::text).collect();
        assert_eq!(examples.len(), METHODS.len() + 2);
        assert!(examples.contains(&b"OTHER1"[..]));
        assert!(!examples.contains(&b"TRACE"[..]) && !examples.contains(&b"CONNECT"[..]));
    }
}
