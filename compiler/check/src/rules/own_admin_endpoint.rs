//! Finds endpoints at which a proxy would meet its own admin endpoint.
//!
//! The admin endpoint is on loopback, so an endpoint on loopback means the machine of whichever proxy connects: with the port
//! of its admin endpoint, requests of strangers would be commands to the proxy. The proxy refuses to connect there;
//! what it cannot know before it resolves names and reads files is left to it. A spec does not say `--admin`, so its default is
//! looked at.

use std::net::SocketAddr;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Endpoints;
use weft_front::model::endpoints::DnsEndpoint;
use weft_snapshot::admin::{self, reached};
use weft_spec::Spanned;

use super::facts::Facts;

/// An endpoint that is the proxy itself.
pub(super) static CODE: Code = Code {
    name: "own-admin-endpoint",
    severity: Severity::Error,
    finds: "An endpoint or an app at 127.0.0.1:15000 (also as `0.0.0.0:15000` or `[::ffff:127.0.0.1]:15000`), where a proxy has its admin endpoint \
            unless `--admin` says otherwise.",
    why: "Whoever can send requests there could drain the proxy. It refuses to connect to itself, so every request would be answered with 503.",
    bad: spec!(
        r#"  metrics: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:15000"]}
routes:
  metrics: {listener: public/web, host: "*", rules: [{to: metrics}]}
"#
    ),
    good: spec!(
        r#"  metrics: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:9100"]}
routes:
  metrics: {listener: public/web, host: "*", rules: [{to: metrics}]}
"#
    ),
};

/// Reports every such address.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for service in facts.mesh.services.values() {
        let versions = service.versions.iter().map(|version| &version.endpoints);
        for endpoints in service.endpoints.iter().chain(versions) {
            match &endpoints.value {
                Endpoints::Static(addresses) => {
                    diagnostics.extend(addresses.iter().filter_map(one));
                }
                Endpoints::Dns(name) => diagnostics.extend(of_name(name)),
                Endpoints::File(_) => {}
            }
        }
        diagnostics.extend(service.app.as_ref().and_then(one));
    }
}

fn one(address: &Spanned<SocketAddr>) -> Option<Diagnostic> {
    (reached(address.value) == reached(admin::DEFAULT)).then(|| {
        let message = format!(
            "`{}` is the admin endpoint of the proxy itself",
            address.value
        );
        Diagnostic::new(&CODE, address.span, message)
            .saying("no proxy connects there")
            .help(
                "write where the service is; if it has this port, give it or `--admin` another one",
            )
    })
}

/// A name that means this machine on every machine (RFC 6761, 6.3).
fn of_name(name: &Spanned<DnsEndpoint>) -> Option<Diagnostic> {
    let DnsEndpoint { host, port } = &name.value;
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_here = host == "localhost" || host.ends_with(".localhost");
    (is_here && *port == admin::DEFAULT.port()).then(|| {
        let message = format!("`{}` is the admin endpoint of the proxy itself", name.value);
        Diagnostic::new(&CODE, name.span, message)
            .saying("no proxy connects there")
            .help(
                "write where the service is; if it has this port, give it or `--admin` another one",
            )
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn no_endpoint_is_the_proxy_itself() {
        check(
            r#"
            services:
              a: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:15000"]}  #~ error[own-admin-endpoint]
              b: {protocol: http, mtls: disabled, endpoints: ["10.0.0.1:15000", "0.0.0.0:15000"]}  #~ error[own-admin-endpoint], warning[plaintext-in-strict]
              c: {protocol: http, mtls: disabled, endpoints: ["[::ffff:127.0.0.1]:15000"]}  #~ error[own-admin-endpoint], warning[plaintext-in-strict]
              d: {protocol: http, mtls: disabled, endpoints: {dns: "localhost:15000"}}  #~ error[own-admin-endpoint]
              e: {protocol: http, app: "127.0.0.1:15000"}  #~ error[own-admin-endpoint]
              f: {protocol: http, mtls: disabled, endpoints: ["10.0.0.1:80"], versions: {v2: {endpoints: ["127.0.0.1:15000"]}}}  #~ error[own-admin-endpoint], warning[plaintext-in-strict]
              g: {protocol: http, mtls: disabled, endpoints: ["10.0.0.1:15000", "127.0.0.1:15001"]}  #~ warning[plaintext-in-strict]
              h: {protocol: http, mtls: disabled, endpoints: {dns: "name.example:15000"}}  #~ warning[plaintext-in-strict]
            "#,
        );
    }
}
