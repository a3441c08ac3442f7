//! Finds endpoints at which a proxy would meet itself.
//!
//! A gateway that forwards to its own listener, and a sidecar that calls what its own outbound address is, take each request again and
//! again. Exact for the addresses that the spec says; a loopback endpoint is the machine of whichever proxy connects.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::service::DEFAULT_OUTBOUND;
use weft_front::model::{Gateway, GatewayId, Rule, ServiceId};
use weft_spec::Span;

use super::reached::{endpoints, reached};
use crate::rules::facts::Facts;

/// An endpoint that is the proxy which connects there.
pub(super) static CODE: Code = Code {
    name: "proxy-loop",
    severity: Severity::Error,
    finds: "An endpoint to which a gateway forwards and at which it listens itself, or to which a sidecar calls and at which it hears its own \
            app; in any way to write that address.",
    why: "The proxy would get what it sends, and send it again, until a timeout or a limit ends it: one request costs as many as fit.",
    bad: spec!(
        r#"  cart: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8080"]}
routes:
  cart: {listener: public/web, host: "*", rules: [{to: cart}]}
"#
    ),
    good: spec!(
        r#"  cart: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}
routes:
  cart: {listener: public/web, host: "*", rules: [{to: cart}]}
"#
    ),
};

/// Reports every such endpoint.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    // Each endpoint once for each gateway and caller, however many rules lead there.
    let mut asked: BTreeSet<(GatewayId, ServiceId)> = BTreeSet::new();
    for route in mesh.routes.values() {
        let backends = route.rules.iter().flat_map(Rule::backends);
        for backend in backends {
            if asked.insert((route.gateway, backend.service)) {
                let gateway = mesh.gateways.entry(route.gateway);
                let own = |endpoint| of_gateway(gateway, endpoint);
                report(facts, backend.service, own, diagnostics);
            }
        }
    }
    for caller in mesh.services.values().filter(|one| one.app.is_some()) {
        let outbound = caller.outbound.map_or(DEFAULT_OUTBOUND, |said| said.value);
        let span = caller.outbound.map_or(caller.name.span, |said| said.span);
        let own = |endpoint| {
            let is_own = reached(outbound) == endpoint;
            is_own.then(|| {
                let what = format!("the sidecar of `{}` hears its app", caller.name.value);
                (what, span)
            })
        };
        for call in &caller.calls {
            report(facts, call.to.value, own, diagnostics);
        }
    }
}

/// Where a gateway hears clients, if an endpoint is that.
fn of_gateway(gateway: &Gateway, endpoint: SocketAddr) -> Option<(String, Span)> {
    let listener = gateway.listeners.iter().find(|listener| {
        let (address, port) = (listener.address.value, listener.port.value);
        let is_at_all = address.is_unspecified() && endpoint.ip().is_loopback();
        port == endpoint.port()
            && (is_at_all || reached(SocketAddr::new(address, port)) == endpoint)
    })?;
    let (gateway, name) = (&gateway.name.value, &listener.name.value);
    let what = format!("`{gateway}/{name}` hears clients");
    Some((what, listener.port.span))
}

fn report(
    facts: &Facts<'_>,
    service: ServiceId,
    own: impl Fn(SocketAddr) -> Option<(String, Span)>,
    diagnostics: &mut Diagnostics,
) {
    let service = facts.mesh.services.entry(service);
    for (endpoint, span) in endpoints(service) {
        let Some((what, place)) = own(endpoint).filter(|_| !diagnostics.is_full(span.file)) else {
            continue;
        };
        let message = format!("this endpoint of `{}` is where {what}", service.name.value);
        diagnostics.push(
            Diagnostic::new(&CODE, span, message)
                .label(place, "the same address")
                .help("write where the service is; a process on the same machine has a port of its own"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn no_proxy_meets_itself() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, mtls: disabled, defaults: {timeout: {request: 15s}}}
            gateways:
              g: {listeners: {w: {port: 8080, protocol: http}, x: {address: 10.0.0.1, port: 8081, protocol: http}}}
              h: {listeners: {w: {port: 9090, protocol: http}}}
            services:
              a: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8080"]}  #~ error[proxy-loop]
              b: {protocol: http, mtls: disabled, endpoints: {dns: "localhost:8080"}}  #~ error[proxy-loop]
              c: {protocol: http, mtls: disabled, endpoints: ["10.0.0.1:8081"]}  #~ error[proxy-loop]
              d: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}
              e: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:9090", "10.0.0.9:8080"]}
              f: {protocol: http, mtls: disabled, endpoints: ["[::1]:15001"]}  #~ error[proxy-loop]
              caller: {protocol: http, app: "127.0.0.1:7000", calls: {f: {}, e: {}}}
            routes:
              a: {on: g/w, host: a.example, rules: [{path: /a, to: a}, {path: /b, to: a}]}
              b: {on: g/w, host: b.example, rules: [{to: b}]}
              c: {on: g/w, host: c.example, rules: [{to: c}]}
              d: {on: g/w, host: d.example, rules: [{to: d}]}
              e: {on: g/w, host: e.example, rules: [{to: e}]}
            "#,
        );
    }
}
