//! Requests that show what changes beside routes: one that comes to a listener, one that goes to a backend.
//!
//! What a listener does with heads and paths is shown by a request that has what it is about. A backend is shown by a request that
//! a route sends there; one that no route sends anything to has none.

use weft_snapshot::plan::{Action, Effect, HostPlan, NodePlan, RoutePlan};
use weft_snapshot::settings::{Listener, Role};
use weft_space::{ListenerUrl, Served, WitnessRequest, analyse_access, taken_route};

use super::pairs::{NodeListener, Pair};
use super::report::Shown;

/// So many routes to a backend are tried for a request that they take.
const TRIED: usize = 8;

/// A request that comes to a listener and shows how it differs from another, on the side that has it.
pub(super) fn at_listener(pair: Pair<NodeListener<'_>>) -> Option<Shown> {
    // A request that somebody answers shows more than one that meets a closed port.
    let sides = [pair.new, pair.old].into_iter().flatten();
    let mut arriving = sides.filter_map(|at| Some((at, at.request()?)));
    let (at, mut request) = arriving.next()?;
    if let Some(both) = pair.present() {
        look_at(&mut request, both.old.listener, both.new.listener);
    }
    Some(at.shown(&request))
}

/// A request that a node answers.
pub(super) fn answered_by(plan: Option<&NodePlan>) -> Option<Shown> {
    let plan = plan?;
    let mut listeners = plan.settings.listeners.iter();
    listeners.find_map(|listener| {
        let at = NodeListener { plan, listener };
        Some(at.shown(&at.request()?))
    })
}

/// A request that goes to a backend, by its name.
pub(super) fn to_backend(plan: &NodePlan, cluster: &str) -> Option<Shown> {
    let position = plan.settings.clusters.iter();
    let position = position.into_iter().position(|one| one.name == cluster)?;
    let leads_there = |route: &RoutePlan| match &route.outcome.action {
        Action::Forward { backends } => backends
            .iter()
            .any(|backend| backend.share != 0 && usize::try_from(backend.cluster) == Ok(position)),
        Action::Redirect { .. } | Action::Respond { .. } => false,
    };
    let mut tried = 0;
    for listener in &plan.settings.listeners {
        let at = NodeListener { plan, listener };
        for host in at.hosts() {
            let routes = host.routes.iter().enumerate();
            for (position, _) in routes.filter(|(_, route)| leads_there(route)) {
                tried += 1;
                if let Some(found) = at.taken(host, position) {
                    return Some(at.shown(&found));
                }
                if TRIED < tried {
                    return None;
                }
            }
        }
    }
    None
}

impl<'side> NodeListener<'side> {
    fn hosts(self) -> &'side [HostPlan] {
        let table = usize::try_from(self.listener.table).ok();
        let table = table.and_then(|table| self.plan.tables.get(table));
        table.map_or(&[], |table| &table.hosts)
    }

    /// A request that the listener gets: one that is forwarded, if there is one among the first.
    fn request(self) -> Option<WitnessRequest> {
        let routes = self.hosts().iter().flat_map(|host| {
            let routes = host.routes.iter().enumerate();
            let forwards =
                |route: &RoutePlan| matches!(route.outcome.action, Action::Forward { .. });
            let forwarding = routes.filter(move |(_, route)| forwards(route));
            forwarding.map(move |(position, _)| (host, position))
        });
        let mut taken = routes
            .take(TRIED)
            .filter_map(|(host, position)| self.taken(host, position));
        taken.next().or_else(|| {
            let host = self.listener.hosts.first()?;
            Some(WitnessRequest::plain("GET", &self.host(host), "/"))
        })
    }

    /// A request that a route of a host takes; at a sidecar, one that it admits.
    fn taken(self, host: &HostPlan, position: usize) -> Option<WitnessRequest> {
        let name = self.host(&host.host);
        let rules = self.listener.path;
        match self.listener.role {
            Role::Edge | Role::Outbound => {
                taken_route(&host.routes, position, rules, &name).ok()?
            }
            Role::Inbound if self.plan.access.is_empty() => {
                taken_route(&host.routes, position, rules, &name).ok()?
            }
            Role::Inbound => {
                let (found, _) = analyse_access(&self.plan.access, rules, &name).ok()?;
                let mut admitted = self.plan.access.iter().zip(found);
                admitted.find_map(|(access, call)| call.filter(|_| access.effect == Effect::Admit))
            }
        }
    }

    /// A host of a pattern that the listener gets.
    fn host(self, pattern: &str) -> String {
        let patterns: Vec<&str> = self.hosts().iter().map(|host| host.host.as_str()).collect();
        let served = Served::of_plan(self.listener, &self.plan.settings.listeners);
        let position = patterns.iter().position(|one| *one == pattern);
        let found = position.and_then(|at| served.witnesses(&patterns).into_iter().nth(at)?);
        found.unwrap_or_else(|| pattern.replace('*', "x"))
    }

    fn shown(self, request: &WitnessRequest) -> Shown {
        match self.listener.role {
            Role::Edge => Shown::open(request, ListenerUrl::of_plan(self.listener)),
            Role::Inbound => Shown::inside(request),
            // The app behind a sidecar is who sends.
            Role::Outbound => Shown::inside(&WitnessRequest {
                source: Some(self.plan.settings.node.clone()),
                ..request.clone()
            }),
        }
    }
}

/// Gives a request what two listeners treat differently.
fn look_at(request: &mut WitnessRequest, was: &Listener, is: &Listener) {
    let (old, new) = (was.path, is.path);
    if old.keep_escaped_slashes != new.keep_escaped_slashes {
        "/a%2Fb".clone_into(&mut request.path);
    } else if old.slashes != new.slashes {
        "/a//b".clone_into(&mut request.path);
    } else if old.refuse_dot_segments != new.refuse_dot_segments {
        // Clients resolve dot segments that are not escaped.
        "/a/%2E%2E/b".clone_into(&mut request.path);
    }
    let mut add = |name: &str, value: &str| {
        let header = (name.to_owned(), value.as_bytes().to_vec());
        request.headers.push(header);
    };
    if was.trusted_hops != is.trusted_hops {
        add("x-forwarded-for", "192.0.2.1");
    }
    if was.heads.underscores != is.heads.underscores {
        add("x_a", "1");
    }
    if was.heads.tracing != is.heads.tracing {
        add(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        );
    }
}
