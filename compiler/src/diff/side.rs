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

/// Where the settings of a route were written, as `file:line`; none for what is built in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Places {
    pub(super) rule: Option<String>,
    pub(super) request: Option<String>,
    pub(super) backend_request: Option<String>,
    pub(super) connect: Option<String>,
    pub(super) idle: Option<String>,
    pub(super) retry: Option<String>,
    /// Of the limit on bodies; known of a spec alone.
    pub(super) max_body: Option<String>,
}

impl Places {
    /// Of the limit on bodies, or else of the rule.
    pub(super) fn of_body(&self) -> Option<String> {
        self.max_body.clone().or_else(|| self.rule.clone())
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
        let places = self.places_of(node, before + at.route);
        Places {
            max_body: self.place_of_max_body(plan, at),
            ..places
        }
    }

    /// Where the limit on bodies of a route is written: with its rule, or with its listener.
    fn place_of_max_body(&self, plan: &NodePlan, at: RuleAt) -> Option<String> {
        let route = plan.tables.get(at.table)?.hosts.get(at.host)?;
        let rule = &route.routes.get(at.route)?.id;
        let of_rule = self.place(&format!("maxBody {rule}"));
        let listeners = plan.settings.listeners.iter();
        let mut own = listeners.filter(|one| usize::try_from(one.table) == Ok(at.table));
        of_rule.or_else(|| {
            let listener = format!("{}/{}", plan.settings.node, own.next()?.name);
            self.place(&format!("maxBody {listener}"))
        })
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
        match origins.view(index) {
            Some(view) => Places {
                rule: say(Some(view.rule)),
                request: say(view.request),
                backend_request: say(view.backend_request),
                connect: say(view.connect),
                idle: say(view.idle),
                retry: say(view.retry),
                max_body: None,
            },
            None => Places {
                rule: say(origins.route(index)),
                ..Places::default()
            },
        }
    }
}
