//! What differs between two nodes beside their routes and permissions: listeners, certificates, headers of answers, backends.
//!
//! One list for all who compare: a diff makes statements of it, and `same` asks which of it the requests of its region meet.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use weft_front::settings::risk::{Facet, Risk};
use weft_front::settings::{BACKEND, LISTENER, Said, Setting, Value};
use weft_snapshot::plan::NodePlan;
use weft_snapshot::settings::{
    Certificate, Cluster, Endpoints, Listener, ListenerSecurity, Role, UpstreamProtocol,
    UpstreamSecurity,
};
use weft_spec::units::Date;

use super::pairs::{by_name, listeners};
use super::ports::{ports, shared};

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
    /// Requests that come by this listener of the old side and by this one of the new side; by name, none where there is none.
    Listener(Option<String>, Option<String>),
    /// All requests that the node answers.
    Node,
    /// Requests that the node forwards to this cluster, by name.
    Cluster(String),
}

impl Beside {
    /// The difference in a line.
    pub(crate) fn title(&self) -> String {
        format!("{}: {} -> {}", self.what, self.before, self.after)
    }
}

/// A side of a node: its plan and one of its listeners.
type Heard<'run> = (Option<&'run NodePlan>, Option<&'run Listener>);

/// The differences of a node about listeners and backends that both sides have, and about listeners that one side has.
pub(crate) fn beside(
    node: &str,
    before: Option<&NodePlan>,
    after: Option<&NodePlan>,
) -> Vec<Beside> {
    let mut found = Vec::new();
    if before == after {
        return found;
    }
    let sides = Sides { node };
    for (was, is) in met(before, after) {
        let heard = ((before, was), (after, is));
        found.extend(sides.listener(was, is));
        found.extend(sides.certificate(heard));
        found.extend(sides.default_certificate(heard));
    }
    found.extend(sides.header(before, after));
    for pair in by_name(clusters(before), clusters(after), |one| one.name.as_str()) {
        // Which requests reach a backend that one side has is said with the routes.
        if let (Some(was), Some(is)) = pair {
            found.extend(sides.cluster(was, is));
        }
    }
    found
}

/// The listeners that belong together, and any two by which requests for one host come to one port: what one listener does with
/// them and the other does not is a difference also where each of the two stays as it is.
fn met<'run>(
    before: Option<&'run NodePlan>,
    after: Option<&'run NodePlan>,
) -> Vec<(Option<&'run Listener>, Option<&'run Listener>)> {
    let mut found = listeners(before, after);
    let names = |was: &Listener, is: &Listener| (was.name.clone(), is.name.clone());
    let known = found
        .iter()
        .filter_map(|(was, is)| Some(names((*was)?, (*is)?)));
    let mut known: BTreeSet<(String, String)> = known.collect();
    for (left, right) in ports(before, after) {
        let (Some(left), Some(right)) = (left, right) else {
            continue;
        };
        for shared in shared((Some(&left), Some(&right)), "*") {
            let pair = (left.listener(shared.old), right.listener(shared.new));
            if let (Some(was), Some(is)) = pair
                && known.insert(names(was.listener, is.listener))
            {
                found.push((Some(was.listener), Some(is.listener)));
            }
        }
    }
    found
}

fn clusters(plan: Option<&NodePlan>) -> &[Cluster] {
    plan.map_or(&[], |plan| &plan.settings.clusters)
}

/// A node on both sides.
struct Sides<'run> {
    node: &'run str,
}

impl Sides<'_> {
    fn listener(&self, was: Option<&Listener>, is: Option<&Listener>) -> Option<Beside> {
        let class = listener_risk(was, is)?;
        let say = |one: Option<&Listener>| one.map_or("not there".to_owned(), listener);
        let things = self.listeners(was, is);
        Some(Beside {
            about: about(was, is),
            class,
            what: listener_name(&things),
            things,
            before: say(was),
            after: say(is),
        })
    }

    /// The listener of the new side, and behind it the one that had its requests before, if that has another name.
    fn listeners(&self, was: Option<&Listener>, is: Option<&Listener>) -> Vec<String> {
        let both = [is, was].into_iter().flatten();
        let mut named: Vec<String> = both
            .map(|one| format!("listener {}/{}", self.node, one.name))
            .collect();
        named.dedup();
        named
    }

    fn certificate(&self, ((before, was), (after, is)): (Heard<'_>, Heard<'_>)) -> Option<Beside> {
        let things = self.listeners(was, is);
        let (old, new) = (certificate(before, was)?, certificate(after, is)?);
        let class = (old != new).then_some((Risk::A2, Facet::Security))?;
        let named = [old, new].map(|one| format!("certificate {}", one.name));
        Some(Beside {
            about: about(was, is),
            class,
            what: format!("certificate of {}", listener_name(&things)),
            things: [things.as_slice(), &named].concat(),
            before: files(old),
            after: files(new),
        })
    }

    /// What clients that name no host are shown.
    fn default_certificate(
        &self,
        ((before, was), (after, is)): (Heard<'_>, Heard<'_>),
    ) -> Option<Beside> {
        let default = |plan: Option<&NodePlan>, listener: Option<&Listener>| {
            let listener = listener?;
            let shown = listener.default_certificate.map(|position| {
                let certificates = plan.map(|plan| &plan.settings.certificates)?;
                certificates.get(usize::try_from(position).ok()?).map(files)
            });
            Some(shown.flatten().unwrap_or_else(|| "none named".to_owned()))
        };
        let things = self.listeners(was, is);
        let (old, new) = (default(before, was)?, default(after, is)?);
        let class = (old != new).then_some((Risk::A2, Facet::Security))?;
        Some(Beside {
            about: about(was, is),
            class,
            what: format!("default certificate of {}", listener_name(&things)),
            things,
            before: old,
            after: new,
        })
    }

    fn header(&self, before: Option<&NodePlan>, after: Option<&NodePlan>) -> Option<Beside> {
        let shown = |plan: &NodePlan| {
            let word = if plan.settings.snapshot_header {
                "with"
            } else {
                "without"
            };
            format!("responses {word} x-weft-snapshot")
        };
        let (was, is) = (shown(before?), shown(after?));
        let class = (was != is).then_some((Risk::T1, Facet::Transform))?;
        Some(Beside {
            about: About::Node,
            class,
            what: self.node.to_owned(),
            things: vec![self.definition()],
            before: was,
            after: is,
        })
    }

    fn cluster(&self, was: &Cluster, is: &Cluster) -> Option<Beside> {
        let class = (was != is).then(|| cluster_risk(was, is))?;
        let service = is.name.split('@').next().unwrap_or(&is.name);
        // The process behind a sidecar is the service of the node itself.
        let own = self.node.strip_prefix("service/");
        let service = own.filter(|_| service == "app").unwrap_or(service);
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

fn about(was: Option<&Listener>, is: Option<&Listener>) -> About {
    let name = |one: Option<&Listener>| one.map(|one| one.name.clone());
    About::Listener(name(was), name(is))
}

// Hosts of a listener change which requests it takes, which is said with the routes.
fn listener_risk(was: Option<&Listener>, is: Option<&Listener>) -> Option<(Risk, Facet)> {
    match (was, is) {
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

/// The certificate that a listener shows; positions mean nothing beyond their side.
pub(super) fn certificate<'side>(
    plan: Option<&'side NodePlan>,
    listener: Option<&Listener>,
) -> Option<&'side Certificate> {
    let ListenerSecurity::Tls { certificate } = listener?.security else {
        return None;
    };
    let certificates = &plan?.settings.certificates;
    certificates.get(usize::try_from(certificate).ok()?)
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
