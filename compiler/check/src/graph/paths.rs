//! Paths through the graph: the shortest ones, and those along which tries multiply most.

use std::collections::{BTreeMap, VecDeque};

use weft_front::model::{Caller, ServiceId};

use super::{CallGraph, Edge, position};

/// The tries that one request can become on its worst way to a service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Worst {
    /// The product of the tries along the way; at least 1.
    pub tries: u64,
    /// The last edge of that way; none where no edge multiplies.
    pub(crate) last: Option<usize>,
}

/// The worst way to each service, by position. Within a circle nothing multiplies: a circle that does has no worst way.
pub fn worst_paths(graph: &CallGraph<'_>) -> Vec<Worst> {
    let alone = Worst {
        tries: 1,
        last: None,
    };
    let mut worst = vec![alone; graph.mesh.services.len()];
    let take = |worst: &mut Vec<Worst>, before: u64, number: usize, edge: &Edge<'_>| {
        let tries = before.saturating_mul(u64::from(edge.tries));
        if let Some(known) = worst.get_mut(position(edge.to))
            && known.tries < tries
        {
            let last = Some(number);
            *known = Worst { tries, last };
        }
    };
    for (number, edge) in graph.entries() {
        take(&mut worst, 1, number, edge);
    }
    for id in graph.in_order() {
        let before = worst.get(position(id)).map_or(1, |worst| worst.tries);
        for (number, edge) in graph.calls(id) {
            if !graph.is_within_a_circle(id, edge.to) {
                take(&mut worst, before, number, edge);
            }
        }
    }
    worst
}

/// A shortest way along accepted calls, by breadth-first search; from a service to itself it is a circle.
pub(super) fn shortest<'mesh>(
    graph: &CallGraph<'mesh>,
    from: ServiceId,
    to: ServiceId,
    accepts: &impl Fn(&Edge<'mesh>) -> bool,
) -> Option<Vec<usize>> {
    let mut came_by: BTreeMap<ServiceId, usize> = BTreeMap::new();
    let mut waiting = VecDeque::from([from]);
    while let Some(id) = waiting.pop_front() {
        for (number, edge) in graph.calls(id).filter(|(_, edge)| accepts(edge)) {
            came_by.entry(edge.to).or_insert_with(|| {
                waiting.push_back(edge.to);
                number
            });
            if edge.to == to {
                return Some(back(graph, from, number, &came_by));
            }
        }
    }
    None
}

fn back(
    graph: &CallGraph<'_>,
    from: ServiceId,
    last: usize,
    came_by: &BTreeMap<ServiceId, usize>,
) -> Vec<usize> {
    let mut way = vec![last];
    let mut at = last;
    while let Some(Caller::Service(caller)) = graph.edge(at).map(|edge| edge.from)
        && caller != from
        && let Some(before) = came_by.get(&caller)
    {
        way.push(*before);
        at = *before;
    }
    way.reverse();
    way
}
