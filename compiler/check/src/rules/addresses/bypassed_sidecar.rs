//! Finds services whose callers are led past the sidecar, to the process behind it.
//!
//! Exact where an endpoint is the address of `app`. An endpoint elsewhere with the port of `app` is a warning, because a port may be mapped to
//! another one: here for services without mTLS, of which nothing else would be said, and in `mode-mismatch` for others.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{Mtls, Service};

use super::reached::{endpoints, reached};
use crate::rules::facts::Facts;

/// An endpoint that is the process itself.
pub(super) static CODE: Code = Code {
    name: "bypassed-sidecar",
    severity: Severity::Error,
    finds: "An endpoint of a service, or of a version of it, that is its `app`, in any way to write that address; as a warning, one of \
            a service without mTLS on another machine with the port of `app`, where the sidecar has another port.",
    why: "Callers connect to endpoints. Behind a sidecar that is where the sidecar hears them (`sidecar.inbound`), and `app` is what the \
          sidecar alone talks to. Led there directly, calls with mTLS fail, and calls without it meet neither `allow` nor a limit.",
    bad: spec!(
        r#"  cart: {protocol: http, app: 127.0.0.1:8081, endpoints: ["127.0.0.1:8081"], allow: [{from: [gateway/public]}]}
routes:
  cart: {listener: public/web, host: "*", rules: [{to: cart}]}
"#
    ),
    good: spec!(
        r#"  cart: {protocol: http, app: 127.0.0.1:8081, endpoints: ["127.0.0.1:15443"], allow: [{from: [gateway/public]}]}
routes:
  cart: {listener: public/web, host: "*", rules: [{to: cart}]}
"#
    ),
};

/// Reports every such endpoint.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for service in facts.mesh.services.values() {
        let mode = facts.mesh.service_mtls(service);
        of_service(service, mode, diagnostics);
    }
}

fn of_service(service: &Service, mode: Mtls, diagnostics: &mut Diagnostics) {
    let Some(app) = service.app else {
        return;
    };
    let inbound = service.inbound_address();
    let (name, behind) = (&service.name.value, reached(app.value));
    for (endpoint, span) in endpoints(service) {
        if diagnostics.is_full(span.file) {
            return;
        }
        let port = inbound.port();
        let help = format!(
            "write where the sidecar hears other proxies, as `{}:{port}`; a service without a sidecar has no `app` and says `mtls: disabled`",
            endpoint.ip()
        );
        let is_same_port = endpoint.port() == behind.port() && endpoint.port() != port;
        let found = if endpoint == behind {
            let message = format!(
                "callers of `{name}` would be led past its sidecar, to the process behind it"
            );
            Diagnostic::new(&CODE, span, message)
        } else if is_same_port && mode == Mtls::Disabled && !endpoint.ip().is_loopback() {
            let message = format!(
                "this endpoint of `{name}` has the port of its `app`, and its sidecar listens on {port}"
            );
            Diagnostic::new(&CODE, span, message).as_warning()
        } else {
            continue;
        };
        let label = "the process behind the sidecar";
        diagnostics.push(found.label(app.span, label).help(help));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn callers_are_led_to_the_sidecar() {
        check(
            r#"
            services:
              a: {protocol: http, app: "127.0.0.1:8080", endpoints: ["127.0.0.1:8080"]}  #~ error[bypassed-sidecar]
              b: {protocol: http, app: "127.0.0.1:8080", endpoints: ["[::1]:8080"]}  #~ error[bypassed-sidecar]
              c: {protocol: http, app: "127.0.0.1:8080", endpoints: {dns: "localhost:8080"}}  #~ error[bypassed-sidecar]
              d: {protocol: http, app: "10.0.0.1:8080", endpoints: ["10.0.0.1:15443", "[::ffff:10.0.0.1]:8080"]}  #~ error[bypassed-sidecar], warning[plaintext-in-strict]
              e: {protocol: http, app: "127.0.0.1:8080", endpoints: ["10.0.0.1:8080"]}  #~ warning[mode-mismatch]
              j: {protocol: http, mtls: disabled, app: "127.0.0.1:8080", endpoints: ["10.0.0.3:8080"]}  #~ warning[bypassed-sidecar], error[plaintext-in-strict]
              f: {protocol: http, app: "127.0.0.1:8080", endpoints: ["10.0.0.1:15443"], versions: {v2: {endpoints: ["127.0.0.1:8080"]}}}  #~ error[bypassed-sidecar]
              g: {protocol: http, app: "127.0.0.1:8080", endpoints: ["127.0.0.1:15443", "127.0.0.2:8080"]}
              h: {protocol: http, app: "127.0.0.1:9000", sidecar: {inbound: "10.0.0.1:8080"}, endpoints: ["10.0.0.1:8080"]}
              i: {protocol: http, app: "127.0.0.1:8080", endpoints: {dns: "i.example:8080"}}
            "#,
        );
    }
}
