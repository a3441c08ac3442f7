//! Finds addresses that are called in a way which whoever listens there does not speak.
//!
//! A caller follows the mode of the service that it names, so the two sides of one service always agree. They differ where
//! two services name one address: the sidecar of a strict one refuses what is sent to the other without mTLS.
//! Exact for listed addresses. A loopback address is another machine's for every caller and proves nothing.
//!
//! A sidecar hears its peers at `sidecar.inbound`; an endpoint with the port of the app, on which no sidecar listens, is a
//! warning, because a translation of ports may stand between.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Endpoints;
use weft_front::model::{Mesh, Mtls, Service};
use weft_snapshot::admin::reached;
use weft_spec::{Span, Spanned};

use crate::rules::facts::Facts;

/// Two ways to speak at one address.
pub(super) static CODE: Code = Code {
    name: "mode-mismatch",
    severity: Severity::Error,
    finds: "An address among the endpoints of a service without mTLS at which the sidecar of another service demands it; and, \
            as a warning, an endpoint with the port of the app instead of that of its sidecar.",
    why: "The side that expects mTLS closes every connection of the side that does not speak it.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  web: {protocol: http, app: 127.0.0.1:8080, calls: {reports: {}, orders: {}}}
  orders: {protocol: http, app: 127.0.0.1:8081, endpoints: ["10.0.1.5:15443"], allow: [{from: [service/web]}]}
  reports: {protocol: http, mtls: disabled, endpoints: ["10.0.1.5:15443"], tls: {verify: reports.example, roots: /etc/roots.pem}}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  web: {protocol: http, app: 127.0.0.1:8080, calls: {reports: {}, orders: {}}}
  orders: {protocol: http, app: 127.0.0.1:8081, endpoints: ["10.0.1.5:15443"], allow: [{from: [service/web]}]}
  reports: {protocol: http, mtls: disabled, endpoints: ["10.0.1.6:8443"], tls: {verify: reports.example, roots: /etc/roots.pem}}
"#,
};

/// Reports every such address.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    let mut strict: BTreeMap<SocketAddr, (&Service, Span)> = BTreeMap::new();
    for service in mesh.services.values().filter(|one| demands(mesh, one)) {
        for address in addresses(service) {
            strict
                .entry(address.value)
                .or_insert((service, address.span));
        }
    }
    for service in mesh.services.values() {
        if speaks(mesh, service) {
            ports(service, diagnostics);
            continue;
        }
        for address in addresses(service) {
            let Some((other, place)) = strict.get(&address.value) else {
                continue;
            };
            let message = format!(
                "service `{}` is called without mTLS at {}, where the sidecar of `{}` demands it",
                service.name.value, address.value, other.name.value
            );
            diagnostics.push(
                Diagnostic::new(&CODE, address.span, message)
                    .label(*place, "demands mTLS")
                    .help("name the address of one service alone, or let both speak the same"),
            );
        }
    }
}

/// Whether a sidecar refuses peers without mTLS.
fn demands(mesh: &Mesh, service: &Service) -> bool {
    service.app.is_some() && mesh.service_mtls(service) == Mtls::Strict
}

/// Whether callers speak mTLS to a service.
fn speaks(mesh: &Mesh, service: &Service) -> bool {
    service.app.is_some() && mesh.service_mtls(service) != Mtls::Disabled
}

/// The listed addresses of a service, of all its versions.
fn addresses(service: &Service) -> impl Iterator<Item = &Spanned<SocketAddr>> {
    let versions = service.versions.iter().map(|version| &version.endpoints);
    let all = service.endpoints.iter().chain(versions);
    let listed = all.flat_map(|endpoints| match &endpoints.value {
        Endpoints::Static(addresses) => addresses.as_slice(),
        Endpoints::Dns(_) | Endpoints::File(_) => &[],
    });
    listed.filter(|address| !address.value.ip().is_loopback())
}

/// Warns of endpoints with the port of the app.
fn ports(service: &Service, diagnostics: &mut Diagnostics) {
    let Some(app) = &service.app else {
        return;
    };
    let inbound = service.inbound_address().port();
    for address in addresses(service) {
        let port = address.value.port();
        // The app itself is a mistake of its own (`bypassed-sidecar`).
        let is_app = reached(address.value) == reached(app.value);
        if port == app.value.port() && port != inbound && !is_app {
            let message = format!(
                "{} has the port of the app of `{}`, and its sidecar listens on {inbound}",
                address.value, service.name.value
            );
            diagnostics.push(
                Diagnostic::new(&CODE, address.span, message)
                    .as_warning()
                    .label(app.span, "the app listens here")
                    .help(format!("write `{}:{inbound}`", address.value.ip())),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn one_address_speaks_one_way() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, mtls: permissive, until: 2027-03-31, defaults: {timeout: {request: 15s}}}
            services:
              a: {protocol: http, app: "127.0.0.1:1", mtls: strict, endpoints: ["10.0.0.1:15443", "127.0.0.1:15443"], versions: {v2: {endpoints: ["10.0.0.2:15443"]}}}
              b: {protocol: http, app: "127.0.0.1:1", endpoints: ["10.0.0.3:15443"]}
              c: {protocol: http, mtls: disabled, endpoints: ["10.0.0.1:15443"]}  #~ error[mode-mismatch]
              d: {protocol: http, mtls: disabled, endpoints: ["10.0.0.9:15443", "10.0.0.2:15443"]}  #~ error[mode-mismatch]
              e: {protocol: http, mtls: disabled, endpoints: ["10.0.0.3:15443", "127.0.0.1:15443", "10.0.0.1:80"]}
              f: {protocol: http, mtls: disabled, endpoints: ["10.0.0.1:15443"], tls: {verify: f.example, roots: /r.pem}}  #~ error[mode-mismatch]
              g: {protocol: http, app: "127.0.0.1:8080", mtls: strict, endpoints: ["10.0.0.4:8080"]}  #~ warning[mode-mismatch]
              h: {protocol: http, app: "127.0.0.1:8080", mtls: strict, sidecar: {inbound: "0.0.0.0:8443"}, endpoints: ["10.0.0.5:8443"]}
            "#,
        );
    }
}
