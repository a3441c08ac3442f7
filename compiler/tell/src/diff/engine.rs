//! Compares two models node by node, port by port, host by host.
//!
//! Hosts are partitioned first ([`ports`](super::ports)): those that no pattern of either side tells apart have one owner on
//! each side, and two owners are compared once however many hosts they share. Equal tables are not looked into.

use std::collections::{BTreeMap, BTreeSet};

use weft_snapshot::plan::{AccessPlan, Effect, HostPlan, NodePlan, PathPattern, RoutePlan};
use weft_snapshot::settings::{PathRules, Role, Slashes};
use weft_space::agreement::agreement;
use weft_space::path::all_paths;
use weft_space::{
    Difference, Entry, Part, Region, Unknown, Within, differences, differences_within,
};

use super::actions::Actions;
use super::agreed::{self, Agreed, Refined};
use super::change::{Change, ChangeKind, Changes, HostAt, RuleAt, UnknownHost};
use super::pairs::Pair;
use super::ports::{Heard, Port, ports, shared};
use super::side::Side;
use crate::both::Both;

/// Some requests to gateways.
#[derive(Clone, Debug)]
pub(crate) struct Asked<'run> {
    /// The node and the listener; none means all gateways.
    pub(crate) listener: Option<(String, String)>,
    /// The pattern of the hosts, `*` for all of them.
    pub(crate) host: &'run str,
    /// The requests to these hosts.
    pub(crate) requests: Within<'run>,
}

impl Asked<'_> {
    /// Whether requests to a node are asked about.
    pub(super) fn has_node(&self, node: &str) -> bool {
        let wanted = self.listener.as_ref();
        node.starts_with("gateway/") && wanted.is_none_or(|(wanted, _)| wanted == node)
    }

    /// Whether requests by a listener of such a node are asked about.
    pub(super) fn has_listener(&self, listener: &str) -> bool {
        let wanted = self.listener.as_ref();
        wanted.is_none_or(|(_, wanted)| wanted == listener)
    }
}

/// Finds every set of requests that two models treat differently.
pub fn compare(old: &[NodePlan], new: &[NodePlan]) -> Changes {
    compare_asked(Both { old, new }, None)
}

/// Finds every set of requests that two sides treat differently. Of a node with one slice on both sides a plan is read to count
/// what was compared, and is not kept.
pub fn compare_sides(old: &Side, new: &Side) -> Changes {
    let mut changes = Changes::default();
    for node in old.nodes(new) {
        if old.is_same(new, node) {
            let plan = old.read(node);
            let plans = Both {
                old: plan.as_ref(),
                new: plan.as_ref(),
            };
            compare_node(node, plans, None, &mut changes);
        } else {
            let plans = Both { old, new }.map(|side| side.plan(node));
            compare_node(node, plans, None, &mut changes);
        }
    }
    changes
}

/// Compares what one node does.
fn compare_node(
    name: &str,
    plans: Pair<&NodePlan>,
    asked: Option<&Asked<'_>>,
    changes: &mut Changes,
) {
    NodeComparison {
        name,
        plans,
        asked,
        actions: Actions::default(),
        changes,
    }
    .compare();
}

/// As [`compare`], of some requests alone.
pub(crate) fn compare_asked(plans: Both<&[NodePlan]>, asked: Option<&Asked<'_>>) -> Changes {
    let by_name = |plans: &'_ [NodePlan]| -> BTreeMap<String, usize> {
        let named = plans.iter().enumerate();
        named
            .map(|(at, plan)| (plan.settings.node.clone(), at))
            .collect()
    };
    let named = plans.map(by_name);
    let nodes: BTreeSet<&String> = named
        .as_ref()
        .into_iter()
        .flat_map(BTreeMap::keys)
        .collect();
    let mut changes = Changes::default();
    let is_asked = |node: &&String| asked.is_none_or(|asked| asked.has_node(node));
    for node in nodes.into_iter().filter(is_asked) {
        let sides = plans.zip(named.as_ref());
        let found = sides.map(|(plans, named)| plans.get(*named.get(node)?));
        compare_node(node, found, asked, &mut changes);
    }
    changes
}

/// The host of one side that owns the requests in question, and the listener by which they come.
#[derive(Clone, Copy)]
struct Owner<'run> {
    heard: Heard<'run>,
    /// The position of the host in the table of the listener.
    host: usize,
}

impl<'run> Owner<'run> {
    fn plan(self) -> Option<&'run HostPlan> {
        self.heard.hosts.get(self.host)
    }

    fn route(self, at: usize) -> Option<&'run RoutePlan> {
        self.plan()?.routes.get(at)
    }

    fn at(self) -> HostAt {
        HostAt {
            table: self.heard.table,
            host: self.host,
        }
    }
}

/// One side of a comparison: who owns the requests in question, and the table of its rules, which is empty without an owner.
#[derive(Clone, Copy)]
struct Table<'table, 'run> {
    owner: Option<Owner<'run>>,
    rules: &'table Difference<'run>,
}

/// Which requests two tables are compared for.
#[derive(Clone, Copy)]
struct Scope<'run> {
    /// Those that are asked about; none means all.
    within: Option<&'run Within<'run>>,
    /// How paths are made canonical.
    rules: PathRules,
    /// One host of those that go the same ways.
    host: &'run str,
}

impl Scope<'_> {
    fn compare(self, tables: Both<&Difference<'_>>) -> Result<Vec<Region>, Unknown> {
        let Self {
            within,
            rules,
            host,
        } = self;
        differences_within(tables.old, tables.new, within, rules, host)
    }
}

struct NodeComparison<'run> {
    name: &'run str,
    plans: Pair<&'run NodePlan>,
    /// The requests that are asked about; none means all.
    asked: Option<&'run Asked<'run>>,
    actions: Actions,
    changes: &'run mut Changes,
}

impl<'run> NodeComparison<'run> {
    fn compare(&mut self) {
        for ports in ports(self.plans) {
            self.port(ports.as_refs());
        }
        if self.asked.is_none() {
            self.access();
        }
    }

    fn port(&mut self, ports: Pair<&Port<'run>>) {
        let within = self.asked.map_or("*", |asked| asked.host);
        for shared in shared(ports, within) {
            let heard = shared.heard(ports);
            let owners = heard.zip(shared.ways).map(|(heard, way)| {
                let (heard, host) = heard.zip(way?.owner)?;
                Some(Owner { heard, host })
            });
            let mut heard = heard.into_iter().flatten();
            let is_asked = self
                .asked
                .is_none_or(|asked| heard.any(|heard| asked.has_listener(&heard.listener.name)));
            if is_asked && owners.newest().is_some() {
                self.host(&shared.parts, owners);
            }
        }
    }

    fn host(&mut self, parts: &[Part], owners: Pair<Owner<'run>>) {
        let Some(first) = parts.first() else {
            return;
        };
        let hosts = owners.map(|owner| owner?.plan());
        let count = |host: Option<&HostPlan>| host.map_or(0, |host| host.routes.len());
        let counts = hosts.map(count);
        let path_rules = owners.map(|owner| Some(owner?.heard.listener.path));
        self.changes.hosts += parts.len();
        // Of most nodes there is one plan for both sides, and what is the same need not be read to be equal.
        let is_equal = hosts.present().is_some_and(|both| {
            std::ptr::eq(both.old, both.new) || both.old.routes == both.new.routes
        });
        let has_same_clusters = owners.present().is_some_and(|both| {
            let settings = both.map(|owner| &owner.heard.plan.settings);
            let (old, new) = (settings.old, settings.new);
            std::ptr::eq(old, new) || old.clusters == new.clusters
        });
        if is_equal && has_same_clusters && path_rules.old == path_rules.new {
            self.changes.routes += counts.old;
            return;
        }
        self.changes.routes += counts.old + counts.new;
        let rules = owners.map(|owner| self.rules(owner));
        let tables = owners
            .zip(rules.as_ref())
            .map(|(owner, rules)| Table { owner, rules });
        let listener = owners.newest();
        let listener = listener.map_or("", |owner| owner.heard.listener.name.as_str());
        let before_changes = self.changes.changes.len();
        let scope = Scope {
            within: self.asked.map(|asked| &asked.requests),
            rules: compared(path_rules),
            host: &first.host,
        };
        // A statement about the listener says what else becomes of other paths, and stands beside all regions but none.
        let is_told = self.asked.is_none() || path_rules.present().is_none();
        let regions = scope.compare(rules.as_ref());
        let regions = regions.map(|regions| self.exactly(regions, tables, scope));
        let regions = regions.and_then(|regions| {
            let is_known = is_told || path_rules.old == path_rules.new || !regions.is_empty();
            is_known.then_some(regions).ok_or(Unknown::OtherPaths)
        });
        match regions {
            Ok(regions) => self.push(parts, listener, owners, regions),
            Err(reason) => self.doubt(parts, listener, owners, &reason),
        }
        if before_changes < self.changes.changes.len() {
            self.changes.changed_hosts += parts.len();
        }
    }

    fn doubt(
        &mut self,
        parts: &[Part],
        listener: &str,
        owners: Pair<Owner<'run>>,
        reason: &Unknown,
    ) {
        let hosts = owners.map(|owner| owner.map(Owner::at));
        let unknown = parts.iter().map(|part| UnknownHost {
            node: self.name.to_owned(),
            listener: listener.to_owned(),
            host: part.pattern.clone(),
            old: hosts.old,
            new: hosts.new,
            reason: reason.clone(),
        });
        self.changes.unknown.extend(unknown);
    }

    fn push(
        &mut self,
        parts: &[Part],
        listener: &str,
        owners: Pair<Owner<'run>>,
        regions: Vec<Region>,
    ) {
        let Some((first, also)) = parts.split_first() else {
            return;
        };
        let at = |owner: Option<Owner<'_>>, route: Option<usize>| {
            let HostAt { table, host } = owner?.at();
            let route = route?;
            Some(RuleAt { table, host, route })
        };
        for region in regions {
            let kind = match (region.old_refusal, region.new_refusal) {
                (None, None) => ChangeKind::Route,
                (old, new) => ChangeKind::RepeatedHeader {
                    is_refused: new.is_some(),
                    header: new.or(old).unwrap_or_default(),
                },
            };
            self.changes.changes.push(Change {
                node: self.name.to_owned(),
                listener: listener.to_owned(),
                host: first.pattern.clone(),
                also: also.to_vec(),
                kind,
                old: at(owners.old, region.old),
                new: at(owners.new, region.new),
                cells: region.cells,
                count: region.count,
                is_all_of_old: region.is_all_of_old,
                is_all_of_new: region.is_all_of_new,
                contrast: region.contrast,
            });
        }
    }

    /// The rules of a host as a table; an empty one without a host.
    fn rules(&mut self, owner: Option<Owner<'run>>) -> Difference<'run> {
        let mut table = Difference {
            entries: Vec::new(),
            actions: Vec::new(),
        };
        let Some(owner) = owner else {
            return table;
        };
        for route in owner.plan().into_iter().flat_map(|host| &host.routes) {
            table.entries.push(Entry::of(route));
            let action = self.actions.number(owner.heard.plan, route);
            table.actions.push(action);
        }
        table
    }

    /// The regions without the paths for which their rules do the same.
    fn exactly(
        &mut self,
        regions: Vec<Region>,
        tables: Both<Table<'_, 'run>>,
        scope: Scope<'_>,
    ) -> Vec<Region> {
        let agreed = self.agreed(&regions, tables);
        let whole = tables.map(|table| table.rules);
        let refined = Refined::both(whole, &agreed);
        // Where that is beyond a bound, what is known stands: too much is told, and nothing is missed.
        let exact = refined.and_then(|pieces| {
            let found = scope.compare(pieces.tables(whole).as_ref());
            Some(pieces.put_back(found.ok()?))
        });
        exact.unwrap_or(regions)
    }

    /// For which paths rules of both sides do the same, of those whose requests are shown to be treated otherwise and are not.
    fn agreed(&mut self, regions: &[Region], tables: Both<Table<'_, 'run>>) -> Vec<Agreed> {
        let mut found = BTreeMap::new();
        for region in regions {
            let positions = Both {
                old: region.old,
                new: region.new,
            };
            let taken = tables.zip(positions).map(|(table, at)| {
                let (owner, at) = table.owner.zip(at)?;
                let number = *table.rules.actions.get(at)?;
                Some((owner.heard.plan, owner.route(at)?, number))
            });
            let Some(taken) = taken.present() else {
                continue;
            };
            let numbers = taken.map(|(_, _, number)| number);
            let apart = taken.map(|(plan, route, _)| self.actions.apart(plan, route));
            let rewrites = apart.as_ref().map(|(rewrite, _)| rewrite.as_ref());
            if apart.old.1 == apart.new.1 && agreed::shows_nothing(region, rewrites) {
                let known = found.entry(numbers);
                known.or_insert_with(|| agreement(rewrites.old, rewrites.new));
            }
        }
        agreed::all(found)
    }

    /// The paths of calls: with the rules of either side kept, those of both are among them.
    fn inbound_paths(&self) -> PathRules {
        let plans = self.plans.into_iter().flatten();
        let listeners = plans.flat_map(|plan| &plan.settings.listeners);
        let inbound = listeners.filter(|one| one.role == Role::Inbound);
        let mut rules = PathRules::default();
        for listener in inbound {
            rules.keep_escaped_slashes |= listener.path.keep_escaped_slashes;
            if listener.path.slashes == Slashes::Keep {
                rules.slashes = Slashes::Keep;
            }
        }
        rules
    }

    /// Who may call the node.
    fn access(&mut self) {
        let access =
            |plan: Option<&'run NodePlan>| plan.map_or(&[][..], |plan| plan.access.as_slice());
        let is_asked = |plan: Option<&NodePlan>| {
            plan.is_some_and(|plan| {
                plan.settings
                    .listeners
                    .iter()
                    .any(|one| one.role == Role::Inbound)
            })
        };
        let Both { old, new } = self.plans.map(access);
        let is_same = std::ptr::eq(old, new) || old == new;
        if is_same || !self.plans.into_iter().any(is_asked) {
            return;
        }
        let all = all_paths();
        let host = self.name.rsplit('/').next().unwrap_or(self.name);
        let at = |route: Option<usize>, rules: &[AccessPlan]| {
            let route = route.filter(|route| *route < rules.len());
            route.map(|route| RuleAt {
                table: 0,
                host: 0,
                route,
            })
        };
        let (before, after) = (admission(old, &all), admission(new, &all));
        match differences(&before, &after, self.inbound_paths(), host) {
            Ok(regions) => {
                for region in regions {
                    self.changes.changes.push(Change {
                        node: self.name.to_owned(),
                        listener: "inbound".to_owned(),
                        host: host.to_owned(),
                        also: Vec::new(),
                        kind: ChangeKind::Permission,
                        old: at(region.old, old),
                        new: at(region.new, new),
                        cells: region.cells,
                        count: region.count,
                        is_all_of_old: region.is_all_of_old,
                        is_all_of_new: region.is_all_of_new,
                        contrast: region.contrast,
                    });
                }
            }
            Err(reason) => self.changes.unknown.push(UnknownHost {
                node: self.name.to_owned(),
                listener: "inbound".to_owned(),
                host: host.to_owned(),
                old: None,
                new: None,
                reason,
            }),
        }
    }
}

/// The paths that are compared where listeners make them canonical by these rules: with `%2F` if either keeps it, and with
/// empty segments if both do. A path with an empty segment is another one for a listener that merges it, so nothing
/// could be said of it side by side.
fn compared(rules: Pair<PathRules>) -> PathRules {
    let mut both = rules.into_iter().flatten();
    let keeps_slashes = both.clone().all(|one| one.slashes == Slashes::Keep);
    PathRules {
        keep_escaped_slashes: both.any(|one| one.keep_escaped_slashes),
        refuse_dot_segments: false,
        slashes: if keeps_slashes {
            Slashes::Keep
        } else {
            Slashes::Merge
        },
    }
}

/// What the access rules of a node come to: what no rule matches is refused, as what a rule refuses.
fn admission<'run>(rules: &'run [AccessPlan], all: &'run PathPattern) -> Difference<'run> {
    let number = |effect| match effect {
        Effect::Admit => 0,
        Effect::Refuse => 1,
    };
    let rest = (Entry::of_path(all), number(Effect::Refuse));
    let rules = rules.iter();
    let rules = rules.map(|rule| (Entry::of(rule), number(rule.effect)));
    let (entries, actions) = rules.chain([rest]).unzip();
    Difference { entries, actions }
}
