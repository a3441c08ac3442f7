//! One side of a diff: what every node does, where it was written, and who owns it where that is known.

use std::collections::BTreeMap;

use weft_snapshot::layout::Digest;
use weft_snapshot::plan::{AccessPlan, Effect, HostPlan, NodePlan, RoutePlan};

use super::change::RuleAt;
use super::definitions::Definitions;
use super::findings::{self, Finding};
use super::inputs::Inputs;
use super::promises::{self, Promise};
use crate::diagnostic::Diagnostic;
use crate::model::Mesh;
use crate::settings::ROUTE;
use crate::source::Sources;
use crate::why::Snapshot;

/// A model with the places of its lines.
#[derive(Debug)]
pub struct Side {
    /// How the side is called: a path, a revision.
    pub name: String,
    /// The digest of the manifest of its snapshot.
    pub digest: Digest,
    /// The plans, by node.
    pub plans: Vec<NodePlan>,
    snapshot: Snapshot,
    /// Nothing for a snapshot, which does not say.
    definitions: Option<Definitions>,
    /// What the compiler warns of, if the side is a spec of which that was said.
    pub(super) findings: Option<Vec<Finding>>,
    /// What it was compiled from, if that was said.
    pub(super) inputs: Option<Inputs>,
    /// What it promises not to change; nothing for a snapshot.
    pub(super) promises: Vec<Promise>,
    /// How many requests one can become on its way to each service; nothing for a snapshot.
    pub(super) bursts: Option<BTreeMap<String, u64>>,
}

/// Where a route and its settings were written, as `file:line`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Places {
    pub(super) rule: Option<String>,
    /// By name; those that are built in are not there.
    settings: Vec<(&'static str, String)>,
}

impl Places {
    /// Of a setting, or of the rule that leaves it out: there it would be written.
    pub(super) fn of(&self, setting: &str) -> Option<String> {
        let mut settings = self.settings.iter();
        let found = settings.find(|(name, _)| *name == setting);
        found.map(|(_, place)| place.clone())
    }
}

impl Side {
    /// The side of a snapshot; `spec` is what it was compiled from, if that is at hand.
    pub fn new(
        name: String,
        (digest, snapshot): (Digest, Snapshot),
        spec: Option<(&Mesh, &Sources)>,
    ) -> Self {
        Self {
            name,
            digest,
            plans: snapshot.plans(),
            snapshot,
            definitions: spec.map(|(mesh, sources)| Definitions::new(mesh, sources)),
            findings: None,
            inputs: None,
            promises: spec.map_or_else(Vec::new, |(mesh, sources)| promises::of(mesh, sources)),
            bursts: spec.map(|(mesh, _)| findings::bursts(mesh)),
        }
    }

    /// Says what the compiler found.
    #[must_use]
    pub fn with_findings(mut self, found: &[Diagnostic], sources: &Sources) -> Self {
        self.findings = Some(findings::of(found, sources));
        self
    }

    /// Says what it was compiled from.
    #[must_use]
    pub fn with_inputs(mut self, inputs: Inputs) -> Self {
        self.inputs = Some(inputs);
        self
    }

    /// What the spec defines; none for a snapshot.
    pub(super) fn definitions(&self) -> Option<&Definitions> {
        self.definitions.as_ref()
    }

    /// The teams of a spec, the platform among them; none for a snapshot.
    pub fn teams(&self) -> Option<&[String]> {
        self.definitions().map(|known| known.teams.as_slice())
    }

    /// The `file:line` of a definition, if this side is a spec that has it.
    pub(super) fn place(&self, thing: &str) -> Option<String> {
        Some(self.definitions()?.place(thing)?.to_owned())
    }

    pub(super) fn plan(&self, node: &str) -> Option<&NodePlan> {
        self.plans.iter().find(|plan| plan.settings.node == node)
    }

    pub(super) fn route(&self, node: &str, at: RuleAt) -> Option<&RoutePlan> {
        self.host(node, (at.table, at.host))?.routes.get(at.route)
    }

    /// A host by table and position.
    pub(super) fn host(&self, node: &str, (table, host): (usize, usize)) -> Option<&HostPlan> {
        self.plan(node)?.tables.get(table)?.hosts.get(host)
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

    /// The access rule of a position.
    pub(super) fn access(&self, node: &str, at: Option<RuleAt>) -> Option<&AccessPlan> {
        self.plan(node)?.access.get(at?.route)
    }

    /// Whether calls that an access rule decides are admitted; those that none decides are not.
    pub(super) fn admits(&self, node: &str, at: Option<RuleAt>) -> bool {
        self.access(node, at)
            .is_some_and(|rule| rule.effect == Effect::Admit)
    }

    /// The places of an access rule.
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
        let settings = ROUTE.iter().filter_map(|setting| {
            let place = say(origins.setting(index, setting.name))?;
            Some((setting.name, place))
        });
        Places {
            rule: say(origins.route(index)),
            settings: settings.collect(),
        }
    }
}
