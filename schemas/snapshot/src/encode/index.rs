//! The indexes of a slice: hosts by hash, and one path trie per host with its edges by hash.

use std::collections::BTreeMap;

use zerocopy::little_endian::U32;

use super::strings::Strings;
use crate::hash::{hash, host_key};
use crate::limits;
use crate::plan::{PathPattern, RoutePlan, Segment};
use crate::records::{Edge, Host, HostSlot, Node, Text};

/// A hash index of positions, open addressing with linear probing, at most half full and without a run
/// of taken slots longer than [`limits::PROBES`].
fn hash_slots(hashes: &[u64]) -> Vec<Option<usize>> {
    let mut capacity = (hashes.len() * 2).next_power_of_two().max(2);
    loop {
        if let Some(slots) = try_slots(hashes, capacity) {
            return slots;
        }
        capacity *= 2;
    }
}

fn try_slots(hashes: &[u64], capacity: usize) -> Option<Vec<Option<usize>>> {
    let mut slots: Vec<Option<usize>> = vec![None; capacity];
    for (position, hash) in hashes.iter().enumerate() {
        let start = usize::try_from(*hash).unwrap_or(usize::MAX);
        let free = (0..limits::PROBES)
            .map(|probe| start.wrapping_add(probe) & (capacity - 1))
            .find(|slot| slots.get(*slot).is_some_and(Option::is_none))?;
        if let Some(slot) = slots.get_mut(free) {
            *slot = Some(position);
        }
    }
    // No longer run than the check of a reader accepts, also over the end of the table.
    let mut run = 0;
    for slot in slots.iter().chain(&slots) {
        run = if slot.is_some() { run + 1 } else { 0 };
        if limits::PROBES < run {
            return None;
        }
    }
    Some(slots)
}

/// The hash index over all hosts.
pub(super) fn host_slots(hosts: &[Host], strings: &Strings) -> Vec<HostSlot> {
    let hashes: Vec<u64> = hosts
        .iter()
        .map(|host| host_key(host.table.get(), strings.text(host.pattern)))
        .collect();
    hash_slots(&hashes)
        .iter()
        .map(|slot| HostSlot {
            host: U32::new(slot.map_or(0, |position| super::number(position) + 1)),
        })
        .collect()
}

/// All tries of a slice. Node 0 is nobody's, so that 0 can mean "no child".
pub(super) struct Tries {
    nodes: Vec<Node>,
    edges: Vec<(u32, Text, u32)>,
}

impl Default for Tries {
    fn default() -> Self {
        Self {
            nodes: vec![empty_node()],
            edges: Vec::new(),
        }
    }
}

/// A node while its host is being built.
#[derive(Default)]
struct Growing<'p> {
    literal: BTreeMap<&'p str, usize>,
    any: Option<usize>,
    exact: Vec<u32>,
    rest: Vec<u32>,
}

fn empty_node() -> Node {
    let nothing = super::span(0, 0);
    Node {
        any: U32::new(0),
        exact: nothing,
        rest: nothing,
    }
}

impl Tries {
    /// Adds the trie of one host, whose routes are numbered from `first`, and returns its root.
    pub(super) fn add_host(
        &mut self,
        first: u32,
        routes: &[RoutePlan],
        strings: &mut Strings,
        references: &mut Vec<U32>,
    ) -> u32 {
        let growing = grow(first, routes);
        let base = self.nodes.len();
        for node in &growing {
            let mut list = |routes: &[u32]| {
                let start = references.len();
                references.extend(routes.iter().map(|route| U32::new(*route)));
                super::span(start, references.len())
            };
            let parent = super::number(self.nodes.len());
            self.nodes.push(Node {
                any: U32::new(node.any.map_or(0, |child| super::number(base + child))),
                exact: list(&node.exact),
                rest: list(&node.rest),
            });
            for (label, child) in &node.literal {
                self.edges
                    .push((parent, strings.add(label), super::number(base + child)));
            }
        }
        super::number(base)
    }

    /// The sections of nodes and edges.
    pub(super) fn finish(self, strings: &Strings) -> (Vec<Node>, Vec<Edge>) {
        let hashes: Vec<u64> = self
            .edges
            .iter()
            .map(|(parent, label, _)| hash(*parent, strings.text(*label)))
            .collect();
        let edge = |position: usize| self.edges.get(position).copied();
        let edges = hash_slots(&hashes)
            .iter()
            .map(|slot| {
                let (parent, label, child) =
                    slot.and_then(edge)
                        .unwrap_or((0, super::strings::no_text(), 0));
                Edge {
                    parent: U32::new(parent),
                    label,
                    child: U32::new(child),
                }
            })
            .collect();
        (self.nodes, edges)
    }
}

/// The trie of one host; children have larger numbers than their parents.
fn grow(first: u32, routes: &[RoutePlan]) -> Vec<Growing<'_>> {
    let mut nodes = vec![Growing::default()];
    for (route, plan) in (first..).zip(routes) {
        let PathPattern::Segments { segments, rest } = &plan.path else {
            continue;
        };
        let mut at = 0;
        for segment in segments {
            let next = nodes.len();
            let Some(node) = nodes.get_mut(at) else { break };
            at = match segment {
                Segment::Literal { text } => *node.literal.entry(text).or_insert(next),
                Segment::Any { .. } => *node.any.get_or_insert(next),
            };
            if at == next {
                nodes.push(Growing::default());
            }
        }
        if let Some(node) = nodes.get_mut(at) {
            let ending = if *rest {
                &mut node.rest
            } else {
                &mut node.exact
            };
            ending.push(route);
        }
    }
    nodes
}
