//! One side of a diff: what every node does, where it was written, and who owns it where that is known.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use weft_back::snapshot::Snapshot;
use weft_front::diagnostic::Diagnostic;
use weft_front::model::Checked;
use weft_front::settings::ROUTE;
use weft_front::source::Sources;
use weft_snapshot::Slice;
use weft_snapshot::layout::Digest;
use weft_snapshot::plan::{AccessPlan, Effect, HostPlan, NodePlan, PathPattern, RoutePlan};
use weft_snapshot::settings::Endpoints;

use super::change::{HostAt, RuleAt};
use super::definitions::Definitions;
use super::findings::{self, Finding};
use super::inputs::Inputs;
use super::promises::{self, Promise};

/// A model with the places of its lines.
#[derive(Debug)]
pub struct Side {
    /// How the side is called: a path, a revision.
    pub name: String,
    /// The digest of what its snapshot holds, the same in every generation.
    pub digest: Digest,
    snapshot: Snapshot,
    // Of ten thousand nodes, few change; the others are read one at a time and not kept.
    read: BTreeMap<String, OnceCell<Read>>,
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

/// A plan read back from its slice, with what is looked up in it for each change.
#[derive(Debug)]
struct Read {
    plan: NodePlan,
    /// The number of routes before each host, by table.
    before: Vec<Vec<usize>>,
    routes: usize,
    named: OnceCell<Named>,
}

/// The routes of a node by their host and id, and by their host and path, each in the order of tables.
#[derive(Debug, Default)]
struct Named {
    ids: BTreeMap<(String, String), Vec<RuleAt>>,
    paths: BTreeMap<(String, PathPattern), Vec<RuleAt>>,
}

impl Read {
    fn new(plan: NodePlan) -> Self {
        let (mut before, mut routes) = (Vec::new(), 0_usize);
        for table in &plan.tables {
            let mut starts = Vec::with_capacity(table.hosts.len());
            for host in &table.hosts {
                starts.push(routes);
                routes += host.routes.len();
            }
            before.push(starts);
        }
        Self {
            plan,
            before,
            routes,
            named: OnceCell::new(),
        }
    }

    fn named(&self) -> &Named {
        self.named.get_or_init(|| {
            let mut named = Named::default();
            for (table, plan) in self.plan.tables.iter().enumerate() {
                for (host, plan) in plan.hosts.iter().enumerate() {
                    for (route, one) in plan.routes.iter().enumerate() {
                        let at = RuleAt { table, host, route };
                        let id = (plan.host.clone(), one.id.clone());
                        named.ids.entry(id).or_default().push(at);
                        let path = (plan.host.clone(), one.path.clone());
                        named.paths.entry(path).or_default().push(at);
                    }
                }
            }
            named
        })
    }

    fn route(&self, at: RuleAt) -> Option<&RoutePlan> {
        let table = self.plan.tables.get(at.table)?;
        table.hosts.get(at.host)?.routes.get(at.route)
    }
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
        spec: Option<(&Checked, &Sources)>,
    ) -> Self {
        Self {
            name,
            digest,
            read: snapshot
                .nodes()
                .map(|node| (node.to_owned(), OnceCell::new()))
                .collect(),
            snapshot,
            definitions: spec.map(|(checked, sources)| Definitions::new(checked.mesh(), sources)),
            findings: None,
            inputs: None,
            promises: spec.map_or_else(Vec::new, |(checked, sources)| {
                promises::of(checked.mesh(), sources)
            }),
            bursts: spec.map(|(checked, _)| findings::bursts(checked)),
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

    /// The files in which endpoints stand.
    pub(super) fn endpoint_files(&self) -> impl Iterator<Item = String> {
        let slices = self.snapshot.slices();
        let clusters = slices.flat_map(|slice| &slice.settings().clusters);
        clusters.filter_map(|cluster| match &cluster.endpoints {
            Endpoints::File { path } => Some(path.clone()),
            Endpoints::Static { .. } | Endpoints::Dns { .. } => None,
        })
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

    /// The names of the nodes of either side.
    pub(super) fn nodes<'side>(&'side self, other: &'side Self) -> BTreeSet<&'side str> {
        let nodes = self.read.keys().chain(other.read.keys());
        nodes.map(String::as_str).collect()
    }

    /// The names of the nodes of which the other side has no such slice, or none at all, and the other way round.
    pub(super) fn changed<'side>(&'side self, other: &'side Self) -> Vec<&'side str> {
        let nodes = self.nodes(other).into_iter();
        nodes.filter(|node| !self.is_same(other, node)).collect()
    }

    /// Whether both sides have the same slice of a node.
    pub(super) fn is_same(&self, other: &Self, node: &str) -> bool {
        let slices = self.snapshot.slice(node).zip(other.snapshot.slice(node));
        slices.is_some_and(|(own, other)| std::ptr::eq(own, other) || own.is_same(other))
    }

    /// The plan of a node, for somebody who does not need it for long.
    pub(super) fn read(&self, node: &str) -> Option<NodePlan> {
        self.snapshot.slice(node).map(Slice::plan)
    }

    /// The plan of a node; it is kept.
    pub(super) fn plan(&self, node: &str) -> Option<&NodePlan> {
        Some(&self.known(node)?.plan)
    }

    fn known(&self, node: &str) -> Option<&Read> {
        let (known, slice) = self.read.get(node).zip(self.snapshot.slice(node))?;
        Some(known.get_or_init(|| Read::new(slice.plan())))
    }

    /// The routes of a host of a node that have an id.
    pub(super) fn routes_called(
        &self,
        node: &str,
        host: &str,
        id: &str,
    ) -> impl Iterator<Item = &RoutePlan> {
        let known = self.known(node);
        let key = (host.to_owned(), id.to_owned());
        let places = known.and_then(|known| known.named().ids.get(&key));
        let places = places.into_iter().flatten();
        places.filter_map(move |at| known?.route(*at))
    }

    /// The routes of a host of a node that are for a path, as it is written.
    pub(super) fn routes_for(
        &self,
        node: &str,
        host: &str,
        path: &PathPattern,
    ) -> impl Iterator<Item = &RoutePlan> {
        let known = self.known(node);
        let key = (host.to_owned(), path.clone());
        let places = known.and_then(|known| known.named().paths.get(&key));
        let places = places.into_iter().flatten();
        places.filter_map(move |at| known?.route(*at))
    }

    pub(super) fn route(&self, node: &str, at: RuleAt) -> Option<&RoutePlan> {
        self.host(node, at.host_at())?.routes.get(at.route)
    }

    pub(super) fn host(&self, node: &str, at: HostAt) -> Option<&HostPlan> {
        self.plan(node)?.tables.get(at.table)?.hosts.get(at.host)
    }

    /// The places of a route.
    pub(super) fn places(&self, node: &str, at: RuleAt) -> Places {
        let Some(known) = self.known(node) else {
            return Places::default();
        };
        let before = known.before.get(at.table);
        let before = before.and_then(|table| table.get(at.host).copied());
        self.places_of(node, before.unwrap_or(known.routes) + at.route)
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
        let routes = self.known(node).map_or(0, |known| known.routes);
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

#[cfg(test)]
mod tests {
    use crate::diff::tests::reported;
    use crate::diff::text;

    #[test]
    fn files_of_endpoints_are_named_where_nothing_changes() {
        let spec = r"
        mesh: {name: m, trustDomain: m.x, defaults: {timeout: {request: 5s}}}
        gateways: {g: {listeners: {w: {port: 80, protocol: http}}}}
        services: {s: {protocol: http, mtls: disabled, endpoints: {file: /run/s.json}}}
        routes: {r: {on: g/w, host: a.x, rules: [{to: s}]}}
        ";
        let found = reported(spec, spec);
        let shown = text(&found);
        let told = "proven unchanged (1 host, 1 route compared).\nNot compared, because proxies read them: the endpoints in `/run/s.json`.\n";
        assert!(shown.contains(told), "{shown}");
        let static_ones = spec.replace("{file: /run/s.json}", "[\"127.0.0.1:1\"]");
        assert!(!text(&reported(&static_ones, &static_ones)).contains("Not compared"));
    }
}
