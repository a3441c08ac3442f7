//! What becomes of a request, as numbers: equal numbers mean the same on both sides.
//!
//! Clusters are positions in a list of their own on each side, so they are compared by name here; what a
//! cluster is, is compared apart. What no request can notice is left out.

use std::collections::BTreeMap;

use weft_back::lower::outcome::noticed;
use weft_snapshot::plan::{Action, NodePlan, Outcome, PathRewrite, RoutePlan};

/// Outcomes that were met before, by their content.
#[derive(Debug, Default)]
pub(super) struct Actions {
    clusters: BTreeMap<String, u32>,
    outcomes: BTreeMap<Outcome, u32>,
}

impl Actions {
    /// The number of the outcome of a route of a plan.
    pub(super) fn number(&mut self, plan: &NodePlan, route: &RoutePlan) -> u32 {
        self.number_of(plan, noticed(&route.outcome, &route.path))
    }

    /// The new path that a route makes, none where it is the old one, and the number of everything else.
    pub(super) fn apart(
        &mut self,
        plan: &NodePlan,
        route: &RoutePlan,
    ) -> (Option<PathRewrite>, u32) {
        let mut named = noticed(&route.outcome, &route.path);
        let path = match &mut named.action {
            Action::Forward { .. } => named.path.take(),
            Action::Redirect { path, .. } => path.take(),
            Action::Respond { .. } => None,
        };
        (path, self.number_of(plan, named))
    }

    fn number_of(&mut self, plan: &NodePlan, mut named: Outcome) -> u32 {
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
