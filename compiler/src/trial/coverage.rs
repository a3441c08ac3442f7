//! Which rules, regions and settings the tests of a spec look at.
//!
//! A region is a set of requests that one rule takes and that the paths of the host's table do not tell apart. A
//! setting is looked at by a test that expects something of it, not by one that only passes through it.

use std::collections::{BTreeMap, BTreeSet};

use super::{TestResult, question, with_results};
use crate::claims::owner::owner;
use crate::claims::region::takers;
use crate::model::test::{Asked, Expect, Test};
use crate::model::{Action, Rule};
use crate::rules::Facts;
use crate::why::Question;

/// Parts of a whole.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Part {
    /// How many of them some test looks at.
    pub covered: usize,
    /// How many there are.
    pub all: usize,
}

/// What tests look at.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Coverage {
    /// Rules of gateways that take some request.
    pub rules: Part,
    /// Regions of them.
    pub regions: Part,
    /// Settings of them: backend, path, timeout, attempts, status.
    pub settings: Part,
    /// The ids of rules that no test looks at.
    pub unseen: Vec<String>,
}

/// A kind of setting.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Setting {
    Backend,
    Path,
    Timeout,
    Attempts,
    Status,
}

impl Setting {
    const ALL: [Self; 5] = [
        Self::Backend,
        Self::Path,
        Self::Timeout,
        Self::Attempts,
        Self::Status,
    ];
}

/// What the tests that passed look at.
pub(super) fn of(facts: &Facts<'_>, results: &[TestResult]) -> Coverage {
    let mut seen: BTreeMap<&str, BTreeSet<Setting>> = BTreeMap::new();
    let mut regions = BTreeSet::new();
    let rules = facts.mesh.routes.values().flat_map(|route| &route.rules);
    let rules: BTreeMap<&str, &Rule> = rules.map(|rule| (rule.id.as_str(), rule)).collect();
    for (test, result) in with_results(facts.mesh, results) {
        if !result.has_passed() {
            continue;
        }
        let expected = looked_at(test);
        let mut see = |rule: &Rule| {
            if let Some((id, _)) = rules.get_key_value(rule.id.as_str()) {
                seen.entry(id).or_default().extend(&expected);
            }
        };
        match &test.asked {
            Asked::One { .. } => {
                let route = result
                    .facets
                    .as_ref()
                    .and_then(|facets| facets.route.as_ref());
                if let Some(rule) = route.and_then(|route| rules.get(route.as_str())) {
                    see(rule);
                }
                regions.extend(question(test).and_then(|question| region_of(facts, &question)));
            }
            Asked::All(region) => {
                let takers = takers(facts, region).unwrap_or_default();
                takers
                    .iter()
                    .filter_map(|taker| taker.rule)
                    .for_each(&mut see);
            }
        }
    }
    let mut coverage = Coverage::default();
    for host in facts.hosts() {
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        coverage.regions.all += analysis.regions;
        for (rule, witness) in analysis.rules.iter().zip(&analysis.witness) {
            if witness.is_none() {
                continue;
            }
            let settings = settings(rule);
            coverage.rules.all += 1;
            coverage.settings.all += settings.len();
            match seen.get(rule.id.as_str()) {
                Some(seen) => {
                    coverage.rules.covered += 1;
                    let looked_at = settings.iter().filter(|setting| seen.contains(setting));
                    coverage.settings.covered += looked_at.count();
                }
                None => coverage.unseen.push(rule.id.clone()),
            }
        }
    }
    coverage.regions.covered = regions.len();
    coverage
}

/// The settings that a test looks at; whatever changes is noticed beside a snapshot.
fn looked_at(test: &Test) -> Vec<Setting> {
    match &test.same_as {
        Some(_) => Setting::ALL.to_vec(),
        None => expected(&test.expect),
    }
}

/// The settings of a rule.
fn settings(rule: &Rule) -> Vec<Setting> {
    match &rule.action {
        Action::Forward(_) => {
            let path = rule
                .rewrite
                .as_ref()
                .and_then(|rewrite| rewrite.value.path.as_ref());
            let path = path.map(|_| Setting::Path);
            let others = [Setting::Backend, Setting::Timeout, Setting::Attempts];
            others.into_iter().chain(path).collect()
        }
        Action::Redirect(_) | Action::Respond(_) => vec![Setting::Status],
    }
}

/// The settings that an expectation looks at.
fn expected(expect: &Expect) -> Vec<Setting> {
    let said = [
        (expect.backends.is_some(), Setting::Backend),
        (expect.path.is_some(), Setting::Path),
        (expect.timeout.is_some(), Setting::Timeout),
        (expect.attempts.is_some(), Setting::Attempts),
        (expect.status.is_some(), Setting::Status),
    ];
    let said = said.into_iter().filter(|(is_said, _)| *is_said);
    said.map(|(_, setting)| setting).collect()
}

type RegionId = (crate::model::GatewayId, usize, String, Vec<u32>, u32);

fn region_of(facts: &Facts<'_>, question: &Question) -> Option<RegionId> {
    let (one, request) = owner(facts, question)?;
    let analysis = one.analysis.as_ref().ok()?;
    let (list, winner) = analysis.region_of(&request)?;
    let host = one.host.host.to_owned();
    Some((one.host.gateway, one.host.listener, host, list, winner))
}
