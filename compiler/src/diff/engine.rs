//! Compares two models node by node, listener by listener, host by host.
//!
//! Hosts are partitioned first: the hosts that no pattern of either side tells apart have one owner on each
//! side, and two owners are compared once however many hosts they share. Equal tables are not looked into.

use std::collections::{BTreeMap, BTreeSet};

use weft_snapshot::canonical;
use weft_snapshot::plan::{AccessPlan, Effect, HostPlan, NodePlan, PathPattern};
use weft_snapshot::settings::{Listener, PathRules, Role, Slashes};

use super::actions::Actions;
use super::change::{Change, ChangeKind, Changes, RuleAt, UnknownHost};
use super::pairs::listeners;
use crate::model::host_covers;
use crate::model::path::all_paths;
use crate::space::{
    Difference, Entry, Region, Served, Unknown, Within, differences, differences_within,
    host_witness,
};

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
    fn has_node(&self, node: &str) -> bool {
        let wanted = self.listener.as_ref();
        node.starts_with("gateway/") && wanted.is_none_or(|(wanted, _)| wanted == node)
    }

    fn has_listener(&self, listener: &str) -> bool {
        let wanted = self.listener.as_ref();
        wanted.is_none_or(|(_, wanted)| wanted == listener)
    }
}

/// Finds every set of requests that two models treat differently.
pub fn compare(old: &[NodePlan], new: &[NodePlan]) -> Changes {
    compare_asked(old, new, None)
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
        Node {
            name: node,
            old: left,
            new: right,
            asked,
            actions: Actions::default(),
            changes: &mut changes,
        }
        .compare();
    }
    changes
}

/// A side of a listener and the position of the host that owns the requests in question; none if none does.
type Owner<'run> = Option<(Side<'run>, usize)>;

struct Node<'run> {
    name: &'run str,
    old: Option<&'run NodePlan>,
    new: Option<&'run NodePlan>,
    /// The requests that are asked about; none means all.
    asked: Option<&'run Asked<'run>>,
    actions: Actions,
    changes: &'run mut Changes,
}

/// The listener of one side and its hosts.
#[derive(Clone, Copy)]
struct Side<'run> {
    plan: &'run NodePlan,
    listener: &'run Listener,
    table: usize,
    hosts: &'run [HostPlan],
}

/// The other listeners of the same address and port: the one with the most specific host gets a request.
fn siblings(side: Side<'_>) -> impl Iterator<Item = &Listener> {
    let own = side.listener;
    let all = side.plan.settings.listeners.iter();
    all.filter(move |one| {
        one.name != own.name && (one.address, one.port) == (own.address, own.port)
    })
}

impl<'run> Side<'run> {
    fn new(plan: &'run NodePlan, listener: &'run Listener) -> Self {
        let table = usize::try_from(listener.table).unwrap_or(usize::MAX);
        let hosts = plan.tables.get(table).map_or(&[][..], |table| &table.hosts);
        Self {
            plan,
            listener,
            table,
            hosts,
        }
    }

    /// The position of the host that owns a canonical host here; none also where another listener gets it.
    fn owner(&self, host: &str) -> Option<usize> {
        let best = |listener: &Listener| {
            let patterns = listener.hosts.iter();
            patterns
                .filter_map(|pattern| canonical::host_matches(pattern, host))
                .max()
        };
        let own = best(self.listener)?;
        if siblings(*self).any(|other| best(other).is_some_and(|other| own < other)) {
            return None;
        }
        let owners = self.hosts.iter().enumerate();
        owners
            .filter_map(|(at, plan)| Some((canonical::host_matches(&plan.host, host)?, at)))
            .max()
            .map(|(_, at)| at)
    }

    fn is_plain(&self) -> bool {
        self.listener.hosts.iter().any(|host| host == "*") && siblings(*self).next().is_none()
    }
}

/// The table and the position of the host that owns a canonical host on a listener of a plan.
pub(super) fn owner_at(plan: &NodePlan, listener: &Listener, host: &str) -> Option<(usize, usize)> {
    let side = Side::new(plan, listener);
    Some((side.table, side.owner(host)?))
}

impl<'run> Node<'run> {
    fn compare(&mut self) {
        for (left, right) in self.listeners() {
            self.listener(left, right);
        }
        if self.asked.is_none() {
            self.access();
        }
    }

    /// Listeners of one name belong together, and then those of one address and port.
    fn listeners(&self) -> Vec<(Option<Side<'run>>, Option<Side<'run>>)> {
        let of = |plan: Option<&'run NodePlan>, listener: Option<&'run Listener>| {
            plan.zip(listener).map(|(plan, one)| Side::new(plan, one))
        };
        listeners(self.old, self.new)
            .into_iter()
            .map(|(before, after)| (of(self.old, before), of(self.new, after)))
            .collect()
    }

    fn listener(&mut self, left: Option<Side<'run>>, right: Option<Side<'run>>) {
        let name = right.or(left).map(|side| side.listener.name.as_str());
        if let (Some(asked), Some(name)) = (self.asked, name)
            && !asked.has_listener(name)
        {
            return;
        }
        let within = self.asked.map(|asked| asked.host);
        for (host, before, after) in pairs((left, right), within) {
            self.host(&host, (left.zip(before), right.zip(after)));
        }
    }

    fn host(
        &mut self,
        (pattern, witness): &(String, String),
        (left, right): (Owner<'run>, Owner<'run>),
    ) {
        let plan = |side: Owner<'run>| side.and_then(|(side, at)| side.hosts.get(at));
        let (old, new) = (plan(left), plan(right));
        let routes = |host: Option<&HostPlan>| host.map_or(0, |host| host.routes.len());
        let rules = |side: Owner<'_>| side.map(|(side, _)| side.listener.path);
        let (old_rules, new_rules) = (rules(left), rules(right));
        self.changes.hosts += 1;
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
        let regions = differences_within((&before, &after), within, rules, witness);
        let regions = regions.and_then(|regions| {
            let is_known = is_told || old_rules == new_rules || !regions.is_empty();
            is_known.then_some(regions).ok_or(Unknown::OtherPaths)
        });
        match regions {
            Ok(regions) => self.push((pattern, &listener), (left, right), regions),
            Err(reason) => self.changes.unknown.push(UnknownHost {
                node: self.name.to_owned(),
                listener: listener.clone(),
                host: pattern.clone(),
                old: left.map(|(side, at)| (side.table, at)),
                new: right.map(|(side, at)| (side.table, at)),
                reason,
            }),
        }
        self.changes.changed_hosts += usize::from(before_changes < self.changes.changes.len());
    }

    fn push(
        &mut self,
        (pattern, listener): (&str, &str),
        (left, right): (Owner<'run>, Owner<'run>),
        regions: Vec<Region>,
    ) {
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
                host: pattern.to_owned(),
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
                table.entries.push(Entry::of_route(route));
                table.actions.push(self.actions.number(side.plan, route));
            }
        }
        table
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
    let rules = rules.map(|rule| (Entry::of_access(rule), number(rule.effect)));
    let (entries, actions) = rules.chain([rest]).unzip();
    Difference { entries, actions }
}

/// A pattern with one host of it, and the positions of the owners of that host on both sides.
type Pair = ((String, String), Option<usize>, Option<usize>);

/// Every pair of owners that some host has, one of a pattern if that is asked for, with the most general pattern that
/// leads to it.
fn pairs((left, right): (Option<Side<'_>>, Option<Side<'_>>), within: Option<&str>) -> Vec<Pair> {
    if let (Some(left), Some(right), None) = (left, right, within)
        && left.is_plain()
        && right.is_plain()
        && left.hosts.len() == right.hosts.len()
        && left
            .hosts
            .iter()
            .zip(right.hosts)
            .all(|(one, other)| one.host == other.host)
    {
        // The same patterns own the same hosts.
        let patterns: Vec<&str> = left.hosts.iter().map(|host| host.host.as_str()).collect();
        let hosts = patterns.iter().enumerate();
        return hosts
            .map(|(at, pattern)| {
                let witness = one_host(pattern, &patterns);
                (((*pattern).to_owned(), witness), Some(at), Some(at))
            })
            .collect();
    }
    let sides: Vec<Side<'_>> = left.into_iter().chain(right).collect();
    let mut patterns: BTreeSet<&str> = BTreeSet::new();
    for side in &sides {
        patterns.extend(side.hosts.iter().map(|host| host.host.as_str()));
        patterns.extend(side.listener.hosts.iter().map(String::as_str));
        patterns.extend(
            siblings(*side)
                .flat_map(|other| &other.hosts)
                .map(String::as_str),
        );
    }
    patterns.extend(within);
    let all: Vec<&str> = patterns.into_iter().collect();
    let is_asked = |pattern: &&&str| within.is_none_or(|within| host_covers(within, pattern));
    let mut found: BTreeMap<(Option<usize>, Option<usize>), (String, String)> = BTreeMap::new();
    for pattern in all.iter().filter(is_asked) {
        let witness = one_host(pattern, &all);
        let owner = |side: Option<Side<'_>>| side.and_then(|side| side.owner(&witness));
        let pair = (owner(left), owner(right));
        if pair != (None, None) {
            found
                .entry(pair)
                .or_insert_with(|| ((*pattern).to_owned(), witness.clone()));
        }
    }
    found
        .into_iter()
        .map(|((before, after), host)| (host, before, after))
        .collect()
}

/// A host of a pattern that belongs to none of the more specific ones.
fn one_host(pattern: &str, patterns: &[&str]) -> String {
    if pattern.starts_with('*') {
        host_witness(pattern, patterns, &Served::default())
    } else {
        pattern.to_owned()
    }
}
