//! Regular expressions as tables: a deterministic automaton that says which of several expressions
//! match the whole of an input.
//!
//! The compiler determinises ([`compile`], feature `build`) and the proxy only follows transitions, so a
//! match costs one table look-up per byte and no expression can be slow (rule R13 of our reliability
//! requirements). The table is our own so that it can be checked in one pass and read in place.
//!
//! Layout, in 32-bit little-endian words: classes per state, states, start state, number of match
//! entries; 64 words with the class of each byte; `states * classes` transitions; `states + 1` offsets
//! into the match entries; the match entries, pattern numbers in ascending order.

#[cfg(feature = "build")]
mod build;

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, IntoBytes};

#[cfg(feature = "build")]
pub use build::{AutomatonError, Limits, compile, compile_within};

use crate::number::wide;

const HEADER_WORDS: usize = 4;
const CLASS_WORDS: usize = 64;

/// A checked automaton, read in place.
#[derive(Clone, Copy, Debug)]
pub struct Automaton<'a> {
    classes: &'a [u8],
    stride: usize,
    start: u32,
    transitions: &'a [U32],
    offsets: &'a [U32],
    entries: &'a [U32],
}

impl<'a> Automaton<'a> {
    /// Splits the words of an automaton into its parts, looking only at sizes; see [`Automaton::check`].
    pub(crate) fn split(words: &'a [U32]) -> Option<Self> {
        let (header, rest) = words.split_at_checked(HEADER_WORDS)?;
        let [stride, states, start, entries] = header else {
            return None;
        };
        let (stride, states) = (wide(stride.get()), wide(states.get()));
        let (classes, rest) = rest.split_at_checked(CLASS_WORDS)?;
        let (transitions, rest) = rest.split_at_checked(stride.checked_mul(states)?)?;
        let (offsets, rest) = rest.split_at_checked(states.checked_add(1)?)?;
        (rest.len() == wide(entries.get())).then_some(Self {
            classes: classes.as_bytes(),
            stride,
            start: start.get(),
            transitions,
            offsets,
            entries: rest,
        })
    }

    /// Whether every number in the tables is in bounds and every match names one of `patterns`.
    pub(crate) fn check(&self, patterns: u32) -> bool {
        let states = self.state_count();
        let Ok(state_limit) = u32::try_from(states) else {
            return false;
        };
        let ascending = self.offsets.windows(2).all(|pair| match pair {
            [left, right] => left.get() <= right.get(),
            _ => false,
        });
        0 < self.stride
            && self.start < state_limit
            && self
                .classes
                .iter()
                .all(|class| usize::from(*class) < self.stride)
            && self.transitions.iter().all(|next| next.get() < state_limit)
            && ascending
            && self
                .offsets
                .last()
                .is_some_and(|last| wide(last.get()) == self.entries.len())
            && self.entries.iter().all(|pattern| pattern.get() < patterns)
    }

    /// The state before the first byte.
    pub fn start(&self) -> u32 {
        self.start
    }

    /// The number of states; state 0 is dead.
    pub fn state_count(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// The number of classes of bytes that the automaton tells apart.
    pub fn class_count(&self) -> usize {
        self.stride
    }

    /// The class of a byte.
    pub fn class_of(&self, byte: u8) -> usize {
        self.classes
            .get(usize::from(byte))
            .copied()
            .map_or(0, usize::from)
    }

    /// The state after `byte`.
    pub fn next(&self, state: u32, byte: u8) -> u32 {
        let at = wide(state) * self.stride + self.class_of(byte);
        self.transitions.get(at).map_or(0, |next| next.get())
    }

    /// The patterns that match an input that ends in `state`, ascending.
    pub fn matches(&self, state: u32) -> impl Iterator<Item = u32> + use<'a> {
        let bound = |at: usize| self.offsets.get(at).map_or(0, |offset| wide(offset.get()));
        let (start, end) = (bound(wide(state)), bound(wide(state) + 1));
        self.entries
            .get(start..end)
            .unwrap_or_default()
            .iter()
            .map(|pattern| pattern.get())
    }

    /// The state after all of `input`; 0, the dead state, as soon as nothing can match any more.
    pub fn run(&self, input: &[u8]) -> u32 {
        let mut state = self.start;
        for byte in input {
            state = self.next(state, *byte);
            if state == 0 {
                break;
            }
        }
        state
    }

    /// Whether one pattern matches an input that ends in `state`.
    pub fn accepts(&self, state: u32, pattern: u32) -> bool {
        let bound = |at: usize| self.offsets.get(at).map_or(0, |offset| wide(offset.get()));
        let (start, end) = (bound(wide(state)), bound(wide(state) + 1));
        let entries = self.entries.get(start..end).unwrap_or_default();
        entries
            .binary_search_by_key(&pattern, |entry| entry.get())
            .is_ok()
    }

    /// Whether pattern 0 matches all of `input`.
    pub fn is_match(&self, input: &[u8]) -> bool {
        self.matches(self.run(input)).next().is_some()
    }
}

/// An automaton that owns its words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnedAutomaton {
    words: Vec<u8>,
}

impl OwnedAutomaton {
    #[cfg(feature = "build")]
    fn new(words: &[u32]) -> Self {
        Self {
            words: words.iter().flat_map(|word| word.to_le_bytes()).collect(),
        }
    }

    /// Its bytes, as they stand in a slice.
    pub fn bytes(&self) -> &[u8] {
        &self.words
    }

    /// The automaton.
    pub fn view(&self) -> Automaton<'_> {
        let words = <[U32]>::ref_from_bytes(&self.words).unwrap_or_default();
        Automaton::split(words).unwrap_or(Automaton {
            classes: &[],
            stride: 0,
            start: 0,
            transitions: &[],
            offsets: &[],
            entries: &[],
        })
    }
}
