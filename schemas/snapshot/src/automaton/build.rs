//! Determinises regular expressions, within bounds.

use std::collections::BTreeMap;

use regex_automata::dfa::{Automaton as _, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::syntax;
use regex_automata::{Anchored, MatchKind, nfa::thompson};

use super::OwnedAutomaton;
use crate::limits;

/// Why expressions have no automaton.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AutomatonError {
    /// One of them is not a regular expression of ours.
    #[error("expression {pattern} is invalid: {message}")]
    Invalid {
        /// Its position.
        pattern: usize,
        /// What is wrong with it.
        message: String,
    },
    /// Their automaton would be larger than the bounds allow.
    #[error("the automaton has more than {states} states or {bytes} bytes")]
    TooBig {
        /// The bound on states.
        states: usize,
        /// The bound on bytes.
        bytes: usize,
    },
}

/// How large an automaton may become.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// States.
    pub states: usize,
    /// Bytes, also of the intermediate forms.
    pub bytes: usize,
}

impl Limits {
    /// For one expression.
    pub const ONE: Self = Self {
        states: limits::AUTOMATON_STATES,
        bytes: limits::AUTOMATON_BYTES,
    };
    /// For all expressions on one header or parameter of a host.
    pub const VALUES: Self = Self {
        states: limits::AUTOMATON_STATES * 2,
        bytes: limits::AUTOMATON_BYTES * 4,
    };
    /// For all path expressions of a host.
    pub const HOST: Self = Self {
        states: limits::HOST_AUTOMATON_STATES,
        bytes: limits::HOST_AUTOMATON_BYTES,
    };
}

/// The automaton that says which of `patterns` match a whole input, within [`Limits::ONE`] for one
/// expression and [`Limits::HOST`] for several.
///
/// Expressions work on bytes: `.` and negated classes take any byte but a line feed, `\w`, `\d` and `\s`
/// are ASCII. Look-around and back-references do not exist.
///
/// # Errors
///
/// [`AutomatonError`] names the expression that is invalid, or the bound that was met.
pub fn compile(patterns: &[&str]) -> Result<OwnedAutomaton, AutomatonError> {
    compile_within(
        patterns,
        if patterns.len() < 2 {
            Limits::ONE
        } else {
            Limits::HOST
        },
    )
}

/// [`compile`] within given bounds.
///
/// # Errors
///
/// As [`compile`].
pub fn compile_within(patterns: &[&str], limits: Limits) -> Result<OwnedAutomaton, AutomatonError> {
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    for (pattern, text) in patterns.iter().enumerate() {
        syntax::parse_with(text, &syntax).map_err(|error| AutomatonError::Invalid {
            pattern,
            message: first_line(&error.to_string()),
        })?;
    }
    let too_big = AutomatonError::TooBig {
        states: limits.states,
        bytes: limits.bytes,
    };
    let whole: Vec<String> = patterns
        .iter()
        .map(|text| format!(r"\A(?:{text})\z"))
        .collect();
    let dfa = dense::Builder::new()
        .configure(
            dense::Config::new()
                .match_kind(MatchKind::All)
                .start_kind(regex_automata::dfa::StartKind::Anchored)
                .dfa_size_limit(Some(limits.bytes))
                // Sets of states of the expressions: what they hold is about the steps that building takes.
                .determinize_size_limit(Some(limits.bytes)),
        )
        .syntax(syntax)
        .thompson(
            thompson::Config::new()
                .utf8(false)
                .nfa_size_limit(Some(limits.bytes)),
        )
        .build_many(&whole)
        .map_err(|error| refusal(&error, &too_big))?;
    flatten(&dfa, limits.states).ok_or(too_big)
}

fn refusal(error: &dense::BuildError, too_big: &AutomatonError) -> AutomatonError {
    let text =
        std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    let is_limit =
        error.is_size_limit_exceeded() || text.contains("exceed") || text.contains("limit");
    if is_limit {
        too_big.clone()
    } else {
        AutomatonError::Invalid {
            pattern: 0,
            message: first_line(&text),
        }
    }
}

/// The syntax errors of the parser draw the expression over several lines; the last line says it.
fn first_line(text: &str) -> String {
    let last = text
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or(text);
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// Walks the states that can be reached and writes them as our table; `None` beyond `limit` states.
fn flatten(dfa: &dense::DFA<Vec<u32>>, limit: usize) -> Option<OwnedAutomaton> {
    let (classes, samples) = byte_classes(dfa);
    let start = dfa.universal_start_state(Anchored::Yes).or_else(|| {
        let config = regex_automata::util::start::Config::new().anchored(Anchored::Yes);
        dfa.start_state(&config).ok()
    })?;
    let mut numbers: BTreeMap<StateID, u32> = BTreeMap::new();
    // State 0 is dead: it stands for every state from which nothing matches.
    let mut states: Vec<Option<StateID>> = vec![None];
    let mut number_of = |state: StateID, states: &mut Vec<Option<StateID>>| {
        if dfa.is_dead_state(state) || dfa.is_quit_state(state) {
            return 0;
        }
        *numbers.entry(state).or_insert_with(|| {
            states.push(Some(state));
            u32::try_from(states.len()).unwrap_or(u32::MAX) - 1
        })
    };
    let start = number_of(start, &mut states);
    let (mut transitions, mut offsets, mut entries) = (Vec::new(), Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(state) = states.get(at).copied() {
        if limit < states.len() {
            return None;
        }
        offsets.push(u32::try_from(entries.len()).ok()?);
        for sample in &samples {
            transitions.push(state.map_or(0, |state| {
                number_of(dfa.next_state(state, *sample), &mut states)
            }));
        }
        if let Some(state) = state {
            entries.extend(patterns_at_end(dfa, state));
        }
        at += 1;
    }
    offsets.push(u32::try_from(entries.len()).ok()?);
    let header = [
        samples.len(),
        states.len(),
        usize::try_from(start).ok()?,
        entries.len(),
    ];
    let mut words: Vec<u32> = Vec::new();
    for number in header {
        words.push(u32::try_from(number).ok()?);
    }
    words.extend(
        classes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|chunk| u32::from_le_bytes(*chunk)),
    );
    words.extend(transitions);
    words.extend(offsets);
    words.extend(entries);
    Some(OwnedAutomaton::new(&words))
}

/// The class of every byte, and one byte of each class.
fn byte_classes(dfa: &dense::DFA<Vec<u32>>) -> ([u8; 256], Vec<u8>) {
    let mut classes = [0_u8; 256];
    let mut samples = Vec::new();
    let mut numbers: BTreeMap<u8, u8> = BTreeMap::new();
    for (byte, slot) in (0..=u8::MAX).zip(&mut classes) {
        let class = dfa.byte_classes().get(byte);
        *slot = *numbers.entry(class).or_insert_with(|| {
            samples.push(byte);
            u8::try_from(samples.len() - 1).unwrap_or(u8::MAX)
        });
    }
    (classes, samples)
}

fn patterns_at_end(dfa: &dense::DFA<Vec<u32>>, state: StateID) -> Vec<u32> {
    let end = dfa.next_eoi_state(state);
    let mut patterns: Vec<u32> = if dfa.is_match_state(end) {
        (0..dfa.match_len(end))
            .map(|at| dfa.match_pattern(end, at).as_u32())
            .collect()
    } else {
        Vec::new()
    };
    patterns.sort_unstable();
    patterns.dedup();
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(patterns: &[&str], input: &str) -> Vec<u32> {
        let automaton = compile(patterns).unwrap();
        let view = automaton.view();
        assert!(view.check(u32::try_from(patterns.len()).unwrap()));
        view.matches(view.run(input.as_bytes())).collect()
    }

    #[test]
    fn all_expressions_that_match_are_named() {
        let patterns = ["/v[0-9]+", "/v1", "/.*"];
        assert_eq!(matching(&patterns, "/v1"), [0, 1, 2]);
        assert_eq!(matching(&patterns, "/v22"), [0, 2]);
        assert_eq!(matching(&patterns, "v1"), Vec::<u32>::new());
    }

    #[test]
    fn only_the_whole_input_counts() {
        assert_eq!(matching(&["b+"], "bb"), [0]);
        assert_eq!(matching(&["b+"], "abb"), Vec::<u32>::new());
        assert_eq!(matching(&["b+|abb"], "abbc"), Vec::<u32>::new());
        assert_eq!(matching(&["(?m)^a$"], "a\na"), Vec::<u32>::new());
    }

    #[test]
    fn the_empty_expression_matches_the_empty_input() {
        assert_eq!(matching(&[""], ""), [0]);
        assert_eq!(matching(&[""], "a"), Vec::<u32>::new());
    }

    #[test]
    fn an_invalid_expression_is_named() {
        let error = compile(&["a", "(b"]).unwrap_err();
        assert_eq!(
            error,
            AutomatonError::Invalid {
                pattern: 1,
                message: "unclosed group".to_owned()
            }
        );
        assert!(matches!(
            compile(&["(?=a)"]),
            Err(AutomatonError::Invalid { pattern: 0, .. })
        ));
    }

    #[test]
    fn an_expression_that_explodes_is_refused() {
        assert!(matches!(
            compile(&[".*a.{20}"]),
            Err(AutomatonError::TooBig { .. })
        ));
        assert!(matches!(
            compile(&["(a{1000}){1000}"]),
            Err(AutomatonError::TooBig { .. })
        ));
    }
}
