//! Every verdict that is about hosts, tried with all hosts, ports and requests of a small world.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use weft_check::assertions::region::takers;
use weft_check::rules::Facts;
use weft_front::model::assertion::Form;
use weft_front::question::Question;
use weft_front::surroundings::Surroundings;
use weft_snapshot::canonical::host_matches;
use weft_space::{Patterns, WitnessRequest};
use weft_testing::{Random, rounds};

use super::made::{
    HOSTS, Made, PORTS, WrittenListener, listener, requests, route, spec, without_conflicts,
};
use crate::both::Both;
use crate::diff::{About, Change, ChangeKind, beside, compare};
use crate::why::{WhyError, why};

fn listeners(random: &mut Random) -> Vec<WrittenListener> {
    let mut listeners: Vec<WrittenListener> =
        (0..=random.below(4)).map(|_| listener(random)).collect();
    without_conflicts(&mut listeners);
    listeners
}

/// Every request to every port.
fn all() -> impl Iterator<Item = (u16, WitnessRequest)> {
    let places = PORTS
        .into_iter()
        .flat_map(|port| HOSTS.map(|host| (port, host)));
    places.flat_map(|(port, host)| requests(host).map(move |request| (port, request)))
}

#[test]
fn a_rule_has_a_witness_exactly_if_a_request_comes_to_it() {
    let (mut live, mut unreached) = (0, 0);
    for seed in 0..rounds(200) {
        let mut random = Random::new(u64::from(seed) + 31_000_000);
        let text = spec(&listeners(&mut random), "");
        let made = Made::new(&text);
        let facts = Facts::new(made.mesh(), &Surroundings::default());
        let taken = all().filter_map(|(port, request)| made.taker(port, &request));
        let taken: BTreeSet<&str> = taken.map(|rule| rule.id.as_str()).collect();
        for host in facts.hosts() {
            let listener = &made.mesh().gateways.entry(host.host.gateway).listeners;
            let port = listener[host.host.listener].port.value;
            let analysis = host.analysis.as_ref().unwrap();
            unreached += usize::from(!analysis.is_reached);
            for (rule, witness) in analysis.rules.iter().zip(&analysis.witness) {
                let id = rule.id.as_str();
                match witness {
                    Some(witness) => {
                        let who = made.taker(port, witness).map(|rule| rule.id.as_str());
                        assert_eq!(who, Some(id), "{seed}: {witness}\n{text}");
                        live += 1;
                    }
                    None => assert!(!taken.contains(id), "{seed}: {id}\n{text}"),
                }
            }
        }
        let (witnesses, missing) = crate::witness::witnesses(&made.snapshot);
        assert!(missing.is_empty());
        for witness in witnesses {
            let named = made.slice.settings().listeners.iter();
            let mut named = named.filter(|one| one.name == witness.listener);
            let port = named.next().unwrap().port;
            let listener = made.listener(port, &witness.host).unwrap();
            let got = &made.slice.settings().listeners[listener].name;
            assert_eq!(*got, witness.listener, "{seed}: {witness:?}\n{text}");
        }
    }
    assert!(300 < live && 20 < unreached, "{live}, {unreached}");
}

#[test]
fn the_takers_of_hosts_are_those_of_their_ports() {
    let (mut found, mut with_listener) = (0, 0);
    for seed in 0..rounds(200) {
        let mut random = Random::new(u64::from(seed) + 32_000_000);
        let listeners = listeners(&mut random);
        let mut region = format!(
            "host: \"{}\"",
            random.pick(&["*", "*.t", "*.a.t", "a.t", "u"])
        );
        if random.one_in(2) {
            with_listener += 1;
            let _ = write!(region, ", listener: g/l{}", random.below(listeners.len()));
        }
        let text = spec(
            &listeners,
            &format!("assert: [{{name: a, total: {{{region}}}}}]\n"),
        );
        let made = Made::new(&text);
        let facts = Facts::new(made.mesh(), &Surroundings::default());
        let Form::Total { region } = &made.mesh().assertions[0].form else {
            panic!("a region");
        };
        let takers = takers(&facts, region).unwrap();
        let said = takers
            .iter()
            .map(|taker| taker.rule.map(|rule| rule.id.as_str()));
        let said: BTreeSet<Option<&str>> = said.collect();
        let is_in = |port: u16, host: &str| {
            let listener = made.listener(port, host);
            let wanted = region.listener.map(|(_, at)| at);
            host_matches(region.host_pattern(), host).is_some()
                && listener.is_some_and(|one| wanted.is_none_or(|wanted| wanted == one))
        };
        let tried = all().filter(|(port, request)| is_in(*port, &request.host));
        let tried = tried.map(|(port, request)| {
            let taker = made.taker(port, &request);
            taker.map(|rule| rule.id.as_str())
        });
        let tried: BTreeSet<Option<&str>> = tried.collect();
        assert!(tried.is_subset(&said), "{seed}: {tried:?} {said:?}\n{text}");
        for taker in takers {
            let id = taker.rule.map(|rule| rule.id.as_str());
            let is_taken = |port: &u16| {
                is_in(*port, &taker.witness.host)
                    && made
                        .taker(*port, &taker.witness)
                        .map(|rule| rule.id.as_str())
                        == id
            };
            assert!(
                PORTS.iter().any(is_taken),
                "{seed}: {}\n{text}",
                taker.witness
            );
            found += 1;
        }
    }
    assert!(
        200 < found && 50 < with_listener,
        "{found}, {with_listener}"
    );
}

fn edit(random: &mut Random, listeners: &mut Vec<WrittenListener>) {
    let at = random.below(listeners.len());
    match random.below(8) {
        0 => listeners[at] = listener(random),
        1 => listeners[at].hosts = listener(random).hosts,
        2 => listeners[at].port = PORTS[random.below(2)],
        3 if 1 < listeners.len() => {
            listeners.remove(at);
        }
        4 => listeners.push(listener(random)),
        5 => {
            // A host moves to another listener.
            let other = random.below(listeners.len());
            if let Some(host) = listeners[at].hosts.pop() {
                listeners[other].hosts.push(host);
            }
        }
        6 => listeners[at].hops = 1 - listeners[at].hops,
        _ => {
            let new = route(random);
            let routes = &mut listeners[at].routes;
            routes.retain(|(host, _)| *host != new.0);
            routes.push(new);
        }
    }
}

/// Whether a change is about the requests for a host to a port.
fn is_about(change: &Change, sides: Both<&Made>, port: u16, host: &str) -> bool {
    let of = |made: &Made| {
        let listener = made.listener(port, host)?;
        Some(made.slice.settings().listeners[listener].name.clone())
    };
    let also = change.also.iter().map(|part| part.pattern.as_str());
    let mut patterns = also.chain([change.host.as_str()]);
    let mut by = sides.into_iter().filter_map(of);
    by.any(|listener| listener == change.listener)
        && patterns.any(|pattern| host_matches(pattern, host).is_some())
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one pair of specs is looked at from all sides"
)]
fn a_diff_tells_of_every_host_whose_requests_are_treated_differently() {
    let (mut changed, mut same, mut shared) = (0, 0, 0);
    for seed in 0..rounds(300) {
        let mut random = Random::new(u64::from(seed) + 33_000_000);
        let before = listeners(&mut random);
        let mut after = before.clone();
        edit(&mut random, &mut after);
        without_conflicts(&mut after);
        let texts = (spec(&before, ""), spec(&after, ""));
        let (old, new) = (Made::new(&texts.0), Made::new(&texts.1));
        let context = || format!("{seed}\n{}\n{}", texts.0, texts.1);
        let plans = |made: &Made| vec![made.slice.plan()];
        let found = compare(&plans(&old), &plans(&new));
        let sides = Both {
            old: &old,
            new: &new,
        };
        let single = sides.map(|made| made.slice.plan());
        let told = beside("gateway/g", single.as_ref().map(Some));
        assert!(found.unknown.is_empty());
        for (port, request) in all() {
            let differs = old.fate(port, &request) != new.fate(port, &request);
            let pair = (
                old.listener(port, &request.host),
                new.listener(port, &request.host),
            );
            // A listener that moved takes its requests along, and that it moved is told.
            let is_moved = told.iter().any(|one| match &one.about {
                About::Listener(names) => {
                    let listeners = |made: &Made| made.slice.settings().listeners.clone();
                    let at = |(made, name): (&Made, &Option<String>)| {
                        let mut own = listeners(made).into_iter();
                        own.find(|one| Some(&one.name) == name.as_ref())
                            .map(|one| one.port)
                    };
                    let ports = sides.zip(names.as_ref()).map(at);
                    ports.old != ports.new && ports.into_iter().any(|one| one == Some(port))
                }
                About::Node | About::Cluster(_) | About::Places(_) | About::Unrouted(_) => false,
            });
            if differs && !is_moved {
                let is_told = found
                    .changes
                    .iter()
                    .any(|change| is_about(change, sides, port, &request.host));
                assert!(is_told, "{port} {request} {}", context());
            }
            if let (Some(was), Some(is)) = pair {
                let (was, is) = (
                    &old.slice.settings().listeners[was],
                    &new.slice.settings().listeners[is],
                );
                let about = About::Listener(Both {
                    old: Some(was.name.clone()),
                    new: Some(is.name.clone()),
                });
                let is_told = told.iter().any(|one| one.about == about);
                assert!(
                    was.trusted_hops == is.trusted_hops || is_told,
                    "{port} {request} {}",
                    context()
                );
            }
        }
        for change in &found.changes {
            assert_eq!(change.kind, ChangeKind::Route);
            shared += usize::from(!change.also.is_empty());
            for (cell, host) in change
                .cells
                .iter()
                .flat_map(|cell| change.hosts().map(move |host| (cell, host)))
            {
                let witness = WitnessRequest {
                    host: host.to_owned(),
                    ..cell.witness.clone()
                };
                let differs = |port: &u16| old.fate(*port, &witness) != new.fate(*port, &witness);
                assert!(
                    PORTS.iter().any(differs),
                    "{} {witness} {}",
                    change.listener,
                    context()
                );
            }
        }
        if found.changes.is_empty() {
            same += 1;
        } else {
            changed += 1;
        }
    }
    assert!(
        50 < changed && 50 < same && 20 < shared,
        "{changed}, {same}, {shared}"
    );
}

#[test]
fn why_enters_by_the_listener_that_gets_the_request() {
    let (mut entered, mut refused) = (0, 0);
    for seed in 0..rounds(100) {
        let mut random = Random::new(u64::from(seed) + 34_000_000);
        let text = spec(&listeners(&mut random), "");
        let made = Made::new(&text);
        for (port, host) in PORTS
            .into_iter()
            .flat_map(|port| HOSTS.map(|host| (port, host)))
        {
            let Ok(question) = Question::parse(&format!("GET http://{host}:{port}/a"), &[]) else {
                continue;
            };
            if host.is_empty() {
                continue;
            }
            let listener = made.listener(port, host);
            let name = |at: usize| made.slice.settings().listeners[at].name.clone();
            for node in [None, Some("gateway/g".to_owned())] {
                let answer = why(&made.snapshot, &question.clone().received_by(node));
                match (answer, listener) {
                    (Ok(answer), Some(at)) => {
                        assert_eq!(
                            answer.hops[0].listener,
                            name(at),
                            "{seed}: {host}:{port}\n{text}"
                        );
                        entered += 1;
                    }
                    (Err(WhyError::NoListener { .. }), None) => refused += 1,
                    (answer, listener) => {
                        panic!("{seed}: {host}:{port} {listener:?} {answer:?}\n{text}")
                    }
                }
            }
        }
    }
    assert!(500 < entered && 200 < refused, "{entered}, {refused}");
}

#[test]
fn patterns_find_what_a_host_comes_to() {
    let known = ["*", "*.t", "x.a.t", "*.a.t"];
    let patterns = Patterns::new(known);
    for host in HOSTS {
        let fits = known.iter().enumerate();
        let fits = fits.filter_map(|(at, one)| Some((host_matches(one, host)?, at)));
        assert_eq!(patterns.best(host), fits.max(), "{host}");
    }
}
