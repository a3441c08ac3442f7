//! The clusters of one node: only those it uses, sorted by name.

use std::collections::BTreeMap;

use weft_front::model::endpoints::DnsEndpoint;
use weft_front::model::{self, Mesh, Mtls, Service, ServiceId, ServiceProtocol};
use weft_front::settings::{self, Plan, SettingSources};
use weft_snapshot::limits::KEEP_ALIVE_MILLIS;
use weft_snapshot::settings::{Cluster, Endpoints, UpstreamProtocol, UpstreamSecurity};
use weft_spec::Spanned;

use super::position;

/// A service, or a version of it.
pub(super) type Target = (ServiceId, Option<usize>);

/// The clusters of a node and where they stand in its settings.
pub(super) struct Clusters {
    /// The clusters in order.
    pub(super) list: Vec<Cluster>,
    positions: BTreeMap<Target, u32>,
}

impl Clusters {
    /// The clusters for these targets, behind those that the node has already.
    pub(super) fn of(
        mesh: &Mesh,
        mut list: Vec<Cluster>,
        targets: impl Iterator<Item = Target>,
    ) -> Self {
        let mut by_name: BTreeMap<String, Target> = BTreeMap::new();
        for target in targets {
            by_name.entry(name(mesh, target)).or_insert(target);
        }
        let mut positions = BTreeMap::new();
        for (name, target) in by_name {
            positions.insert(target, position(list.len()));
            list.push(cluster(mesh, name, target));
        }
        Self { list, positions }
    }

    /// The position of the cluster of a target that was given to [`Clusters::of`].
    pub(super) fn position(&self, target: Target) -> u32 {
        self.positions.get(&target).copied().unwrap_or(u32::MAX)
    }
}

fn name(mesh: &Mesh, (service, version): Target) -> String {
    let service = mesh.services.entry(service);
    match version.and_then(|version| service.versions.get(version)) {
        Some(version) => format!("{}@{}", service.name.value, version.name.value),
        None => service.name.value.clone(),
    }
}

fn cluster(mesh: &Mesh, name: String, (id, version): Target) -> Cluster {
    let service = mesh.services.entry(id);
    let endpoints = match version {
        Some(version) => service.versions.get(version).map(|one| &one.endpoints),
        None => service.endpoints.as_ref(),
    };
    let mut cluster = Cluster {
        name,
        protocol: protocol(service),
        security: security(mesh, service),
        // The rules refuse a target without any. It keeps its place here, so that positions of others hold.
        endpoints: endpoints.map_or(
            Endpoints::Static {
                addresses: Vec::new(),
            },
            self::endpoints,
        ),
        keep_alive_millis: KEEP_ALIVE_MILLIS,
        host: service.seen_host().map(str::to_owned),
    };
    // Two proxies know each other; what is said of connections is about the process.
    if service.app.is_none() {
        settle(&mut cluster, &SettingSources::of_contract(mesh, service));
    }
    cluster
}

/// Writes what is settled about connections to a process.
pub(super) fn settle(cluster: &mut Cluster, sources: &SettingSources<'_>) {
    for setting in settings::BACKEND {
        if let Plan::Backend { put, of: _ } = setting.plan {
            put(cluster, &sources.decide(setting).value);
        }
    }
}

/// What a process of the service speaks.
pub(super) fn app_protocol(service: &Service) -> UpstreamProtocol {
    match service.protocol.value {
        ServiceProtocol::Http => UpstreamProtocol::Http1,
        ServiceProtocol::Http2 | ServiceProtocol::Grpc => UpstreamProtocol::Http2,
    }
}

fn protocol(service: &Service) -> UpstreamProtocol {
    if service.app.is_some() {
        // Two proxies speak HTTP/2, whatever their apps speak.
        UpstreamProtocol::Http2
    } else {
        app_protocol(service)
    }
}

fn security(mesh: &Mesh, service: &Service) -> UpstreamSecurity {
    if service.app.is_none() {
        return match &service.tls {
            None => UpstreamSecurity::Plaintext,
            Some(tls) => UpstreamSecurity::Tls {
                name: tls.value.verify.value.clone(),
                roots: tls.value.roots.value.clone(),
            },
        };
    }
    match mesh.service_mtls(service) {
        Mtls::Strict | Mtls::Permissive => UpstreamSecurity::Mtls {
            identity: mesh.identity(&format!("service/{}", service.name.value)),
        },
        Mtls::Disabled => UpstreamSecurity::Plaintext,
    }
}

fn endpoints(endpoints: &Spanned<model::Endpoints>) -> Endpoints {
    match &endpoints.value {
        model::Endpoints::Static(addresses) => {
            let mut addresses: Vec<_> = addresses.iter().map(|address| address.value).collect();
            addresses.sort_unstable();
            addresses.dedup();
            Endpoints::Static { addresses }
        }
        model::Endpoints::Dns(name) => {
            let DnsEndpoint { host, port } = &name.value;
            Endpoints::Dns {
                host: host.to_ascii_lowercase(),
                port: *port,
            }
        }
        model::Endpoints::File(path) => Endpoints::File {
            path: path.value.clone(),
        },
    }
}
