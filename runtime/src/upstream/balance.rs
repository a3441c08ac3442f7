//! Which endpoint of a cluster: round robin, past those that just refused a connection.

use std::rc::Rc;

use super::Endpoint;
use crate::worker::{ClusterState, Worker};

/// The next endpoint. One that refused a connection within the last second is passed over, unless all did.
pub(crate) fn pick(worker: &Worker, cluster: &ClusterState) -> Option<Rc<Endpoint>> {
    let endpoints = cluster.endpoints(worker);
    if let [only] = &*endpoints {
        return Some(Rc::clone(only));
    }
    let turn = cluster.turn.get();
    cluster.turn.set(turn.wrapping_add(1));
    let first = turn.checked_rem(endpoints.len())?;
    let (before, after) = endpoints.split_at_checked(first)?;
    let now = worker.clock();
    let skipped = after
        .iter()
        .chain(before)
        .position(|endpoint| !endpoint.is_avoided(now));
    // Where the turn went on past avoided endpoints, so do the next ones: or the endpoint behind a dead
    // one would get twice its part.
    if let Some(skipped) = skipped {
        cluster.turn.set(turn.wrapping_add(skipped).wrapping_add(1));
    }
    after
        .iter()
        .chain(before)
        .nth(skipped.unwrap_or(0))
        .map(Rc::clone)
}
