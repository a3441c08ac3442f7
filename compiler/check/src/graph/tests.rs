//! The graph against following every way through small random meshes.

use std::collections::BTreeSet;

use weft_front::model::{Caller, ServiceId};
use weft_testing::Random;

use super::testing::random_mesh;
use super::{CallGraph, needs, position, worst_paths};
use crate::testing::checked;

/// Whether a way of at least one call leads from one service to another.
fn reaches(graph: &CallGraph<'_>, from: ServiceId, to: ServiceId) -> bool {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(id) = waiting.pop() {
        for (_, edge) in graph.calls(id) {
            if edge.to == to {
                return true;
            }
            if seen.insert(edge.to) {
                waiting.push(edge.to);
            }
        }
    }
    false
}

#[test]
fn parts_are_what_reaches_each_other_and_callers_come_first() {
    let mut random = Random::new(1_u64);
    let mut circles = 0;
    for _ in 0..300 {
        let (checked, _) = random_mesh(&mut random);
        let graph = CallGraph::new(checked.mesh());
        let ids: Vec<ServiceId> = checked.mesh().services.iter().map(|(id, _)| id).collect();
        for left in &ids {
            for right in &ids {
                let both = reaches(&graph, *left, *right) && reaches(&graph, *right, *left);
                let together = left == right || both;
                assert_eq!(graph.is_within_a_circle(*left, *right), together);
            }
            let in_circle = graph.circles().iter().any(|circle| circle.contains(left));
            assert_eq!(in_circle, reaches(&graph, *left, *left));
            circles += usize::from(in_circle);
        }
        let order: Vec<ServiceId> = graph.in_order().collect();
        let at = |id: ServiceId| order.iter().position(|known| *known == id);
        assert_eq!(order.len(), ids.len());
        for id in ids {
            for (_, edge) in graph.calls(id) {
                let inside = graph.is_within_a_circle(id, edge.to);
                assert!(inside || at(id) < at(edge.to));
            }
        }
    }
    assert!(100 < circles, "{circles}");
}

#[test]
fn a_shortest_way_leads_there_and_none_is_shorter() {
    let mut random = Random::new(2_u64);
    for _ in 0..100 {
        let (checked, _) = random_mesh(&mut random);
        let graph = CallGraph::new(checked.mesh());
        let ids: Vec<ServiceId> = checked.mesh().services.iter().map(|(id, _)| id).collect();
        for from in &ids {
            let mut reached = BTreeSet::from([*from]);
            let mut length = vec![None; ids.len()];
            for steps in 1..=ids.len() {
                let calls = reached.iter().flat_map(|id| graph.calls(*id));
                let next: BTreeSet<ServiceId> = calls.map(|(_, edge)| edge.to).collect();
                for id in &next {
                    length[position(*id)].get_or_insert(steps);
                }
                reached = next;
            }
            for to in &ids {
                let way = graph.shortest(*from, *to, |_| true);
                assert_eq!(way.as_ref().map(Vec::len), length[position(*to)]);
                let mut at = *from;
                for number in way.unwrap_or_default() {
                    let edge = graph.edge(number).unwrap();
                    assert_eq!(edge.from, Caller::Service(at));
                    at = edge.to;
                }
            }
        }
    }
}

#[test]
fn the_worst_way_is_the_worst_of_all_ways_outside_of_circles() {
    let mut random = Random::new(3_u64);
    let mut multiplied = 0;
    for _ in 0..300 {
        let (checked, _) = random_mesh(&mut random);
        let graph = CallGraph::new(checked.mesh());
        let mut expected = vec![1; checked.mesh().services.len()];
        let mut waiting: Vec<(ServiceId, u64)> = graph
            .entries()
            .map(|(_, edge)| (edge.to, u64::from(edge.tries)))
            .collect();
        // A call of a service that no rule leads to starts a way, too.
        waiting.extend(checked.mesh().services.iter().map(|(id, _)| (id, 1)));
        while let Some((id, tries)) = waiting.pop() {
            let known = &mut expected[position(id)];
            *known = tries.max(*known);
            for (_, edge) in graph.calls(id) {
                if !graph.is_within_a_circle(id, edge.to) {
                    waiting.push((edge.to, tries * u64::from(edge.tries)));
                }
            }
        }
        let found: Vec<u64> = worst_paths(&graph)
            .iter()
            .map(|worst| worst.tries)
            .collect();
        assert_eq!(found, expected);
        multiplied += found.iter().filter(|tries| 4 < **tries).count();
    }
    assert!(100 < multiplied, "{multiplied}");
}

#[test]
fn a_call_lasts_as_long_as_its_tries_and_the_waits_between_them() {
    let spec = |call: &str| {
        format!(
            "mesh: {{name: m, trustDomain: m.example, mtls: disabled, defaults: {{timeout: {{request: 0s}}}}}}\n\
             services:\n  \
               a: {{protocol: http, app: 127.0.0.1:1, calls: {{x: {{{call}}}}}}}\n  \
               x: {{protocol: http, endpoints: [\"10.0.0.1:1\"]}}\n"
        )
    };
    let cases = [
        ("timeout: {request: 2s}", Some(2_000)),
        ("", None),
        ("timeout: {request: 2s, backendRequest: 300ms}", Some(625)),
        (
            "timeout: {backendRequest: 300ms, connect: 100ms}",
            Some(425),
        ),
        (
            "timeout: {backendRequest: 300ms}, retry: {attempts: 4, on: [503]}",
            Some(1_375),
        ),
        (
            "timeout: {backendRequest: 300ms}, retry: {attempts: 4, on: [503], backoff: {base: 1s, max: 2s}}",
            Some(6_200),
        ),
        (
            "timeout: {request: 1s, backendRequest: 300ms}, retry: {attempts: 4, on: [503]}",
            Some(1_000),
        ),
        (
            "timeout: {backendRequest: 300ms}, retry: {attempts: 1}",
            Some(300),
        ),
    ];
    for (call, expected) in cases {
        let (checked, _) = checked(&spec(call));
        let graph = CallGraph::new(checked.mesh());
        let (caller, _) = checked.mesh().services.iter().next().unwrap();
        let found = needs(&graph, caller).unwrap();
        assert_eq!(found.millis, expected, "{call}");
    }
}
