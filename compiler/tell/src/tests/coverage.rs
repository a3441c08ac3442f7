//! Which rules, regions and settings the tests of a spec look at.
//!
//! A region is a set of requests that one rule takes and that the paths of the host's table do not tell apart. A
//! setting is looked at by a test that expects something of it, not by one that only passes through it.

use std::collections::{BTreeMap, BTreeSet};

use weft_check::assertions::owner::owner;
use weft_check::assertions::region::takers;
use weft_check::rules::Facts;
use weft_front::model::test::{Asked, Expect, Test};
use weft_front::model::{Action, Rule};
use weft_front::question::Question;
use weft_front::settings::{Expected, ROUTE};

use super::{TestResult, question, with_results};

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
    /// Settings of them: backend, path, status, timeout, attempts, and what they say themselves.
    pub settings: Part,
    /// The ids of rules that no test looks at.
    pub unseen: Vec<String>,
}

/// What a test can look at of a rule.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Looked {
    Backend,
    Path,
    Status,
    /// A setting, by name.
    Setting(&'static str),
}

/// What the tests that passed look at.
pub(super) fn of(facts: &Facts<'_>, results: &[TestResult]) -> Coverage {
    let mut seen: BTreeMap<&str, BTreeSet<Looked>> = BTreeMap::new();
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
    // A rule for several hosts is one that tests look at or not.
    let mut known = BTreeSet::new();
    for host in facts.hosts() {
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        coverage.regions.all += analysis.regions;
        for (rule, witness) in analysis.rules.iter().zip(&analysis.witness) {
            if witness.is_none() || !known.insert(rule.id.as_str()) {
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

/// Whether a test looks at something of a rule; whatever changes is noticed beside a snapshot.
fn looked_at(test: &Test) -> Vec<Looked> {
    match &test.same_as {
        Some(_) => {
            let settings = ROUTE.iter().map(|setting| Looked::Setting(setting.name));
            let beside = [Looked::Backend, Looked::Path, Looked::Status];
            settings.chain(beside).collect()
        }
        None => expected(&test.expect),
    }
}

/// What there is to look at of a rule: where its requests go, the settings that every test can speak of, and those that the rule
/// says itself.
fn settings(rule: &Rule) -> Vec<Looked> {
    match &rule.action {
        Action::Forward(_) => {
            let path = rule
                .rewrite
                .as_ref()
                .and_then(|rewrite| rewrite.path.as_ref());
            let path = path.map(|_| Looked::Path);
            let settings = ROUTE.iter().filter(|setting| match setting.expected {
                Some(Expected::Field(_)) => true,
                Some(Expected::Settings) => rule.said.get(setting).is_some(),
                None => false,
            });
            let settings = settings.map(|setting| Looked::Setting(setting.name));
            settings.chain([Looked::Backend]).chain(path).collect()
        }
        Action::Redirect(_) | Action::Respond(_) => vec![Looked::Status],
    }
}

/// What an expectation looks at.
fn expected(expect: &Expect) -> Vec<Looked> {
    let said = [
        (expect.backends.is_some(), Looked::Backend),
        (expect.path.is_some(), Looked::Path),
        (expect.status.is_some(), Looked::Status),
    ];
    let said = said.into_iter().filter(|(is_said, _)| *is_said);
    let settings = expect.settings.iter();
    let settings = settings.map(|one| Looked::Setting(one.setting.name));
    said.map(|(_, looked)| looked).chain(settings).collect()
}

type RegionId = (weft_front::model::GatewayId, usize, String, Vec<u32>, u32);

fn region_of(facts: &Facts<'_>, question: &Question) -> Option<RegionId> {
    let (one, request) = owner(facts, question)?;
    let analysis = one.analysis.as_ref().ok()?;
    let (list, winner) = analysis.region_of(&request)?;
    let host = one.host.host.to_owned();
    Some((one.host.gateway, one.host.listener, host, list, winner))
}
