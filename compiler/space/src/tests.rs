//! Tests of the algebra against a plain interpreter, and against `decide` on encoded slices.

use std::net::{IpAddr, Ipv4Addr};

use weft_snapshot::plan::{Action, HostPlan, NodePlan, Outcome, RoutePlan, TablePlan};
use weft_snapshot::settings::{
    HeadRules, Listener, ListenerSecurity, NodeSettings, PathRules, Role,
};
use weft_snapshot::{Headers as _, Slice};
use weft_testing::{Random, requests, rounds};

use super::compare::Region;
use super::drawn::{Drawn, plain_request, request};
use super::entry::{Entry, Repeats};
use super::matches::takes;
use super::reading::Reading;
use super::request::WitnessRequest;
use super::table::{Listed, Memory, analyse};
use super::{common, differences, differences_within};
use crate::automata::Automata;

const TABLES: u32 = 200;
const REQUESTS: u32 = 1_000;

fn witnesses(
    drawn: &Drawn,
) -> (
    Vec<Option<WitnessRequest>>,
    Option<WitnessRequest>,
    Vec<bool>,
) {
    let taken = analyse(
        &drawn.entries(),
        Reading::new(drawn.rules, &Automata::default()),
        &Listed,
        &mut Memory::default(),
    )
    .unwrap();
    let made = |sample: &super::table::Sample| WitnessRequest::of_sample("x.example", sample);
    (
        taken
            .sample
            .iter()
            .map(|one| one.as_ref().map(made))
            .collect(),
        taken.uncovered.as_ref().map(made),
        taken.is_matched,
    )
}

#[test]
fn a_witness_is_taken_and_a_dead_entry_never_takes() {
    let (mut dead, mut refused) = (0, 0);
    for seed in 0..rounds(TABLES) {
        let mut random = Random::new(u64::from(seed));
        let drawn = Drawn::new(&mut random, true);
        let (found, uncovered, is_matched) = witnesses(&drawn);
        for (entry, witness) in found.iter().enumerate() {
            match witness {
                Some(witness) => {
                    assert_eq!(drawn.taker(witness), Some(entry), "{seed}: {witness}");
                    assert!(is_matched[entry]);
                }
                None => dead += 1,
            }
        }
        if let Some(uncovered) = &uncovered {
            assert_eq!(drawn.taker(uncovered), None, "{seed}: {uncovered}");
        }
        for _ in 0..requests(REQUESTS) {
            let request = request(&mut random, drawn.rules);
            if let Some(taker) = drawn.taker(&request) {
                assert!(found[taker].is_some(), "{seed}: {taker} takes {request}");
            } else {
                let is_refused = drawn.fate(&request).is_some();
                refused += u32::from(is_refused);
                let is_known = is_refused || uncovered.is_some();
                assert!(is_known, "{seed}: nobody takes {request}");
            }
        }
    }
    // The tables are such that both happen often.
    assert!(30 < dead && 500 < refused, "{dead}, {refused}");
}

#[test]
fn what_sets_have_in_common_outside_of_others_is_found_if_there_is_any() {
    let (mut some, mut none) = (0, 0);
    for seed in 0..rounds(TABLES) {
        let mut random = Random::new(u64::from(seed) + 4_000_000);
        let drawn = Drawn::new(&mut random, true);
        let mut entries = drawn.entries();
        for entry in &mut entries {
            entry.conditions.repeats = Repeats::LeftOut;
        }
        let (others, sets) = entries.split_at(random.below(entries.len()));
        let sets: Vec<&Entry<'_>> = sets.iter().take(3).collect();
        let automata = Automata::default();
        let with = Reading::new(drawn.rules, &automata);
        let found = common(&sets, others, with).unwrap();
        let is_common = |request: &WitnessRequest| {
            let mut languages = drawn.languages.borrow_mut();
            let mut has = |entry: &Entry<'_>| takes(entry, request, &mut languages);
            sets.iter().all(|entry| has(entry)) && !others.iter().any(has)
        };
        if let Some(witness) = &found {
            assert!(is_common(witness), "{seed}: {witness}");
            some += 1;
            continue;
        }
        for _ in 0..requests(REQUESTS) {
            let request = plain_request(&mut random, drawn.rules);
            assert!(!is_common(&request), "{seed}: {request}");
        }
        none += 1;
    }
    assert!(20 < some && 20 < none, "{some}, {none}");
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one request after the other through both sides"
)]
fn requests_outside_of_the_regions_are_treated_alike_and_witnesses_are_not() {
    let (mut changed, mut whole, mut repeated) = (0, 0, 0);
    for seed in 0..rounds(TABLES) {
        let mut random = Random::new(u64::from(seed) + 1_000_000);
        let old = Drawn::new(&mut random, false);
        let new = if random.one_in(4) {
            Drawn::new(&mut random, false)
        } else {
            old.edited(&mut random)
        };
        let sides = (&old.side(), &new.side());
        // A comparison that leaves repeated headers out says the same of the other requests.
        let with_repeats = !random.one_in(3);
        let rules = old.rules;
        let regions = if with_repeats {
            differences_within(sides.0, sides.1, None, rules, "x.example").unwrap()
        } else {
            differences(sides.0, sides.1, rules, "x.example").unwrap()
        };
        let fate = |entry: Option<usize>, refusal: Option<&String>| {
            entry.map(|entry| (entry, refusal.is_some()))
        };
        let before = |region: &Region| fate(region.old, region.old_refusal.as_ref());
        let after = |region: &Region| fate(region.new, region.new_refusal.as_ref());
        for region in &regions {
            changed += 1;
            for cell in &region.cells {
                let witness = &cell.witness;
                assert_eq!(old.fate(witness), before(region), "{seed}: {witness}");
                assert_eq!(new.fate(witness), after(region), "{seed}: {witness}");
                for header in region.old_refusal.iter().chain(&region.new_refusal) {
                    assert_eq!(witness.values(header).count(), 2, "{seed}: {witness}");
                    repeated += 1;
                }
                assert_ne!(
                    old.action(witness),
                    new.action(witness),
                    "{seed}: {witness}"
                );
            }
            if let Some(contrast) = &region.contrast {
                assert_eq!(
                    old.action(contrast),
                    new.action(contrast),
                    "{seed}: {contrast}"
                );
            }
        }
        for _ in 0..requests(REQUESTS) {
            let request = if with_repeats {
                request(&mut random, rules)
            } else {
                plain_request(&mut random, rules)
            };
            let pair = (old.fate(&request), new.fate(&request));
            for region in &regions {
                let is_part = (region.is_all_of_old && before(region) == pair.0)
                    || (region.is_all_of_new && after(region) == pair.1);
                let is_region = (before(region), after(region)) == pair;
                assert!(!is_part || is_region, "{seed}: {request}");
                whole += usize::from(is_part);
            }
            let is_known = regions
                .iter()
                .any(|region| (before(region), after(region)) == pair);
            if !is_known {
                assert_eq!(
                    old.action(&request),
                    new.action(&request),
                    "{seed}: {request}"
                );
            }
        }
    }
    assert!(
        100 < changed && 100 < whole && 100 < repeated,
        "{changed}, {whole}, {repeated}"
    );
}

#[test]
fn witnesses_are_decided_by_the_slice_as_predicted() {
    for seed in 0..rounds(TABLES) {
        let mut random = Random::new(u64::from(seed) + 2_000_000);
        let drawn = Drawn::new(&mut random, false);
        let plan = plan(&drawn);
        let slice = Slice::check(plan.encode().unwrap()).unwrap();
        let (found, uncovered, _) = witnesses(&drawn);
        let decided = |request: &WitnessRequest| {
            let index = |index: u32| usize::try_from(index).unwrap();
            match slice.decide(0, &request.as_request()) {
                Ok(route) => route.map(|route| (index(route.index()), false)),
                Err(repeated) => Some((index(repeated.route.index()), true)),
            }
        };
        for (entry, witness) in found.iter().enumerate() {
            if let Some(witness) = witness {
                assert_eq!(decided(witness), Some((entry, false)), "{seed}: {witness}");
            }
        }
        if let Some(uncovered) = &uncovered {
            assert_eq!(decided(uncovered), None, "{seed}: {uncovered}");
        }
        for _ in 0..requests(REQUESTS) {
            let request = request(&mut random, drawn.rules);
            assert_eq!(decided(&request), drawn.fate(&request), "{seed}: {request}");
        }
    }
}

fn plan(drawn: &Drawn) -> NodePlan {
    let routes = drawn
        .entries()
        .into_iter()
        .enumerate()
        .map(|(index, entry)| RoutePlan {
            id: format!("r/{index}"),
            path: entry.path.clone(),
            methods: entry.conditions.methods,
            headers: entry.conditions.headers,
            query: entry.conditions.query,
            outcome: answer(),
        });
    NodePlan {
        settings: NodeSettings {
            node: "gateway/public".to_owned(),
            mesh: "m".to_owned(),
            trust_domain: "m.example".to_owned(),
            snapshot_header: false,
            listeners: vec![Listener {
                name: "web".to_owned(),
                role: Role::Edge,
                address: IpAddr::V4(Ipv4Addr::LOCALHOST),
                port: 8080,
                security: ListenerSecurity::Plaintext,
                hosts: vec!["*".to_owned()],
                table: 0,
                trusted_hops: 0,
                path: PathRules::default(),
                heads: HeadRules::MESH,
                default_certificate: None,
            }],
            clusters: Vec::new(),
            certificates: Vec::new(),
        },
        tables: vec![TablePlan {
            hosts: vec![HostPlan {
                host: "*".to_owned(),
                routes: routes.collect(),
            }],
        }],
        access: Vec::new(),
    }
}

fn answer() -> Outcome {
    Outcome::of(Action::Respond {
        status: 200,
        body: String::new(),
        content_type: String::new(),
    })
}
