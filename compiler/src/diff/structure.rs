//! What changes beside routes: listeners, what backends are, and what connections make of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use weft_snapshot::plan::NodePlan;
use weft_snapshot::settings::{
    Certificate, Cluster, Endpoints, Listener, ListenerSecurity, Role, Slashes, UpstreamProtocol,
    UpstreamSecurity,
};

use super::blame::Owners;
use super::heads;
use super::ownership::Stake;
use super::pairs::{by_name, listeners};
use super::report::{Blast, Connections, Region, Said, Statement};
use super::risk::{Facet, Risk};
use super::side::Side;
use super::statement::id;

/// Statements about listeners and backends that both sides have, and about listeners that one side has.
pub(super) fn statements(old: &Side, new: &Side) -> Vec<Statement> {
    let mut found = Vec::new();
    for node in nodes(old, new) {
        let sides = Sides {
            old,
            new,
            node: &node,
        };
        let (before, after) = (old.plan(&node), new.plan(&node));
        for (was, is) in listeners(before, after) {
            found.extend(sides.listener(was, is));
            found.extend(sides.certificate((before, was), (after, is)));
            found.extend(sides.default_certificate((before, was), (after, is)));
        }
        found.extend(sides.header(before, after));
        for pair in by_name(clusters(before), clusters(after), |one| one.name.as_str()) {
            // Which requests reach a backend that one side has is said with the routes.
            if let (Some(was), Some(is)) = pair {
                found.extend(sides.cluster(was, is));
            }
        }
    }
    found
}

fn clusters(plan: Option<&NodePlan>) -> &[Cluster] {
    plan.map_or(&[], |plan| &plan.settings.clusters)
}

fn nodes(old: &Side, new: &Side) -> BTreeSet<String> {
    let plans = old.plans.iter().chain(&new.plans);
    plans.map(|plan| plan.settings.node.clone()).collect()
}

/// A node on both sides.
struct Sides<'run> {
    old: &'run Side,
    new: &'run Side,
    node: &'run str,
}

impl Sides<'_> {
    fn listener(&self, was: Option<&Listener>, is: Option<&Listener>) -> Option<Statement> {
        let class = listener_risk(was, is)?;
        let say = |one: Option<&Listener>| one.map_or("not there".to_owned(), listener);
        let what = self.listener_name(was, is);
        Some(self.statement(
            class,
            &what,
            std::slice::from_ref(&what),
            (say(was), say(is)),
        ))
    }

    fn listener_name(&self, was: Option<&Listener>, is: Option<&Listener>) -> String {
        let name = is.or(was).map_or("", |one| one.name.as_str());
        format!("listener {}/{name}", self.node)
    }

    fn certificate(
        &self,
        (before, was): (Option<&NodePlan>, Option<&Listener>),
        (after, is): (Option<&NodePlan>, Option<&Listener>),
    ) -> Option<Statement> {
        let listener = self.listener_name(was, is);
        let (was, is) = (certificate(before, was)?, certificate(after, is)?);
        let class = (was != is).then_some((Risk::A2, Facet::Security))?;
        let what = format!("certificate of {listener}");
        let named = [was, is].map(|one| format!("certificate {}", one.name));
        let things = [[listener].as_slice(), &named].concat();
        Some(self.statement(class, &what, &things, (files(was), files(is))))
    }

    /// What clients that name no host are shown.
    fn default_certificate(
        &self,
        (before, was): (Option<&NodePlan>, Option<&Listener>),
        (after, is): (Option<&NodePlan>, Option<&Listener>),
    ) -> Option<Statement> {
        let default = |plan: Option<&NodePlan>, listener: Option<&Listener>| {
            let listener = listener?;
            let shown = listener.default_certificate.map(|position| {
                let certificates = plan.map(|plan| &plan.settings.certificates)?;
                certificates.get(usize::try_from(position).ok()?).map(files)
            });
            Some(shown.flatten().unwrap_or_else(|| "none named".to_owned()))
        };
        let listener = self.listener_name(was, is);
        let (was, is) = (default(before, was)?, default(after, is)?);
        let class = (was != is).then_some((Risk::A2, Facet::Security))?;
        let what = format!("default certificate of {listener}");
        Some(self.statement(class, &what, &[listener], (was, is)))
    }

    fn header(&self, before: Option<&NodePlan>, after: Option<&NodePlan>) -> Option<Statement> {
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
        Some(self.statement(class, self.node, &[self.definition()], (was, is)))
    }

    fn cluster(&self, was: &Cluster, is: &Cluster) -> Option<Statement> {
        let class = (was != is).then(|| cluster_risk(was, is))?;
        let service = is.name.split('@').next().unwrap_or(&is.name);
        // The process behind a sidecar is the service of the node itself.
        let own = self.node.strip_prefix("service/");
        let service = own.filter(|_| service == "app").unwrap_or(service);
        let things = [format!("service {service}"), self.definition()];
        let what = format!("backend {} of {}", is.name, self.node);
        let mut found = self.statement(class, &what, &things, (cluster(was), cluster(is)));
        // How a service is reached is its owner's matter, whoever calls it.
        let [service, _] = &things;
        let stake = Stake::of_teams(&self.owners(std::slice::from_ref(service)).into_names());
        found.stakes = [(stake, None)].into();
        Some(found)
    }

    /// The definition behind the node: `gateway public`.
    fn definition(&self) -> String {
        self.node.replace('/', " ")
    }

    /// The owners of definitions, on both sides.
    fn owners(&self, things: &[String]) -> Owners {
        let mut owners = Owners::default();
        for thing in things {
            owners.add(self.old, self.new, thing);
        }
        owners
    }

    /// A statement about definitions; it stands in the lines of the first.
    fn statement(
        &self,
        (risk, facet): (Risk, Facet),
        what: &str,
        things: &[String],
        (before, after): (String, String),
    ) -> Statement {
        let owners = self.owners(things);
        let is_owner_uncertain = owners.is_uncertain;
        let owners = owners.into_names();
        let place = |side: &Side| side.place(things.first()?);
        let region = Region {
            node: self.node.to_owned(),
            listener: None,
            host: "*".to_owned(),
            rule: Some(what.to_owned()),
            matches: None,
            is_whole_rule: true,
            cubes: Vec::new(),
            parts: 1,
        };
        Statement {
            id: id(risk, &[what, &before, &after]),
            risk,
            facet,
            is_whole: false,
            title: format!("{what}: {before} -> {after}"),
            region: vec![region],
            regions: 1,
            before: Said {
                text: before,
                place: place(self.old),
            },
            after: Said {
                text: after,
                place: place(self.new),
            },
            why: None,
            fix: None,
            witness: None,
            contrast: None,
            stakes: [(Stake::of_teams(&owners), None)].into(),
            blast: Blast {
                owners,
                is_owner_uncertain,
                ..Blast::default()
            },
        }
    }
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
            let believes_more = was.trusted_hops < is.trusted_hops
                || (is.path.keep_escaped_slashes && !was.path.keep_escaped_slashes)
                || (is.path.slashes == Slashes::Keep && was.path.slashes != Slashes::Keep)
                || heads::believes_more(was.heads, is.heads);
            let refuses_more = (was.path.keep_escaped_slashes && !is.path.keep_escaped_slashes)
                || (is.path.refuse_dot_segments && !was.path.refuse_dot_segments)
                || (is.path.slashes == Slashes::Refuse && was.path.slashes != Slashes::Refuse)
                || heads::refuses_more(was.heads, is.heads);
            if strength(is) < strength(was) || until(was) < until(is) || believes_more {
                Some((Risk::S2, Facet::Security))
            } else if (was.address, was.port) != (is.address, is.port)
                || strength(was) < strength(is)
                || until(was) != until(is)
                || refuses_more
            {
                Some((Risk::A1, Facet::Security))
            } else if was.trusted_hops != is.trusted_hops
                || was.path != is.path
                || heads::changes(was.heads, is.heads)
            {
                Some((Risk::T1, Facet::Transform))
            } else if was.heads != is.heads {
                Some((Risk::R2, Facet::Limits))
            } else {
                None
            }
        }
        (None, None) => None,
    }
}

/// Until when plaintext is heard.
fn until(listener: &Listener) -> Option<i64> {
    match listener.security {
        ListenerSecurity::Permissive { until_unix_seconds } => Some(until_unix_seconds),
        ListenerSecurity::Plaintext | ListenerSecurity::Tls { .. } | ListenerSecurity::Mtls => None,
    }
}

/// The certificate that a listener shows; positions mean nothing beyond their side.
fn certificate<'side>(
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
            format!("mTLS or plaintext until {until_unix_seconds}")
        }
    };
    format!(
        "{}:{}, {security}, {} trusted hops, escaped slashes {}, dot segments {}, `//` {}, {}",
        listener.address,
        listener.port,
        listener.trusted_hops,
        if listener.path.keep_escaped_slashes {
            "kept"
        } else {
            "refused"
        },
        if listener.path.refuse_dot_segments {
            "refused"
        } else {
            "resolved"
        },
        match listener.path.slashes {
            Slashes::Merge => "merged",
            Slashes::Keep => "kept",
            Slashes::Refuse => "refused",
        },
        heads::words(listener.heads),
    )
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
    let kept = crate::words::keep_alive(cluster.keep_alive_millis);
    format!(
        "{endpoints}, {:?}, {security}{host}, {kept}",
        cluster.protocol
    )
}

/// What running proxies do with their connections, as `control/publish` of the proxy does it: ports that are
/// gone or whose peers are authenticated in another way are drained; another certificate, backend or identity
/// is for new connections.
pub(super) fn connections(old: &Side, new: &Side) -> BTreeMap<String, Connections> {
    let mut found = BTreeMap::new();
    for node in nodes(old, new) {
        let said = match (old.plan(&node), new.plan(&node)) {
            (Some(was), Some(is)) if was == is => continue,
            (Some(was), Some(is)) => {
                let ports = ports(is);
                let is_kept = |(port, kind)| ports.get(port) == Some(kind);
                if !self::ports(was).iter().all(is_kept) {
                    Connections::Drained
                } else if !reached(was).eq(reached(is)) || certificates(was) != certificates(is) {
                    Connections::NewOnly
                } else {
                    Connections::Kept
                }
            }
            (None, Some(_)) => Connections::Added,
            (Some(_), None) => Connections::Removed,
            (None, None) => continue,
        };
        found.insert(node, said);
    }
    found
}

/// What connections to backends are made of; how long idle ones are kept and which host is named are matters of requests.
fn reached(
    plan: &NodePlan,
) -> impl Iterator<Item = (&str, UpstreamProtocol, &UpstreamSecurity, &Endpoints)> {
    let clusters = plan.settings.clusters.iter();
    clusters.map(|one| {
        (
            one.name.as_str(),
            one.protocol,
            &one.security,
            &one.endpoints,
        )
    })
}

/// How peers are authenticated on each port; which certificate is shown does not matter to those who came in.
fn ports(plan: &NodePlan) -> BTreeMap<(IpAddr, u16), (u8, Option<i64>)> {
    let listeners = plan.settings.listeners.iter();
    let kind = |listener: &Listener| match listener.security {
        ListenerSecurity::Plaintext => 0,
        ListenerSecurity::Tls { .. } => 1,
        ListenerSecurity::Mtls => 2,
        ListenerSecurity::Permissive { .. } => 3,
    };
    listeners
        .map(|one| ((one.address, one.port), (kind(one), until(one))))
        .collect()
}

fn certificates(plan: &NodePlan) -> BTreeMap<&str, &Certificate> {
    let listeners = plan.settings.listeners.iter();
    listeners
        .filter_map(|one| Some((one.name.as_str(), certificate(Some(plan), Some(one))?)))
        .collect()
}
