//! Where the parts of a mesh are when all of it runs on one machine.
//!
//! A spec says where its nodes are in production: each on a machine of its own, all at the same ports. Here every node gets
//! addresses of loopback, as near to the written ones as can be: what people and programs have to know (the listeners of
//! gateways, the process of a service, the side of a sidecar that its process calls) keeps its port where that is free, and what
//! only proxies know takes any. An address that was chosen stays as long as its node is there,
//! so that an edit moves nothing; what is gone gives its place free, so that a service with another name gets it.
//!
//! Nothing else of a snapshot is touched: routes, timeouts, identities and access are those of the spec.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use anyhow::bail;
use weft_snapshot::settings::{
    Cluster, Endpoints, NodeSettings, OWN_PROCESS, Role, UpstreamSecurity,
};

use super::at::At;
use crate::local::ports;

/// What is added to a port that only root may open: 443 becomes 8443.
const ABOVE_ROOT: u16 = 8_000;
/// The first port that everybody may open.
const FIRST_FREE: u16 = 1_024;
/// So many ports are tried from the written one on.
const TRIES: u16 = 1_000;

/// A proxy that runs: a node, or one version of a service, whose process is another one.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Instance {
    /// `gateway/public` or `service/orders`.
    pub(super) node: String,
    /// `v2`, where a version has a process of its own.
    pub(super) version: Option<String>,
}

impl Instance {
    /// `service/orders` or `service/orders@v2`.
    pub(super) fn name(&self) -> String {
        match &self.version {
            Some(version) => format!("{}@{version}", self.node),
            None => self.node.clone(),
        }
    }

    /// The same as people call it with `--at`: `orders@v2`.
    fn short(&self) -> String {
        let name = self.name();
        name.split_once('/')
            .map_or(name.clone(), |(_, short)| short.to_owned())
    }
}

/// A thing that has an address here.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Spot {
    instance: Instance,
    part: Part,
    written: SocketAddr,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Part {
    Listener(Duty),
    Process,
}

/// [`Role`] with an order, which is that of choosing.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Duty {
    Edge,
    Outbound,
    Inbound,
}

impl From<Role> for Duty {
    fn from(role: Role) -> Self {
        match role {
            Role::Edge => Self::Edge,
            Role::Outbound => Self::Outbound,
            Role::Inbound => Self::Inbound,
        }
    }
}

/// The addresses of this run.
#[derive(Debug, Default)]
pub(super) struct Places {
    given: Vec<At>,
    /// What was chosen in this run, also for what an edit of a node that stays has taken away: it may come back.
    chosen: BTreeMap<Spot, SocketAddr>,
    /// What the mesh has now.
    current: BTreeSet<Spot>,
    taken: BTreeSet<SocketAddr>,
    /// Where proxies of this run still listen that end before new ones start.
    freed: BTreeSet<SocketAddr>,
}

impl Places {
    /// Nothing is chosen yet but what was given.
    pub(super) fn new(given: Vec<At>) -> Self {
        let taken = given.iter().map(|at| at.address).collect();
        Self {
            given,
            chosen: BTreeMap::new(),
            current: BTreeSet::new(),
            taken,
            freed: BTreeSet::new(),
        }
    }

    /// The proxies that a mesh needs here: one for every node, and one for every version that was given a process.
    ///
    /// # Errors
    ///
    /// When an address was given for something that the mesh does not have.
    pub(super) fn instances(
        &self,
        nodes: &[NodeSettings],
        versions: &[String],
    ) -> anyhow::Result<Vec<Instance>> {
        let names = names(nodes, versions);
        for at in &self.given {
            if !names.contains(&at.name) {
                let known: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                bail!(
                    "`--at {}`: the mesh has no `{}`; it has {}",
                    at.written,
                    at.name,
                    known.join(", ")
                );
            }
        }
        let mut instances: Vec<Instance> = Vec::new();
        for node in nodes {
            instances.push(Instance {
                node: node.node.clone(),
                version: None,
            });
            let Some(service) = node.node.strip_prefix("service/") else {
                continue;
            };
            let versions: BTreeSet<&str> = self
                .given
                .iter()
                .filter_map(|at| at.name.split_once('@'))
                .filter(|(name, _)| *name == service)
                .map(|(_, rest)| rest.split('/').next().unwrap_or(rest))
                .collect();
            instances.extend(versions.into_iter().map(|version| Instance {
                node: node.node.clone(),
                version: Some(version.to_owned()),
            }));
        }
        Ok(instances)
    }

    /// Chooses an address for everything that has none yet.
    ///
    /// # Errors
    ///
    /// When somebody else has a port that people were told.
    pub(super) fn choose(
        &mut self,
        nodes: &[NodeSettings],
        instances: &[Instance],
    ) -> anyhow::Result<()> {
        self.free(instances);
        let mut spots: Vec<(Spot, String)> = Vec::new();
        for instance in instances {
            let Some(node) = nodes.iter().find(|node| node.node == instance.node) else {
                continue;
            };
            for listener in &node.listeners {
                let spot = Spot {
                    instance: instance.clone(),
                    part: Part::Listener(listener.role.into()),
                    written: SocketAddr::new(listener.address, listener.port),
                };
                spots.push((spot, format!("{}/{}", instance.short(), listener.name)));
            }
            if let Some(written) = process(node) {
                let spot = Spot {
                    instance: instance.clone(),
                    part: Part::Process,
                    written,
                };
                spots.push((spot, instance.short()));
            }
        }
        self.current = spots.iter().map(|(spot, _)| spot.clone()).collect();
        // What people know best is chosen first, and what nobody need know last.
        spots.sort_by_key(|(spot, _)| match spot.part {
            Part::Listener(Duty::Edge) => 0,
            Part::Process => 1,
            Part::Listener(Duty::Outbound) => 2,
            Part::Listener(Duty::Inbound) => 3,
        });
        for (spot, name) in spots {
            if !self.chosen.contains_key(&spot) {
                let address = self.address(&spot, &name)?;
                self.taken.insert(address);
                self.chosen.insert(spot, address);
            }
        }
        Ok(())
    }

    /// Gives free what nodes had that are gone.
    fn free(&mut self, instances: &[Instance]) {
        let is_given = |address: &SocketAddr| self.given.iter().any(|at| at.address == *address);
        let gone = self
            .chosen
            .iter()
            .filter(|(spot, _)| !instances.contains(&spot.instance));
        self.freed = gone.map(|(_, address)| *address).collect();
        self.chosen
            .retain(|spot, _| instances.contains(&spot.instance));
        let freed = &self.freed;
        self.taken
            .retain(|address| is_given(address) || !freed.contains(address));
    }

    fn address(&self, spot: &Spot, name: &str) -> anyhow::Result<SocketAddr> {
        let given = self.given.iter().find(|at| at.name == name);
        let wanted = given.map_or_else(|| near(spot.written), |at| at.address);
        match spot.part {
            Part::Process if given.is_some() => Ok(wanted),
            // Whoever listens there is the process itself.
            Part::Process => self.next(wanted, |_| true),
            Part::Listener(_) if given.is_some() => self.free_or_said(wanted, name),
            Part::Listener(Duty::Edge) if !self.taken.contains(&wanted) => {
                self.free_or_said(wanted, name)
            }
            Part::Listener(Duty::Edge | Duty::Outbound) => self.next(wanted, |address| {
                self.freed.contains(&address) || is_free(address)
            }),
            Part::Listener(Duty::Inbound) => self.spare(),
        }
    }

    fn free_or_said(&self, address: SocketAddr, name: &str) -> anyhow::Result<SocketAddr> {
        // Where this run listens itself, be it for what an edit has moved since, nobody else does.
        let is_own = self.chosen.values().any(|own| *own == address);
        if is_own || self.freed.contains(&address) {
            return Ok(address);
        }
        free_or_said(address, name)
    }

    /// An address that nobody need know. One that was given may not be listened at yet.
    pub(super) fn spare(&self) -> anyhow::Result<SocketAddr> {
        loop {
            let address = ports::free_address()?;
            if !self.taken.contains(&address) {
                return Ok(address);
            }
        }
    }

    /// The wanted address, or the next port that nothing here has and that `is_fine`.
    fn next(
        &self,
        wanted: SocketAddr,
        is_fine: impl Fn(SocketAddr) -> bool,
    ) -> anyhow::Result<SocketAddr> {
        for further in 0..TRIES {
            let Some(port) = wanted.port().checked_add(further) else {
                break;
            };
            let address = SocketAddr::new(wanted.ip(), port);
            if !self.taken.contains(&address) && is_fine(address) {
                return Ok(address);
            }
        }
        bail!("every port from {wanted} on is in use");
    }

    /// Makes the settings of a node those of an instance on this machine. `certificate` says where the files of a certificate are.
    pub(super) fn apply(
        &self,
        instance: &Instance,
        settings: &mut NodeSettings,
        certificate: impl Fn(&str) -> (String, String),
    ) {
        for listener in &mut settings.listeners {
            let written = SocketAddr::new(listener.address, listener.port);
            let part = Part::Listener(listener.role.into());
            if let Some(address) = self.of(instance, part, |spot| spot.written == written) {
                listener.address = address.ip();
                listener.port = address.port();
            }
        }
        for cluster in &mut settings.clusters {
            if let Some(address) = self.behind(instance, cluster) {
                cluster.endpoints = Endpoints::Static {
                    addresses: vec![address],
                };
            }
        }
        for one in &mut settings.certificates {
            (one.chain, one.key) = certificate(&one.name);
        }
    }

    /// Where the process of an instance is expected.
    pub(super) fn process(
        &self,
        instance: &Instance,
        settings: &NodeSettings,
    ) -> Option<SocketAddr> {
        let written = process(settings)?;
        self.of(instance, Part::Process, |spot| spot.written == written)
    }

    fn of(
        &self,
        instance: &Instance,
        part: Part,
        is_it: impl Fn(&Spot) -> bool,
    ) -> Option<SocketAddr> {
        let mut spots = self.current.iter();
        let found =
            spots.find(|spot| spot.instance == *instance && spot.part == part && is_it(spot));
        self.chosen.get(found?).copied()
    }

    /// Where a cluster is: the process, or the sidecar of a service. Others are where the spec says.
    fn behind(&self, instance: &Instance, cluster: &Cluster) -> Option<SocketAddr> {
        if is_process(&instance.node, cluster) {
            return self.of(instance, Part::Process, |spot| {
                endpoint(cluster).is_some_and(|written| written == spot.written)
            });
        }
        let UpstreamSecurity::Mtls { identity } = &cluster.security else {
            return None;
        };
        let service = identity.rsplit_once("/service/").map(|(_, name)| name)?;
        let version = cluster
            .name
            .split_once('@')
            .map(|(_, name)| name.to_owned());
        let with = |version| Instance {
            node: format!("service/{service}"),
            version,
        };
        let inbound =
            |instance: &Instance| self.of(instance, Part::Listener(Duty::Inbound), |_| true);
        // A version without a process of its own is served by that of the service.
        inbound(&with(version)).or_else(|| inbound(&with(None)))
    }
}

/// The process behind a sidecar, as the spec has it.
fn process(node: &NodeSettings) -> Option<SocketAddr> {
    let mut clusters = node.clusters.iter();
    endpoint(clusters.find(|cluster| is_process(&node.node, cluster))?)
}

fn is_process(node: &str, cluster: &Cluster) -> bool {
    // A service of that name is reached by mTLS.
    let is_plain = cluster.security == UpstreamSecurity::Plaintext;
    cluster.name == OWN_PROCESS && is_plain && node.starts_with("service/")
}

fn endpoint(cluster: &Cluster) -> Option<SocketAddr> {
    match &cluster.endpoints {
        Endpoints::Static { addresses } => addresses.first().copied(),
        Endpoints::Dns { .. } | Endpoints::File { .. } => None,
    }
}

/// All that can be given an address, as it is called there.
fn names(nodes: &[NodeSettings], versions: &[String]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for node in nodes {
        let (_, short) = node.node.split_once('/').unwrap_or(("", &node.node));
        let is_service = node.node.starts_with("service/");
        let is_version =
            |name: &&String| is_service && name.split_once('@').is_some_and(|(of, _)| of == short);
        let versions = versions.iter().filter(is_version).map(String::as_str);
        for one in versions.chain([short]) {
            let listeners = node.listeners.iter();
            names.extend(listeners.map(|listener| format!("{one}/{}", listener.name)));
            if process(node).is_some() {
                names.insert(one.to_owned());
            }
        }
    }
    names
}

/// The address of loopback that is like this one, at a port that everybody may open.
fn near(written: SocketAddr) -> SocketAddr {
    let address = match written.ip() {
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V4(address) if address.is_loopback() => IpAddr::V4(address),
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let port = written.port();
    let port = if port < FIRST_FREE {
        port.saturating_add(ABOVE_ROOT)
    } else {
        port
    };
    SocketAddr::new(address, port)
}

/// Whether nobody listens there. Proxies share ports with one another, so a bind without that wish is what tells.
fn is_free(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_ok()
}

fn free_or_said(address: SocketAddr, name: &str) -> anyhow::Result<SocketAddr> {
    let other = address.port().saturating_add(1);
    match TcpListener::bind(address) {
        Ok(_) => Ok(address),
        Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
            "`{name}` cannot listen at {address}, because another program does: end that one, or choose another port: `--at {name}={other}`"
        ),
        Err(error) => bail!(
            "`{name}` cannot listen at {address}: {error}; choose another address: `--at {name}={other}`"
        ),
    }
}

#[cfg(test)]
mod tests;
