//! The rules of one host as a table: who takes what, what is dead and why, what is open.

use weft_snapshot::plan::{AccessPlan, PathPattern, RoutePlan};
use weft_snapshot::settings::PathRules;

use super::entry::Entry;
use super::matches::{self, Match};
use super::order::Precedence;
use super::predicate::Ranked;
use super::reading::Reading;
use super::request::WitnessRequest;
use super::sets::common;
use super::table::{self, Listed, Memory, Taken};
use super::unknown::Unknown;
use super::walk::Paths;
use crate::automata::Automata;
use crate::languages::{Languages, literal_prefix};
use crate::path::{Relation, Structure, relate};
use crate::precedence::order;
use crate::work;

/// What is true of the rules of one host.
#[derive(Debug)]
pub struct HostAnalysis<'mesh, R> {
    /// The rules in the order in which they are tried; positions below are positions here.
    pub rules: Vec<&'mesh R>,
    /// For each rule a request that it takes; none if there is none: the rule is dead.
    pub witness: Vec<Option<WitnessRequest>>,
    /// Whether some request would have another outcome without the rule, or would meet two that nothing orders.
    pub has_effect: Vec<bool>,
    /// A request to the host that no rule takes.
    pub uncovered: Option<WitnessRequest>,
    /// Pairs of rules whose order would decide about a request.
    pub undecided: Vec<Undecided>,
    /// Pairs of rules that match the same requests.
    pub identical: Vec<(usize, usize)>,
    /// The number of sets of requests that were told apart.
    pub regions: usize,
    /// A host that the table owns.
    pub host: String,
    /// Whether there is such a host; if not, no rule takes a request, and nothing else is said of them.
    pub is_reached: bool,
    /// How the listener makes paths canonical.
    pub path_rules: PathRules,
    paths: Paths<'mesh>,
    automata: Automata,
}

/// Two rules that no precedence orders, with different outcomes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Undecided {
    /// The one tried first, as it happens.
    pub first: usize,
    /// The other.
    pub second: usize,
    /// A request that both match, and no rule that is above one of them.
    pub witness: WitnessRequest,
}

/// A host and how the listener before it makes paths canonical.
#[derive(Clone, Copy, Debug)]
pub struct Host<'mesh> {
    /// The pattern.
    pub pattern: &'mesh str,
    /// A host whose requests its rules get, if there is one ([`Served::witnesses`](super::Served::witnesses)).
    pub owned: Option<&'mesh str>,
    /// How paths are made canonical.
    pub path_rules: PathRules,
    /// The automata of expressions.
    pub automata: &'mesh Automata,
}

/// Analyses the rules of one host; `same_outcome` says when it does not matter which rule decides.
///
/// # Errors
///
/// [`Unknown`] when a bound is met: then nothing is known about the host.
pub fn analyse_rules<'mesh, R: Ranked>(
    rules: &[&'mesh R],
    host: Host<'_>,
    same_outcome: &dyn Fn(&R, &R) -> bool,
) -> Result<HostAnalysis<'mesh, R>, Unknown> {
    let Host {
        pattern,
        owned,
        path_rules,
        automata,
    } = host;
    let with = Reading::new(path_rules, automata);
    let mut languages = Languages::sharing(automata).by(path_rules);
    let rules = order(rules, &mut languages);
    let paths = Paths::new(rules.iter().map(|rule| rule.path()), with)?;
    let Some(owned) = owned else {
        let host = pattern.replace('*', "x");
        let nothing = Taken {
            sample: vec![None; rules.len()],
            has_effect: vec![false; rules.len()],
            ..Taken::default()
        };
        let analysis = analysis(rules, paths, &nothing, with, host);
        return Ok(HostAnalysis {
            is_reached: false,
            ..analysis
        });
    };
    let taken = {
        let entries: Vec<Entry<'_>> = rules.iter().map(|rule| Entry::of(*rule)).collect();
        let precedence = Precedence::new(&rules, languages, same_outcome);
        table::analyse_along(&paths, &entries, &precedence, &mut Memory::default())?
    };
    Ok(analysis(rules, paths, &taken, with, owned.to_owned()))
}

fn analysis<'mesh, R>(
    rules: Vec<&'mesh R>,
    paths: Paths<'mesh>,
    taken: &Taken,
    with: Reading<'_>,
    host: String,
) -> HostAnalysis<'mesh, R> {
    let made = |sample: &table::Sample| WitnessRequest::of_sample(&host, sample);
    let position = |entry: u32| usize::try_from(entry).unwrap_or(usize::MAX);
    let undecided = taken
        .undecided
        .iter()
        .map(|(first, second, sample)| Undecided {
            first: position(*first),
            second: position(*second),
            witness: made(sample),
        });
    HostAnalysis {
        witness: taken
            .sample
            .iter()
            .map(|one| one.as_ref().map(made))
            .collect(),
        has_effect: taken.has_effect.clone(),
        uncovered: taken.uncovered.as_ref().map(made),
        undecided: undecided.collect(),
        identical: taken
            .identical
            .iter()
            .map(|(first, second)| (position(*first), position(*second)))
            .collect(),
        regions: taken.regions,
        rules,
        paths,
        host,
        is_reached: true,
        path_rules: with.rules,
        automata: with.automata.clone(),
    }
}

impl<'mesh, R: Ranked> HostAnalysis<'mesh, R> {
    /// A minimal set of rules that together take every request of a dead rule; none within the bounds of the
    /// search.
    ///
    /// The set grows by whoever takes a request that is still left, then loses every rule that is not needed.
    pub fn blockers(&self, dead: usize) -> Option<Vec<usize>> {
        const GROWTH: usize = 64;
        let mut chosen: Vec<usize> = Vec::new();
        let mut languages = Languages::default();
        while let Some(witness) = self.left_by(&chosen, dead).ok()? {
            let positions = self.positions_at(&witness.path).into_iter();
            let mut positions = positions.take_while(|earlier| *earlier < dead);
            let takes = |earlier: &usize| {
                let rule = self.rules.get(*earlier);
                let names = rule.map_or(0, |rule| rule.methods().count());
                work::spend(names.saturating_mul(8).saturating_add(8));
                rule.is_some_and(|rule| matches::takes(&Entry::of(*rule), &witness, &mut languages))
            };
            let blocker = positions
                .find(takes)
                .filter(|blocker| !chosen.contains(blocker))?;
            chosen.push(blocker);
            chosen.sort_unstable();
            if GROWTH < chosen.len() {
                return None;
            }
        }
        let mut at = 0;
        while let Some(candidate) = chosen.get(at).copied() {
            let mut without = chosen.clone();
            without.remove(at);
            if self.left_by(&without, dead).ok()?.is_none() {
                chosen.retain(|one| *one != candidate);
            } else {
                at += 1;
            }
        }
        Some(chosen)
    }

    /// Whether the paths of two rules have something in common; also true where that is costly to know.
    pub fn may_meet(&self, first: usize, second: usize) -> bool {
        let path = |at: usize| self.rules.get(at).map(|rule| rule.path());
        let pair = path(first).zip(path(second));
        pair.is_none_or(|(left, right)| may_share(left, right))
    }

    /// The positions of all rules whose paths may have something in common with those of a rule, itself included, ascending.
    pub fn meeting(&self, position: usize) -> Vec<usize> {
        let rule = self.rules.get(position);
        rule.map_or_else(Vec::new, |rule| self.sharing(rule.path()))
    }

    /// The positions of all rules whose paths may have something in common with a pattern, ascending.
    pub fn sharing(&self, pattern: &PathPattern) -> Vec<usize> {
        let found = self.paths.sharing(pattern);
        work::spend(found.len().saturating_mul(4));
        let found = found.into_iter().filter_map(|at| usize::try_from(at).ok());
        let shares = |at: &usize| {
            let rule = self.rules.get(*at);
            rule.is_some_and(|rule| may_share(rule.path(), pattern))
        };
        found.filter(shares).collect()
    }

    /// A request that a rule matches and an earlier one takes.
    ///
    /// # Errors
    ///
    /// [`Unknown`] when a bound is met.
    pub fn lost(&self, earlier: usize, rule: usize) -> Result<Option<WitnessRequest>, Unknown> {
        let lost = self.rules.get(rule).map(|rule| Entry::of(*rule));
        let lost: Vec<&Entry<'_>> = lost.iter().collect();
        self.taken_of(earlier, &lost, &[])
    }

    /// A request that a rule takes, of all of some sets and of none of others.
    ///
    /// # Errors
    ///
    /// [`Unknown`] when a bound is met.
    pub fn taken_of(
        &self,
        taker: usize,
        sets: &[&Entry<'_>],
        others: &[Entry<'_>],
    ) -> Result<Option<WitnessRequest>, Unknown> {
        let Some(own) = self.rules.get(taker).map(|rule| Entry::of(*rule)) else {
            return Ok(None);
        };
        let before = self.meeting(taker).into_iter();
        let before = before.take_while(|earlier| *earlier < taker);
        let before = before.filter_map(|earlier| self.rules.get(earlier));
        let before = before.map(|rule| Entry::of(*rule));
        let others: Vec<Entry<'_>> = before.chain(others.iter().cloned()).collect();
        let sets: Vec<&Entry<'_>> = [&own].into_iter().chain(sets.iter().copied()).collect();
        let found = common(
            &sets,
            &others,
            Reading::new(self.path_rules, &self.automata),
        )?;
        Ok(found.map(|witness| WitnessRequest {
            host: self.host.clone(),
            ..witness
        }))
    }

    /// The set of requests that a request of this host is one of: the entries whose paths have its path, without
    /// those that decide nothing, and the one that takes it.
    pub fn region_of(&self, request: &WitnessRequest) -> Option<(Vec<u32>, u32)> {
        let mut languages = self.languages();
        let entry = |at: u32| {
            let rule = self.rules.get(usize::try_from(at).ok()?)?;
            Some(Entry::of(*rule))
        };
        let is_true = |at: u32| entry(at).is_some_and(|entry| entry.conditions.is_true());
        let order = Precedence::new(&self.rules, self.languages(), &|_, _| false);
        let mut list = self.paths.matching(&request.path);
        table::prune(&mut list, &is_true, &order, table::DEPTH);
        let mut takers = list.iter().copied();
        let winner = takers.find_map(|at| {
            let answer = matches::matched(&entry(at)?, request, &mut languages);
            (answer != Match::Passes).then_some((at, answer))
        });
        let winner = winner.filter(|(_, answer)| *answer == Match::Takes);
        winner.map(|(winner, _)| (list, winner))
    }

    /// Expressions, held against the paths of the host.
    pub fn languages(&self) -> Languages {
        Languages::sharing(&self.automata).by(self.path_rules)
    }

    /// The positions of the rules whose pattern has a path, in their order.
    pub fn positions_at(&self, path: &str) -> Vec<usize> {
        let matching = self.paths.matching(path).into_iter();
        matching.filter_map(|at| usize::try_from(at).ok()).collect()
    }

    /// The rules whose pattern has a path, in their order.
    pub fn rules_at(&self, path: &str) -> Vec<&'mesh R> {
        let matching = self.positions_at(path).into_iter();
        matching
            .filter_map(|at| self.rules.get(at).copied())
            .collect()
    }

    /// What questions about single sets of requests to the host are asked with.
    pub fn with(&self) -> Reading<'_> {
        Reading::new(self.path_rules, &self.automata)
    }

    /// Whether, among other rules for the host in their order, one meets another that nothing orders; also true where a bound
    /// keeps it unknown.
    pub fn is_undecided_with(&self, rules: &[&R], same_outcome: &dyn Fn(&R, &R) -> bool) -> bool {
        let languages = self.languages();
        let precedence = Precedence::new(rules, languages, same_outcome);
        let entries: Vec<Entry<'_>> = rules.iter().map(|rule| Entry::of(*rule)).collect();
        let with = Reading::new(self.path_rules, &self.automata);
        let taken = table::analyse(&entries, with, &precedence, &mut Memory::default());
        taken.map_or(true, |taken| !taken.undecided.is_empty())
    }

    /// Whether any rule matches a path, whatever else it asks.
    pub fn takes_path(&self, path: &str) -> bool {
        !self.paths.matching(path).is_empty()
    }

    /// A request of a rule that none of some earlier rules takes.
    ///
    /// # Errors
    ///
    /// [`Unknown`] when a bound is met.
    pub fn left_by(
        &self,
        earlier: &[usize],
        rule: usize,
    ) -> Result<Option<WitnessRequest>, Unknown> {
        let entry = |position: &usize| {
            let rule = self.rules.get(*position)?;
            Some(Entry::of(*rule))
        };
        let Some(own) = entry(&rule) else {
            return Ok(None);
        };
        let before: Vec<Entry<'_>> = earlier.iter().filter_map(entry).collect();
        let found = common(&[&own], &before, self.with())?;
        Ok(found.map(|witness| WitnessRequest {
            host: self.host.clone(),
            ..witness
        }))
    }
}

/// Whether two patterns have a path in common; also true where that is costly to know.
fn may_share(left: &PathPattern, right: &PathPattern) -> bool {
    match (left, right) {
        (
            PathPattern::Segments { segments, rest },
            PathPattern::Segments {
                segments: other,
                rest: other_rest,
            },
        ) => {
            relate(
                Structure::new(segments, *rest),
                Structure::new(other, *other_rest),
            ) != Relation::Disjoint
        }
        (left, right) => {
            let (left, right) = (literal_prefix(left), literal_prefix(right));
            left.starts_with(&right) || right.starts_with(&left)
        }
    }
}

/// A request that a route of a host of a plan takes.
///
/// # Errors
///
/// [`Unknown`] when a bound is met.
pub fn taken_route(
    routes: &[RoutePlan],
    position: usize,
    rules: PathRules,
    host: &str,
) -> Result<Option<WitnessRequest>, Unknown> {
    let Some(route) = routes.get(position) else {
        return Ok(None);
    };
    let before = routes.iter().take(position);
    let before = before.filter(|other| may_share(&other.path, &route.path));
    let before: Vec<Entry<'_>> = before.map(Entry::of).collect();
    let own = Entry::of(route);
    let found = common(&[&own], &before, Reading::new(rules, &Automata::default()))?;
    Ok(found.map(|witness| WitnessRequest {
        host: host.to_owned(),
        ..witness
    }))
}

/// A request for each entry of a table that can take one, and one that none takes.
pub type Witnesses = (Vec<Option<WitnessRequest>>, Option<WitnessRequest>);

/// For each route of a host of a plan a request that it takes, and one that none takes.
///
/// # Errors
///
/// [`Unknown`] when a bound is met.
pub fn analyse_plan(
    routes: &[RoutePlan],
    rules: PathRules,
    host: &str,
) -> Result<Witnesses, Unknown> {
    let entries: Vec<Entry<'_>> = routes.iter().map(Entry::of).collect();
    takers(&entries, rules, host)
}

/// For each access rule of a plan a call that it decides, and one that no rule matches.
///
/// # Errors
///
/// [`Unknown`] when a bound is met.
pub fn analyse_access(
    access: &[AccessPlan],
    rules: PathRules,
    host: &str,
) -> Result<Witnesses, Unknown> {
    let entries: Vec<Entry<'_>> = access.iter().map(Entry::of).collect();
    takers(&entries, rules, host)
}

fn takers(entries: &[Entry<'_>], rules: PathRules, host: &str) -> Result<Witnesses, Unknown> {
    let taken = table::analyse(
        entries,
        Reading::new(rules, &Automata::default()),
        &Listed,
        &mut Memory::default(),
    )?;
    let made = |sample: &table::Sample| WitnessRequest::of_sample(host, sample);
    let witnesses = taken.sample.iter().map(|one| one.as_ref().map(made));
    Ok((witnesses.collect(), taken.uncovered.as_ref().map(made)))
}
