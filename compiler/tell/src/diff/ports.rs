//! Ports of both sides beside each other, and which hosts come by which listener and table of each.
//!
//! A client knows a port and a host; which listener gets its request is the choice of the proxy. So ports are compared, and
//! hosts are partitioned first: those that no pattern of either side tells apart go one way on each side, and two ways are
//! compared once however many hosts they share.

use std::collections::BTreeMap;
use std::net::IpAddr;

use weft_snapshot::canonical;
use weft_snapshot::choice::most_specific;
use weft_snapshot::plan::{HostPlan, NodePlan};
use weft_snapshot::settings::{Listener, Role};
use weft_space::{Part, Patterns, parts};

use super::change::HostAt;
use super::pairs::Pair;
use crate::both::Both;

/// A listener of one side, with the hosts of its table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard<'run> {
    pub(super) plan: &'run NodePlan,
    pub(super) listener: &'run Listener,
    pub(super) table: usize,
    pub(super) hosts: &'run [HostPlan],
}

impl<'run> Heard<'run> {
    fn new(plan: &'run NodePlan, listener: &'run Listener) -> Self {
        let table = usize::try_from(listener.table).unwrap_or(usize::MAX);
        let hosts = plan.tables.get(table).map_or(&[][..], |table| &table.hosts);
        Self {
            plan,
            listener,
            table,
            hosts,
        }
    }
}

/// The listeners of one address and port of one side.
#[derive(Debug)]
pub(super) struct Port<'run> {
    pub(super) heard: Vec<Heard<'run>>,
    /// The hosts of each listener.
    served: Vec<Patterns<'run>>,
    /// The hosts of the table of each listener.
    owners: Vec<Patterns<'run>>,
}

/// How the requests for a host go at a port.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Way {
    /// The listener of the port that gets them, by position.
    listener: usize,
    /// The host of its table that owns them, by position; none if no host does.
    pub(super) owner: Option<usize>,
}

impl<'run> Port<'run> {
    fn new(plan: &'run NodePlan, listeners: &[&'run Listener]) -> Self {
        let heard = listeners.iter().map(|one| Heard::new(plan, one));
        let heard: Vec<Heard<'run>> = heard.collect();
        let served = heard.iter().map(|one| Patterns::new(served(one)));
        let owners = heard.iter().map(|one| Patterns::new(owners(one)));
        Self {
            served: served.collect(),
            owners: owners.collect(),
            heard,
        }
    }

    /// How requests for a host go; none if no listener gets them.
    fn way(&self, host: &str) -> Option<Way> {
        let served = self.served.iter().enumerate();
        let specific = served.map(|(at, one)| (one.best(host).map(|(specific, _)| specific), at));
        let at = most_specific(specific)?;
        let owner = self.owners.get(at).and_then(|one| one.best(host));
        Some(Way {
            listener: at,
            owner: owner.map(|(_, owner)| owner),
        })
    }

    /// The host of a table that owns a canonical host.
    pub(super) fn owner(&self, host: &str) -> Option<HostAt> {
        let way = self.way(host)?;
        Some(HostAt {
            table: self.listener(way)?.table,
            host: way.owner?,
        })
    }

    /// The listener of a way.
    pub(super) fn listener(&self, way: Way) -> Option<Heard<'run>> {
        self.heard.get(way.listener).copied()
    }
}

fn served<'run>(one: &Heard<'run>) -> impl Iterator<Item = &'run str> + use<'run> {
    one.listener.hosts.iter().map(String::as_str)
}

fn owners<'run>(one: &Heard<'run>) -> impl Iterator<Item = &'run str> + use<'run> {
    one.hosts.iter().map(|host| host.host.as_str())
}

/// The ports of a node: those of one address and port belong together; of the rest, those that share a listener by name, so
/// that a listener which moves takes its requests along.
pub(super) fn ports(plans: Pair<&NodePlan>) -> Vec<Pair<Port<'_>>> {
    let Both {
        old: mut before,
        new: mut after,
    } = plans.map(groups);
    let mut found = Vec::new();
    let both = before.keys().copied();
    let both: Vec<Socket> = both.filter(|socket| after.contains_key(socket)).collect();
    for socket in both {
        found.push(Both {
            old: before.remove(&socket),
            new: after.remove(&socket),
        });
    }
    for (socket, left) in before {
        let shares = |right: &&Socket| {
            right.role == socket.role
                && after.get(right).is_some_and(|right| {
                    let names = right.iter().map(|one| one.name.as_str());
                    let mut shared = names.filter(|name| left.iter().any(|one| one.name == *name));
                    shared.next().is_some()
                })
        };
        let moved = after.keys().find(shares).copied();
        found.push(Both {
            old: Some(left),
            new: moved.and_then(|moved| after.remove(&moved)),
        });
    }
    found.extend(after.into_values().map(|right| Both {
        old: None,
        new: Some(right),
    }));
    let pairs = found.into_iter();
    pairs
        .map(|pair| {
            plans.zip(pair).map(|(plan, listeners)| {
                let (plan, listeners) = plan.zip(listeners)?;
                Some(Port::new(plan, &listeners))
            })
        })
        .collect()
}

/// Where listeners listen, and to whom.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Socket {
    role: u8,
    address: IpAddr,
    port: u16,
}

fn groups(plan: Option<&NodePlan>) -> BTreeMap<Socket, Vec<&Listener>> {
    let mut groups: BTreeMap<Socket, Vec<&Listener>> = BTreeMap::new();
    for listener in plan.into_iter().flat_map(|plan| &plan.settings.listeners) {
        let socket = Socket {
            role: match listener.role {
                Role::Edge => 0,
                Role::Inbound => 1,
                Role::Outbound => 2,
            },
            address: listener.address,
            port: listener.port,
        };
        groups.entry(socket).or_default().push(listener);
    }
    groups
}

/// Hosts that go one way on each side.
#[derive(Debug)]
pub(super) struct Shared {
    /// The parts of them, the most general one first.
    pub(super) parts: Vec<Part>,
    /// Where a side has no way, none of its listeners gets them.
    pub(super) ways: Pair<Way>,
}

impl Shared {
    /// The listeners of two ports that get the requests for them.
    pub(super) fn heard<'run>(&self, ports: Pair<&Port<'run>>) -> Pair<Heard<'run>> {
        let each = ports.zip(self.ways);
        each.map(|(port, way)| port?.listener(way?))
    }
}

/// All hosts that some listener of two ports gets, one of a pattern if that is asked for, by the ways that they go.
pub(super) fn shared(ports: Pair<&Port<'_>>, within: &str) -> Vec<Shared> {
    let heard = ports.into_iter().flatten().flat_map(|port| &port.heard);
    let patterns = heard.flat_map(|one| served(one).chain(owners(one)));
    let mut found: BTreeMap<Pair<Way>, Vec<Part>> = BTreeMap::new();
    for part in parts(patterns.chain([within])) {
        if canonical::host_matches(within, &part.host).is_none() {
            continue;
        }
        let ways = ports.map(|port| port.and_then(|port| port.way(&part.host)));
        if ways.newest().is_some() {
            found.entry(ways).or_default().push(part);
        }
    }
    let shared = found.into_iter();
    shared.map(|(ways, parts)| Shared { parts, ways }).collect()
}

#[cfg(test)]
mod tests {
    use weft_front::settings::risk::Risk;

    use crate::diff::tests::reported;
    use crate::diff::text;

    const PORT: &str = r#"
    mesh: {name: shop, trustDomain: shop.example, mtls: disabled, defaults: {timeout: {request: 15s}}}
    services: {s: {protocol: http, endpoints: ["127.0.0.1:1"]}, t: {protocol: http, endpoints: ["127.0.0.1:2"]}}
    gateways: {g: {listeners: {w: {port: 80, protocol: http, hosts: [a.test, b.test]}, v: {port: 80, protocol: http, hosts: [c.test], trustedHops: 3}}}}
    routes: {r: {on: g/w, host: "*", rules: [{to: s}]}, q: {on: g/v, host: "*", rules: [{to: s}]}}
    "#;

    #[test]
    fn every_host_of_a_listener_is_named() {
        let found = reported(PORT, &PORT.replacen("to: s", "to: t", 1));
        let [statement] = found.statements.as_slice() else {
            panic!("{found:?}");
        };
        let region = &statement.region[0];
        assert_eq!(
            (region.host.as_str(), region.also.as_slice()),
            ("a.test", ["b.test".to_owned()].as_slice())
        );
        let text = text(&found);
        assert!(
            text.contains("gateway/g a.test, b.test, all of r/0"),
            "{text}"
        );
        assert!(text.contains("(3 hosts,"), "{text}");
    }

    #[test]
    fn a_host_that_moves_to_another_listener_of_its_port_is_not_lost() {
        let moved = PORT
            .replace("[a.test, b.test]", "[a.test]")
            .replace("[c.test]", "[b.test, c.test]");
        let found = reported(PORT, &moved);
        let titles: Vec<&str> = found
            .statements
            .iter()
            .map(|one| one.title.as_str())
            .collect();
        let [title] = titles.as_slice() else {
            panic!("{titles:?}");
        };
        // The rules do the same, and the other listener believes more.
        assert!(
            title.starts_with("listener gateway/g/v, before by gateway/g/w: "),
            "{title}"
        );
        assert_eq!(found.statements[0].risk, Risk::S2);
    }
}
