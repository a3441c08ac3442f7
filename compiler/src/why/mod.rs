//! Why a request goes where it goes: the decision of every proxy on its way, with the lines of the spec.
//!
//! The request is canonicalised, routed and authorised by the code of `weft_snapshot` that the proxies run,
//! on the very slices that they load; here that is only followed from proxy to proxy and put into words.

mod answer;
mod candidates;
mod explain;
mod head;
mod question;
mod render;
mod snapshot;

use weft_snapshot::canonical;
use weft_snapshot::choice::{listener_of, most_specific, specificity};
use weft_snapshot::origins::NodeOrigins;
use weft_snapshot::settings::{Listener, ListenerSecurity, NodeSettings, Role, UpstreamSecurity};
use weft_snapshot::view::Route;
use weft_snapshot::{HeaderList, Headers as _, Refusal, Repeated, Request, Slice};

pub use answer::{
    ActionAnswer, Answer, BackendAnswer, Candidate, Hop, Overridden, Permission, RefusalAnswer,
    RouteAnswer, Setting,
};
pub use question::Question;
pub use snapshot::{Snapshot, SnapshotError};

/// Why a question has no answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WhyError {
    /// It is not a request.
    #[error("not a request: {what}")]
    BadRequest {
        /// What is wrong with it.
        what: String,
    },
    /// The snapshot does not have this node.
    #[error("there is no node `{node}`; there are {known}")]
    UnknownNode {
        /// The node.
        node: String,
        /// The nodes that there are.
        known: String,
    },
    /// No listener takes the request.
    #[error("no listener takes the request; there are {known}")]
    NoListener {
        /// The listeners that there are.
        known: String,
    },
    /// Several nodes have a listener that takes the request.
    #[error("several nodes take the request, {known}; choose one with `--node`")]
    SeveralNodes {
        /// The nodes.
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
        let visit = visit(snapshot, slice, (&node, &listener), &traveller);
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
    let known = || {
        let nodes: Vec<&str> = snapshot.nodes().collect();
        nodes.join(", ")
    };
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
                known: format!("no {role:?} listener on {wanted}").to_lowercase(),
            }),
        };
    }
    let mut takers: Vec<(String, Listener)> = Vec::new();
    for (node, slice) in &snapshot.slices {
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

/// The listener of a gateway that takes a request: its scheme and port fit, it is the one that gets the host among those of its
/// port, and its hosts are the most specific.
fn best_listener<'slice>(
    listeners: &'slice [Listener],
    question: &Question,
) -> Option<&'slice Listener> {
    let host = question.host().ok();
    let is_tls = |listener: &Listener| match listener.security {
        ListenerSecurity::Plaintext => false,
        ListenerSecurity::Tls { .. }
        | ListenerSecurity::Mtls
        | ListenerSecurity::Permissive { .. } => true,
    };
    let is_asked = |listener: &&Listener| {
        listener.role == Role::Edge
            && question.port.is_none_or(|port| port == listener.port)
            && question
                .is_https
                .is_none_or(|is_https| is_https == is_tls(listener))
    };
    let gets = |listener: &Listener, host: &str| {
        let place = (listener.address, listener.port);
        let beside = listeners
            .iter()
            .filter(|one| (one.address, one.port) == place);
        listener_of(beside, host).is_some_and(|one| std::ptr::eq(one, listener))
    };
    let asked = listeners.iter().filter(is_asked);
    most_specific(asked.map(|listener| {
        let specific = match host.as_deref() {
            Some(host) if gets(listener, host) => {
                specificity(listener.hosts.iter().map(String::as_str), host)
            }
            Some(_) => None,
            // What is no host is refused wherever it comes.
            None => Some(0),
        };
        (specific, listener)
    }))
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
    (node, listener): (&str, &Listener),
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
    let (headers, told) = match head::of(listener, traveller.question, &traveller.target) {
        Ok(admitted) => admitted,
        Err(refused) => {
            visit.hop.refusal = Some(refused);
            return visit;
        }
    };
    visit.hop.headers = told;
    let followed = follow(snapshot, slice, listener, (traveller, &headers), &mut visit);
    if let Err(refusal) = followed {
        visit.hop.refusal = Some(RefusalAnswer {
            status: 400,
            reason: refusal.reason().to_owned(),
            explanation: refusal.to_string(),
        });
    }
    visit
}

/// Why a rule refuses a request that repeats a header.
fn repeated(origins: &NodeOrigins, headers: &HeaderList, repeated: &Repeated<'_>) -> RefusalAnswer {
    let Repeated { route, header } = repeated;
    let place = origins.route(route.index());
    let place = place.map_or(String::new(), |(file, line)| format!(" ({file}:{line})"));
    let refusal = Refusal::RepeatedHeader;
    RefusalAnswer {
        status: 400,
        reason: refusal.reason().to_owned(),
        explanation: format!(
            "rule `{}`{place} asks for the value of `{header}`, which came in {} lines and may have one",
            route.id(),
            headers.values(header).count(),
        ),
    }
}

fn follow(
    snapshot: &Snapshot,
    slice: &Slice,
    listener: &Listener,
    (traveller, headers): (&Traveller<'_>, &HeaderList),
    visit: &mut Visit,
) -> Result<(), Refusal> {
    let host = question::host(&traveller.authority)?;
    let (path, query) = canonical::split_target(&traveller.target);
    let path = canonical::path(path, listener.path)?;
    // As it is forwarded.
    let query = query.map(canonical::query);
    let query = query.as_deref();
    visit.canonical = Some(match query {
        Some(query) => format!("{host}{path}?{query}"),
        None => format!("{host}{path}"),
    });
    let method = traveller.question.method.as_str();
    let origins = snapshot.origins(&visit.hop.node);
    if listener.role == Role::Inbound && listener.security != ListenerSecurity::Plaintext {
        let (admitted, refused) = explain::permission(
            slice,
            &origins,
            traveller.sender.as_deref(),
            (method, &path),
        );
        visit.hop.allowed_by = admitted;
        visit.hop.refusal = refused;
        if visit.hop.refusal.is_some() {
            return Ok(());
        }
    }
    let request = Request {
        method,
        host: &host,
        path: &path,
        query,
        headers,
    };
    visit.hop.host = slice.owning_host(listener.table, &host).map(str::to_owned);
    visit.hop.beats = beaten(slice, listener, &host, visit.hop.host.as_deref());
    let decided = slice.decide(listener.table, &request);
    let winner = match &decided {
        Ok(route) => route.as_ref().map(Route::index),
        Err(repeated) => Some(repeated.route.index()),
    };
    let asked = (&request, winner);
    visit.hop.candidates = candidates::of_request(slice, listener, &origins, asked);
    if let Some(wanted) = &traveller.question.why_not {
        visit.hop.why_not = candidates::why_not(slice, &origins, asked, (listener, wanted));
    }
    match decided {
        Ok(Some(route)) => routed(slice, &origins, (&request, &route), visit),
        Ok(None) => visit.hop.refusal = Some(explain::no_route(slice, listener, &request)),
        Err(refused) => visit.hop.refusal = Some(repeated(&origins, headers, &refused)),
    }
    Ok(())
}

/// Notes the route that takes a request, and where it goes from there.
fn routed(
    slice: &Slice,
    origins: &NodeOrigins,
    (request, route): (&Request<'_, HeaderList>, &Route<'_>),
    visit: &mut Visit,
) {
    let forwarded = match route.outcome().path() {
        Some(rewrite) => rewrite.apply(request.path),
        None => request.path.to_owned(),
    };
    if let Some(answer) = explain::route(slice, route.index(), origins, &forwarded) {
        let next = next_node(slice.settings(), &answer.action);
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
