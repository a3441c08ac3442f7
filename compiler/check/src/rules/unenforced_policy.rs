//! Finds settings of a service that nothing obeys.
//!
//! Permissions, calls and sidecar addresses are the work of a sidecar; permissions also need verified
//! identities. A policy that looks enforced and is not is worse than none, so these are errors.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{Mtls, Service};
use weft_spec::Span;

use super::facts::Facts;

/// A policy that nothing enforces.
pub(super) static CODE: Code = Code {
    name: "unenforced-policy",
    severity: Severity::Error,
    finds: "`allow`, `deny`, `calls` or `sidecar` of a service without `app`, `allow` or `deny` without mTLS, and `tls` of a service with `app`.",
    why: "Only a sidecar enforces permissions, and only by verified identity; without it the spec promises what nobody keeps.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services:
  rates:
    protocol: http
    mtls: disabled
    endpoints: ["127.0.0.1:8081"]
    allow: [{from: [gateway/public]}]
routes: {rates: {listener: public/web, host: "*", rules: [{to: rates, timeout: {request: 1s}}]}}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services:
  rates:
    protocol: http
    app: 127.0.0.1:8081
    endpoints: ["127.0.0.1:15443"]
    allow: [{from: [gateway/public]}]
routes: {rates: {listener: public/web, host: "*", rules: [{to: rates, timeout: {request: 1s}}]}}
"#,
};

/// Reports every such setting.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for service in mesh.services.values() {
        let name = &service.name.value;
        let allow = service.allow.first().map(|allow| ("allow", allow.span));
        let deny = service.deny.first().map(|deny| ("deny", deny.span));
        if service.app.is_none() {
            let wanted = [
                allow,
                deny,
                service.calls.first().map(|call| ("calls", call.to.span)),
                service
                    .inbound
                    .map(|address| ("sidecar.inbound", address.span)),
                service
                    .outbound
                    .map(|address| ("sidecar.outbound", address.span)),
            ];
            for (field, span) in wanted.into_iter().flatten() {
                let message =
                    format!("nothing obeys `{field}` of service `{name}`: it has no sidecar");
                diagnostics
                    .push(unenforced(span, message, service).help("add `app`, or remove it"));
            }
            continue;
        }
        if let Some(tls) = &service.tls {
            let message =
                format!("nothing obeys `tls` of service `{name}`: its sidecar speaks mTLS");
            let span = tls.value.verify.span;
            diagnostics.push(unenforced(span, message, service).help("remove `tls`, or `app`"));
        }
        if let (Some((field, span)), Mtls::Disabled) = (allow.or(deny), mesh.service_mtls(service))
        {
            let disabled = service.mtls.map_or(mesh.mtls.span, |mtls| mtls.span);
            let is_reported_already = mesh.mtls.value == Mtls::Strict;
            if is_reported_already {
                continue;
            }
            let message = format!("`{field}` of service `{name}` cannot be enforced without mTLS");
            diagnostics.push(
                Diagnostic::new(&CODE, span, message)
                    .label(disabled, "callers have no verified identity")
                    .help(format!("use `mtls: strict`, or remove `{field}`")),
            );
        }
    }
}

fn unenforced(span: Span, message: String, service: &Service) -> Diagnostic {
    Diagnostic::new(&CODE, span, message).label(service.name.span, "this service")
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn permissions_need_identities() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, mtls: disabled, defaults: {timeout: {request: 1s}}}
            services:
              a: {protocol: http, app: 127.0.0.1:1, endpoints: ["127.0.0.1:2"], calls: {b: {}}}
              b: {protocol: http, app: 127.0.0.1:1, endpoints: ["127.0.0.1:2"], allow: [{from: [service/a]}]}  #~ error[unenforced-policy]
              c: {protocol: http, endpoints: ["127.0.0.1:2"], calls: {b: {}}}  #~ error[unenforced-policy]
              d: {protocol: http, endpoints: ["127.0.0.1:2"], deny: [{path: /p}]}  #~ error[unenforced-policy]
              e: {protocol: http, app: 127.0.0.1:1, endpoints: ["127.0.0.1:2"], deny: [{path: /p}]}  #~ error[unenforced-policy]
            "#,
        );
    }
}
