//! What some requests to gateways meet beside the rules that decide about them, on both sides.
//!
//! A request meets the listener by which it comes, the node, the backends of its rule, and where a sidecar stands before
//! a backend, who is admitted there and what the sidecar does. Everything that a diff compares ([`super::beside`], permissions,
//! inbound rules) is asked here, each by which requests meet it. Calls that an app makes in turn are requests of their own.

use std::collections::{BTreeMap, BTreeSet};

use weft_snapshot::plan::{Action, NodePlan, RoutePlan};
use weft_snapshot::settings::{Cluster, PathRules, Role};
use weft_space::automata::Automata;
use weft_space::{
    Difference, Entry, ListenerUrl, Unknown, WitnessRequest, differences_within, left,
};

use super::beside::{About, beside};
use super::change::ChangeKind;
use super::difference::difference;
use super::engine::{Asked, compare};
use super::gates::{Gate, admission_parts};
use super::ports::{Heard, Port, Shared, ports, shared};

/// A difference that a request meets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Met {
    /// What differs.
    pub(crate) text: String,
    /// The request, as a command.
    pub(crate) shown: String,
}

/// The first difference that some requests meet whose rules do the same on both sides; none if there is none.
///
/// # Errors
///
/// Why it is not known, in words.
pub(crate) fn met(
    old: &[NodePlan],
    new: &[NodePlan],
    asked: &Asked<'_>,
) -> Result<Option<Met>, String> {
    let mut doubt = None;
    for after in new
        .iter()
        .filter(|plan| asked.has_node(&plan.settings.node))
    {
        let node = after.settings.node.as_str();
        // Where a side has no such gateway, its rules say the difference.
        let Some(before) = plan(old, node) else {
            continue;
        };
        let way = Way {
            old: (old, before),
            new: (new, after),
            asked,
        };
        match way.met() {
            Ok(None) => {}
            Ok(found) => return Ok(found),
            Err(why) => doubt = doubt.or(Some(why)),
        }
    }
    doubt.map_or(Ok(None), Err)
}

fn plan<'run>(plans: &'run [NodePlan], node: &str) -> Option<&'run NodePlan> {
    plans.iter().find(|plan| plan.settings.node == node)
}

/// All plans of a side, and that of the gateway.
type Plans<'run> = (&'run [NodePlan], &'run NodePlan);

struct Way<'run> {
    old: Plans<'run>,
    new: Plans<'run>,
    asked: &'run Asked<'run>,
}

/// A rule that takes requests in question, with one of them.
struct Taker<'run> {
    /// Its table, and its position there.
    routes: &'run [RoutePlan],
    at: usize,
    heard: Heard<'run>,
    pub witness: WitnessRequest,
}

/// The listeners of both sides by which requests come, by name, with one of them.
type Listeners = BTreeMap<(Option<String>, Option<String>), (WitnessRequest, ListenerUrl)>;

impl<'run> Way<'run> {
    fn met(&self) -> Result<Option<Met>, String> {
        let (before, after) = (self.old.1, self.new.1);
        let node = after.settings.node.as_str();
        let unknown = |unknown: Unknown| format!("{node}: {unknown}");
        let (mut listeners, mut takers) = (Listeners::new(), Vec::new());
        for (left, right) in ports(Some(before), Some(after)) {
            for shared in shared((left.as_ref(), right.as_ref()), self.asked.host) {
                self.heard((left.as_ref(), right.as_ref()), &shared, &mut listeners)
                    .map_err(unknown)?;
                if let Some(port) = &right
                    && self.is_asked((left.as_ref(), right.as_ref()), &shared)
                {
                    takers.extend(self.takers(port, &shared).map_err(unknown)?);
                }
            }
        }
        for difference in beside(node, Some(before), Some(after)) {
            let shown = match &difference.about {
                About::Listener(was, is) => self.by((was, is), &listeners),
                About::Node => listeners.values().next().cloned(),
                About::Cluster(name) => takers
                    .iter()
                    .find(|taker| clusters(after, taker).any(|cluster| cluster.name == *name))
                    .map(Taker::shown),
            };
            if let Some((witness, url)) = shown {
                return Ok(Some(Met {
                    text: difference.title(),
                    shown: witness.curl(url),
                }));
            }
        }
        self.onward(&takers)
    }

    fn names(
        (left, right): (Option<&Port<'_>>, Option<&Port<'_>>),
        shared: &Shared,
    ) -> (Option<String>, Option<String>) {
        let name = |port: Option<&Port<'_>>, way| {
            let heard = port?.listener(way)?;
            Some(heard.listener.name.clone())
        };
        (name(left, shared.old), name(right, shared.new))
    }

    fn is_asked(&self, ports: (Option<&Port<'_>>, Option<&Port<'_>>), shared: &Shared) -> bool {
        let (was, is) = Self::names(ports, shared);
        let mut names = [was, is].into_iter().flatten();
        names.any(|name| self.asked.has_listener(&name))
    }

    /// Notes the listeners of hosts that some request in question names.
    fn heard(
        &self,
        ports: (Option<&Port<'_>>, Option<&Port<'_>>),
        shared: &Shared,
        listeners: &mut Listeners,
    ) -> Result<(), Unknown> {
        let heard = ports.1.and_then(|port| port.listener(shared.new));
        let heard = heard.or_else(|| ports.0.and_then(|port| port.listener(shared.old)));
        let (Some(heard), Some(part)) = (heard, shared.parts.first()) else {
            return Ok(());
        };
        // Where no rule is, the answer is 404 whatever a listener does.
        let has_rules = [shared.old, shared.new]
            .iter()
            .flatten()
            .any(|(_, owner)| owner.is_some());
        if !has_rules || !self.is_asked(ports, shared) {
            return Ok(());
        }
        let within = &self.asked.requests;
        let with = (heard.listener.path, &Automata::default());
        if let Some(witness) = left(&within.entry, &within.except, with)? {
            let host = part.host.clone();
            let url = ListenerUrl::of_plan(heard.listener);
            let shown = (WitnessRequest { host, ..witness }, url);
            listeners.entry(Self::names(ports, shared)).or_insert(shown);
        }
        Ok(())
    }

    /// A request that comes by one listener and came by another, or by one of them where that is gone from its port.
    fn by(
        &self,
        (was, is): (&Option<String>, &Option<String>),
        listeners: &Listeners,
    ) -> Option<(WitnessRequest, ListenerUrl)> {
        let place = |plan: &NodePlan, name: &Option<String>| {
            let mut named = plan.settings.listeners.iter();
            let listener = named.find(|one| Some(&one.name) == name.as_ref())?;
            Some((listener.address, listener.port))
        };
        let same = listeners.get(&(was.clone(), is.clone()));
        let is_moved = place(self.old.1, was) != place(self.new.1, is);
        let apart = || {
            let alone = [(was.clone(), None), (None, is.clone())];
            let mut alone = alone.iter().filter(|one| **one != (None, None));
            alone.find_map(|one| listeners.get(one))
        };
        same.or_else(|| is_moved.then(apart).flatten()).cloned()
    }

    /// The rules of the new side that take requests in question.
    fn takers(&self, port: &Port<'run>, shared: &Shared) -> Result<Vec<Taker<'run>>, Unknown> {
        let owner = shared.new.and_then(|(_, owner)| owner);
        let (Some(heard), Some(owner)) = (port.listener(shared.new), owner) else {
            return Ok(Vec::new());
        };
        let (Some(table_of_host), Some(first)) = (heard.hosts.get(owner), shared.parts.first())
        else {
            return Ok(Vec::new());
        };
        let routes = table_of_host.routes.as_slice();
        let entries: Vec<Entry<'_>> = routes.iter().map(Entry::of).collect();
        // Beside a table in which nothing does the same, every rule shows the requests that it takes.
        let table = |mark: u32| Difference {
            actions: (0_u32..)
                .map(|at| at * 2 + mark)
                .take(routes.len())
                .collect(),
            entries: entries.clone(),
        };
        let within = Some(&self.asked.requests);
        let rules = heard.listener.path;
        let found = differences_within((&table(0), &table(1)), within, rules, &first.host)?;
        let mut known = BTreeSet::new();
        let takers = found.into_iter().filter_map(|region| {
            let at = region.new.filter(|_| region.new_refusal.is_none())?;
            let cell = region.cells.into_iter().next()?;
            known.insert(at).then_some(Taker {
                routes,
                at,
                heard,
                witness: cell.witness,
            })
        });
        Ok(takers.collect())
    }

    /// What requests meet at the sidecars that they are forwarded to.
    fn onward(&self, takers: &[Taker<'run>]) -> Result<Option<Met>, String> {
        let mut doubt = None;
        let mut known = BTreeSet::new();
        for taker in takers {
            for cluster in clusters(self.new.1, taker) {
                let service = &service_of(cluster);
                let (before, after) = (plan(self.old.0, service), plan(self.new.0, service));
                if before == after {
                    continue;
                }
                let (Some(before), Some(after)) = (before, after) else {
                    doubt = Some(format!("`{service}` has a sidecar on one side alone"));
                    continue;
                };
                let found = if known.insert(service.to_owned()) {
                    inside((before, after))
                } else {
                    Ok(None)
                };
                let found = match found {
                    Ok(None) => self.admitted(taker, (before, after)),
                    found => found.map(|text| text.map(|text| (text, taker.witness.clone()))),
                };
                match found {
                    Ok(None) => {}
                    Ok(Some((text, witness))) => {
                        let url = ListenerUrl::of_plan(taker.heard.listener);
                        let shown = witness.curl(url);
                        return Ok(Some(Met { text, shown }));
                    }
                    Err(why) => doubt = doubt.or(Some(why)),
                }
            }
        }
        doubt.map_or(Ok(None), Err)
    }

    /// A request of a rule that a service admits on one side alone, with words for it.
    fn admitted(
        &self,
        taker: &Taker<'_>,
        (before, after): (&NodePlan, &NodePlan),
    ) -> Result<Option<(String, WitnessRequest)>, String> {
        let settings = &self.new.1.settings;
        let caller = format!("spiffe://{}/{}", settings.trust_domain, settings.node);
        let gate = Gate {
            within: &self.asked.requests,
            routes: taker.routes,
            at: taker.at,
            caller: &caller,
            rules: taker.heard.listener.path,
        };
        let service = &after.settings.node;
        let sides = [
            ((after, before), "is admitted by", "was not"),
            ((before, after), "was admitted by", "is not"),
        ];
        for ((own, other), is, not) in sides {
            let found = admission_parts(&gate, (&own.access, &other.access));
            let found = found.map_err(|why| format!("`{service}`: {why}"))?;
            if let Some(witness) = found {
                let text = format!("the request {is} `{service}` and {not}");
                let host = taker.witness.host.clone();
                return Ok(Some((text, WitnessRequest { host, ..witness })));
            }
        }
        Ok(None)
    }
}

impl Taker<'_> {
    fn shown(&self) -> (WitnessRequest, ListenerUrl) {
        let url = ListenerUrl::of_plan(self.heard.listener);
        (self.witness.clone(), url)
    }
}

/// The node of the service that a backend is, by its name: how the way there is protected says nothing about whether a
/// sidecar stands at its end.
fn service_of(cluster: &Cluster) -> String {
    let service = cluster.name.split('@').next().unwrap_or_default();
    format!("service/{service}")
}

/// The backends of a rule that get requests.
fn clusters<'run>(
    plan: &'run NodePlan,
    taker: &Taker<'run>,
) -> impl Iterator<Item = &'run Cluster> {
    let action = taker
        .routes
        .get(taker.at)
        .map(|route| &route.outcome.action);
    let backends = match action {
        Some(Action::Forward { backends }) => backends.as_slice(),
        Some(Action::Redirect { .. } | Action::Respond { .. }) | None => &[],
    };
    let live = backends.iter().filter(|backend| 0 < backend.share);
    live.filter_map(|backend| {
        let at = usize::try_from(backend.cluster).ok()?;
        plan.settings.clusters.get(at)
    })
}

/// A sidecar that reads paths in the built-in way: its gateways have made them canonical, and what it could do with others is nothing
/// that their requests meet.
fn of_gateways(plan: &NodePlan) -> NodePlan {
    let mut plan = plan.clone();
    for listener in &mut plan.settings.listeners {
        listener.path = PathRules::default();
    }
    plan
}

/// What a sidecar does otherwise with every request of a gateway that it admits, in words.
fn inside((before, after): (&NodePlan, &NodePlan)) -> Result<Option<String>, String> {
    let (before, after) = (&of_gateways(before), &of_gateways(after));
    let node = after.settings.node.as_str();
    let is_inbound = |name: &Option<String>| {
        let plans = [before, after].into_iter();
        let mut listeners = plans.flat_map(|plan| &plan.settings.listeners);
        listeners.any(|one| one.role == Role::Inbound && Some(&one.name) == name.as_ref())
    };
    for difference in beside(node, Some(before), Some(after)) {
        let is_met = match &difference.about {
            About::Listener(was, is) => is_inbound(was) || is_inbound(is),
            About::Node => true,
            // The app behind the sidecar; other backends are for what the app calls.
            About::Cluster(name) => name == "app",
        };
        if is_met {
            return Ok(Some(difference.title()));
        }
    }
    let sides = (std::slice::from_ref(before), std::slice::from_ref(after));
    let found = compare(sides.0, sides.1);
    let mut changes = found.changes.iter().filter(|change| {
        change.kind != ChangeKind::Permission && is_inbound(&Some(change.listener.clone()))
    });
    if let Some(change) = changes.next() {
        return Ok(Some(format!("{node}: {}", difference(sides, change).text)));
    }
    let mut unknown = found.unknown.iter();
    let unknown = unknown.find(|one| is_inbound(&Some(one.listener.clone())) && one.old.is_some());
    unknown.map_or(Ok(None), |one| Err(format!("`{node}`: {}", one.reason)))
}
