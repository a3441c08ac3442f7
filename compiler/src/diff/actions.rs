//! What becomes of a request, as numbers: equal numbers mean the same on both sides.
//!
//! Clusters are positions in a list of their own on each side, so they are compared by name here; what a
//! cluster is, is compared apart. What no request can notice is left out: backends without a share, retries
//! of a single try, and what is said about forwarding where nothing is forwarded.

use std::collections::BTreeMap;

use weft_snapshot::plan::{Action, HeaderChanges, NodePlan, Outcome, Retry, Timeouts};

/// Outcomes that were met before, by their content.
#[derive(Debug, Default)]
pub(super) struct Actions {
    clusters: BTreeMap<String, u32>,
    outcomes: BTreeMap<Outcome, u32>,
}

impl Actions {
    /// The number of an outcome of a plan.
    pub(super) fn number(&mut self, plan: &NodePlan, outcome: &Outcome) -> u32 {
        let mut named = noticed(outcome);
        if let Action::Forward { backends } = &mut named.action {
            for backend in backends.iter_mut() {
                backend.cluster = self.cluster(plan, backend.cluster);
            }
            // Where the shares go matters, not the order in which they are written.
            backends.sort();
        }
        let fresh = u32::try_from(self.outcomes.len()).unwrap_or(u32::MAX);
        *self.outcomes.entry(named).or_insert(fresh)
    }

    fn cluster(&mut self, plan: &NodePlan, position: u32) -> u32 {
        let name = super::words::cluster(plan, position).to_owned();
        let fresh = u32::try_from(self.clusters.len()).unwrap_or(u32::MAX);
        *self.clusters.entry(name).or_insert(fresh)
    }
}

/// An outcome without what no request can notice.
pub(super) fn noticed(outcome: &Outcome) -> Outcome {
    let mut noticed = outcome.clone();
    if noticed.retry.attempts <= 1 {
        noticed.retry = Retry::never();
    }
    match &mut noticed.action {
        Action::Forward { backends } => backends.retain(|backend| backend.share != 0),
        Action::Redirect { .. } | Action::Respond { .. } => {
            noticed.timeouts = Timeouts::default();
            noticed.retry = Retry::never();
            noticed.request_headers = HeaderChanges::default();
            noticed.path = None;
            noticed.host = None;
            noticed.websocket = false;
            noticed.trailers = false;
            noticed.max_body = None;
        }
    }
    noticed
}
