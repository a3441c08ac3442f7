//! Why a request goes where it goes: the decision of every proxy on its way, with the lines of the spec.
//!
//! The request is canonicalised, routed and authorised by the code of `weft_snapshot` that the proxies run,
//! on the very slices that they load; here that is only followed from proxy to proxy and put into words.

mod answer;
mod candidates;
mod explain;
mod head;
mod render;
mod repeats;

pub use weft_back::snapshot::Snapshot;
use weft_front::question::{self, NotARequest, Question};
use weft_snapshot::choice::{Addressed, addressed};
use weft_snapshot::origins::NodeOrigins;
use weft_snapshot::settings::{Listener, ListenerSecurity, NodeSettings, Role, UpstreamSecurity};
use weft_snapshot::view::Route;
use weft_snapshot::{
    HeaderList, Headers as _, Reason, Refusal, Repeated, Request, Slice, canonical,
};

pub use answer::{
    ActionAnswer, Answer, BackendAnswer, Candidate, Hop, Overridden, Permission, RefusalAnswer,
    RouteAnswer, Setting,
};

/// Why a question has no answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WhyError {
    /// It is not a request.
    #[error(transparent)]
    BadRequest(#[from] NotARequest),
    /// The snapshot does not have this node.
    #[error("there is no node `{node}`; there are {known}")]
    UnknownNode {
        /// The node that was asked for.
        node: String,
        /// The nodes that there are.
        known: String,
    },
    /// No listener takes the request.
    #[error("no listener takes the request; {known}")]
    NoListener {
        /// The listeners that there are.
        known: String,
    },
    /// Several nodes have a listener that takes the request.
    #[error("several nodes take the request, {known}; choose one with `--node`")]
    SeveralNodes {
        /// The first of those nodes, separated by commas, and how many more there are.
        known: String,
    },
}

/// A request on its way to a proxy.
#[derive(Clone, Debug)]
struct Traveller<'question> {
    question: &'question Question,
    authority: String,
    target: String,
    /// The node that sends it, whose identity the next proxy verifies.
    sender: Option<String>,
}

/// Follows a request through the proxies of a snapshot.
///
/// # Errors
///
/// [`WhyError`] when it is unclear which proxy would receive it. A request that is refused has an answer.
pub fn why(snapshot: &Snapshot, question: &Question) -> Result<Answer, WhyError> {
    let (node, listener) = entrance(snapshot, question)?;
    let mut traveller = Traveller {
        question,
        authority: question.authority.clone(),
        target: question.target.clone(),
        sender: question.from.clone(),
    };
    let mut answer = Answer {
        format: "weft.why/1",
        request: format!(
            "{} {}{}",
            question.method, question.authority, question.target
        ),
        hops: Vec::new(),
    };
    let mut next = Some((node, listener));
    // A way has two proxies at most: one that routes, and the sidecar of the service.
    while let Some((node, listener)) = next.take() {
        let Some(slice) = snapshot.slices.get(&node) else {
            break;
        };
        let visit = visit(snapshot, slice, &node, &listener, &traveller);
        if answer.hops.is_empty()
            && let Some(canonical) = &visit.canonical
        {
            answer.request = format!("{} {canonical}", question.method);
        }
        if let Some((service, path)) = visit.onward {
            let inbound = snapshot.slices.get(&service).and_then(|slice| {
                let listeners = slice.settings().listeners.iter();
                let mut inbound = listeners.filter(|listener| listener.role == Role::Inbound);
                inbound.next().cloned()
            });
            traveller.target = path;
            traveller.sender = Some(node);
            next = inbound.map(|inbound| (service, inbound));
        }
        answer.hops.push(visit.hop);
    }
    Ok(answer)
}

/// The node and listener that receive the request first.
fn entrance(snapshot: &Snapshot, question: &Question) -> Result<(String, Listener), WhyError> {
    let known = || weft_front::words::some(snapshot.nodes());
    let sender = question.from.as_ref().filter(|_| question.node.is_none());
    if let Some(wanted) = question.node.as_ref().or(sender) {
        let Some(slice) = snapshot.slices.get(wanted) else {
            return Err(WhyError::UnknownNode {
                node: wanted.clone(),
                known: known(),
            });
        };
        let role = match (wanted.starts_with("gateway/"), sender.is_some()) {
            (true, _) => Role::Edge,
            (false, true) => Role::Outbound,
            (false, false) => Role::Inbound,
        };
        let listeners = &slice.settings().listeners;
        let taker = if role == Role::Edge {
            best_listener(listeners, question)
        } else {
            // Behind the name of a service stands whatever port its caller writes.
            listeners.iter().find(|listener| listener.role == role)
        };
        return match taker {
            Some(listener) => Ok((wanted.clone(), listener.clone())),
            None if role == Role::Edge => Err(WhyError::NoListener {
                known: explain::listeners(snapshot, Some(wanted)),
            }),
            None => Err(WhyError::NoListener {
                known: explain::without(wanted, role),
            }),
        };
    }
    let mut takers: Vec<(String, Listener)> = Vec::new();
    // Sidecars listen to no client, and there are thousands of them for each test to pass by.
    for (node, slice) in snapshot.gateways() {
        if let Some(listener) = best_listener(&slice.settings().listeners, question) {
            takers.push((node.clone(), listener.clone()));
        }
    }
    let several: Vec<&str> = takers.iter().map(|(node, _)| node.as_str()).collect();
    let several = several.join(", ");
    match (takers.pop(), takers.is_empty()) {
        (Some(taker), true) => Ok(taker),
        (Some(_), false) => Err(WhyError::SeveralNodes { known: several }),
        (None, _) => Err(WhyError::NoListener {
            known: explain::listeners(snapshot, None),
        }),
    }
}

/// The listener of a gateway that takes a request.
fn best_listener<'slice>(
    listeners: &'slice [Listener],
    question: &Question,
) -> Option<&'slice Listener> {
    // All listeners of a gateway are for clients, and none of a sidecar is.
    let is_gateway = listeners.iter().any(|one| one.role == Role::Edge);
    let host = question.host().ok();
    let to = Addressed {
        port: question.port,
        is_https: question.is_https,
        host: host.as_deref(),
    };
    is_gateway.then(|| addressed(listeners, to)).flatten()
}

/// A proxy that decides about a request, at the listener by which that comes.
#[derive(Clone, Copy)]
struct Proxy<'run> {
    slice: &'run Slice,
    listener: &'run Listener,
    /// The lines of the spec behind the slice; none where the snapshot has none.
    origins: &'run NodeOrigins,
}

/// What one proxy does, and where the request goes from there.
struct Visit {
    hop: Hop,
    canonical: Option<String>,
    /// The node of the next proxy and the target it is asked for.
    onward: Option<(String, String)>,
}

fn visit(
    snapshot: &Snapshot,
    slice: &Slice,
    node: &str,
    listener: &Listener,
    traveller: &Traveller<'_>,
) -> Visit {
    let mut visit = Visit {
        hop: Hop {
            node: node.to_owned(),
            listener: listener.name.clone(),
            host: None,
            bound: bound(listener),
            headers: Vec::new(),
            beats: Vec::new(),
            candidates: Vec::new(),
            why_not: None,
            allowed_by: None,
            route: None,
            refusal: None,
        },
        canonical: None,
        onward: None,
    };
    let followed = follow(snapshot, slice, listener, traveller, &mut visit);
    visit.hop.refusal = followed.err();
    visit
}

/// Why a rule refuses a request that repeats a header.
fn repeated(origins: &NodeOrigins, headers: &HeaderList, repeated: &Repeated<'_>) -> RefusalAnswer {
    let Repeated { route, header } = repeated;
    let place = origins.route(route.index());
    let place = place.map_or(String::new(), |(file, line)| format!(" ({file}:{line})"));
    let explanation = format!(
        "rule `{}`{place} asks for the value of `{header}`, which came in {} lines and may have one",
        route.id(),
        headers.values(header).count(),
    );
    RefusalAnswer::new(Reason::RepeatedHeader, explanation)
}

/// Why a host or a path is refused.
fn uncanonical(refusal: Refusal) -> RefusalAnswer {
    RefusalAnswer::new(refusal.reason(), refusal.to_string())
}

/// What a proxy does with a request, in its order (`runtime/src/serve`): what nobody serves, the host, what the listener does not take,
/// the path, the route, and who may call.
fn follow(
    snapshot: &Snapshot,
    slice: &Slice,
    listener: &Listener,
    traveller: &Traveller<'_>,
    visit: &mut Visit,
) -> Result<(), RefusalAnswer> {
    let question = traveller.question;
    head::served(question, &traveller.target)?;
    let host = question::host(&traveller.authority).map_err(uncanonical)?;
    let (headers, told) = head::of(listener, question, &traveller.target)?;
    visit.hop.headers = told;
    let (path, query) = canonical::split_target(&traveller.target);
    let path = canonical::path(path, listener.path).map_err(uncanonical)?;
    // As it is forwarded.
    let query = query.map(canonical::query);
    let query = query.as_deref();
    visit.canonical = Some(match query {
        Some(query) => format!("{host}{path}?{query}"),
        None => format!("{host}{path}"),
    });
    let origins = snapshot.origins(&visit.hop.node);
    let request = Request {
        method: &question.method,
        host: &host,
        path: &path,
        query,
        headers: &headers,
    };
    let proxy = Proxy {
        slice,
        listener,
        origins: &origins,
    };
    let route = decided(proxy, &request, question, visit)?;
    let sender = traveller.sender.as_deref();
    visit.hop.allowed_by = explain::permission(proxy, sender, &request)?;
    routed(proxy, &request, &route, visit);
    Ok(())
}

/// The route that takes a request, with those that do not.
fn decided<'slice>(
    proxy: Proxy<'slice>,
    request: &Request<'_, HeaderList>,
    question: &Question,
    visit: &mut Visit,
) -> Result<Route<'slice>, RefusalAnswer> {
    let Proxy {
        slice,
        listener,
        origins,
    } = proxy;
    let owner = slice.owning_host(listener.table, request.host);
    visit.hop.host = owner.map(str::to_owned);
    visit.hop.beats = beaten(slice, listener, request.host, owner);
    let decided = slice.decide(listener.table, request);
    let winner = match &decided {
        Ok(route) => route.as_ref().map(Route::index),
        Err(repeated) => Some(repeated.route.index()),
    };
    visit.hop.candidates = candidates::of_request(proxy, request, winner);
    if let Some(wanted) = &question.why_not {
        visit.hop.why_not = candidates::why_not(proxy, request, winner, wanted);
    }
    decided
        .map_err(|refused| repeated(origins, request.headers, &refused))?
        .ok_or_else(|| explain::no_route(proxy, request))
}

/// Notes the route that takes a request, and where it goes from there.
fn routed(
    proxy: Proxy<'_>,
    request: &Request<'_, HeaderList>,
    route: &Route<'_>,
    visit: &mut Visit,
) {
    let forwarded = match route.outcome().path() {
        Some(rewrite) => rewrite.apply(request.path),
        None => request.path.to_owned(),
    };
    if let Some(mut answer) = explain::route(proxy, route.index(), &forwarded) {
        if let ActionAnswer::Forward { .. } = &answer.action {
            answer.repeats = repeats::less(&answer.outcome.policy.retry, request.method);
        }
        let next = next_node(proxy.slice.settings(), &answer.action);
        let target = match request.query {
            Some(query) => format!("{forwarded}?{query}"),
            None => forwarded,
        };
        visit.onward = next.map(|node| (node, target));
        visit.hop.route = Some(answer);
    }
}

/// Where a listener listens, and what it speaks.
fn bound(listener: &Listener) -> String {
    let spoken = match &listener.security {
        ListenerSecurity::Plaintext => "http",
        ListenerSecurity::Tls { .. } => "https",
        ListenerSecurity::Mtls => "mTLS",
        ListenerSecurity::Permissive { .. } => "mTLS or plaintext",
    };
    format!(":{} {spoken}", listener.port)
}

/// The hosts of a listener that match a host and are less specific than its owner, the most specific one first.
fn beaten(slice: &Slice, listener: &Listener, host: &str, owner: Option<&str>) -> Vec<String> {
    let hosts = slice.hosts(listener.table);
    let others = hosts.filter(|pattern| Some(*pattern) != owner);
    let matching = others.filter_map(|pattern| {
        let length = canonical::host_matches(pattern, host)?;
        Some((std::cmp::Reverse(length), pattern.to_owned()))
    });
    let mut matching: Vec<_> = matching.collect();
    matching.sort();
    matching.into_iter().map(|(_, pattern)| pattern).collect()
}

/// The sidecar that a route forwards to; with several backends, the first that has one and gets any requests.
fn next_node(settings: &NodeSettings, action: &ActionAnswer) -> Option<String> {
    let ActionAnswer::Forward { backends, .. } = action else {
        return None;
    };
    let mut used = backends.iter().filter(|backend| backend.share != "0%");
    used.find_map(|backend| {
        let clusters = settings.clusters.iter();
        let cluster = clusters
            .into_iter()
            .find(|cluster| cluster.name == backend.cluster)?;
        match &cluster.security {
            UpstreamSecurity::Mtls { identity } => {
                let prefix = format!("spiffe://{}/", settings.trust_domain);
                identity.strip_prefix(&prefix).map(str::to_owned)
            }
            UpstreamSecurity::Plaintext | UpstreamSecurity::Tls { .. } => None,
        }
    })
}

#[cfg(test)]
mod tests;
