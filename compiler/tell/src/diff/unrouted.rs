//! Hosts that have no route, and for which a port of TLS shows a certificate on one side alone: there they are answered 404, and here their
//! handshake fails.

use weft_front::settings::risk::{Facet, Risk};
use weft_snapshot::plan::NodePlan;

use super::beside::{About, Beside};
use super::nameless::speaks_tls;
use super::pairs::{NodeListener, Pair};
use super::ports::{Heard, Shared, ports, shared};

/// So many hosts are named.
const NAMED: usize = 3;

/// One of these hosts, and the listener of the side that has one for them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Unrouted {
    pub(super) host: String,
    pub(super) listener: String,
}

/// One difference for all hosts that go alike, of those of a pattern.
pub(super) fn unrouted(node: &str, plans: Pair<&NodePlan>, within: &str) -> Vec<Beside> {
    let mut found = Vec::new();
    for ports in ports(plans) {
        let ports = ports.as_refs();
        if ports.present().is_none() {
            // That a port is there on one side alone is told of its listeners.
            continue;
        }
        for shared in shared(ports, within) {
            let heard = shared.heard(ports);
            let is_routed = shared
                .ways
                .into_iter()
                .flatten()
                .any(|way| way.owner.is_some());
            if !is_routed {
                found.extend(difference(node, heard, &shared));
            }
        }
    }
    found
}

fn difference(node: &str, heard: Pair<Heard<'_>>, shared: &Shared) -> Option<Beside> {
    // One side has a listener for them.
    let one = heard.old.xor(heard.new)?;
    let of_node = NodeListener {
        plan: one.plan,
        listener: one.listener,
    };
    if !speaks_tls(of_node) {
        return None;
    }
    let host = shared.parts.first()?.host.clone();
    let mut hosts: Vec<&str> = shared
        .parts
        .iter()
        .map(|part| part.pattern.as_str())
        .collect();
    let more = hosts.len().saturating_sub(NAMED);
    hosts.truncate(NAMED);
    let mut named = hosts.join(", ");
    if 0 < more {
        named = format!("{named} and {more} more");
    }
    let told = heard.map(|one| match one {
        Some(_) => "404, because no route is for it".to_owned(),
        None => "none, because the handshake fails".to_owned(),
    });
    Some(Beside {
        about: About::Unrouted(Unrouted {
            host,
            listener: one.listener.name.clone(),
        }),
        class: (Risk::A2, Facet::Security),
        what: format!("answer to {named} at {node}:{}", one.listener.port),
        things: vec![format!("listener {node}/{}", one.listener.name)],
        before: told.old,
        after: told.new,
    })
}

#[cfg(test)]
mod tests {
    use crate::diff::tests::reported;

    const SPEC: &str = r"
    mesh: {name: m, trustDomain: m.x, defaults: {timeout: {request: 5s}}}
    certificates: {ce: {chain: /c.pem, key: /c.key}}
    gateways: {g: {listeners: {t: {port: 8443, protocol: https, hosts: [a.x, z.x], tls: {certificate: ce}}}}}
    routes: {s: {listener: g/t, host: a.x, rules: [{respond: {status: 200}}]}}
    ";

    fn titles(old: &str, new: &str) -> Vec<String> {
        let found = reported(old, new);
        found.statements.into_iter().map(|one| one.title).collect()
    }

    #[test]
    fn a_host_without_a_route_is_shown_a_certificate_or_none() {
        let fewer = SPEC.replace("[a.x, z.x]", "[a.x]");
        let lost = "answer to z.x at gateway/g:8443: 404, because no route is for it -> none, because the handshake fails";
        assert_eq!(titles(SPEC, &fewer), [lost]);
        let won = "answer to z.x at gateway/g:8443: none, because the handshake fails -> 404, because no route is for it";
        assert_eq!(titles(&fewer, SPEC), [won]);
        // A host with a route is told of with its requests.
        let routed = SPEC.replace("host: a.x", "host: '*'");
        let gone = routed.replace("[a.x, z.x]", "[a.x]");
        assert!(
            titles(&routed, &gone)
                .iter()
                .all(|one| !one.contains("answer to"))
        );
    }
}
