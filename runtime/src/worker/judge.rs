//! Trust narrowed: whoever is still believed keeps its connections, the others are drained. In both directions.
//!
//! Verifying costs a signature or two, and a worker may hold thousands of connections. So each chain is
//! verified once, whatever the number of connections it was shown on, and requests run in between.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Worker;
use super::link::Order;
use crate::identity::{Identity, Shown, Side};

/// Verifications between two turns of other tasks; a few milliseconds.
const AT_ONCE: usize = 16;

/// Drains the connections of all peers that the current identity does not believe any more.
pub(super) async fn judge_again(worker: Rc<Worker>) {
    let Some(own) = worker.shared.identity.load_full() else {
        return;
    };
    let mut clients = Verdicts::new(&own, Side::Client);
    for link in worker.links.identified() {
        let is_believed = link.shown().is_none_or(|shown| clients.believe(shown));
        if !is_believed {
            link.order(Order::Drain);
        }
        clients.pause().await;
    }
    let mut servers = Verdicts::new(&own, Side::Server);
    for endpoint in worker.pool.identified() {
        endpoint.retain(|shown| servers.believe(shown));
        servers.pause().await;
    }
}

/// What was found about chains so far.
struct Verdicts<'i> {
    own: &'i Identity,
    side: Side,
    known: BTreeMap<Vec<u8>, bool>,
    unpaused: usize,
}

impl<'i> Verdicts<'i> {
    fn new(own: &'i Identity, side: Side) -> Self {
        Self {
            own,
            side,
            known: BTreeMap::new(),
            unpaused: 0,
        }
    }

    fn believe(&mut self, shown: &Shown) -> bool {
        // Certificates say how long they are, so that no two chains are one when they are joined.
        let chain: Vec<u8> = shown
            .chain()
            .iter()
            .flat_map(|it| it.iter().copied())
            .collect();
        if let Some(verdict) = self.known.get(&chain) {
            return *verdict;
        }
        let verdict = self.own.judge_again(shown, self.side).is_ok();
        self.unpaused += 1;
        self.known.insert(chain, verdict);
        verdict
    }

    async fn pause(&mut self) {
        if AT_ONCE <= self.unpaused {
            self.unpaused = 0;
            tokio::task::yield_now().await;
        }
    }
}
