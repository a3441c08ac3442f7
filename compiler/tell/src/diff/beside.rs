//! What differs between two nodes beside their routes and permissions: listeners, certificates, headers of answers, backends.
//!
//! One list for all who compare: a diff makes statements of it, and `same` asks which of it the requests of its region meet.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use weft_front::settings::risk::{Facet, Risk};
use weft_front::settings::{BACKEND, LISTENER, Said, Setting, Value};
use weft_snapshot::plan::{Action, NodePlan};
use weft_snapshot::settings::{
    Certificate, Cluster, Endpoints, Listener, ListenerSecurity, Role, UpstreamProtocol,
    UpstreamSecurity, service_of,
};
use weft_spec::units::Date;

use super::nameless;
use super::pairs::{NodeListener, Pair, by_name, listeners};
use super::places::{CapacityChange, places};
use super::ports::{ports, shared};
use super::unrouted::{Unrouted, unrouted};
use crate::both::Both;

/// One difference.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Beside {
    /// What it is about.
    pub(crate) about: About,
    /// How grave it is.
    pub(super) class: (Risk, Facet),
    /// What it is about, in words.
    pub(super) what: String,
    /// The definitions behind it: `listener gateway/public/web`.
    pub(super) things: Vec<String>,
    /// What was.
    pub(super) before: String,
    /// What is.
    pub(super) after: String,
}

/// What a difference is about. Whoever compares asks of each kind which requests meet it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum About {
    /// Requests that come by this listener of each side, by name; none where a side has none.
    Listener(Both<Option<String>>),
    /// All requests that the node answers.
    Node,
    /// Requests that the node forwards to this cluster, by name.
    Cluster(String),
    /// Requests that rules with one limit forward to this cluster, by name.
    Places(String),
    /// Requests for hosts without a route.
    Unrouted(Unrouted),
}

impl Beside {
    /// The difference in a line.
    pub(crate) fn title(&self) -> String {
        format!("{}: {} -> {}", self.what, self.before, self.after)
    }
}

/// The differences of a node about listeners and backends that both sides have, and about listeners that one side has.
pub(crate) fn beside(node: &str, plans: Both<Option<&NodePlan>>) -> Vec<Beside> {
    let mut found = Vec::new();
    if plans.old == plans.new {
        return found;
    }
    let words = Wording { node };
    for pair in met(plans) {
        found.extend(words.listener(pair));
        found.extend(words.certificate(pair));
        found.extend(words.default_certificate(pair));
    }
    found.extend(unrouted(node, plans, "*"));
    found.extend(words.header(plans));
    found.extend(words.identity(plans));
    found.extend(places(node, plans).into_iter().map(of_places));
    let live = plans.map(|plan| plan.map_or_else(BTreeSet::new, live));
    for pair in by_name(plans.map(clusters), |one| one.name.as_str()) {
        // Which requests reach a backend that one side has, or that gets a share on one side, is said with the routes.
        let pair = pair.present().filter(|both| {
            live.old.contains(both.old.name.as_str()) && live.new.contains(both.new.name.as_str())
        });
        found.extend(pair.and_then(|both| words.cluster(both)));
    }
    found
}

/// The listeners that belong together, and any two by which requests for one host come to one port: what one listener does with
/// them and the other does not is a difference also where each of the two stays as it is.
fn met(plans: Pair<&NodePlan>) -> Vec<Pair<NodeListener<'_>>> {
    let mut found = listeners(plans);
    let names = |both: Both<NodeListener<'_>>| both.map(|one| one.listener.name.clone());
    let known = found.iter().filter_map(|pair| pair.present().map(names));
    let mut known: BTreeSet<Both<String>> = known.collect();
    for ports in ports(plans) {
        let Some(ports) = ports.as_refs().present() else {
            continue;
        };
        let ports = ports.map(Some);
        for shared in shared(ports, "*") {
            let Some(heard) = shared.heard(ports).present() else {
                continue;
            };
            let both = heard.map(|one| NodeListener {
                plan: one.plan,
                listener: one.listener,
            });
            if known.insert(names(both)) {
                found.push(both.map(Some));
            }
        }
    }
    found
}

/// The clusters that get requests: some rule or call gives them a share.
fn live(plan: &NodePlan) -> BTreeSet<&str> {
    let hosts = plan.tables.iter().flat_map(|table| &table.hosts);
    let actions = hosts
        .flat_map(|host| &host.routes)
        .map(|route| &route.outcome.action);
    let backends = actions.flat_map(|action| match action {
        Action::Forward { backends } => backends.as_slice(),
        Action::Redirect { .. } | Action::Respond { .. } => &[],
    });
    let live = backends.filter(|backend| backend.share != 0);
    let positions: BTreeSet<u32> = live.map(|backend| backend.cluster).collect();
    let clusters = (0..).zip(&plan.settings.clusters);
    let live = clusters.filter(|(position, _)| positions.contains(position));
    live.map(|(_, cluster)| cluster.name.as_str()).collect()
}

fn clusters(plan: Option<&NodePlan>) -> &[Cluster] {
    plan.map_or(&[], |plan| &plan.settings.clusters)
}

/// Puts what differs between the two sides of a node into words.
struct Wording<'run> {
    node: &'run str,
}

impl Wording<'_> {
    fn listener(&self, pair: Pair<NodeListener<'_>>) -> Option<Beside> {
        let class = listener_risk(pair)?;
        let told = pair.map(|one| one.map_or("not there".to_owned(), |one| listener(one.listener)));
        let things = self.listeners(pair);
        Some(Beside {
            about: about(pair),
            class,
            what: listener_name(&things),
            things,
            before: told.old,
            after: told.new,
        })
    }

    /// The listener of the new side, and behind it the one that had its requests before, if that has another name.
    fn listeners(&self, pair: Pair<NodeListener<'_>>) -> Vec<String> {
        let both = [pair.new, pair.old].into_iter().flatten();
        let mut named: Vec<String> = both
            .map(|one| format!("listener {}/{}", self.node, one.listener.name))
            .collect();
        named.dedup();
        named
    }

    fn certificate(&self, pair: Pair<NodeListener<'_>>) -> Option<Beside> {
        let things = self.listeners(pair);
        let shown = pair.map(|one| one?.certificate()).present()?;
        let Both { old, new } = shown;
        let class = (old != new).then_some((Risk::A2, Facet::Security))?;
        let named = [old, new].map(|one| format!("certificate {}", one.name));
        Some(Beside {
            about: about(pair),
            class,
            what: format!("certificate of {}", listener_name(&things)),
            things: [things.as_slice(), &named].concat(),
            before: files(old),
            after: files(new),
        })
    }

    /// What clients that name no host are shown.
    fn default_certificate(&self, pair: Pair<NodeListener<'_>>) -> Option<Beside> {
        let default = |one: NodeListener<'_>| {
            let shown = nameless::certificate(one).map(files);
            match shown {
                Some(shown) if nameless::is_heard(one) => shown,
                Some(shown) => format!("{shown}, with which requests are misdirected (421)"),
                None => "none, so that the handshake fails".to_owned(),
            }
        };
        let things = self.listeners(pair);
        let both = pair.present()?;
        let is_tls = nameless::speaks_tls(both.old) && nameless::speaks_tls(both.new);
        // Where both are shown the listener's own, its certificate is told alone.
        let is_own = |one: NodeListener<'_>| {
            nameless::certificate(one) == one.certificate() && nameless::is_heard(one)
        };
        if !is_tls || (is_own(both.old) && is_own(both.new)) {
            return None;
        }
        let Both { old, new } = both.map(default);
        let class = (old != new).then_some((Risk::A2, Facet::Security))?;
        Some(Beside {
            about: about(pair),
            class,
            what: format!("default certificate of {}", listener_name(&things)),
            things,
            before: old,
            after: new,
        })
    }

    fn header(&self, plans: Pair<&NodePlan>) -> Option<Beside> {
        let shown = |plan: &NodePlan| {
            let word = if plan.settings.snapshot_header {
                "with"
            } else {
                "without"
            };
            format!("responses {word} x-weft-snapshot")
        };
        let Both { old, new } = plans.present()?.map(shown);
        let class = (old != new).then_some((Risk::T1, Facet::Transform))?;
        Some(Beside {
            about: About::Node,
            class,
            what: self.node.to_owned(),
            things: vec![self.definition()],
            before: old,
            after: new,
        })
    }

    /// Who the node is to its peers, and which of them it believes: those of its own trust domain.
    fn identity(&self, plans: Pair<&NodePlan>) -> Option<Beside> {
        let both = plans.present()?;
        let domains = both.map(|plan| plan.settings.trust_domain.as_str());
        if domains.old == domains.new || !both.into_iter().any(has_identity) {
            return None;
        }
        let told = domains.map(|domain| format!("spiffe://{domain}/{}", self.node));
        Some(Beside {
            about: About::Node,
            class: (Risk::S2, Facet::Security),
            what: format!("identity of {}", self.node),
            things: vec![self.definition()],
            before: told.old,
            after: told.new,
        })
    }

    fn cluster(&self, both: Both<&Cluster>) -> Option<Beside> {
        let Both { old: was, new: is } = both;
        let class = (was != is).then(|| cluster_risk(was, is))?;
        let service = service_of(&is.name, self.node);
        Some(Beside {
            about: About::Cluster(is.name.clone()),
            class,
            what: format!("backend {} of {}", is.name, self.node),
            things: vec![format!("service {service}"), self.definition()],
            before: cluster(was),
            after: cluster(is),
        })
    }

    /// The definition behind the node: `gateway public`.
    fn definition(&self) -> String {
        self.node.replace('/', " ")
    }
}

fn of_places(counted: CapacityChange) -> Beside {
    let CapacityChange {
        cluster,
        what,
        things,
        before,
        after,
    } = counted;
    Beside {
        about: About::Places(cluster),
        class: (Risk::R2, Facet::Limits),
        what,
        things,
        before,
        after,
    }
}

/// Whether a node proves who it is to some peer.
fn has_identity(plan: &NodePlan) -> bool {
    let settings = &plan.settings;
    let mut listeners = settings.listeners.iter();
    let mut clusters = settings.clusters.iter();
    let listens = listeners.any(|one| match one.security {
        ListenerSecurity::Mtls | ListenerSecurity::Permissive { .. } => true,
        ListenerSecurity::Plaintext | ListenerSecurity::Tls { .. } => false,
    });
    listens
        || clusters.any(|one| match one.security {
            UpstreamSecurity::Mtls { .. } => true,
            UpstreamSecurity::Plaintext | UpstreamSecurity::Tls { .. } => false,
        })
}

fn listener_name(listeners: &[String]) -> String {
    match listeners {
        [is, was, ..] => {
            let was = was.strip_prefix("listener ").unwrap_or(was);
            format!("{is}, before by {was}")
        }
        [one] => one.clone(),
        [] => String::new(),
    }
}

fn about(pair: Pair<NodeListener<'_>>) -> About {
    About::Listener(pair.map(|one| Some(one?.listener.name.clone())))
}

// Hosts of a listener change which requests it takes, which is said with the routes.
fn listener_risk(pair: Pair<NodeListener<'_>>) -> Option<(Risk, Facet)> {
    let listeners = pair.map(|one| one.map(|one| one.listener));
    match (listeners.old, listeners.new) {
        (None, Some(is)) if is.role == Role::Outbound => None,
        (None, Some(_)) => Some((Risk::S3, Facet::Security)),
        (Some(_), None) => Some((Risk::A1, Facet::Route)),
        (Some(was), Some(is)) => {
            let strength = |one: &Listener| match one.security {
                ListenerSecurity::Plaintext => 0,
                ListenerSecurity::Permissive { .. } => 1,
                ListenerSecurity::Tls { .. } => 2,
                ListenerSecurity::Mtls => 3,
            };
            let of_settings = changed(was, is).map(|(setting, was, is)| (setting.class)(&was, &is));
            let weaker = strength(is) < strength(was) || until(was) < until(is);
            let other = (was.address, was.port) != (is.address, is.port)
                || strength(was) < strength(is)
                || until(was) != until(is);
            let of_listener = if weaker {
                Some((Risk::S2, Facet::Security))
            } else if reach(was.address) < reach(is.address) {
                Some((Risk::S3, Facet::Security))
            } else {
                other.then_some((Risk::A1, Facet::Security))
            };
            of_settings.chain(of_listener).min_by_key(|(risk, _)| *risk)
        }
        (None, None) => None,
    }
}

/// From how far an address can be reached: from this machine, from one network, from all.
fn reach(address: IpAddr) -> u8 {
    match (address.is_loopback(), address.is_unspecified()) {
        (true, _) => 0,
        (false, false) => 1,
        (false, true) => 2,
    }
}

/// The settings of two listeners that differ, with both values.
fn changed(
    was: &Listener,
    is: &Listener,
) -> impl Iterator<Item = (&'static Setting, Value, Value)> {
    LISTENER.iter().filter_map(move |setting| {
        let (old, new) = (setting.of_listener(was)?, setting.of_listener(is)?);
        (old != new).then_some((*setting, old, new))
    })
}

/// Until when plaintext is heard.
pub(super) fn until(listener: &Listener) -> Option<i64> {
    match listener.security {
        ListenerSecurity::Permissive { until_unix_seconds } => Some(until_unix_seconds),
        ListenerSecurity::Plaintext | ListenerSecurity::Tls { .. } | ListenerSecurity::Mtls => None,
    }
}

fn files(certificate: &Certificate) -> String {
    let Certificate { name, chain, key } = certificate;
    format!("{name} ({chain}, {key})")
}

fn listener(listener: &Listener) -> String {
    let security = match &listener.security {
        ListenerSecurity::Plaintext => "plaintext".to_owned(),
        ListenerSecurity::Tls { .. } => "TLS".to_owned(),
        ListenerSecurity::Mtls => "mTLS".to_owned(),
        ListenerSecurity::Permissive { until_unix_seconds } => {
            // What is held is the first second after the last day.
            let last = Date::of_unix_seconds(until_unix_seconds - 1);
            let last = last.map_or_else(|| until_unix_seconds.to_string(), |day| day.to_string());
            format!("mTLS or plaintext until {last}")
        }
    };
    let mut text = format!("{}:{}, {security}", listener.address, listener.port);
    for setting in LISTENER {
        let value = setting.of_listener(listener);
        let built_in = (setting.built_in)(&Said::default());
        if let Some(value) = value.filter(|value| *value != built_in) {
            // Writing to a string cannot fail.
            let _ = write!(text, ", {} {}", setting.name, setting.in_words(&value));
        }
    }
    text
}

fn cluster_risk(was: &Cluster, is: &Cluster) -> (Risk, Facet) {
    let strength = |one: &Cluster| match one.security {
        UpstreamSecurity::Plaintext => 0,
        UpstreamSecurity::Tls { .. } => 1,
        UpstreamSecurity::Mtls { .. } => 2,
    };
    if strength(is) < strength(was) {
        (Risk::S2, Facet::Security)
    } else if was.security != is.security {
        (Risk::A2, Facet::Security)
    } else if (was.protocol, &was.endpoints) != (is.protocol, &is.endpoints) {
        (Risk::A2, Facet::Route)
    } else if was.host != is.host {
        (Risk::T1, Facet::Transform)
    } else {
        (Risk::R1, Facet::Reliability)
    }
}

fn protocol(spoken: UpstreamProtocol) -> &'static str {
    match spoken {
        UpstreamProtocol::Http1 => "HTTP/1.1",
        UpstreamProtocol::Http2 => "HTTP/2",
    }
}

fn cluster(cluster: &Cluster) -> String {
    let security = match &cluster.security {
        UpstreamSecurity::Plaintext => "plaintext".to_owned(),
        UpstreamSecurity::Mtls { identity } => format!("mTLS {identity}"),
        UpstreamSecurity::Tls { name, roots } => format!("TLS {name} by {roots}"),
    };
    let endpoints = match &cluster.endpoints {
        Endpoints::Static { addresses } => {
            let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            shown.join(", ")
        }
        Endpoints::Dns { host, port } => format!("DNS {host}:{port}"),
        Endpoints::File { path } => format!("file {path}"),
    };
    let host = cluster.host.as_ref();
    let host = host.map_or_else(String::new, |host| format!(", host {host}"));
    let kept = BACKEND.iter().filter_map(|setting| {
        let value = setting.of_cluster(cluster)?;
        Some(format!(", {} {}", setting.name, setting.in_words(&value)))
    });
    let kept: String = kept.collect();
    format!(
        "{endpoints}, {}, {security}{host}{kept}",
        protocol(cluster.protocol)
    )
}
