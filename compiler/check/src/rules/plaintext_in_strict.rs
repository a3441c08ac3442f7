//! Finds hops that are not encrypted in a mesh that promises they are.
//!
//! In a strict mesh a service with a sidecar cannot ask for less; one without a sidecar cannot answer
//! mTLS and must say so (`mtls: disabled`), and a hop to it that leaves the machine without TLS is a warning.

use std::net::{IpAddr, SocketAddr};

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Endpoints;
use weft_front::model::{Mesh, Mtls, Service};
use weft_spec::{Span, Spanned};

use super::facts::Facts;

/// Plaintext where mTLS is promised.
pub(super) static CODE: Code = Code {
    name: "plaintext-in-strict",
    severity: Severity::Error,
    finds: "In a mesh with `mtls: strict`: a service with a sidecar that asks for less, a service without one that does not \
            say `mtls: disabled`, an outbound listener that others can reach, and (as a warning) plaintext that leaves the machine.",
    why: "Strict promises that every hop is authenticated and encrypted; an exception must be visible where it is made.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, mtls: strict}
services:
  rates: {protocol: http, endpoints: ["127.0.0.1:8081"]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, mtls: strict}
services:
  rates: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}
"#,
};

/// Reports every unencrypted hop.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for service in mesh.services.values() {
        match service.app {
            Some(app) => with_sidecar(mesh, service, app, diagnostics),
            None => without_sidecar(mesh, service, diagnostics),
        }
    }
}

fn with_sidecar(
    mesh: &Mesh,
    service: &Service,
    app: Spanned<SocketAddr>,
    diagnostics: &mut Diagnostics,
) {
    let name = &service.name.value;
    if mesh.mtls.value == Mtls::Strict
        && let Some(mtls) = service.mtls.filter(|mtls| mtls.value != Mtls::Strict)
    {
        let message = format!("service `{name}` asks for less than the mesh, which is strict");
        diagnostics.push(
            Diagnostic::new(&CODE, mtls.span, message)
                .saying("weaker than strict")
                .label(mesh.mtls.span, "strict here")
                .help("remove it, or make the whole mesh `permissive` until a day"),
        );
    }
    if mesh.service_mtls(service) != Mtls::Strict {
        return;
    }
    if let Some(outbound) = service.outbound
        && !outbound.value.ip().is_loopback()
    {
        let message =
            format!("the outbound listener of service `{name}` can be reached from elsewhere");
        diagnostics.push(
            Diagnostic::new(&CODE, outbound.span, message)
                .saying("whoever connects here calls with the identity of the service")
                .help(format!("listen on `127.0.0.1:{}`", outbound.value.port()))
                .propose(
                    outbound.span,
                    format!("127.0.0.1:{}", outbound.value.port()),
                ),
        );
    }
    if !app.value.ip().is_loopback() {
        let message = format!(
            "the sidecar of service `{name}` reaches its app in plaintext over the network"
        );
        diagnostics.push(
            Diagnostic::new(&CODE, app.span, message)
                .saying("not on this machine")
                .help("let the app listen on 127.0.0.1")
                .as_warning(),
        );
    }
}

fn without_sidecar(mesh: &Mesh, service: &Service, diagnostics: &mut Diagnostics) {
    let name = &service.name.value;
    let mtls = mesh.service_mtls(service);
    if mtls != Mtls::Disabled {
        let message = format!("service `{name}` has no sidecar, so it cannot answer mTLS");
        let place = service.mtls.map_or(service.name.span, |mtls| mtls.span);
        let said = if service.mtls.is_some() {
            Span::NONE
        } else {
            mesh.mtls.span
        };
        diagnostics.push(
            Diagnostic::new(&CODE, place, message)
                .label(said, "the mesh wants mTLS")
                .help("say `mtls: disabled`, or give it a sidecar with `app`"),
        );
        return;
    }
    if mesh.mtls.value != Mtls::Strict || service.tls.is_some() {
        return;
    }
    let versions = service.versions.iter().map(|version| &version.endpoints);
    let leaving = service
        .endpoints
        .iter()
        .chain(versions)
        .find_map(leaves_machine);
    if let Some(place) = leaving {
        let message = format!("requests to service `{name}` leave the machine in plaintext");
        diagnostics.push(
            Diagnostic::new(&CODE, place, message)
                .saying("not on this machine")
                .help("add `tls: {verify: <its DNS name>, roots: <a PEM file>}`, or give it a sidecar with `app`")
                .as_warning(),
        );
    }
}

/// The first endpoint that is not certainly on this machine.
fn leaves_machine(endpoints: &Spanned<Endpoints>) -> Option<Span> {
    match &endpoints.value {
        Endpoints::Static(addresses) => addresses
            .iter()
            .find(|address| !address.value.ip().is_loopback())
            .map(|address| address.span),
        Endpoints::Dns(name) => {
            let host = name.value.host.as_str();
            let address = host.parse::<IpAddr>();
            let is_local = host == "localhost" || address.is_ok_and(|ip| ip.is_loopback());
            (!is_local).then_some(name.span)
        }
        Endpoints::File(path) => Some(path.span),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn exceptions_from_strict_are_said_or_refused() {
        check(
            r#"
            services:
              a: {protocol: http, app: 127.0.0.1:1, mtls: disabled}  #~ error[plaintext-in-strict]
              b: {protocol: http, endpoints: ["127.0.0.1:1"]}  #~ error[plaintext-in-strict]
              c: {protocol: http, mtls: disabled, endpoints: ["10.0.0.1:1"]}  #~ warning[plaintext-in-strict]
              d: {protocol: http, mtls: disabled, endpoints: {dns: "localhost:1"}}
              e: {protocol: http, mtls: disabled, endpoints: {dns: "e.example:1"}, tls: {verify: e.example, roots: /r.pem}}
              f: {protocol: http, app: 127.0.0.1:1, sidecar: {outbound: "0.0.0.0:2"}}  #~ error[plaintext-in-strict]
              g: {protocol: http, app: "10.0.0.1:1"}  #~ warning[plaintext-in-strict]
            "#,
        );
    }
}
