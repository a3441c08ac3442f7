//! Finds services that are called and have no endpoints; endpoints that are none are found while the spec is read.

use weft_front::diagnostic::{Diagnostic, Diagnostics};
use weft_front::model::Service;
use weft_front::resolve::BAD_ENDPOINTS;

use super::facts::Facts;

/// Reports every such service.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
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
    Diagnostic::new(&BAD_ENDPOINTS, span, message)
        .saying("called here")
        .label(service.name.span, "no `endpoints` here")
        .help("say where its instances are reached: `endpoints: [\"10.0.1.5:15443\"]`")
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
