//! The plan of a gateway.

use std::collections::BTreeMap;

use weft_front::model::{self, CertificateId, GatewayId, HostRules, ListenerTls, Mesh, Rule};
use weft_front::settings::{SettingSources, Settled};
use weft_snapshot::plan::{HostPlan, NodePlan, RoutePlan, TablePlan};
use weft_snapshot::settings::{Certificate, Listener, ListenerSecurity, Role};
use weft_space::languages::Languages;
use weft_space::precedence::order;

use super::clusters::Clusters;
use super::places::Lines;
use super::{Node, blank, outcome, position};

/// The plan of one gateway and the hosts that it has routes for.
pub(super) fn plan(mesh: &Mesh, id: GatewayId, hosts: &[HostRules<'_>], lines: &Lines) -> Node {
    let gateway = mesh.gateways.entry(id);
    let mut settings = blank(mesh, format!("gateway/{}", gateway.name.value));
    let certificates = certificates(mesh, &gateway.listeners, &mut settings.certificates);
    let targets = hosts
        .iter()
        .flat_map(|host| &host.rules)
        .flat_map(|rule| rule.backends())
        .map(|backend| (backend.service, backend.version));
    let clusters = Clusters::of(mesh, Vec::new(), targets);
    let mut by_listener: BTreeMap<usize, Vec<&HostRules<'_>>> = BTreeMap::new();
    for host in hosts {
        by_listener.entry(host.listener).or_default().push(host);
    }
    let (mut tables, mut origins) = (Vec::new(), Vec::new());
    for (index, listener) in gateway.listeners.iter().enumerate() {
        let mut table = TablePlan::default();
        for host in by_listener.remove(&index).unwrap_or_default() {
            let languages = Languages::sharing(&mesh.automata);
            let mut languages = languages.by(listener.path_rules());
            let ordered = order(&host.rules, &mut languages);
            let routes = ordered.into_iter().map(|rule| {
                let sources = SettingSources::of_rule_at(mesh, rule, Some(listener));
                let settled = outcome::of_sources(rule, &sources);
                origins.push(lines.origin(rule.span, &sources, &settled));
                route(rule, &settled, &clusters)
            });
            let routes = routes.collect();
            table.hosts.push(HostPlan {
                host: host.host.to_owned(),
                routes,
            });
        }
        settings
            .listeners
            .push(self::listener(listener, position(index), &certificates));
        tables.push(table);
    }
    settings.clusters = clusters.list;
    let plan = NodePlan {
        settings,
        tables,
        access: Vec::new(),
    };
    Node { plan, origins }
}

fn certificates(
    mesh: &Mesh,
    listeners: &[model::Listener],
    list: &mut Vec<Certificate>,
) -> BTreeMap<CertificateId, u32> {
    let used = listeners.iter().flat_map(|listener| {
        let own = match listener.tls {
            ListenerTls::Certificate(id) => Some(id),
            ListenerTls::Absent | ListenerTls::Unknown => None,
        };
        let shown = own.into_iter().chain(listener.default_certificate);
        shown.map(|id| id.value)
    });
    // Ids are in the order of names.
    let mut positions: BTreeMap<CertificateId, u32> = used.map(|id| (id, 0)).collect();
    for (id, index) in &mut positions {
        *index = position(list.len());
        let certificate = mesh.certificates.entry(*id);
        list.push(Certificate {
            name: certificate.name.value.clone(),
            chain: certificate.chain.value.clone(),
            key: certificate.key.value.clone(),
        });
    }
    positions
}

fn listener(
    listener: &model::Listener,
    table: u32,
    certificates: &BTreeMap<CertificateId, u32>,
) -> Listener {
    let certificate = match listener.tls {
        ListenerTls::Certificate(id) => certificates.get(&id.value).copied(),
        ListenerTls::Absent | ListenerTls::Unknown => None,
    };
    let security = certificate.map_or(ListenerSecurity::Plaintext, |certificate| {
        ListenerSecurity::Tls { certificate }
    });
    let hosts = if listener.hosts.is_empty() {
        vec!["*".to_owned()]
    } else {
        let hosts = listener.hosts.iter();
        hosts.map(|host| host.value.as_str().to_owned()).collect()
    };
    let default = listener.default_certificate;
    Listener {
        name: listener.name.value.clone(),
        role: Role::Edge,
        address: listener.address.value,
        port: listener.port.value,
        security,
        hosts,
        table,
        trusted_hops: listener.received.trusted_hops,
        path: listener.path_rules(),
        heads: listener.heads(),
        default_certificate: default.and_then(|id| certificates.get(&id.value).copied()),
    }
}

fn route(rule: &Rule, settled: &Settled<'_>, clusters: &Clusters) -> RoutePlan {
    let model::Match {
        path,
        methods,
        headers,
        query,
    } = &rule.matched;
    RoutePlan {
        id: rule.id.clone(),
        path: path.value.clone(),
        methods: methods
            .iter()
            .map(|method| method.value.as_str().to_owned())
            .collect(),
        headers: headers
            .iter()
            .map(|condition| condition.value.clone())
            .collect(),
        query: query
            .iter()
            .map(|condition| condition.value.clone())
            .collect(),
        outcome: outcome::settled(rule, settled, &mut |backend| {
            clusters.position((backend.service, backend.version))
        }),
    }
}
