//! What some requests to gateways meet beside the rules that decide about them, on both sides.
//!
//! A request meets the listener by which it comes, the node, the backends of its rule, and where a sidecar stands before
//! a backend, who is admitted there and what the sidecar does. Everything that a diff compares ([`super::beside`], permissions,
//! inbound rules) is asked here, each by which requests meet it. Calls that an app makes in turn are requests of their own.

use std::collections::{BTreeMap, BTreeSet};

use weft_snapshot::plan::{Action, NodePlan, RoutePlan};
use weft_snapshot::settings::{Cluster, OWN_PROCESS, PathRules, Role};
use weft_space::automata::Automata;
use weft_space::{
    Difference, Entry, ListenerUrl, Reading, Unknown, WitnessRequest, differences_within, left,
};

use super::beside::{About, beside};
use super::change::ChangeKind;
use super::difference::difference;
use super::engine::{Asked, compare};
use super::gates::{Forwarded, admission_parts};
use super::nameless;
use super::pairs::{NodeListener, Pair};
use super::ports::{Heard, Port, Shared, ports, shared};
use super::unrouted::unrouted;
use crate::both::Both;

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
pub(crate) fn met(plans: Both<&[NodePlan]>, asked: &Asked<'_>) -> Result<Option<Met>, String> {
    let mut doubt = None;
    for after in plans
        .new
        .iter()
        .filter(|plan| asked.has_node(&plan.settings.node))
    {
        let node = after.settings.node.as_str();
        // Where a side has no such gateway, its rules say the difference.
        let Some(before) = plan(plans.old, node) else {
            continue;
        };
        let gateway = Gateway {
            plans,
            own: Both {
                old: before,
                new: after,
            },
            asked,
        };
        match gateway.met() {
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

/// A gateway to which requests in question come, on both sides.
struct Gateway<'run> {
    /// All plans of each side, those of sidecars included.
    plans: Both<&'run [NodePlan]>,
    /// The plan of the gateway itself.
    own: Both<&'run NodePlan>,
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

/// A request, and how the listener is named to which it is sent.
#[derive(Clone)]
struct Sent {
    witness: WitnessRequest,
    url: ListenerUrl,
}

/// The listeners of both sides by which requests come, by name, with one of them.
type Listeners = BTreeMap<Pair<String>, Sent>;

impl<'run> Gateway<'run> {
    fn met(&self) -> Result<Option<Met>, String> {
        let both = self.own.map(Some);
        let node = self.own.new.settings.node.as_str();
        let unknown = |unknown: Unknown| format!("{node}: {unknown}");
        let (mut listeners, mut takers) = (Listeners::new(), Vec::new());
        for ports in ports(both) {
            let ports = ports.as_refs();
            for shared in shared(ports, self.asked.host) {
                self.heard(ports, &shared, &mut listeners)
                    .map_err(unknown)?;
                if let Some(port) = ports.new
                    && self.is_asked(ports, &shared)
                {
                    takers.extend(self.takers(port, &shared).map_err(unknown)?);
                }
            }
        }
        // Those of the region are a part of its own of those that go alike.
        for difference in unrouted(node, both, self.asked.host) {
            if let About::Unrouted(at) = &difference.about
                && self.asked.has_listener(&at.listener)
            {
                return Ok(Some(Met {
                    text: difference.title(),
                    shown: format!("curl https://{}/", at.host),
                }));
            }
        }
        for difference in beside(node, both) {
            let shown = match &difference.about {
                About::Listener(names) => self.by(names, &listeners),
                About::Node => listeners.values().next().cloned(),
                About::Unrouted(_) => None,
                About::Cluster(name) | About::Places(name) => takers
                    .iter()
                    .find(|taker| {
                        clusters(self.own.new, taker).any(|cluster| cluster.name == *name)
                    })
                    .map(Taker::shown),
            };
            if let Some(sent) = shown {
                return Ok(Some(Met {
                    text: difference.title(),
                    shown: sent.witness.curl(sent.url),
                }));
            }
        }
        self.onward(&takers)
    }

    fn is_asked(&self, ports: Pair<&Port<'_>>, shared: &Shared) -> bool {
        let mut heard = shared.heard(ports).into_iter().flatten();
        heard.any(|heard| self.asked.has_listener(&heard.listener.name))
    }

    /// Notes the listeners of hosts that some request in question names.
    fn heard(
        &self,
        ports: Pair<&Port<'_>>,
        shared: &Shared,
        listeners: &mut Listeners,
    ) -> Result<(), Unknown> {
        let pair = shared.heard(ports);
        let (Some(heard), Some(part)) = (pair.newest(), shared.parts.first()) else {
            return Ok(());
        };
        // Where no rule is, the answer is 404 whatever a listener does, but its client has seen a certificate.
        let mut ways = shared.ways.into_iter().flatten();
        let is_noticed = ways.any(|way| way.owner.is_some()) || shows_another(pair);
        if !is_noticed || !self.is_asked(ports, shared) {
            return Ok(());
        }
        let within = &self.asked.requests;
        let automata = Automata::default();
        let with = Reading::new(heard.listener.path, &automata);
        if let Some(witness) = left(&within.entry, &within.except, with)? {
            let host = part.host.clone();
            let url = ListenerUrl::of_plan(heard.listener);
            let witness = WitnessRequest { host, ..witness };
            let names = pair.map(|heard| Some(heard?.listener.name.clone()));
            listeners.entry(names).or_insert(Sent { witness, url });
        }
        Ok(())
    }

    /// A request that comes by one listener and came by another, or by one of them where that is gone from its port.
    fn by(&self, names: &Pair<String>, listeners: &Listeners) -> Option<Sent> {
        let place = |(plan, name): (&NodePlan, &Option<String>)| {
            let mut listeners = plan.settings.listeners.iter();
            let listener = listeners.find(|one| Some(&one.name) == name.as_ref())?;
            Some((listener.address, listener.port))
        };
        let same = listeners.get(names);
        let places = self.own.zip(names.as_ref()).map(place);
        let is_moved = places.old != places.new;
        let apart = || {
            let was = Both {
                old: names.old.clone(),
                new: None,
            };
            let is = Both {
                old: None,
                new: names.new.clone(),
            };
            // What is noted came by a listener of one side at least, so an empty key finds nothing.
            [was, is].iter().find_map(|alone| listeners.get(alone))
        };
        same.or_else(|| is_moved.then(apart).flatten()).cloned()
    }

    /// The rules of the new side that take requests in question.
    fn takers(&self, port: &Port<'run>, shared: &Shared) -> Result<Vec<Taker<'run>>, Unknown> {
        let Some(way) = shared.ways.new else {
            return Ok(Vec::new());
        };
        let (Some(heard), Some(owner)) = (port.listener(way), way.owner) else {
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
        let found = differences_within(&table(0), &table(1), within, rules, &first.host)?;
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
            for cluster in clusters(self.own.new, taker) {
                let service = &service_of(cluster);
                let sidecars = self.plans.map(|plans| plan(plans, service));
                if sidecars.old == sidecars.new {
                    continue;
                }
                let Some(sidecars) = sidecars.present() else {
                    doubt = Some(format!("`{service}` has a sidecar on one side alone"));
                    continue;
                };
                let found = if known.insert(service.to_owned()) {
                    inside(sidecars)
                } else {
                    Ok(None)
                };
                let found = match found {
                    Ok(None) => self.admitted(taker, sidecars),
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
        sidecars: Both<&NodePlan>,
    ) -> Result<Option<(String, WitnessRequest)>, String> {
        let settings = &self.own.new.settings;
        let caller = format!("spiffe://{}/{}", settings.trust_domain, settings.node);
        let forwarded = Forwarded {
            within: &self.asked.requests,
            routes: taker.routes,
            at: taker.at,
            caller: &caller,
            rules: taker.heard.listener.path,
        };
        let Both {
            old: before,
            new: after,
        } = sidecars;
        let service = &after.settings.node;
        let sides = [
            (after, before, "is admitted by", "was not"),
            (before, after, "was admitted by", "is not"),
        ];
        for (own, other, is, not) in sides {
            let found = admission_parts(&forwarded, &own.access, &other.access);
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
    fn shown(&self) -> Sent {
        Sent {
            witness: self.witness.clone(),
            url: ListenerUrl::of_plan(self.heard.listener),
        }
    }
}

/// Whether clients of TLS see another certificate, those that name a host or others, or none at that place.
fn shows_another<'run>(pair: Pair<Heard<'run>>) -> bool {
    let shown = |Heard { plan, listener, .. }: Heard<'run>| {
        let one = NodeListener { plan, listener };
        let place = (listener.address, listener.port);
        nameless::speaks_tls(one).then(|| {
            let nameless = (nameless::certificate(one), nameless::is_heard(one));
            (place, one.certificate(), nameless)
        })
    };
    let shown = pair.map(|heard| shown(heard?));
    shown.old != shown.new
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
fn inside(sidecars: Both<&NodePlan>) -> Result<Option<String>, String> {
    let read = sidecars.map(of_gateways);
    let plans = read.as_ref();
    let node = plans.new.settings.node.as_str();
    let is_inbound = |name: &String| {
        let mut listeners = plans.into_iter().flat_map(|plan| &plan.settings.listeners);
        listeners.any(|one| one.role == Role::Inbound && one.name == *name)
    };
    for difference in beside(node, plans.map(Some)) {
        let is_met = match &difference.about {
            About::Listener(names) => names.as_ref().into_iter().flatten().any(is_inbound),
            About::Node => true,
            About::Unrouted(_) | About::Places(_) => false,
            // The app behind the sidecar; other backends are for what the app calls.
            About::Cluster(name) => name == OWN_PROCESS,
        };
        if is_met {
            return Ok(Some(difference.title()));
        }
    }
    let alone = plans.map(std::slice::from_ref);
    let found = compare(alone.old, alone.new);
    let mut changes = found
        .changes
        .iter()
        .filter(|change| change.kind != ChangeKind::Permission && is_inbound(&change.listener));
    if let Some(change) = changes.next() {
        return Ok(Some(format!("{node}: {}", difference(alone, change).text)));
    }
    let mut unknown = found.unknown.iter();
    let unknown = unknown.find(|one| is_inbound(&one.listener) && one.old.is_some());
    unknown.map_or(Ok(None), |one| Err(format!("`{node}`: {}", one.reason)))
}
