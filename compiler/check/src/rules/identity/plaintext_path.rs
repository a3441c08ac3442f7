//! Finds sensitive services that something reaches in plaintext.
//!
//! Exact: what the sidecar of a service hears, and how callers reach one without a sidecar, are settings of the service.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{Mesh, Mtls, Service};
use weft_spec::Span;

use crate::rules::facts::Facts;

/// A hop without encryption to what asks for it.
pub(super) static CODE: Code = Code {
    name: "plaintext-path",
    severity: Severity::Error,
    finds: "A service with `sensitivity: internal` or more that hears plaintext: `mtls` is `permissive` or `disabled`, or it has \
            neither a sidecar nor `tls`.",
    why: "Its data can be read on the way, and nobody proves who asks for it.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, mtls: permissive, until: 2027-03-31, defaults: {timeout: {request: 15s}}}
services:
  ledger: {protocol: http, app: 127.0.0.1:8081, endpoints: ["10.0.1.5:15443"], sensitivity: internal}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, mtls: permissive, until: 2027-03-31, defaults: {timeout: {request: 15s}}}
services:
  ledger: {protocol: http, app: 127.0.0.1:8081, endpoints: ["10.0.1.5:15443"], sensitivity: internal, mtls: strict}
"#,
};

/// Reports every such service.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for service in facts.mesh.services.values() {
        let Some(said) = service.asks_for_encryption() else {
            continue;
        };
        if let Some((why, place)) = plaintext(facts.mesh, service) {
            let message = format!("`{}` asks for encryption and {why}", service.name.value);
            diagnostics.push(
                Diagnostic::new(&CODE, said, message)
                    .label(place, "this lets plaintext through")
                    .help("use `mtls: strict` with a sidecar (`app`), or `tls` to one without"),
            );
        }
    }
}

fn plaintext(mesh: &Mesh, service: &Service) -> Option<(&'static str, Span)> {
    let place = service.mtls.map_or(mesh.mtls.span, |mtls| mtls.span);
    if service.app.is_none() {
        let is_encrypted = service.tls.is_some();
        return (!is_encrypted).then_some(("is reached in plaintext", place));
    }
    match mesh.service_mtls(service) {
        Mtls::Strict => None,
        Mtls::Permissive => Some(("hears plaintext, too", place)),
        Mtls::Disabled => Some(("hears nothing else than plaintext", place)),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn sensitive_services_hear_no_plaintext() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, mtls: permissive, until: 2027-03-31, defaults: {timeout: {request: 15s}}}
            services:
              a: {protocol: http, app: "127.0.0.1:1", sensitivity: public}
              b: {protocol: http, app: "127.0.0.1:1", sensitivity: internal}  #~ error[plaintext-path]
              c: {protocol: http, app: "127.0.0.1:1", sensitivity: restricted, mtls: strict}
              d: {protocol: http, app: "127.0.0.1:1", sensitivity: confidential, mtls: disabled}  #~ error[plaintext-path]
              e: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], sensitivity: internal}  #~ error[plaintext-path]
              f: {protocol: http, mtls: disabled, endpoints: {dns: "e.example:1"}, tls: {verify: e.example, roots: /r.pem}, sensitivity: internal}
            "#,
        );
    }
}
