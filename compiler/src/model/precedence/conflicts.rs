//! Pairs of rules that some request matches both and that no precedence orders.
//!
//! Two structural paths overlap without one being narrower only if one of them has a free segment where
//! the other has a literal. Walking the trie of all paths against itself, always two places whose paths
//! so far overlap, meets exactly those pairs; places that cannot meet are never compared.

use std::collections::{BTreeMap, BTreeSet};

use weft_snapshot::plan::PathPattern;

use super::conditions;
use super::order::is_regex;
use super::prefixes::Prefixes;
use super::trie::{NodeId, Trie};
use crate::model::condition;
use crate::model::languages::Languages;
use crate::model::path::Relation;
use crate::model::route::Rule;

/// Two rules that no precedence orders.
#[derive(Clone, Copy, Debug)]
pub struct Conflict<'rule> {
    /// The one written first.
    pub first: &'rule Rule,
    /// The one written later.
    pub second: &'rule Rule,
    /// What is wrong with them.
    pub kind: ConflictKind,
}

/// What is wrong with two rules.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ConflictKind {
    /// They match exactly the same requests.
    Identical,
    /// Each matches requests that the other does not, and some match both.
    Ambiguous,
}

/// What was found among the rules of one host.
#[derive(Clone, Debug, Default)]
pub struct Conflicts<'rule> {
    /// At most one conflict of each kind for the later rule of a pair.
    pub found: Vec<Conflict<'rule>>,
    /// Whether the search ended early because the rules overlap in too many ways.
    pub gave_up: bool,
}

/// Steps that one host may cost, beside some for each rule.
const STEPS: usize = 4_000_000;
const STEPS_PER_RULE: usize = 200;

struct Search<'rule, 'run> {
    rules: &'run [&'rule Rule],
    trie: Trie<'rule>,
    languages: &'run mut Languages,
    same_outcome: &'run dyn Fn(&Rule, &Rule) -> bool,
    steps: usize,
    blamed: BTreeSet<(usize, ConflictKind)>,
    result: Conflicts<'rule>,
}

/// Two places of the trie whose paths so far overlap, and which of them has free segments where the
/// other has literals.
#[derive(Clone, Copy)]
struct Pair {
    left: NodeId,
    right: NodeId,
    left_wider: bool,
    right_wider: bool,
}

/// Finds the conflicts among the rules of one host; `same_outcome` says whether it matters which rule wins.
///
/// Rules of different priorities never conflict, so each priority is searched alone.
pub fn conflicts<'rule>(
    rules: &[&'rule Rule],
    languages: &mut Languages,
    same_outcome: &dyn Fn(&Rule, &Rule) -> bool,
) -> Conflicts<'rule> {
    let mut by_priority: BTreeMap<i32, Vec<&'rule Rule>> = BTreeMap::new();
    for rule in rules {
        by_priority.entry(rule.priority()).or_default().push(rule);
    }
    let mut all = Conflicts::default();
    for rules in by_priority.values() {
        let found = among(rules, languages, same_outcome);
        all.found.extend(found.found);
        all.gave_up |= found.gave_up;
    }
    all
}

/// The conflicts among rules of one priority.
fn among<'rule>(
    rules: &[&'rule Rule],
    languages: &mut Languages,
    same_outcome: &dyn Fn(&Rule, &Rule) -> bool,
) -> Conflicts<'rule> {
    let mut trie = Trie::new();
    for (position, rule) in rules.iter().enumerate() {
        if let PathPattern::Segments { segments, rest } = &rule.matched.path.value {
            trie.insert(segments, *rest, position);
        }
    }
    let mut search = Search {
        rules,
        trie,
        languages,
        same_outcome,
        steps: STEPS.saturating_add(rules.len().saturating_mul(STEPS_PER_RULE)),
        blamed: BTreeSet::new(),
        result: Conflicts::default(),
    };
    search.same_places();
    search.expressions();
    search.result.gave_up = search.steps == 0;
    search.result
}

impl Search<'_, '_> {
    /// Every node against itself, and each of its literals against its free segment.
    fn same_places(&mut self) {
        let mut waiting = vec![Trie::ROOT];
        while let Some(id) = waiting.pop() {
            let node = self.trie.node(id);
            let (exact, rest) = (node.exact.clone(), node.rest.clone());
            let any = node.any;
            let literals: Vec<(bool, NodeId)> = node
                .literals
                .iter()
                .map(|(text, child)| (text.is_empty(), *child))
                .collect();
            self.one_path(&exact);
            self.one_path(&rest);
            for (is_empty, literal) in literals {
                waiting.push(literal);
                if let (Some(any), false) = (any, is_empty) {
                    self.pair(Pair {
                        left: literal,
                        right: any,
                        left_wider: false,
                        right_wider: true,
                    });
                }
            }
            waiting.extend(any);
        }
    }

    fn one_path(&mut self, group: &[usize]) {
        if group.len() < 2 {
            return;
        }
        let rules = self.rules;
        conditions::pairs(rules, group, &mut |left, right| {
            self.meet(left, right, true)
        });
    }

    // The depth is bounded by the number of segments of a path.
    fn pair(&mut self, pair: Pair) {
        if !self.step() {
            return;
        }
        self.ends(pair);
        for next in self.next_pairs(pair) {
            self.pair(next);
        }
    }

    /// Compares the paths that end at the two places.
    fn ends(&mut self, pair: Pair) {
        let (left, right) = (self.trie.node(pair.left), self.trie.node(pair.right));
        let (left_rest, right_rest) = (left.rest.clone(), right.rest.clone());
        if pair.left_wider && pair.right_wider {
            let (left_exact, right_exact) = (left.exact.clone(), right.exact.clone());
            self.cross(&left_exact, &right_exact);
            self.cross(&left_rest, &right_rest);
        }
        // A rest contains what is below the other place, unless that has a free segment for its literal.
        if pair.right_wider && !left_rest.is_empty() {
            let below = self.below(pair.right);
            self.cross(&left_rest, &below);
        }
        if pair.left_wider && !right_rest.is_empty() {
            let below = self.below(pair.left);
            self.cross(&right_rest, &below);
        }
    }

    /// Everything that ends at or below a place, except for a rest at the place itself.
    fn below(&mut self, top: NodeId) -> Vec<usize> {
        let mut found = Vec::new();
        let mut waiting = vec![top];
        while let Some(id) = waiting.pop() {
            if !self.step() {
                break;
            }
            let node = self.trie.node(id);
            found.extend(&node.exact);
            if id != top {
                found.extend(&node.rest);
            }
            waiting.extend(node.literals.values().copied());
            waiting.extend(node.any);
        }
        found
    }

    fn next_pairs(&mut self, pair: Pair) -> Vec<Pair> {
        let (left, right) = (self.trie.node(pair.left), self.trie.node(pair.right));
        let mut next = Vec::new();
        let mut push = |left, right, left_wider, right_wider| {
            next.push(Pair {
                left,
                right,
                left_wider: pair.left_wider || left_wider,
                right_wider: pair.right_wider || right_wider,
            });
        };
        let is_left_smaller = left.literals.len() <= right.literals.len();
        let (smaller, larger) = if is_left_smaller {
            (left, right)
        } else {
            (right, left)
        };
        for (text, child) in &smaller.literals {
            if let Some(other) = larger.literals.get(text) {
                let (left, right) = if is_left_smaller {
                    (child, other)
                } else {
                    (other, child)
                };
                push(*left, *right, false, false);
            }
        }
        if let (Some(left), Some(right)) = (left.any, right.any) {
            push(left, right, false, false);
        }
        if let Some(any) = left.any {
            for (_, literal) in right.literals.iter().filter(|(text, _)| !text.is_empty()) {
                push(any, *literal, true, false);
            }
        }
        if let Some(any) = right.any {
            for (_, literal) in left.literals.iter().filter(|(text, _)| !text.is_empty()) {
                push(*literal, any, false, true);
            }
        }
        let cost = smaller.literals.len();
        self.steps = self.steps.saturating_sub(cost);
        next
    }

    fn cross(&mut self, left: &[usize], right: &[usize]) {
        for left in left {
            for right in right {
                if !self.meet(*left, *right, false) {
                    return;
                }
            }
        }
    }

    /// Expressions against everything that may start like them.
    fn expressions(&mut self) {
        if !self.rules.iter().any(|rule| is_regex(rule)) {
            return;
        }
        let prefixes = Prefixes::new(self.rules);
        for (position, rule) in self.rules.iter().enumerate() {
            if !is_regex(rule) {
                continue;
            }
            for other in prefixes.candidates(rule) {
                let Some(found) = self.rules.get(other) else {
                    continue;
                };
                if is_regex(found) && other <= position {
                    continue;
                }
                let paths = self
                    .languages
                    .relate_paths(&rule.matched.path.value, &found.matched.path.value);
                let goes_on = match paths.relation {
                    Relation::Disjoint | Relation::Narrower | Relation::Wider => self.step(),
                    Relation::Equal => self.meet(position, other, true),
                    Relation::Overlapping => self.meet(position, other, false),
                };
                if !goes_on {
                    return;
                }
            }
        }
    }

    /// Compares two rules whose paths are equal or overlap; returns whether to go on.
    fn meet(&mut self, left: usize, right: usize, equal_paths: bool) -> bool {
        if !self.step() {
            return false;
        }
        let (Some(left_rule), Some(right_rule)) = (self.rules.get(left), self.rules.get(right))
        else {
            return true;
        };
        let conditions = condition::relate(&left_rule.matched, &right_rule.matched, self.languages);
        let kind = match conditions {
            Relation::Disjoint => return true,
            Relation::Equal if equal_paths => ConflictKind::Identical,
            Relation::Narrower | Relation::Wider if equal_paths => return true,
            Relation::Equal | Relation::Narrower | Relation::Wider | Relation::Overlapping => {
                ConflictKind::Ambiguous
            }
        };
        if kind == ConflictKind::Ambiguous && (self.same_outcome)(left_rule, right_rule) {
            return true;
        }
        let ((_, first), (later, second)) = if left_rule.span <= right_rule.span {
            ((left, *left_rule), (right, *right_rule))
        } else {
            ((right, *right_rule), (left, *left_rule))
        };
        if self.blamed.insert((later, kind)) {
            self.result.found.push(Conflict {
                first,
                second,
                kind,
            });
        }
        true
    }

    fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_sub(1);
        self.steps != 0
    }
}
