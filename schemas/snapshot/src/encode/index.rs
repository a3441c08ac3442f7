//! The indexes of a slice: hosts by hash, and one path trie per host with its edges by hash.

#[expect(
    clippy::disallowed_types,
    reason = "looked up by key only; order is that of arrival"
)]
use std::collections::HashMap;

use zerocopy::little_endian::U32;

use super::strings::Strings;
use crate::hash::{hash, host_key};
use crate::limits;
use crate::plan::{PathPattern, RoutePlan, Segment};
use crate::records::{Edge, Host, HostSlot, Node, Route, Text};

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
    edges: Vec<Edge>,
}

impl Default for Tries {
    fn default() -> Self {
        Self {
            nodes: vec![empty_node()],
            edges: Vec::new(),
        }
    }
}

fn empty_node() -> Node {
    let nothing = super::span(0, 0);
    Node {
        any: U32::new(0),
        exact: nothing,
        rest: nothing,
    }
}

/// A node while its host is being built.
#[derive(Default)]
struct Growing {
    /// Literal children in the order of their arrival: where their segment lies in the strings.
    literal: Vec<(Text, usize)>,
    any: Option<usize>,
    exact: Vec<u32>,
    rest: Vec<u32>,
}

impl Growing {
    /// The only way on, when nothing ends here and nothing branches.
    fn passage(&self) -> Option<(Text, usize)> {
        match self.literal.as_slice() {
            [only] if self.any.is_none() && self.exact.is_empty() && self.rest.is_empty() => {
                Some(*only)
            }
            _ => None,
        }
    }
}

impl Tries {
    /// Adds the trie of one host, whose routes are numbered from `first` and stand in `records`, and
    /// returns its root.
    pub(super) fn add_host(
        &mut self,
        first: u32,
        routes: &[RoutePlan],
        records: &[Route],
        references: &mut Vec<U32>,
    ) -> u32 {
        let growing = grow(first, routes, records);
        let root = super::number(self.nodes.len());
        self.nodes.push(empty_node());
        let mut waiting = std::collections::VecDeque::from([(0, root)]);
        while let Some((at, place)) = waiting.pop_front() {
            let Some(node) = growing.get(at) else {
                continue;
            };
            let mut list = |routes: &[u32]| {
                let start = references.len();
                references.extend(routes.iter().map(|route| U32::new(*route)));
                super::span(start, references.len())
            };
            let (exact, rest) = (list(&node.exact), list(&node.rest));
            let any = node.any.map_or(0, |child| self.place(child, &mut waiting));
            for (label, child) in &node.literal {
                let (label, child) = lengthen(&growing, *label, *child);
                let child = U32::new(self.place(child, &mut waiting));
                self.edges.push(Edge {
                    parent: U32::new(place),
                    label,
                    child,
                });
            }
            if let Some(slot) = self.nodes.get_mut(crate::number::wide(place)) {
                *slot = Node {
                    any: U32::new(any),
                    exact,
                    rest,
                };
            }
        }
        root
    }

    /// Makes room for the node `child` and remembers to fill it.
    fn place(
        &mut self,
        child: usize,
        waiting: &mut std::collections::VecDeque<(usize, u32)>,
    ) -> u32 {
        let place = super::number(self.nodes.len());
        self.nodes.push(empty_node());
        waiting.push_back((child, place));
        place
    }

    /// The sections of nodes and edges.
    pub(super) fn finish(self, strings: &Strings) -> (Vec<Node>, Vec<Edge>) {
        let key = |edge: &Edge| {
            let label = strings.text(edge.label);
            let first = label.split_once('/').map_or(label, |(first, _)| first);
            hash(edge.parent.get(), first)
        };
        let hashes: Vec<u64> = self.edges.iter().map(key).collect();
        let free = Edge {
            parent: U32::new(0),
            label: super::strings::no_text(),
            child: U32::new(0),
        };
        let edges = hash_slots(&hashes)
            .iter()
            .map(|slot| {
                slot.and_then(|position| self.edges.get(position).copied())
                    .unwrap_or(free)
            })
            .collect();
        (self.nodes, edges)
    }
}

/// Follows an edge through nodes where nothing ends or branches, and takes their segments into its label.
/// The label grows by bytes that follow it in the pattern of the route that brought the edge.
fn lengthen(growing: &[Growing], mut label: Text, mut child: usize) -> (Text, usize) {
    while let Some((next, behind)) = growing.get(child).and_then(Growing::passage) {
        let grown = label.length.get() + 1 + next.length.get();
        let follows = label.offset.get() + label.length.get() + 1 == next.offset.get();
        if !follows {
            break;
        }
        label.length = U32::new(grown);
        child = behind;
    }
    (label, child)
}

/// The trie of one host. Labels lie within the texts of the routes' patterns.
fn grow(first: u32, routes: &[RoutePlan], records: &[Route]) -> Vec<Growing> {
    let mut nodes = vec![Growing::default()];
    #[expect(clippy::disallowed_types, reason = "looked up by key only")]
    let mut children: HashMap<(usize, &str), usize> = HashMap::new();
    for ((route, plan), record) in (first..).zip(routes).zip(records) {
        let PathPattern::Segments { segments, rest } = &plan.path else {
            continue;
        };
        let (mut at, mut offset) = (0, record.path.text.offset.get() + 1);
        for segment in segments {
            let next = nodes.len();
            let Some(node) = nodes.get_mut(at) else { break };
            let length;
            (at, length) = match segment {
                Segment::Literal { text } => {
                    let length = super::number(text.len());
                    let child = *children.entry((at, text)).or_insert_with(|| {
                        let label = Text {
                            offset: U32::new(offset),
                            length: U32::new(length),
                        };
                        node.literal.push((label, next));
                        next
                    });
                    (child, length)
                }
                Segment::Any { name } => {
                    (*node.any.get_or_insert(next), super::number(name.len()) + 2)
                }
            };
            offset += length + 1;
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
