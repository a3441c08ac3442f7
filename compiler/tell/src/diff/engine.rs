//! Compares two models node by node, port by port, host by host.
//!
//! Hosts are partitioned first ([`ports`](super::ports)): those that no pattern of either side tells apart have one owner on
//! each side, and two owners are compared once however many hosts they share. Equal tables are not looked into.

use std::collections::{BTreeMap, BTreeSet};

use weft_snapshot::plan::{AccessPlan, Effect, HostPlan, NodePlan, PathPattern};
use weft_snapshot::settings::{PathRules, Role, Slashes};
use weft_space::agreement::agreement;
use weft_space::path::all_paths;
use weft_space::{
    Difference, Entry, Part, Region, Unknown, Within, differences, differences_within,
};

use super::actions::Actions;
use super::agreed::{self, Agreed, Refined};
use super::change::{Change, ChangeKind, Changes, RuleAt, UnknownHost};
use super::ports::{Heard, Port, Way, ports, shared};
use super::side::Side;

/// Some requests to gateways.
#[derive(Clone, Debug)]
pub(crate) struct Asked<'run> {
    /// The node and the listener; none means all gateways.
    pub(crate) listener: Option<(String, String)>,
    /// The host pattern.
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
    compare_asked(old, new, None)
}

/// Finds every set of requests that two sides treat differently. Of a node with one slice on both sides a plan is read to count
/// what was compared, and is not kept.
pub fn compare_sides(old: &Side, new: &Side) -> Changes {
    let mut changes = Changes::default();
    for node in old.nodes(new) {
        if old.is_same(new, node) {
            let plan = old.read(node);
            compare_node(node, [plan.as_ref(), plan.as_ref()], None, &mut changes);
        } else {
            let plans = [old.plan(node), new.plan(node)];
            compare_node(node, plans, None, &mut changes);
        }
    }
    changes
}

/// Compares what one node does.
fn compare_node(
    name: &str,
    [old, new]: [Option<&NodePlan>; 2],
    asked: Option<&Asked<'_>>,
    changes: &mut Changes,
) {
    Node {
        name,
        old,
        new,
        asked,
        actions: Actions::default(),
        changes,
    }
    .compare();
}

/// As [`compare`], of some requests alone.
pub(crate) fn compare_asked(
    old: &[NodePlan],
    new: &[NodePlan],
    asked: Option<&Asked<'_>>,
) -> Changes {
    let by_name = |plans: &'_ [NodePlan]| -> BTreeMap<String, usize> {
        let named = plans.iter().enumerate();
        named
            .map(|(at, plan)| (plan.settings.node.clone(), at))
            .collect()
    };
    let (before, after) = (by_name(old), by_name(new));
    let nodes: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut changes = Changes::default();
    let is_asked = |node: &&String| asked.is_none_or(|asked| asked.has_node(node));
    for node in nodes.into_iter().filter(is_asked) {
        let left = before.get(node).and_then(|at| old.get(*at));
        let right = after.get(node).and_then(|at| new.get(*at));
        compare_node(node, [left, right], asked, &mut changes);
    }
    changes
}

/// A listener of one side and the position of the host that owns the requests in question; none if none does.
type Owner<'run> = Option<(Heard<'run>, usize)>;

/// Who owns the requests in question on each side, with the table of its rules.
type Sides<'table, 'run> = (
    (Owner<'run>, &'table Difference<'run>),
    (Owner<'run>, &'table Difference<'run>),
);

struct Node<'run> {
    name: &'run str,
    old: Option<&'run NodePlan>,
    new: Option<&'run NodePlan>,
    /// The requests that are asked about; none means all.
    asked: Option<&'run Asked<'run>>,
    actions: Actions,
    changes: &'run mut Changes,
}

impl<'run> Node<'run> {
    fn compare(&mut self) {
        for (left, right) in ports(self.old, self.new) {
            self.port(left.as_ref(), right.as_ref());
        }
        if self.asked.is_none() {
            self.access();
        }
    }

    fn port(&mut self, left: Option<&Port<'run>>, right: Option<&Port<'run>>) {
        let within = self.asked.map_or("*", |asked| asked.host);
        for shared in shared((left, right), within) {
            let owner = |port: Option<&Port<'run>>, way: Way| -> Owner<'run> {
                Some((port?.listener(way)?, way?.1?))
            };
            let heard = |port: Option<&Port<'run>>, way| port.and_then(|port| port.listener(way));
            let heard = [heard(left, shared.old), heard(right, shared.new)];
            let mut heard = heard.iter().flatten();
            let is_asked = self
                .asked
                .is_none_or(|asked| heard.any(|heard| asked.has_listener(&heard.listener.name)));
            let owners = (owner(left, shared.old), owner(right, shared.new));
            if is_asked && (owners.0.is_some() || owners.1.is_some()) {
                self.host(&shared.parts, owners);
            }
        }
    }

    fn host(&mut self, parts: &[Part], (left, right): (Owner<'run>, Owner<'run>)) {
        let Some(first) = parts.first() else {
            return;
        };
        let plan = |side: Owner<'run>| side.and_then(|(side, at)| side.hosts.get(at));
        let (old, new) = (plan(left), plan(right));
        let routes = |host: Option<&HostPlan>| host.map_or(0, |host| host.routes.len());
        let rules = |side: Owner<'_>| side.map(|(side, _)| side.listener.path);
        let (old_rules, new_rules) = (rules(left), rules(right));
        self.changes.hosts += parts.len();
        let has_same_clusters = match (left, right) {
            (Some((left, _)), Some((right, _))) => {
                left.plan.settings.clusters == right.plan.settings.clusters
            }
            (_, _) => false,
        };
        let is_equal = old
            .zip(new)
            .is_some_and(|(old, new)| old.routes == new.routes);
        if is_equal && has_same_clusters && old_rules == new_rules {
            self.changes.routes += routes(old);
            return;
        }
        self.changes.routes += routes(old) + routes(new);
        let (before, after) = (self.side(left, old), self.side(right, new));
        let rules = compared(old_rules, new_rules);
        let listener = right.or(left).map(|(side, _)| side.listener.name.clone());
        let listener = listener.unwrap_or_default();
        let before_changes = self.changes.changes.len();
        let within = self.asked.map(|asked| &asked.requests);
        // A statement about the listener says what else becomes of other paths, and stands beside all regions but none.
        let is_told = self.asked.is_none() || old_rules.is_none() || new_rules.is_none();
        let regions = differences_within((&before, &after), within, rules, &first.host);
        let sides = ((left, &before), (right, &after));
        let asked = (within, rules, first.host.as_str());
        let regions = regions.map(|regions| self.exactly(regions, sides, asked));
        let regions = regions.and_then(|regions| {
            let is_known = is_told || old_rules == new_rules || !regions.is_empty();
            is_known.then_some(regions).ok_or(Unknown::OtherPaths)
        });
        match regions {
            Ok(regions) => self.push((parts, &listener), (left, right), regions),
            Err(reason) => {
                let unknown = parts.iter().map(|part| UnknownHost {
                    node: self.name.to_owned(),
                    listener: listener.clone(),
                    host: part.pattern.clone(),
                    old: left.map(|(side, at)| (side.table, at)),
                    new: right.map(|(side, at)| (side.table, at)),
                    reason: reason.clone(),
                });
                self.changes.unknown.extend(unknown);
            }
        }
        if before_changes < self.changes.changes.len() {
            self.changes.changed_hosts += parts.len();
        }
    }

    fn push(
        &mut self,
        (parts, listener): (&[Part], &str),
        (left, right): (Owner<'run>, Owner<'run>),
        regions: Vec<Region>,
    ) {
        let Some((first, also)) = parts.split_first() else {
            return;
        };
        let at = |side: Owner<'_>, route: Option<usize>| {
            let (side, host) = side?;
            Some(RuleAt {
                table: side.table,
                host,
                route: route?,
            })
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
                old: at(left, region.old),
                new: at(right, region.new),
                cells: region.cells,
                count: region.count,
                is_all_of_old: region.is_all_of_old,
                is_all_of_new: region.is_all_of_new,
                contrast: region.contrast,
            });
        }
    }

    fn side(&mut self, side: Owner<'run>, host: Option<&'run HostPlan>) -> Difference<'run> {
        let mut table = Difference {
            entries: Vec::new(),
            actions: Vec::new(),
        };
        if let (Some((side, _)), Some(host)) = (side, host) {
            for route in &host.routes {
                table.entries.push(Entry::of(route));
                table.actions.push(self.actions.number(side.plan, route));
            }
        }
        table
    }

    /// The regions without the paths for which their rules do the same.
    fn exactly(
        &mut self,
        regions: Vec<Region>,
        sides: Sides<'_, 'run>,
        (within, rules, host): (Option<&Within<'_>>, PathRules, &str),
    ) -> Vec<Region> {
        let ((_, before), (_, after)) = sides;
        let agreed = self.agreed(&regions, sides);
        let refined = Refined::both((before, after), &agreed);
        // Where that is beyond a bound, what is known stands: too much is told, and nothing is missed.
        let exact = refined.and_then(|pieces| {
            let (old, new) = (pieces.table(before, 0), pieces.table(after, 1));
            let found = differences_within((&old, &new), within, rules, host);
            Some(pieces.put_back(found.ok()?))
        });
        exact.unwrap_or(regions)
    }

    /// For which paths rules of both sides do the same, of those whose requests are shown to be treated otherwise and are not.
    fn agreed(
        &mut self,
        regions: &[Region],
        ((left, before), (right, after)): Sides<'_, 'run>,
    ) -> Vec<Agreed> {
        let (Some((left, old_host)), Some((right, new_host))) = (left, right) else {
            return Vec::new();
        };
        let mut found = BTreeMap::new();
        for region in regions {
            let (Some(old), Some(new)) = (region.old, region.new) else {
                continue;
            };
            let route =
                |side: Heard<'run>, host: usize, at: usize| side.hosts.get(host)?.routes.get(at);
            let routes = route(left, old_host, old).zip(route(right, new_host, new));
            let numbers = before.actions.get(old).zip(after.actions.get(new));
            let (Some((was, is)), Some((one, other))) = (routes, numbers) else {
                continue;
            };
            let (was, is) = (
                self.actions.apart(left.plan, was),
                self.actions.apart(right.plan, is),
            );
            if was.1 == is.1 && agreed::shows_nothing(region, (was.0.as_ref(), is.0.as_ref())) {
                let known = found.entry((*one, *other));
                known.or_insert_with(|| agreement(was.0.as_ref(), is.0.as_ref()));
            }
        }
        agreed::all(found)
    }

    /// The paths of calls: with the rules of either side kept, those of both are among them.
    fn inbound_paths(&self) -> PathRules {
        let plans = self.old.into_iter().chain(self.new);
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
        let (old, new) = (access(self.old), access(self.new));
        if old == new || !(is_asked(self.old) || is_asked(self.new)) {
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
        let sides = (&admission(old, &all), &admission(new, &all));
        match differences(sides, self.inbound_paths(), host) {
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
fn compared(old: Option<PathRules>, new: Option<PathRules>) -> PathRules {
    let mut both = [old, new].into_iter().flatten();
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
