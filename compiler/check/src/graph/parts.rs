//! Groups of services that can reach each other, in topological order (Tarjan 1972, "Depth-first search and linear
//! graph algorithms"): linear in services and calls, without recursion.

use weft_front::model::ServiceId;

use super::position;

/// The strongly connected parts of a graph.
#[derive(Debug)]
pub(super) struct Parts {
    /// The part of each service; a part has a larger number than those it calls.
    of: Vec<u32>,
    /// The services, those of a part beside each other, called ones first.
    order: Vec<ServiceId>,
}

/// What is known of a service during the descent.
#[derive(Clone, Copy)]
struct Mark {
    /// When it was met, from 1; 0 before.
    met: u32,
    /// The earliest service on the stack that it reaches, by the time it was met.
    low: u32,
    is_waiting: bool,
}

impl Parts {
    /// The parts of these services.
    pub(super) fn of<Called: Iterator<Item = ServiceId>>(
        services: impl Iterator<Item = ServiceId>,
        called: &impl Fn(ServiceId) -> Called,
    ) -> Self {
        let services: Vec<ServiceId> = services.collect();
        let unmet = Mark {
            met: 0,
            low: 0,
            is_waiting: false,
        };
        let mut descent = Descent {
            marks: vec![unmet; services.len()],
            waiting: Vec::new(),
            clock: 0,
            parts: Self {
                of: vec![0; services.len()],
                order: Vec::with_capacity(services.len()),
            },
            last_part: 0,
        };
        for root in services {
            if descent.mark(root).met == 0 {
                descent.from(root, called);
            }
        }
        descent.parts
    }

    /// The part of a service.
    pub(super) fn of_service(&self, id: ServiceId) -> u32 {
        self.of.get(position(id)).copied().unwrap_or_default()
    }

    /// The services, callers first.
    pub(super) fn in_order(&self) -> impl Iterator<Item = ServiceId> {
        self.order.iter().rev().copied()
    }

    /// The services of each part, by name, parts in the order of their first services.
    pub(super) fn groups(&self) -> Vec<Vec<ServiceId>> {
        let chunks = self
            .order
            .chunk_by(|left, right| self.of_service(*left) == self.of_service(*right));
        let sorted = |chunk: &[ServiceId]| {
            let mut group = chunk.to_vec();
            group.sort_unstable();
            group
        };
        let mut groups: Vec<Vec<ServiceId>> = chunks.map(sorted).collect();
        groups.sort_unstable();
        groups
    }
}

/// A search on its way down from callers to what they call.
struct Descent {
    marks: Vec<Mark>,
    waiting: Vec<ServiceId>,
    clock: u32,
    parts: Parts,
    last_part: u32,
}

impl Descent {
    fn mark(&mut self, id: ServiceId) -> &mut Mark {
        // INVARIANT: there is a mark for every service of the mesh.
        #[expect(clippy::indexing_slicing, reason = "one mark for each service")]
        &mut self.marks[position(id)]
    }

    fn meet(&mut self, id: ServiceId) {
        self.clock += 1;
        let clock = self.clock;
        *self.mark(id) = Mark {
            met: clock,
            low: clock,
            is_waiting: true,
        };
        self.waiting.push(id);
    }

    fn from<Called: Iterator<Item = ServiceId>>(
        &mut self,
        root: ServiceId,
        called: &impl Fn(ServiceId) -> Called,
    ) {
        self.meet(root);
        let mut stack = vec![(root, called(root))];
        while let Some((id, calls)) = stack.last_mut() {
            let id = *id;
            if let Some(next) = calls.next() {
                let mark = *self.mark(next);
                if mark.met == 0 {
                    self.meet(next);
                    stack.push((next, called(next)));
                } else if mark.is_waiting {
                    let low = &mut self.mark(id).low;
                    *low = (*low).min(mark.met);
                }
                continue;
            }
            stack.pop();
            let mark = *self.mark(id);
            if let Some((caller, _)) = stack.last() {
                let low = &mut self.mark(*caller).low;
                *low = (*low).min(mark.low);
            }
            if mark.low == mark.met {
                self.leave(id);
            }
        }
    }

    /// The part that a service stands for is complete.
    fn leave(&mut self, first: ServiceId) {
        self.last_part += 1;
        while let Some(id) = self.waiting.pop() {
            self.mark(id).is_waiting = false;
            if let Some(part) = self.parts.of.get_mut(position(id)) {
                *part = self.last_part;
            }
            self.parts.order.push(id);
            if id == first {
                break;
            }
        }
    }
}
