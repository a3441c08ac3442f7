//! The calls of a mesh as a graph: who waits for whom, how long, and how often.
//!
//! Its nodes are the services; an edge is a call that a service declares, or a backend of a rule of a gateway. What
//! an edge may cost follows the proxy: an attempt that was seen is repeated only if its method is idempotent or the
//! spec says so, waits between tries start at nothing, and no deadline ends what a service calls meanwhile, because
//! its app says nothing about the request it works on. Building it and every question is linear in the edges.

mod failures;
mod parts;
mod paths;
mod time;

use std::collections::BTreeSet;

use weft_front::model::effective::{Limit, Retries, Timeouts};
use weft_front::model::repeated::{may_have_been_seen, repeats};
use weft_front::model::{
    Call, Caller, GatewayId, Mesh, RetryOn, Rule, Service, ServiceId, owned_hosts,
};
use weft_spec::Span;

pub use failures::Failures;
pub use paths::{Worst, worst_paths};
pub(crate) use time::{Needs, needs};

/// The calls of a mesh.
#[derive(Debug)]
pub struct CallGraph<'mesh> {
    /// The mesh whose calls these are.
    pub(crate) mesh: &'mesh Mesh,
    /// Backends of rules, then the calls of each service in the order of services.
    edges: Vec<Edge<'mesh>>,
    /// The number of backends of rules.
    entries: usize,
    /// Where the calls of each service start in `edges`, and behind the last one where they end.
    starts: Vec<usize>,
    parts: parts::Parts,
}

/// A rule of a gateway or a call of a service that waits for a service.
#[derive(Debug)]
pub(crate) struct Edge<'mesh> {
    /// Who waits.
    pub(crate) from: Caller,
    /// For whom.
    pub(crate) to: ServiceId,
    /// What it is in the spec.
    pub(crate) used: Used<'mesh>,
    /// The limit on the whole request in milliseconds; none if there is none.
    pub(crate) request: Option<u32>,
    /// The limit on one attempt, at most that on the request.
    pub(crate) attempt: Option<u32>,
    /// How often a request may reach the callee: 1 unless it is repeated after it may have been seen.
    pub(crate) tries: u8,
    /// How many tries can start if each of them ends by its limit, at most [`Self::configured`].
    pub(crate) starts: u8,
    /// How many tries the spec asks for.
    pub(crate) configured: u8,
    /// The longest time that the caller can spend, in milliseconds; none without a limit.
    pub(crate) longest: Option<u32>,
    /// How many of these calls one request causes.
    pub(crate) fan_out: u32,
    /// What the callee may do that is answered with another try.
    pub(crate) failures: Failures,
    /// Its limits with the places that say them: several rules ask for those of every edge.
    pub(crate) said: Waits,
}

/// The limits on a wait with the places that say them. Not all timeouts: a mesh may have millions of edges.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waits {
    /// Of the whole request.
    pub(crate) request: Option<Limit>,
    /// Of one attempt.
    pub(crate) backend_request: Option<Limit>,
}

/// What an edge is in the spec.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Used<'mesh> {
    /// A backend of a rule, by its place.
    Rule(&'mesh Rule, Span),
    /// An entry of `calls` of a service.
    Call(&'mesh Call),
}

impl<'mesh> CallGraph<'mesh> {
    /// The graph of a mesh.
    pub fn new(mesh: &'mesh Mesh) -> Self {
        // Room for all of them at once: a list that grows holds twice what it needs while it is copied.
        let mut edges: Vec<Edge<'_>> = Vec::with_capacity(most_edges(mesh));
        let unreached = unreached(mesh);
        for route in mesh.routes.values() {
            let from = Caller::Gateway(route.gateway);
            let place = |host| (route.gateway, route.listener, host);
            // Where no request comes to, nothing is called.
            let is_reached = route
                .host_names()
                .any(|host| !unreached.contains(&place(host)));
            let rules = route.rules.iter().filter(|_| is_reached);
            for rule in rules {
                edges.extend(Edge::of_rule(mesh, from, rule));
            }
        }
        let entries = edges.len();
        let mut starts = Vec::with_capacity(mesh.services.len() + 1);
        for (id, service) in mesh.services.iter() {
            starts.push(edges.len());
            let calls = service.calls.iter();
            edges.extend(calls.map(|call| Edge::of_call(mesh, id, call)));
        }
        starts.push(edges.len());
        let called = |id: ServiceId| {
            let service: &Service = mesh.services.entry(id);
            service.calls.iter().map(|call| call.to.value)
        };
        let parts = parts::Parts::of(mesh.services.iter().map(|(id, _)| id), &called);
        Self {
            mesh,
            edges,
            entries,
            starts,
            parts,
        }
    }

    /// All edges, with their numbers.
    pub(crate) fn edges(&self) -> impl Iterator<Item = (usize, &Edge<'mesh>)> {
        self.edges.iter().enumerate()
    }

    /// An edge by its number.
    pub(crate) fn edge(&self, number: usize) -> Option<&Edge<'mesh>> {
        self.edges.get(number)
    }

    /// The backends of rules, with their numbers.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (usize, &Edge<'mesh>)> {
        self.edges().take(self.entries)
    }

    /// The calls of a service, with their numbers, in the order of [`Service::calls`].
    pub(crate) fn calls(&self, id: ServiceId) -> impl Iterator<Item = (usize, &Edge<'mesh>)> {
        let at = position(id);
        let bound = |at: usize| self.starts.get(at).copied().unwrap_or(self.edges.len());
        let (start, end) = (bound(at), bound(at + 1));
        let calls = self.edges.get(start..end).unwrap_or_default();
        (start..).zip(calls)
    }

    /// The services, callers before those they call; the services of one circle stand beside each other.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = ServiceId> {
        self.parts.in_order()
    }

    /// Whether two services are the same or call each other in a circle.
    pub(crate) fn is_within_a_circle(&self, left: ServiceId, right: ServiceId) -> bool {
        self.parts.of_service(left) == self.parts.of_service(right)
    }

    /// The number of the part of a service: those of one circle share it, and callers have larger ones.
    pub(crate) fn part(&self, id: ServiceId) -> usize {
        usize::try_from(self.parts.of_service(id)).unwrap_or(usize::MAX)
    }

    /// A caller as a step of a path: `web`, `gateway/public`.
    pub(crate) fn caller(&self, caller: Caller) -> String {
        match caller {
            Caller::Gateway(_) => self.mesh.caller_node(caller),
            Caller::Service(id) => self.service(id).to_owned(),
        }
    }

    /// The name of a service.
    pub(crate) fn service(&self, id: ServiceId) -> &'mesh str {
        &self.mesh.services.entry(id).name.value
    }

    /// A call or a rule in words: rule `shop/0`, the call from `web` to `orders`.
    pub(crate) fn words(&self, edge: &Edge<'_>) -> String {
        match edge.used {
            Used::Rule(rule, _) => format!("rule `{}`", rule.id),
            Used::Call(_) => format!(
                "the call from `{}` to `{}`",
                self.caller(edge.from),
                self.service(edge.to)
            ),
        }
    }

    /// The groups of services that call each other in a circle, each by its services in order of their names.
    pub(crate) fn circles(&self) -> Vec<Vec<ServiceId>> {
        let calls_itself = |id: ServiceId| self.calls(id).any(|(_, edge)| edge.to == id);
        let mut circles = self.parts.groups();
        circles.retain(|group| match group.as_slice() {
            [one] => calls_itself(*one),
            _ => true,
        });
        circles
    }

    /// The first call within a circle that makes more than one request of one.
    pub(crate) fn multiplies_within(&self, circle: &[ServiceId]) -> Option<usize> {
        let first = *circle.first()?;
        let calls = circle.iter().flat_map(|id| self.calls(*id));
        let mut within = calls.filter(|(_, edge)| self.is_within_a_circle(first, edge.to));
        let multiplies = |edge: &Edge<'_>| 1 < edge.tries || 1 < edge.fan_out;
        within.find_map(|(number, edge)| multiplies(edge).then_some(number))
    }

    /// A shortest way from one service to another along calls that are accepted, as numbers of edges.
    pub(crate) fn shortest(
        &self,
        from: ServiceId,
        to: ServiceId,
        accepts: impl Fn(&Edge<'mesh>) -> bool,
    ) -> Option<Vec<usize>> {
        paths::shortest(self, from, to, &accepts)
    }
}

/// Who waits for whom, and for what.
#[derive(Clone, Copy)]
struct Ends<'mesh> {
    from: Caller,
    to: ServiceId,
    used: Used<'mesh>,
}

impl<'mesh> Edge<'mesh> {
    fn of_rule(mesh: &'mesh Mesh, from: Caller, rule: &'mesh Rule) -> Vec<Self> {
        let limits = Timeouts::of_rule(mesh, rule).zip(Retries::of_rule(mesh, rule));
        let Some((timeouts, retries)) = limits else {
            return Vec::new();
        };
        let methods: Vec<&str> = rule
            .matched
            .methods
            .iter()
            .map(|method| method.value.as_str())
            .collect();
        // Nobody waits for a backend that gets no requests.
        let edges = rule.live_backends().map(|backend| {
            let ends = Ends {
                from,
                to: backend.service,
                used: Used::Rule(rule, backend.span),
            };
            let repeats = repeats(mesh.services.entry(backend.service), &methods, &retries);
            Self::new(ends, &timeouts, &retries, repeats)
        });
        edges.collect()
    }

    fn of_call(mesh: &'mesh Mesh, from: ServiceId, call: &'mesh Call) -> Self {
        let methods: Vec<&str> = call
            .operations
            .iter()
            .map(|operation| operation.method.as_str())
            .collect();
        let retries = Retries::of_call(mesh, call);
        let repeats = repeats(mesh.services.entry(call.to.value), &methods, &retries);
        let ends = Ends {
            from: Caller::Service(from),
            to: call.to.value,
            used: Used::Call(call),
        };
        let timeouts = Timeouts::of_call(mesh, call);
        let mut edge = Self::new(ends, &timeouts, &retries, repeats);
        edge.fan_out = call.fan_out.map_or(1, |fan_out| fan_out.value.max(1));
        edge
    }

    fn new(ends: Ends<'mesh>, timeouts: &Timeouts, retries: &Retries, repeats: bool) -> Self {
        let Ends { from, to, used } = ends;
        let request = timeouts.request.and_then(|limit| limit.value);
        let attempt = timeouts
            .backend_request
            .and_then(|limit| limit.value)
            .or(request);
        let limits = time::Limits {
            request,
            attempt,
            connect: timeouts.connect.value,
        };
        let failures = if repeats {
            Failures::of(&retries.on.value)
        } else {
            Failures::default()
        };
        let was_seen = repeats && retries.on.value.iter().copied().any(may_have_been_seen);
        let tries = if was_seen { retries.attempts.value } else { 1 };
        let ends_tries = repeats && retries.on.value.contains(&RetryOn::BackendTimeout);
        Self {
            from,
            to,
            used,
            request,
            attempt,
            tries,
            starts: time::starts(limits, retries, ends_tries),
            configured: retries.attempts.value,
            longest: time::longest(limits, retries, tries),
            fan_out: 1,
            failures,
            said: Waits {
                request: timeouts.request,
                backend_request: timeouts.backend_request,
            },
        }
    }

    /// Where the edge is written.
    pub(crate) fn place(&self) -> Span {
        match self.used {
            Used::Rule(_, backend) => backend,
            Used::Call(call) => call.to.span,
        }
    }

    /// Its retries with the places that say them.
    pub(crate) fn retries(&self, mesh: &Mesh) -> Option<Retries> {
        match self.used {
            Used::Rule(rule, _) => Retries::of_rule(mesh, rule),
            Used::Call(call) => Some(Retries::of_call(mesh, call)),
        }
    }

    /// The limit that ends one attempt, if one does.
    pub(crate) fn attempt_limit(&self) -> Option<Limit> {
        let limits = [self.said.backend_request, self.said.request];
        limits
            .into_iter()
            .flatten()
            .find(|limit| limit.value.is_some())
    }

    /// Whether nothing ends the wait.
    pub(crate) fn is_unlimited(&self) -> bool {
        self.request.is_none() && self.attempt.is_none()
    }
}

/// How many edges there are at the most.
fn most_edges(mesh: &Mesh) -> usize {
    let rules = mesh.routes.values().flat_map(|route| &route.rules);
    let backends: usize = rules.map(|rule| rule.live_backends().count()).sum();
    let services = mesh.services.iter().map(|(_, service)| service);
    let calls: usize = services.map(|service| service.calls.len()).sum();
    backends + calls
}

/// The tables that get no request: what their listeners serve belongs to others.
fn unreached(mesh: &Mesh) -> BTreeSet<(GatewayId, usize, &str)> {
    let hosts = mesh.hosts();
    let owned = owned_hosts(mesh, &hosts);
    let places = hosts
        .iter()
        .map(|one| (one.gateway, one.listener, one.host));
    let unreached = places.zip(owned).filter(|(_, owned)| owned.is_none());
    unreached.map(|(place, _)| place).collect()
}

/// The position of a service in lists by service.
pub(crate) fn position(id: ServiceId) -> usize {
    usize::try_from(id.position()).unwrap_or(usize::MAX)
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
