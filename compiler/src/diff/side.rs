//! One side of a diff: what every node does, where it was written, and who owns it where that is known.

use std::collections::BTreeMap;

use weft_snapshot::plan::{NodePlan, RoutePlan};

use super::change::RuleAt;
use crate::model::Mesh;
use crate::why::Snapshot;

/// A model with the places of its lines.
#[derive(Debug)]
pub struct Side {
    /// How the side is called: a path, a revision.
    pub name: String,
    /// The plans, by node.
    pub plans: Vec<NodePlan>,
    snapshot: Snapshot,
    /// The owner of each route and service; nothing for a snapshot, which does not say.
    owners: Option<BTreeMap<String, String>>,
}

/// Where the settings of a route were written, as `file:line`; none for what is built in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Places {
    pub(super) rule: Option<String>,
    pub(super) request: Option<String>,
    pub(super) backend_request: Option<String>,
    pub(super) connect: Option<String>,
    pub(super) idle: Option<String>,
    pub(super) retry: Option<String>,
}

impl Side {
    /// The side of a snapshot; `mesh` is that of the spec it was compiled from, if there is one.
    pub fn new(name: String, snapshot: Snapshot, mesh: Option<&Mesh>) -> Self {
        Self {
            name,
            plans: snapshot.plans(),
            snapshot,
            owners: mesh.map(owners),
        }
    }

    /// The team that owns a route or service; `platform` for nobody else's; none when that is not known.
    pub(super) fn owner(&self, thing: &str) -> Option<&str> {
        let owners = self.owners.as_ref()?;
        Some(owners.get(thing).map_or("platform", String::as_str))
    }

    pub(super) fn plan(&self, node: &str) -> Option<&NodePlan> {
        self.plans.iter().find(|plan| plan.settings.node == node)
    }

    pub(super) fn route(&self, node: &str, at: RuleAt) -> Option<&RoutePlan> {
        let table = self.plan(node)?.tables.get(at.table)?;
        table.hosts.get(at.host)?.routes.get(at.route)
    }

    /// The places of a route.
    pub(super) fn places(&self, node: &str, at: RuleAt) -> Places {
        let Some(plan) = self.plan(node) else {
            return Places::default();
        };
        let hosts = plan.tables.iter().enumerate().flat_map(|(table, plan)| {
            plan.hosts
                .iter()
                .enumerate()
                .map(move |(host, plan)| ((table, host), plan))
        });
        let before = hosts
            .take_while(|(place, _)| *place != (at.table, at.host))
            .map(|(_, host)| host.routes.len())
            .sum::<usize>();
        self.places_of(node, before + at.route)
    }

    /// The places of a permission.
    pub(super) fn permission_places(&self, node: &str, position: usize) -> Places {
        let routes = self.plan(node).map_or(0, |plan| {
            let hosts = plan.tables.iter().flat_map(|table| &table.hosts);
            hosts.map(|host| host.routes.len()).sum()
        });
        self.places_of(node, routes + position)
    }

    fn places_of(&self, node: &str, index: usize) -> Places {
        let origins = self.snapshot.origins(node);
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let say = |place: Option<(&str, u32)>| place.map(|(file, line)| format!("{file}:{line}"));
        match origins.view(index) {
            Some(view) => Places {
                rule: say(Some(view.rule)),
                request: say(view.request),
                backend_request: say(view.backend_request),
                connect: say(view.connect),
                idle: say(view.idle),
                retry: say(view.retry),
            },
            None => Places {
                rule: say(origins.route(index)),
                ..Places::default()
            },
        }
    }
}

fn owners(mesh: &Mesh) -> BTreeMap<String, String> {
    let team =
        |id: Option<crate::model::TeamId>| id.map(|id| mesh.teams.entry(id).name.value.clone());
    let routes = mesh.routes.values().filter_map(|route| {
        let owner = mesh.owner(route.team.as_ref(), route.name.span);
        Some((format!("route {}", route.name.value), team(owner)?))
    });
    let services = mesh.services.values().filter_map(|service| {
        let owner = mesh.owner(service.team.as_ref(), service.name.span);
        Some((format!("service {}", service.name.value), team(owner)?))
    });
    routes.chain(services).collect()
}
