//! Finds services that cannot be reached as they are written.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Service;
use weft_front::model::service::dns_endpoint;
use weft_snapshot::limits;
use weft_spec::Spanned;
use weft_spec::service::Endpoints;

use super::facts::Facts;

/// Endpoints that are none.
pub(super) static CODE: Code = Code {
    name: "bad-endpoints",
    severity: Severity::Error,
    finds: "An empty list of endpoints, a DNS name without a port, an empty file name, or a service that is called and has no \
            endpoints at all.",
    why: "Every request would be answered with 503.",
    bad: spec!(
        r#"  rates: {protocol: http, mtls: disabled, endpoints: {dns: rates.internal}, tls: {verify: rates.internal, roots: /etc/roots.pem}}
"#
    ),
    good: spec!(
        r#"  rates: {protocol: http, mtls: disabled, endpoints: {dns: "rates.internal:443"}, tls: {verify: rates.internal, roots: /etc/roots.pem}}
"#
    ),
};

/// Reports every such service.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for service in mesh.services.values() {
        let versions = service.versions.iter().map(|version| &version.endpoints);
        for endpoints in service.endpoints.iter().chain(versions) {
            one(endpoints, diagnostics);
        }
    }
    let is_missing = |service: &Service| service.endpoints.is_none();
    for rule in mesh.routes.values().flat_map(|route| &route.rules) {
        // Without a share too: whoever declares it wants to raise the share without another edit.
        for backend in rule.backends() {
            let service = mesh.services.entry(backend.service);
            if backend.version.is_none() && is_missing(service) {
                diagnostics.push(unreachable(service, backend.span));
            }
        }
    }
    for call in mesh.services.values().flat_map(|service| &service.calls) {
        let service = mesh.services.entry(call.to.value);
        if is_missing(service) {
            diagnostics.push(unreachable(service, call.to.span));
        }
    }
}

fn unreachable(service: &Service, span: weft_spec::Span) -> Diagnostic {
    let message = format!("service `{}` has no endpoints", service.name.value);
    Diagnostic::new(&CODE, span, message)
        .saying("called here")
        .label(service.name.span, "no `endpoints` here")
        .help("say where its instances are reached: `endpoints: [\"10.0.1.5:15443\"]`")
}

fn one(endpoints: &Spanned<Endpoints>, diagnostics: &mut Diagnostics) {
    match &endpoints.value {
        Endpoints::Static(addresses) if addresses.is_empty() => diagnostics.push(
            Diagnostic::new(&CODE, endpoints.span, "the list of endpoints is empty")
                .help("add an address, or leave `endpoints` out if nobody calls the service"),
        ),
        Endpoints::Static(addresses) if limits::ENDPOINTS < addresses.len() => {
            let message = format!(
                "{} endpoints are more than a list may have, {}",
                addresses.len(),
                limits::ENDPOINTS
            );
            diagnostics.push(
                Diagnostic::new(&CODE, endpoints.span, message)
                    .help("use `{file: …}` or `{dns: …}`"),
            );
        }
        Endpoints::Static(_) => {}
        Endpoints::Dns(name) => {
            if dns_endpoint(&name.value).is_none() {
                let message = format!(
                    "`{}` is not a DNS name with a port",
                    name.value.escape_debug()
                );
                diagnostics.push(
                    Diagnostic::new(&CODE, name.span, message)
                        .help("write `name:port`, as `orders.internal:15443`"),
                );
            }
        }
        Endpoints::File(path) => {
            if path.value.is_empty() || path.value.contains('\0') {
                diagnostics.push(
                    Diagnostic::new(&CODE, path.span, "the file of endpoints has no name")
                        .help("write the path at which the proxy finds it"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn endpoints_say_where() {
        check(
            r#"
            services:
              a: {protocol: http, mtls: disabled, endpoints: []}  #~ error[bad-endpoints]
              b: {protocol: http, mtls: disabled, endpoints: {dns: "localhost:0"}}  #~ error[bad-endpoints]
              c: {protocol: http, app: 127.0.0.1:8080}
              d: {protocol: http, app: 127.0.0.1:8080}
            routes:
              r: {on: public/web, host: "*", rules: [{to: d}]}  #~ error[bad-endpoints], error[call-not-allowed]
            "#,
        );
    }
}
