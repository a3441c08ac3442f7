//! Where a client arrives that follows a redirect: at which gateway, listener and host of the mesh.
//!
//! A spec says on which port a listener listens, not under which one clients know it: behind a mapping, 443 may lead to 8443.
//! So a usual port leads to the listener on it, and without one to the only port of that protocol. Who answers for a host is
//! said by DNS: the same gateway for the same host, else the one that names the host best. A host that a redirect names and that
//! only `*` has is most often elsewhere, since a gateway for `*` takes every host and is asked for few. Where the mesh leaves it
//! open, nothing is known, and the names of gateways never decide.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use weft_front::model::action::Scheme;
use weft_front::model::{Action, GatewayId, Listener, ListenerProtocol, Mesh, Route, owners};
use weft_snapshot::choice::Heard as _;
use weft_space::{Served, WitnessRequest, parts, work};

use crate::rules::facts::{AnalysedHost, Facts};

/// A host of a listener.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'run, 'mesh> {
    pub(super) gateway: GatewayId,
    pub(super) listener: usize,
    pub(super) host: &'run AnalysedHost<'mesh>,
}

/// A rule that redirects some request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Redirecting<'run, 'mesh> {
    pub(super) place: Place<'run, 'mesh>,
    /// Its position among the rules of the place.
    pub(super) position: usize,
    /// A request that it takes.
    pub(super) taken: &'run WitnessRequest,
}

/// The port of the URL of a redirect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Port {
    /// That of the request.
    Kept,
    /// That of the scheme, which is not written.
    Usual,
    /// This one.
    Named(u16),
}

/// The URL that a client asks for next, as far as it says where that is.
#[derive(Clone, Copy, Debug)]
pub(super) struct NextUrl<'run> {
    pub(super) scheme: Scheme,
    pub(super) port: Port,
    pub(super) host: &'run str,
    /// Whether the host is that of the request before.
    pub(super) is_same_host: bool,
    /// Whether the redirect says the host.
    pub(super) is_named: bool,
}

/// The places of a mesh.
#[derive(Debug)]
pub(super) struct Places<'run, 'mesh> {
    facts: &'run Facts<'mesh>,
    served: BTreeMap<(GatewayId, usize), Served<'run>>,
    hosts: OnceCell<Vec<String>>,
    /// The hosts that routes and listeners name, but for `*`.
    named: BTreeSet<&'run str>,
}

impl<'run, 'mesh> Places<'run, 'mesh> {
    pub(super) fn new(facts: &'run Facts<'mesh>) -> Self {
        let mut served = BTreeMap::new();
        for (id, gateway) in facts.mesh.gateways.iter() {
            for position in 0..gateway.listeners.len() {
                let hosts = weft_front::model::served(facts.mesh, id, position);
                served.insert((id, position), hosts);
            }
        }
        Self {
            facts,
            served,
            hosts: OnceCell::new(),
            named: named(facts.mesh),
        }
    }

    /// Whether a host is one of the mesh: all are served where `*` stands, and most of them are elsewhere.
    fn is_of_mesh(&self, host: &str) -> bool {
        let mut wider = owners::wider(host).filter(|wider| wider != "*");
        self.named.contains(host) || wider.any(|wider| self.named.contains(wider.as_str()))
    }

    /// The listener of a place.
    pub(super) fn listener(&self, place: Place<'_, '_>) -> Option<&'run Listener> {
        let gateway = self.facts.mesh.gateways.entry(place.gateway);
        gateway.listeners.get(place.listener)
    }

    /// Hosts that stand for all whose requests come to a place.
    pub(super) fn hosts_at(&self, place: Place<'run, 'mesh>) -> Vec<&str> {
        let (gateway, listener) = (place.gateway, place.listener);
        let own = place.host.host.host;
        if !own.starts_with('*') {
            let served = self.served.get(&(gateway, listener));
            let has = served.is_some_and(|served| served.has(own));
            return has.then_some(own).into_iter().collect();
        }
        let hosts = self.hosts.get_or_init(|| self.hosts());
        if !work::spend(hosts.len().saturating_mul(64)) {
            return Vec::new();
        }
        let is_here = |host: &&String| {
            let found = self.table(gateway, listener, host);
            found.is_some_and(|(_, found)| found.host.host == own)
        };
        hosts.iter().filter(is_here).map(String::as_str).collect()
    }

    /// One host for every set of hosts that some pattern of the mesh tells apart.
    fn hosts(&self) -> Vec<String> {
        let mesh = self.facts.mesh;
        let mut patterns: BTreeSet<&str> = BTreeSet::new();
        for route in mesh.routes.values() {
            patterns.extend(route.host_names());
            for rule in &route.rules {
                if let Action::Redirect(redirect) = &rule.action {
                    patterns.extend(redirect.host.as_ref().map(|host| host.value.as_str()));
                }
            }
        }
        let listeners = mesh.gateways.values();
        let listeners = listeners.flat_map(|gateway| &gateway.listeners);
        patterns.extend(listeners.flat_map(|one| one.hosts.iter().map(|host| host.value.as_str())));
        parts(patterns).into_iter().map(|part| part.host).collect()
    }

    /// The table of a listener that has a host, and how well it names it; none where another listener gets the host.
    fn table(
        &self,
        gateway: GatewayId,
        listener: usize,
        host: &str,
    ) -> Option<((usize, usize), &'run AnalysedHost<'mesh>)> {
        if !self.served.get(&(gateway, listener))?.has(host) {
            return None;
        }
        let listeners = &self.facts.mesh.gateways.entry(gateway).listeners;
        let named = listeners.get(listener)?.specificity(host)?;
        let tables = self.facts.hosts_of(gateway, listener);
        let at = |pattern: &str| {
            let found = tables.binary_search_by(|one| one.host.host.cmp(pattern));
            found.ok().and_then(|at| tables.get(at))
        };
        let below = host.match_indices('.');
        let wildcards = below.map(|(at, _)| format!("*{}", host.get(at..).unwrap_or_default()));
        let mut patterns = std::iter::once(host.to_owned())
            .chain(wildcards)
            .chain(["*".to_owned()]);
        let (length, table) = patterns.find_map(|pattern| Some((pattern.len(), at(&pattern)?)))?;
        Some(((named, length), table))
    }

    /// Where a client of a place arrives; none where that is outside of the mesh, or open.
    pub(super) fn after(
        &self,
        from: Place<'run, 'mesh>,
        target: NextUrl<'_>,
    ) -> Option<Place<'run, 'mesh>> {
        if target.is_named && !self.is_of_mesh(target.host) {
            return None;
        }
        let mut found = Vec::new();
        let gateways = self.facts.mesh.gateways.values();
        let listeners: usize = gateways.map(|gateway| gateway.listeners.len()).sum();
        if !work::spend(listeners.saturating_mul(32)) {
            return None;
        }
        for (id, gateway) in self.facts.mesh.gateways.iter() {
            let listeners = gateway.listeners.iter().enumerate();
            for (position, listener) in listeners.filter(|(_, one)| speaks(one, target.scheme)) {
                let is_asked = self.is_on(from, id, listener, target);
                let table = self.table(id, position, target.host).filter(|_| is_asked);
                found.extend(table.map(|(how, host)| {
                    let place = Place {
                        gateway: id,
                        listener: position,
                        host,
                    };
                    (how, place)
                }));
            }
        }
        let is_own = |place: &Place<'_, '_>| place.gateway == from.gateway;
        if target.is_same_host && found.iter().any(|(_, place)| is_own(place)) {
            found.retain(|(_, place)| is_own(place));
        }
        let best = found.iter().map(|(how, _)| *how).max()?;
        found.retain(|(how, _)| *how == best);
        if found.iter().any(|(_, place)| is_own(place)) {
            found.retain(|(_, place)| is_own(place));
        }
        let (_, place) = *found.first()?;
        let is_one = |(_, other): &(_, Place<'_, '_>)| other.gateway == place.gateway;
        found.iter().all(is_one).then_some(place)
    }

    /// Whether a listener is one on the port of a URL.
    fn is_on(
        &self,
        from: Place<'_, '_>,
        gateway: GatewayId,
        listener: &Listener,
        target: NextUrl<'_>,
    ) -> bool {
        let port = listener.port.value;
        let usual = match target.scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
        };
        match target.port {
            Port::Kept => self.listener(from).is_some_and(|own| {
                let is_own = gateway == from.gateway;
                port == own.port.value && (!is_own || listener.address.value == own.address.value)
            }),
            Port::Named(named) if named != usual => named == port,
            Port::Named(_) | Port::Usual => {
                let listeners = self.facts.mesh.gateways.entry(gateway).listeners.iter();
                let ports = listeners.filter(|one| speaks(one, target.scheme));
                let ports: BTreeSet<u16> = ports.map(|one| one.port.value).collect();
                port == usual || (!ports.contains(&usual) && ports.len() == 1)
            }
        }
    }
}

fn named(mesh: &Mesh) -> BTreeSet<&str> {
    let routes = mesh.routes.values().flat_map(Route::host_names);
    let gateways = mesh.gateways.values();
    let listeners = gateways.flat_map(|gateway| &gateway.listeners);
    let served = listeners.flat_map(|one| one.hosts.iter().map(|host| host.value.as_str()));
    routes.chain(served).filter(|host| *host != "*").collect()
}

fn speaks(listener: &Listener, scheme: Scheme) -> bool {
    match listener.protocol.value {
        ListenerProtocol::Http => scheme == Scheme::Http,
        ListenerProtocol::Https => scheme == Scheme::Https,
    }
}
