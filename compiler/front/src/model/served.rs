//! Which hosts the listeners of a mesh get, and the tables behind them.

use weft_space::{ListenerUrl, Patterns, Served};
use weft_spec::gateway::ListenerProtocol;

use super::{GatewayId, HostRules, Listener, Mesh};

/// The hosts whose requests a listener gets.
pub fn served(mesh: &Mesh, gateway: GatewayId, position: usize) -> Served<'_> {
    let listeners = &mesh.gateways.entry(gateway).listeners;
    let bound = |one: &Listener| (one.address.value, one.port.value);
    let Some(own) = listeners.get(position) else {
        return Served::default();
    };
    let (before, rest) = listeners.split_at_checked(position).unwrap_or_default();
    let beside = |some| {
        let some: &[Listener] = some;
        let beside = some.iter().filter(|one| bound(one) == bound(own));
        Patterns::new(beside.flat_map(patterns))
    };
    let after = beside(rest.get(1..).unwrap_or_default());
    Served::new(Patterns::new(patterns(own)), beside(before), after)
}

fn patterns(listener: &Listener) -> impl Iterator<Item = &str> {
    let hosts = listener.hosts.iter().map(|host| host.value.as_str());
    let all = listener.hosts.is_empty().then_some("*");
    hosts.chain(all)
}

/// For each host of a mesh, in the order of `Mesh::hosts`, one whose requests its rules get; none if no request comes to them.
pub fn owned_hosts(mesh: &Mesh, hosts: &[HostRules<'_>]) -> Vec<Option<String>> {
    let is_beside = |left: &HostRules<'_>, right: &HostRules<'_>| {
        (left.gateway, left.listener) == (right.gateway, right.listener)
    };
    let tables = hosts.chunk_by(is_beside);
    let owned = tables.flat_map(|table| {
        let patterns: Vec<&str> = table.iter().map(|one| one.host).collect();
        let first = table.first();
        let served = first.map(|one| served(mesh, one.gateway, one.listener));
        served.unwrap_or_default().witnesses(&patterns)
    });
    owned.collect()
}

impl Listener {
    /// How a client names it in a URL.
    pub fn url(&self) -> ListenerUrl {
        let is_encrypted = match self.protocol.value {
            ListenerProtocol::Http => false,
            ListenerProtocol::Https => true,
        };
        ListenerUrl::new(is_encrypted, self.port.value)
    }
}
