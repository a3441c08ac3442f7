//! What changes beside routes: listeners, what backends are, and what connections make of it.

use std::collections::{BTreeMap, BTreeSet};

use weft_snapshot::plan::NodePlan;
use weft_snapshot::settings::{
    Cluster, Endpoints, Listener, ListenerSecurity, Role, UpstreamSecurity,
};

use super::delta::{Facet, Risk};
use super::side::Side;
use super::statement::{Statement, id};

/// Statements about listeners and backends that both sides have, and about those that one side has.
pub(super) fn statements(old: &Side, new: &Side) -> Vec<Statement> {
    let mut found = Vec::new();
    for node in nodes(old, new) {
        let (before, after) = (old.plan(&node), new.plan(&node));
        for (name, was, is) in pairs(
            before,
            after,
            |plan| &plan.settings.listeners,
            |one| &one.name,
        ) {
            if let Some((risk, facet)) = listener_risk(was, is) {
                let say = |one: Option<&Listener>| one.map_or("not there".to_owned(), listener);
                found.push(statement(
                    (risk, facet),
                    &format!("listener {node}/{name}"),
                    (say(was), say(is)),
                ));
            }
        }
        found.extend(header_statement(&node, before, after));
        for (name, was, is) in pairs(
            before,
            after,
            |plan| &plan.settings.listeners,
            |one| &one.name,
        ) {
            let (was, is) = (certificate(before, was), certificate(after, is));
            if let (Some(was), Some(is)) = (was, is)
                && was != is
            {
                let what = format!("certificate of listener {node}/{name}");
                found.push(statement((Risk::A2, Facet::Security), &what, (was, is)));
            }
        }
        for (name, was, is) in pairs(
            before,
            after,
            |plan| &plan.settings.clusters,
            |one| &one.name,
        ) {
            let (Some(was), Some(is)) = (was, is) else {
                // Which requests reach it is said with the routes.
                continue;
            };
            if was != is {
                let (risk, facet) = cluster_risk(was, is);
                let what = format!("backend {name} of {node}");
                found.push(statement((risk, facet), &what, (cluster(was), cluster(is))));
            }
        }
    }
    found
}

fn nodes(old: &Side, new: &Side) -> BTreeSet<String> {
    let plans = old.plans.iter().chain(&new.plans);
    plans.map(|plan| plan.settings.node.clone()).collect()
}

type Pair<'side, T> = (String, Option<&'side T>, Option<&'side T>);

fn pairs<'side, T>(
    before: Option<&'side NodePlan>,
    after: Option<&'side NodePlan>,
    list: impl Fn(&'side NodePlan) -> &'side Vec<T>,
    name: impl Fn(&'side T) -> &'side String,
) -> Vec<Pair<'side, T>> {
    let by_name = |plan: Option<&'side NodePlan>| -> BTreeMap<&'side String, &'side T> {
        let all = plan.into_iter().flat_map(&list);
        all.map(|one| (name(one), one)).collect()
    };
    let (old, new) = (by_name(before), by_name(after));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).copied().collect();
    names
        .into_iter()
        .map(|name| (name.clone(), old.get(name).copied(), new.get(name).copied()))
        .collect()
}

// Hosts and paths of a listener change which requests it takes, which is said with the routes.
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
            if strength(is) < strength(was) {
                Some((Risk::S2, Facet::Security))
            } else if (was.address, was.port) != (is.address, is.port)
                || strength(was) < strength(is)
            {
                Some((Risk::A1, Facet::Security))
            } else if until(was) != until(is) {
                Some((Risk::S2, Facet::Security))
            } else if was.trusted_hops != is.trusted_hops || was.path != is.path {
                Some((Risk::T1, Facet::Transform))
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

/// The files of the certificate that a listener shows; their positions mean nothing.
fn certificate(plan: Option<&NodePlan>, listener: Option<&Listener>) -> Option<String> {
    let ListenerSecurity::Tls { certificate } = listener?.security else {
        return None;
    };
    let certificates = &plan?.settings.certificates;
    let found = certificates.get(usize::try_from(certificate).ok()?)?;
    Some(format!("{} ({}, {})", found.name, found.chain, found.key))
}

fn header_statement(
    node: &str,
    before: Option<&NodePlan>,
    after: Option<&NodePlan>,
) -> Option<Statement> {
    let shown = |plan: &NodePlan| {
        let word = if plan.settings.snapshot_header {
            "with"
        } else {
            "without"
        };
        format!("responses {word} x-weft-snapshot")
    };
    let (was, is) = (shown(before?), shown(after?));
    (was != is).then(|| statement((Risk::T1, Facet::Transform), node, (was, is)))
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
        "{}:{}, {security}, {} trusted hops, escaped slashes {}, unnormalized paths {}",
        listener.address,
        listener.port,
        listener.trusted_hops,
        if listener.path.keep_escaped_slashes {
            "kept"
        } else {
            "refused"
        },
        if listener.path.reject_unnormalized {
            "refused"
        } else {
            "merged"
        },
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
    } else {
        (Risk::A2, Facet::Route)
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
    format!("{endpoints}, {:?}, {security}", cluster.protocol)
}

fn statement(
    (risk, facet): (Risk, Facet),
    what: &str,
    (before, after): (String, String),
) -> Statement {
    Statement {
        id: id(risk, &[what, &before, &after]),
        risk,
        facet,
        title: format!("{what}: {before} -> {after}"),
        region: vec![format!("every request of {what}")],
        regions: 1,
        before,
        before_place: None,
        after,
        after_place: None,
        witness: None,
        contrast: None,
        routes: Vec::new(),
        owners: Vec::new(),
    }
}

/// What running proxies do with their connections: nothing unless the settings of a node change.
pub(super) fn connections(old: &Side, new: &Side) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for node in nodes(old, new) {
        let said = match (old.plan(&node), new.plan(&node)) {
            (Some(was), Some(is)) if was == is => continue,
            (Some(was), Some(is)) => {
                let keep = |plan: &NodePlan| -> Vec<_> {
                    let listeners = plan.settings.listeners.iter();
                    listeners
                        .map(|one| (one.address, one.port, one.security.clone()))
                        .collect()
                };
                if keep(was) != keep(is) {
                    "drains the connections of changed listeners"
                } else if was.settings.clusters != is.settings.clusters
                    || was.settings.certificates != is.settings.certificates
                {
                    "keeps its connections; new ones use the new backends and certificates"
                } else {
                    "keeps its connections"
                }
            }
            (None, Some(_)) => "is new",
            (Some(_), None) => "is gone",
            (None, None) => continue,
        };
        found.insert(node, said.to_owned());
    }
    found
}
