//! Every distinct set of path patterns that one path matches, each with a shortest such path.
//!
//! The structural patterns form a trie, the expressions one automaton: the very one that a slice
//! carries. A state of the walk is what is still possible after some segments: places in the trie,
//! patterns ending in `/**` that were passed, and the state of the automaton. Each segment either spells
//! the text of an edge or is something else; for something else the automaton is searched byte by byte,
//! inside the language of canonical paths. States are met in the order of their length, and their number
//! is bounded: a walk that would go on beyond the bound says so instead of leaving anything out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use weft_snapshot::automaton::{AutomatonError, OwnedAutomaton};
use weft_snapshot::plan::PathPattern;
use weft_snapshot::settings::{PathRules, Slashes};

use super::canonical::{BYTES, Segment};
use super::reading::Reading;
use super::spelling::{Labels, Spelling};
use super::unknown::{Unknown, spend};
use crate::automata::Automata;
use crate::precedence::trie::{NodeId, Trie};

/// The state of the automaton from which nothing matches.
const DEAD: u32 = 0;

/// The paths of the entries of a table.
#[derive(Debug)]
pub(super) struct Paths<'table> {
    pub(super) trie: Trie<'table>,
    automaton: Option<Arc<OwnedAutomaton>>,
    /// The entries of each expression.
    pub(super) expressions: Vec<(&'table str, Vec<u32>)>,
    rules: PathRules,
    /// For each byte a number that it shares with the bytes that mean the same inside a segment.
    groups: Vec<u16>,
}

/// What is still possible after some segments.
struct State {
    nodes: Vec<NodeId>,
    inherited: Rc<[u32]>,
    expression: u32,
    path: String,
}

/// Removes from a sorted list of entries those that can decide nothing beside the others.
pub(super) type Prune<'run> = &'run dyn Fn(&mut Vec<u32>);
/// Takes a list of entries that one path matches, sorted, and the path.
pub(super) type Atom<'run> = &'run mut dyn FnMut(&[u32], &str);

impl<'table> Paths<'table> {
    /// Indexes patterns; their positions are their entries.
    ///
    /// # Errors
    ///
    /// [`Unknown`] when the automaton of the expressions is larger than a slice may carry.
    pub(super) fn new(
        patterns: impl Iterator<Item = &'table PathPattern>,
        with: Reading<'_>,
    ) -> Result<Self, Unknown> {
        let mut trie = Trie::default();
        let mut by_text: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (entry, pattern) in (0_u32..).zip(patterns) {
            spend(16)?;
            match pattern {
                PathPattern::Segments { segments, rest } => {
                    let position = usize::try_from(entry).unwrap_or(usize::MAX);
                    trie.insert(segments, *rest, position);
                }
                PathPattern::Regex { regex } => by_text.entry(regex).or_default().push(entry),
            }
        }
        let mut expressions: Vec<(&str, Vec<u32>)> = by_text.into_iter().collect();
        let automaton = automaton(&mut expressions, with.automata)?;
        let groups = groups(automaton.as_deref());
        Ok(Self {
            trie,
            automaton,
            expressions,
            rules: with.rules,
            groups,
        })
    }

    /// Calls `atom` with every set of entries that some canonical path matches, after `prune`; a set may
    /// come several times.
    ///
    /// # Errors
    ///
    /// [`Unknown`] beyond `budget` steps; what was reported until then is right.
    pub(super) fn walk(
        &self,
        budget: &mut usize,
        prune: Prune<'_>,
        atom: Atom<'_>,
    ) -> Result<(), Unknown> {
        let start = State {
            nodes: vec![Trie::ROOT],
            inherited: Rc::from([]),
            expression: self
                .automaton
                .as_ref()
                .map_or(DEAD, |one| one.view().start()),
            path: String::new(),
        };
        let mut waiting = VecDeque::from([start]);
        let mut seen = BTreeSet::new();
        while let Some(state) = waiting.pop_front() {
            self.spend(budget, 1)?;
            if state.expression != DEAD {
                let key = (
                    state.nodes.clone(),
                    state.inherited.to_vec(),
                    state.expression,
                );
                if !seen.insert(key) {
                    continue;
                }
            }
            if !state.path.is_empty() {
                atom(&self.ending(&state, prune), &state.path);
            }
            self.expand(&state, (&mut waiting, budget), prune, atom)?;
        }
        Ok(())
    }

    /// The entries whose pattern has a canonical path.
    pub(super) fn matching(&self, path: &str) -> Vec<u32> {
        let mut state = State {
            nodes: vec![Trie::ROOT],
            inherited: Rc::from([]),
            expression: self
                .automaton
                .as_ref()
                .map_or(DEAD, |one| one.view().start()),
            path: String::new(),
        };
        for segment in path.split('/').skip(1) {
            let mut nodes = self.literal(&state, segment);
            if !segment.is_empty() {
                nodes.extend(state.nodes.iter().filter_map(|id| self.trie.node(*id).any));
            }
            let slash = self.step(state.expression, b'/');
            state = State {
                nodes,
                inherited: self.passed(&state, &|_| {}),
                expression: self.run(slash, segment.as_bytes()),
                path: String::new(),
            };
        }
        self.ending(&state, &|_| {})
    }

    fn expand(
        &self,
        state: &State,
        (waiting, budget): (&mut VecDeque<State>, &mut usize),
        prune: Prune<'_>,
        atom: Atom<'_>,
    ) -> Result<(), Unknown> {
        let inherited = self.passed(state, prune);
        let slash = self.step(state.expression, b'/');
        let (mut labels, mut free) = (BTreeSet::new(), Vec::new());
        for id in &state.nodes {
            let node = self.trie.node(*id);
            labels.extend(node.literals.keys().copied());
            free.extend(node.any);
        }
        let slashed = [state.path.as_str(), "/"].concat();
        if slash == DEAD && labels.is_empty() && free.is_empty() {
            atom(&inherited, &slashed);
            return Ok(());
        }
        let last = State {
            nodes: self.literal(state, ""),
            inherited: Rc::clone(&inherited),
            expression: slash,
            path: slashed,
        };
        let slashed = last.path.clone();
        match self.rules.slashes {
            Slashes::Merge | Slashes::Refuse => atom(&self.ending(&last, prune), &last.path),
            // An empty segment is one like others, and a path goes on behind it.
            Slashes::Keep => waiting.push_back(last),
        }
        labels.remove("");
        self.spend(budget, labels.len())?;
        for label in &labels {
            let mut nodes = self.literal(state, label);
            nodes.extend(&free);
            waiting.push_back(State {
                nodes,
                inherited: Rc::clone(&inherited),
                expression: self.run(slash, label.as_bytes()),
                path: [slashed.as_str(), label].concat(),
            });
        }
        let labels = Labels::new(labels.iter().map(|label| label.as_bytes()));
        for (expression, text) in self.others(slash, &labels, budget)? {
            let next = State {
                nodes: free.clone(),
                inherited: Rc::clone(&inherited),
                expression,
                path: [slashed.as_str(), text.as_str()].concat(),
            };
            if expression == DEAD && free.is_empty() {
                // Nothing but what was passed can match from here on.
                atom(&inherited, &next.path);
            } else {
                waiting.push_back(next);
            }
        }
        Ok(())
    }

    /// The entries of a path that ends here.
    fn ending(&self, state: &State, prune: Prune<'_>) -> Vec<u32> {
        let mut found = state.inherited.to_vec();
        for id in &state.nodes {
            let node = self.trie.node(*id);
            let entries = node.exact.iter().chain(&node.rest);
            found.extend(entries.filter_map(|entry| u32::try_from(*entry).ok()));
        }
        if let (Some(automaton), true) = (&self.automaton, state.expression != DEAD) {
            let matched = automaton.view().matches(state.expression);
            let entries = matched
                .filter_map(|pattern| self.expressions.get(usize::try_from(pattern).ok()?))
                .flat_map(|(_, entries)| entries);
            found.extend(entries);
        }
        found.sort_unstable();
        prune(&mut found);
        found
    }

    /// The entries that every path below matches.
    fn passed(&self, state: &State, prune: Prune<'_>) -> Rc<[u32]> {
        let rests = state.nodes.iter().flat_map(|id| &self.trie.node(*id).rest);
        let mut rests = rests
            .filter_map(|entry| u32::try_from(*entry).ok())
            .peekable();
        if rests.peek().is_none() {
            return Rc::clone(&state.inherited);
        }
        let mut found: Vec<u32> = state.inherited.iter().copied().chain(rests).collect();
        found.sort_unstable();
        prune(&mut found);
        Rc::from(found)
    }

    fn literal(&self, state: &State, label: &str) -> Vec<NodeId> {
        let nodes = state.nodes.iter();
        nodes
            .filter_map(|id| self.trie.node(*id).literals.get(label).copied())
            .collect()
    }

    fn step(&self, state: u32, byte: u8) -> u32 {
        match &self.automaton {
            Some(automaton) if state != DEAD => automaton.view().next(state, byte),
            Some(_) | None => DEAD,
        }
    }

    fn run(&self, mut state: u32, text: &[u8]) -> u32 {
        for byte in text {
            if state == DEAD {
                break;
            }
            state = self.step(state, *byte);
        }
        state
    }

    /// For every state that some segment leads to which is none of the labels: a shortest such segment.
    fn others(
        &self,
        from: u32,
        labels: &Labels<'_>,
        budget: &mut usize,
    ) -> Result<Vec<(u32, String)>, Unknown> {
        if from == DEAD {
            return Ok(vec![(DEAD, labels.fresh())]);
        }
        let mut found: Vec<(u32, String)> = Vec::new();
        let start = (from, Segment::Start, labels.start());
        let mut steps: Vec<(Key, usize, u8)> = vec![(start, 0, 0)];
        let mut seen = BTreeSet::from([start]);
        let mut at = 0;
        while let Some(((expression, segment, spelling), _, _)) = steps.get(at).copied() {
            self.spend(budget, 1)?;
            spend(BYTES.len())?;
            let is_known = found.iter().any(|(known, _)| *known == expression);
            if segment == Segment::Whole && !is_known && !labels.is_label(spelling) {
                found.push((expression, spelled(&steps, at)));
            }
            // From the dead state only the dead state follows.
            if expression != DEAD || !is_known {
                self.follow((expression, segment, spelling), labels, &mut |key, byte| {
                    if seen.insert(key) {
                        steps.push((key, at, byte));
                    }
                });
            }
            at += 1;
        }
        Ok(found)
    }

    /// Calls `next` with what follows a state: for every byte that keeps spelling a label, and for one byte of
    /// each group of others.
    fn follow(
        &self,
        (expression, segment, spelling): Key,
        labels: &Labels<'_>,
        next: &mut dyn FnMut(Key, u8),
    ) {
        let is_escape = matches!(segment, Segment::Percent | Segment::Digit(_));
        let mut is_met = [false; GROUPS];
        for byte in BYTES {
            let spelled = labels.next(spelling, *byte);
            let group = self
                .groups
                .get(usize::from(*byte))
                .copied()
                .map_or(0, usize::from);
            let is_repeated = match is_met.get_mut(group) {
                Some(met) => std::mem::replace(met, *met || spelled.is_none()),
                None => false,
            };
            if is_repeated && spelled.is_none() && !is_escape {
                continue;
            }
            if let Some(segment) = segment.next(*byte, self.rules) {
                next((self.step(expression, *byte), segment, spelled), *byte);
            }
        }
    }

    fn spend(&self, budget: &mut usize, steps: usize) -> Result<(), Unknown> {
        spend(steps.saturating_mul(32))?;
        match budget.checked_sub(steps) {
            Some(left) => {
                *budget = left;
                Ok(())
            }
            None => Err(Unknown::TooManyPaths {
                expressions: self
                    .expressions
                    .iter()
                    .map(|(text, _)| (*text).to_owned())
                    .collect(),
            }),
        }
    }
}

/// The state of the automaton, of the segment, and of the labels.
type Key = (u32, Segment, Option<Spelling>);

/// More groups than there can be: each byte class of an automaton, and two signs that mean something of their own.
const GROUPS: usize = 258;

/// Bytes that neither the automaton nor the language of segments tells apart share a number.
/// Without an automaton nobody asks, and most hosts have none.
fn groups(automaton: Option<&OwnedAutomaton>) -> Vec<u16> {
    let groups = automaton.into_iter().flat_map(|automaton| {
        (0..=u8::MAX).map(move |byte| match byte {
            b'.' => GROUPS - 1,
            b'%' => GROUPS - 2,
            byte => automaton.view().class_of(byte),
        })
    });
    groups
        .map(|group| u16::try_from(group).unwrap_or(u16::MAX))
        .collect()
}

fn spelled(steps: &[(Key, usize, u8)], mut at: usize) -> String {
    let mut text = Vec::new();
    while let Some((_, before, byte)) = steps.get(at).filter(|_| at != 0) {
        text.push(char::from(*byte));
        at = *before;
    }
    text.iter().rev().collect()
}

/// The automaton of all expressions; those that are no expressions match nothing and are taken out.
fn automaton(
    expressions: &mut Vec<(&str, Vec<u32>)>,
    automata: &Automata,
) -> Result<Option<Arc<OwnedAutomaton>>, Unknown> {
    loop {
        if expressions.is_empty() {
            return Ok(None);
        }
        let texts: Vec<&str> = expressions.iter().map(|(text, _)| *text).collect();
        match automata.of(&texts) {
            Ok(automaton) => return Ok(Some(automaton)),
            Err(AutomatonError::Invalid { pattern, .. }) if pattern < expressions.len() => {
                expressions.remove(pattern);
            }
            Err(AutomatonError::Invalid { .. } | AutomatonError::TooBig { .. }) => {
                return Err(Unknown::ExpressionsTooBig {
                    expressions: texts.iter().map(|text| (*text).to_owned()).collect(),
                });
            }
        }
    }
}
