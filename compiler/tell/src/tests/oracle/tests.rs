//! Random specs against their slices: what is said of all requests is tried with many.
//!
//! Specs are written as text, so that parsing, inheritance, precedence and lowering are part of what is tried. The
//! generator is seeded, so that a failure repeats; `WEFT_ROUNDS` makes the runs longer.

use weft_back::emit::emit;
use weft_back::lower::lower;
use weft_back::snapshot::Snapshot;
use weft_check::assertions::owner::Decided;
use weft_check::assertions::region::takers;
use weft_check::assertions::{Verdict, judge};
use weft_check::rules::Facts;
use weft_front::model::assertion::{Form, Region};
use weft_front::model::{Checked, ListenerProtocol, Mesh, Rule};
use weft_front::settings::Value;
use weft_front::surroundings::Surroundings;
use weft_front::testing::unchecked;
use weft_snapshot::plan::Outcome;
use weft_snapshot::{Reason, Slice};
use weft_space::languages::Languages;
use weft_space::{Entry, WitnessRequest, takes};
use weft_testing::{Random, requests, rounds};

use super::written::{asked, conditions, path, request, rule, rules, spec};
use crate::both::Both;
use crate::diff::{ChangeKind, compare, compare_asked};
use crate::tests::{Facets, mutate, run};

const REQUESTS: u32 = 400;

/// A spec with the slice of its gateway.
struct CompiledGateway {
    checked: Checked,
    slice: Slice,
}

impl CompiledGateway {
    fn new(text: &str) -> Self {
        let (checked, sources) = unchecked(text);
        let bundle = emit(&lower(&checked, &sources)).unwrap();
        let snapshot = Snapshot::of_bundle(&bundle).unwrap();
        let plan = snapshot.plans().remove(0);
        let slice = Slice::check(plan.encode().unwrap()).unwrap();
        Self { checked, slice }
    }

    fn mesh(&self) -> &Mesh {
        self.checked.mesh()
    }

    /// The rule that the slice decides for, by the code of the proxy.
    fn decided(&self, request: &WitnessRequest) -> Option<&Rule> {
        match self.fate(request) {
            Decided::By(rule) => Some(rule),
            Decided::Refused(_) | Decided::ByNobody => None,
        }
    }

    /// What becomes of a request, by the code of the proxy.
    fn fate(&self, request: &WitnessRequest) -> Decided<'_> {
        let Ok(route) = self.slice.decide(0, &request.as_request()) else {
            return Decided::Refused(Reason::RepeatedHeader);
        };
        let Some(route) = route else {
            return Decided::ByNobody;
        };
        let mut rules = self.mesh().routes.values().flat_map(|route| &route.rules);
        Decided::By(rules.find(|rule| rule.id == route.id()).unwrap())
    }

    fn is_refused(&self, request: &WitnessRequest) -> bool {
        matches!(self.fate(request), Decided::Refused(_))
    }

    fn outcome(&self, rule: &Rule) -> Outcome {
        weft_back::lower::outcome::of_rule(self.mesh(), rule, &mut |backend| {
            let service = self.mesh().services.entry(backend.service);
            u32::from(service.name.value == "t")
        })
    }

    fn facets(&self, request: &WitnessRequest) -> Facets {
        let mut facets = Facets::of_decided(self.mesh(), self.fate(request));
        facets.route = None;
        facets
    }
}

fn is_in(region: &Region, request: &WitnessRequest, languages: &mut Languages) -> bool {
    let hosts = weft_snapshot::canonical::host_matches(region.host_pattern(), &request.host);
    hosts.is_some()
        && takes(&Entry::of(&region.matched), request, languages)
        && !region
            .except
            .iter()
            .any(|except| takes(&Entry::of(except), request, languages))
}

fn region(random: &mut Random) -> String {
    let (methods, headers, query) = conditions(random);
    let host = random.pick(&["*", "*.example", "a.example", "b.example", "*.d.example"]);
    let mut text = format!("host: \"{host}\"");
    if !random.one_in(4) {
        let asked = asked(&path(random), &methods, &headers, &query);
        text = format!("{text}, {asked}");
    }
    if random.one_in(2) {
        let (methods, headers, query) = conditions(random);
        let asked = asked(&path(random), &methods, &headers, &query);
        text = format!("{text}, except: [{{{asked}}}]");
    }
    text
}

#[test]
fn the_takers_of_a_region_are_those_that_the_slice_decides_for() {
    let (mut inside, mut found) = (0, 0);
    for seed in 0..rounds(150) {
        let mut random = Random::new(u64::from(seed) + 7_000_000);
        let rules = rules(&mut random);
        let slashes = random.pick(&["merge", "keep"]);
        let assert = format!(
            "assert: [{{name: a, total: {{{}}}}}]\n",
            region(&mut random)
        );
        let made = CompiledGateway::new(&spec(&rules, slashes, &assert));
        let Form::Total { region } = &made.mesh().assertions[0].form else {
            panic!("a region");
        };
        let facts = Facts::new(made.mesh(), &Surroundings::default());
        let takers = takers(&facts, region).unwrap();
        let mut languages = Languages::default();
        for taker in &takers {
            assert_eq!(taker.protocol, ListenerProtocol::Http);
            let witness = &taker.witness;
            assert!(is_in(region, witness, &mut languages), "{seed}: {witness}");
            let decided = made.decided(witness).map(|rule| &rule.id);
            assert_eq!(
                decided,
                taker.rule.map(|rule| &rule.id),
                "{seed}: {witness}"
            );
            found += 1;
        }
        for _ in 0..requests(REQUESTS) {
            let request = request(&mut random, slashes);
            // What is refused goes nowhere, and no assertion is about it.
            if is_in(region, &request, &mut languages) && !made.is_refused(&request) {
                let decided = made.decided(&request).map(|rule| &rule.id);
                let is_known = takers
                    .iter()
                    .any(|taker| taker.rule.map(|rule| &rule.id) == decided);
                assert!(is_known, "{seed}: {request} by {decided:?}");
                inside += 1;
            }
        }
    }
    assert!(1_000 < inside && 200 < found, "{inside}, {found}");
}

#[test]
fn a_refuted_assertion_comes_with_a_request_that_refutes_it() {
    let (mut proved, mut refuted) = (0, 0);
    for seed in 0..rounds(150) {
        let mut random = Random::new(u64::from(seed) + 8_000_000);
        let rules = rules(&mut random);
        let slashes = random.pick(&["merge", "keep"]);
        let assert = format!(
            "assert: [{{name: a, bound: {{for: {{{}}}, timeout: 4s}}}}]\n",
            region(&mut random)
        );
        let made = CompiledGateway::new(&spec(&rules, slashes, &assert));
        let assertion = &made.mesh().assertions[0];
        let Form::Bound { region, .. } = &assertion.form else {
            panic!("a bound");
        };
        let facts = Facts::new(made.mesh(), &Surroundings::default());
        let is_wrong = |request: &WitnessRequest| {
            let happens = made.facets(request);
            let timeout = happens.setting(&weft_front::settings::REQUEST);
            timeout.is_some_and(|timeout| Value::Number(4_000) < *timeout)
        };
        let mut languages = Languages::default();
        match judge(&facts, &assertion.clone()) {
            Verdict::Refuted(counterexample) => {
                refuted += 1;
                let takers = takers(&facts, region).unwrap();
                let shown = counterexample.shown.unwrap();
                let taker = takers
                    .iter()
                    .find(|taker| taker.witness.curl(taker.url) == shown);
                let witness = &taker.unwrap().witness;
                assert!(
                    is_wrong(witness) && is_in(region, witness, &mut languages),
                    "{seed}: {shown}"
                );
            }
            Verdict::Proved | Verdict::Vacuous(_) => {
                proved += 1;
                for _ in 0..requests(REQUESTS) {
                    let request = request(&mut random, slashes);
                    let is_in = is_in(region, &request, &mut languages);
                    assert!(!is_in || !is_wrong(&request), "{seed}: {request}");
                }
            }
            Verdict::Unknown(why) => panic!("{seed}: {why}"),
        }
    }
    assert!(20 < proved && 20 < refuted, "{proved}, {refuted}");
}

#[test]
fn a_change_that_a_request_notices_is_never_called_unchanged() {
    let (mut changed, mut unchanged, mut repeated) = (0, 0, 0);
    for seed in 0..rounds(150) {
        let mut random = Random::new(u64::from(seed) + 9_000_000);
        let rules = rules(&mut random);
        let slashes = random.pick(&["merge", "keep"]);
        let mut edited = rules.clone();
        let at = random.below(edited.len());
        match random.below(6) {
            0 if 1 < edited.len() => {
                edited.remove(at);
            }
            1 => edited[at].path = path(&mut random),
            2 => edited[at].methods = random.pick(&["", "GET", "POST"]).to_owned(),
            3 => edited[at].headers = conditions(&mut random).1,
            4 => edited[at].priority = random.below(4),
            _ => edited[at].outcome = rule(&mut random).outcome,
        }
        let (old, new) = (
            CompiledGateway::new(&spec(&rules, slashes, "")),
            CompiledGateway::new(&spec(&edited, slashes, "")),
        );
        let found = compare(&[old.slice.plan()], &[new.slice.plan()]);
        assert!(found.unknown.is_empty(), "{seed}");
        let is_unchanged = found.changes.is_empty();
        for _ in 0..requests(REQUESTS) {
            let request = request(&mut random, slashes);
            let differs = old.facets(&request) != new.facets(&request);
            assert!(!differs || !is_unchanged, "{seed}: {request}");
        }
        for change in &found.changes {
            let ChangeKind::RepeatedHeader { is_refused, .. } = change.kind else {
                continue;
            };
            for cell in &change.cells {
                let witness = &cell.witness;
                assert_eq!(new.is_refused(witness), is_refused, "{seed}: {witness}");
                assert_eq!(old.is_refused(witness), !is_refused, "{seed}: {witness}");
                repeated += 1;
            }
        }
        if is_unchanged {
            unchanged += 1;
        } else {
            changed += 1;
        }
    }
    assert!(
        20 < unchanged && 20 < changed && 50 < repeated,
        "{unchanged}, {changed}, {repeated}"
    );
}

#[test]
fn same_is_treated_as_before_and_other_is_shown() {
    let (mut same, mut other) = (0, 0);
    for seed in 0..rounds(150) {
        let mut random = Random::new(u64::from(seed) + 15_000_000);
        let rules = rules(&mut random);
        let slashes = random.pick(&["merge", "keep"]);
        let mut edited = rules.clone();
        let at = random.below(edited.len());
        match random.below(3) {
            0 => edited[at] = rule(&mut random),
            1 => edited[at].headers = conditions(&mut random).1,
            _ => edited[at].outcome = rule(&mut random).outcome,
        }
        let assert = format!(
            "assert: [{{name: a, same: {{for: {{{}}}, as: x}}}}]\n",
            region(&mut random)
        );
        let old = CompiledGateway::new(&spec(&rules, slashes, ""));
        let new = CompiledGateway::new(&spec(&edited, slashes, &assert));
        let Form::Same { region, .. } = &new.mesh().assertions[0].form else {
            panic!("a comparison");
        };
        let asked = crate::same::asked(new.mesh(), region);
        let plans = Both {
            old: &[old.slice.plan()][..],
            new: &[new.slice.plan()],
        };
        let found = compare_asked(plans, Some(&asked));
        assert!(found.unknown.is_empty(), "{seed}");
        let mut languages = Languages::default();
        for change in &found.changes {
            if change.kind == ChangeKind::Route {
                for cell in &change.cells {
                    let witness = &cell.witness;
                    assert!(is_in(region, witness, &mut languages), "{seed}: {witness}");
                    let (before, after) = (old.decided(witness), new.decided(witness));
                    assert_ne!(
                        before.map(|rule| old.outcome(rule)),
                        after.map(|rule| new.outcome(rule)),
                        "{seed}: {witness}"
                    );
                }
            }
        }
        if !found.changes.is_empty() {
            other += 1;
            continue;
        }
        for _ in 0..requests(REQUESTS) {
            let request = request(&mut random, slashes);
            if is_in(region, &request, &mut languages) {
                assert_eq!(
                    old.facets(&request),
                    new.facets(&request),
                    "{seed}: {request}"
                );
            }
        }
        same += 1;
    }
    assert!(20 < same && 20 < other, "{same}, {other}");
}

#[test]
fn every_mutant_that_survives_comes_with_a_test_that_notices_it() {
    let mut survivors = 0;
    for seed in 0..rounds(40) {
        let mut random = Random::new(u64::from(seed) + 10_000_000);
        let rules = rules(&mut random);
        let slashes = random.pick(&["merge", "keep"]);
        let text = spec(&rules, slashes, "");
        let made = CompiledGateway::new(&text);
        let bundle = emit(&lower(&made.checked, &unchecked(&text).1)).unwrap();
        let sources = unchecked(&text).1;
        let mutation = mutate(
            &made.checked,
            &sources,
            &Snapshot::of_bundle(&bundle).unwrap(),
            &Surroundings::default(),
        );
        let tests = mutation
            .survivors
            .iter()
            .map(|mutant| format!("  {}\n", mutant.test));
        let tests: Vec<String> = tests.collect();
        survivors += tests.len();
        if tests.is_empty() {
            continue;
        }
        let with_tests = [&text, "tests:\n", &tests.concat()].concat();
        let made = CompiledGateway::new(&with_tests);
        let bundle = emit(&lower(&made.checked, &unchecked(&with_tests).1)).unwrap();
        let snapshot = Snapshot::of_bundle(&bundle).unwrap();
        let report = run(&made.checked, &snapshot, &Surroundings::default());
        let failed = report.results.iter().find(|result| !result.has_passed());
        assert!(failed.is_none(), "{seed}: {failed:?}");
        let left = mutate(
            &made.checked,
            &unchecked(&with_tests).1,
            &snapshot,
            &Surroundings::default(),
        )
        .survivors;
        assert!(left.is_empty(), "{seed}: {left:?}\n{with_tests}");
    }
    assert!(100 < survivors, "{survivors}");
}
