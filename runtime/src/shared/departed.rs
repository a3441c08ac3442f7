//! The last snapshots of addresses that have no listener any more: their connections go on with these.
//!
//! A connection may be accepted, and a request of it may come, after the swap to a snapshot in which nobody listens
//! at its address. The new snapshot says nothing about such a request; the one before it does.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::{Active, Shared};

/// The last snapshot that had a listener at some address.
///
/// It is found in [`Shared::departed`] until every worker was told that nobody listens there any more: from then on
/// its connections hold the snapshot themselves.
#[derive(Debug)]
pub struct Departed {
    /// The snapshot.
    pub active: Arc<Active>,
}

impl Shared {
    /// Makes `after` what requests see. Returns what they saw before, and the addresses without a listener now.
    ///
    /// Only the control thread calls this.
    pub fn swap(&self, after: Arc<Active>) -> (Arc<Active>, Vec<(SocketAddr, Arc<Departed>)>) {
        let before = self.active.load_full();
        let gone: Vec<_> = addresses(&before)
            .filter(|address| after.port(*address).is_none())
            .map(|address| {
                let active = Arc::clone(&before);
                (address, Arc::new(Departed { active }))
            })
            .collect();
        if !gone.is_empty() {
            let mut departed = BTreeMap::clone(&self.departed.load());
            departed.extend(
                gone.iter()
                    .map(|(address, last)| (*address, Arc::clone(last))),
            );
            // Before the snapshot itself: whoever sees that one and misses an address finds it here.
            self.departed.store(Arc::new(departed));
        }
        self.active.store(after);
        (before, gone)
    }

    /// Forgets what every worker was told. Only the control thread calls this.
    pub fn forget_departed(&self) {
        let departed = self.departed.load_full();
        // What a worker is still to be told, its command holds.
        let is_told = |last: &Arc<Departed>| Arc::strong_count(last) == 1;
        if !departed.values().any(is_told) {
            return;
        }
        let untold = departed.iter().filter(|(_, last)| !is_told(last));
        let untold = untold.map(|(address, last)| (*address, Arc::clone(last)));
        let untold = untold.collect();
        self.departed.store(Arc::new(untold));
    }
}

fn addresses(active: &Active) -> impl Iterator<Item = SocketAddr> {
    active.ports.iter().map(|port| port.address)
}
