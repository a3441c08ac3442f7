//! The same meshes before any edit: `wrong-owner` names every route of a team that takes a request to a host of somebody else.

use std::collections::BTreeSet;

use weft_check::testing::findings;
use weft_front::testing::sources;
use weft_space::WitnessRequest;
use weft_testing::{Random, requests, rounds};

use super::CompiledSide;
use super::drawn::{ASKED, HOSTS, PATTERNS, Spec, TEAMS, name, specificity};

/// Who has a host, by a list or, as the platform, by a route; the most specific pattern counts, and a list before a route.
fn owner(spec: &Spec, host: &str) -> Option<usize> {
    let listed = spec.listed(host).map(|(length, owner)| (length, 1, owner));
    let routes = spec.routes.iter().flatten();
    let of_platform = routes.filter(|route| route.team.is_none());
    let served = of_platform.filter_map(|route| specificity(route.host, host));
    let served = served.map(|length| (length, 0, TEAMS.len())).max();
    listed.max(served).map(|(_, _, owner)| owner)
}

/// Whether a route may take requests to a host.
fn may_take(spec: &Spec, route: usize, host: &str) -> bool {
    let team = spec.routes[route].as_ref().and_then(|route| route.team);
    let Some(team) = team else {
        return true;
    };
    let lists_some = (0..PATTERNS.len()).any(|at| spec.hosts[at] == Some(team));
    owner(spec, host).map_or(!lists_some, |owner| owner == team)
}

#[test]
fn a_team_that_takes_requests_of_others_is_named_with_one_of_them() {
    let (mut taken, mut shown) = (0, 0);
    for seed in 0..rounds(60) {
        let mut random = Random::new(u64::from(seed) + 13_000_000);
        let spec = Spec::drawn(&mut random);
        let (text, made) = (spec.text(), CompiledSide::new(&spec));
        let sources = sources(&text);
        let lines: Vec<&str> = sources.iter().next().unwrap().1.text.lines().collect();
        let route_of = |id: &str| -> Option<usize> {
            let name = id.split(['/', ':']).next()?.trim().strip_prefix('r')?;
            name.parse().ok()
        };
        let found = findings(&text);
        let found = found.iter().filter(|one| one.code.name == "wrong-owner");
        let mut named = BTreeSet::new();
        for one in found {
            let line = sources.line(one.primary.span).unwrap();
            let Some(route) = route_of(lines[line - 1]) else {
                continue;
            };
            named.insert(route);
            let Some(example) = one
                .notes
                .iter()
                .find_map(|note| note.strip_prefix("for example `"))
            else {
                continue;
            };
            let (method, rest) = example.trim_end_matches('`').split_once(' ').unwrap();
            let (host, path) = rest.split_once('/').unwrap();
            let request = WitnessRequest::plain(method, host, &format!("/{path}"));
            let is_taken = |port| {
                let decided = made.decided(port, &request);
                decided.is_some_and(|(id, _, _)| route_of(&id) == Some(route))
            };
            assert!(is_taken(1) || is_taken(2), "{seed}: {example}\n{text}");
            assert!(!may_take(&spec, route, host), "{seed}: {example}\n{text}");
            shown += 1;
        }
        for _ in 0..requests(100).min(600) {
            let request = WitnessRequest::plain(
                random.pick(&["GET", "POST", "PUT"]),
                random.pick(&HOSTS),
                random.pick(&ASKED),
            );
            let port = if random.one_in(2) { 1 } else { 2 };
            let decided = made.decided(port, &request);
            let route = decided.and_then(|(id, _, _)| route_of(&id));
            if let Some(route) = route.filter(|at| !may_take(&spec, *at, &request.host)) {
                let team = spec.routes[route].as_ref().and_then(|route| route.team);
                let team = team.map(name);
                assert!(named.contains(&route), "{seed}: {team:?} {request}\n{text}");
                taken += 1;
            }
        }
    }
    assert!(100 < taken && 20 < shown, "{taken} {shown}");
}
