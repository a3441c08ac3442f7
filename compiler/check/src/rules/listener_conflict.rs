//! Finds listeners that cannot be opened together, or whose TLS settings contradict their protocol.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::service::{DEFAULT_INBOUND, DEFAULT_OUTBOUND};
use weft_front::model::{Gateway, Listener, ListenerProtocol, ListenerTls, Mesh, Service};
use weft_spec::{Span, Spanned};

use super::facts::Facts;

/// Listeners that contradict each other or themselves.
pub(super) static CODE: Code = Code {
    name: "listener-conflict",
    severity: Severity::Error,
    finds: "Two listeners of one node on the same port with different protocols, the same hosts or different default \
            certificates, an `https` listener without `tls`, an `http` listener with it, or a sidecar whose addresses collide.",
    why: "Only one of them could be opened, or requests could not be told apart; the proxy would refuse the snapshot.",
    bad: r"weft: v1
mesh: {name: shop, trustDomain: shop.example}
gateways:
  public:
    listeners:
      web: {port: 8080, protocol: http, hosts: [shop.example]}
      api: {port: 8080, protocol: http, hosts: [shop.example]}
",
    good: r"weft: v1
mesh: {name: shop, trustDomain: shop.example}
gateways:
  public:
    listeners:
      web: {port: 8080, protocol: http, hosts: [shop.example]}
      api: {port: 8080, protocol: http, hosts: [api.shop.example]}
",
};

/// Reports every conflict.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for gateway in mesh.gateways.values() {
        for listener in &gateway.listeners {
            tls(mesh, listener, diagnostics);
        }
        ports(gateway, diagnostics);
    }
    for service in mesh.services.values() {
        sidecar(service, diagnostics);
    }
}

fn tls(mesh: &Mesh, listener: &Listener, diagnostics: &mut Diagnostics) {
    let name = &listener.name.value;
    match (listener.protocol.value, listener.tls) {
        (ListenerProtocol::Https, ListenerTls::Absent) => {
            let message = format!("listener `{name}` speaks `https` without a certificate");
            let known: Vec<&str> = mesh
                .certificates
                .values()
                .map(|certificate| certificate.name.value.as_str())
                .collect();
            let example = known.first().unwrap_or(&"…");
            diagnostics.push(
                Diagnostic::new(&CODE, listener.protocol.span, message)
                    .saying("needs `tls`")
                    .help(format!("add `tls: {{certificate: {example}}}`")),
            );
        }
        (ListenerProtocol::Http, ListenerTls::Certificate(certificate)) => {
            let message = format!("listener `{name}` speaks `http` and has a certificate");
            diagnostics.push(
                Diagnostic::new(&CODE, listener.protocol.span, message)
                    .saying("without TLS")
                    .label(certificate.span, "this certificate would never be shown")
                    .help("write `https`, or remove `tls`")
                    .propose(listener.protocol.span, "https"),
            );
        }
        (ListenerProtocol::Http, ListenerTls::Absent | ListenerTls::Unknown)
        | (ListenerProtocol::Https, ListenerTls::Unknown | ListenerTls::Certificate(_)) => {}
    }
}

fn ports(gateway: &Gateway, diagnostics: &mut Diagnostics) {
    for (position, listener) in gateway.listeners.iter().enumerate() {
        for earlier in gateway.listeners.iter().take(position) {
            let address = |one: &Listener| SocketAddr::new(one.address.value, one.port.value);
            if !collide(address(earlier), address(listener)) {
                continue;
            }
            if let Some((what, span, other)) = contradiction(earlier, listener) {
                let message = format!(
                    "listeners `{}` and `{}` share port {} with {what}",
                    earlier.name.value, listener.name.value, listener.port.value
                );
                diagnostics.push(
                    Diagnostic::new(&CODE, span, message)
                        .label(other, format!("listener `{}`", earlier.name.value))
                        .help("give one of them another port, or make protocol and address equal and hosts different"),
                );
            }
        }
    }
}

/// What two listeners on one port cannot both have, with the place in the later and in the earlier one.
fn contradiction(earlier: &Listener, later: &Listener) -> Option<(String, Span, Span)> {
    if earlier.address.value != later.address.value {
        let what = "addresses of which one contains the other".to_owned();
        return Some((what, later.port.span, earlier.port.span));
    }
    if earlier.protocol.value != later.protocol.value {
        let what = "different protocols".to_owned();
        return Some((what, later.protocol.span, earlier.protocol.span));
    }
    let defaults = (earlier.default_certificate, later.default_certificate);
    if let (Some(one), Some(other)) = defaults
        && one.value != other.value
    {
        let what = "different certificates for clients that name no host".to_owned();
        return Some((what, other.span, one.span));
    }
    let taken: BTreeMap<&str, Span> = hosts(earlier).into_iter().collect();
    hosts(later).into_iter().find_map(|(host, span)| {
        let other = taken.get(host)?;
        Some((format!("the same host `{host}`"), span, *other))
    })
}

fn hosts(listener: &Listener) -> Vec<(&str, Span)> {
    if listener.hosts.is_empty() {
        return vec![("*", listener.port.span)];
    }
    let hosts = listener.hosts.iter();
    hosts.map(|host| (host.value.as_str(), host.span)).collect()
}

/// Whether binding one address takes the other, too.
fn collide(left: SocketAddr, right: SocketAddr) -> bool {
    let contains = |outer: IpAddr, inner: IpAddr| match outer {
        // `::` takes IPv4 connections, too, unless the system is told otherwise.
        IpAddr::V6(outer) => outer.is_unspecified(),
        IpAddr::V4(outer) => outer.is_unspecified() && inner.is_ipv4(),
    };
    let (left_ip, right_ip) = (left.ip(), right.ip());
    left.port() == right.port()
        && (left_ip == right_ip || contains(left_ip, right_ip) || contains(right_ip, left_ip))
}

fn sidecar(service: &Service, diagnostics: &mut Diagnostics) {
    let Some(app) = service.app else {
        return;
    };
    let inbound = service
        .inbound
        .unwrap_or(Spanned::built_in(DEFAULT_INBOUND));
    let outbound = service
        .outbound
        .unwrap_or(Spanned::built_in(DEFAULT_OUTBOUND));
    let pairs = [
        (("app", app), ("sidecar.inbound", inbound)),
        (("app", app), ("sidecar.outbound", outbound)),
        (("sidecar.inbound", inbound), ("sidecar.outbound", outbound)),
    ];
    for ((name, left), (other_name, right)) in pairs {
        if !collide(left.value, right.value) {
            continue;
        }
        let place = [right.span, left.span]
            .into_iter()
            .find(|span| !span.is_none());
        let place = place.unwrap_or(service.name.span);
        let message = format!(
            "`{name}` and `{other_name}` of service `{}` collide on port {}",
            service.name.value,
            left.value.port()
        );
        diagnostics.push(
            Diagnostic::new(&CODE, place, message)
                .label(
                    if place == left.span {
                        Span::NONE
                    } else {
                        left.span
                    },
                    format!("`{name}` here"),
                )
                .note(format!("`{other_name}` is {}", right.value))
                .help("give one of them another port"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn ports_protocols_and_certificates_must_agree() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example}
            certificates: {c: {chain: a, key: b}, d: {chain: c, key: d}}
            gateways:
              g:
                listeners:
                  a: {port: 1, protocol: http}
                  b: {port: 1, address: 127.0.0.1, protocol: http}  #~ error[listener-conflict]
                  c: {port: 2, protocol: http, hosts: [a.example]}
                  d: {port: 2, protocol: https, hosts: [b.example], tls: {certificate: c}}  #~ error[listener-conflict]
                  e: {port: 3, protocol: http, hosts: ["*.a.example"]}
                  f: {port: 3, protocol: http, hosts: [b.a.example]}
                  h: {port: 4, protocol: https}  #~ error[listener-conflict]
                  i: {port: 5, protocol: http, tls: {certificate: c}}  #~ error[listener-conflict]
                  j: {port: 6, protocol: https, hosts: [a.example], tls: {certificate: c, default: c}}
                  k: {port: 6, protocol: https, hosts: [b.example], tls: {certificate: c}}
                  l: {port: 6, protocol: https, hosts: [c.example], tls: {certificate: c, default: d}}  #~ error[listener-conflict]
            services:
              s: {protocol: http, app: "127.0.0.1:15443"}  #~ error[listener-conflict]
              t: {protocol: http, app: "127.0.0.1:9", sidecar: {outbound: "127.0.0.1:9"}}  #~ error[listener-conflict]
            "#,
        );
    }
}
