//! Whose requests a change treats differently.

use std::collections::BTreeSet;

/// The owners of some requests which are treated differently.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Stake {
    /// By their host, or by the routes that took them and take them.
    pub(super) by_route: BTreeSet<String>,
    /// By the services that got them and still get them; nobody if they went elsewhere or go elsewhere.
    pub(super) by_service: BTreeSet<String>,
}

impl Stake {
    /// Of owners of what is changed as a whole.
    pub(super) fn of_teams(teams: &[String]) -> Self {
        Self {
            by_route: teams.iter().cloned().collect(),
            by_service: BTreeSet::new(),
        }
    }

    /// The others whom a change by one team needs; none if it is its own matter.
    pub(super) fn others(&self, team: &str) -> BTreeSet<String> {
        let is_own =
            |teams: &BTreeSet<String>| !teams.is_empty() && teams.iter().all(|owner| owner == team);
        if is_own(&self.by_route) || is_own(&self.by_service) {
            return BTreeSet::new();
        }
        let others = self.by_route.iter().filter(|owner| *owner != team);
        others.cloned().collect()
    }
}
