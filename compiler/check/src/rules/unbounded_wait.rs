//! Finds rules and calls that could wait for ever because no level says otherwise.
//!
//! `0s` at any level is a decision and accepted; saying nothing anywhere is not.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::effective::Timeouts;
use weft_front::settings;

use super::facts::Facts;

/// No limit anywhere on a path.
pub(super) static CODE: Code = Code {
    name: "unbounded-wait",
    severity: Severity::Error,
    finds: "A rule or a call for which neither itself, nor the service called, nor the mesh says how long a request or an \
            attempt may take.",
    why: "One slow backend then holds the connections and memory of everything in front of it.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {listener: public/web, host: "*", rules: [{to: orders}]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {listener: public/web, host: "*", rules: [{to: orders}]}
"#,
};

/// Reports the first such rule of each route, and every such call.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    let is_unbounded =
        |timeouts: &Timeouts| timeouts.request.is_none() && timeouts.backend_request.is_none();
    // What the mesh says holds for all of them.
    let defaults = [&settings::REQUEST, &settings::BACKEND_REQUEST];
    if defaults
        .into_iter()
        .any(|limit| mesh.defaults.get(limit).is_some())
    {
        return;
    }
    for route in mesh.routes.values() {
        let unbounded = route.rules.iter().find(|rule| {
            Timeouts::of_rule(mesh, rule).is_some_and(|timeouts| is_unbounded(&timeouts))
        });
        if let Some((rule, backend)) =
            unbounded.and_then(|rule| Some((rule, rule.live_backends().next()?)))
        {
            let message = format!("rule `{}` may wait for ever", rule.id);
            let service = mesh.services.entry(backend.service);
            diagnostics.push(
                Diagnostic::new(&CODE, backend.span, message)
                    .saying("nothing limits how long a request takes")
                    .label(service.name.span, "no `timeout.request` here")
                    .label(mesh.name.span, "nor in `defaults` here")
                    .help("set `mesh.defaults.timeout.request`; `0s` says that there is no limit"),
            );
        }
    }
    for service in mesh.services.values() {
        for call in &service.calls {
            if !is_unbounded(&Timeouts::of_call(mesh, call)) {
                continue;
            }
            let called = mesh.services.entry(call.to.value);
            let message = format!(
                "calls from `{}` to `{}` may wait for ever",
                service.name.value, called.name.value
            );
            diagnostics.push(
                Diagnostic::new(&CODE, call.to.span, message)
                    .saying("nothing limits how long a request takes")
                    .label(called.name.span, "no `timeout.request` here")
                    .label(mesh.name.span, "nor in `defaults` here")
                    .help("set `mesh.defaults.timeout.request`; `0s` says that there is no limit"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn any_level_can_bound_a_wait_or_say_that_there_is_none() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example}
            gateways: {g: {listeners: {w: {port: 71, protocol: http}}}}
            services:
              s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}
              t: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], timeout: {backendRequest: 1s}}
              u:
                protocol: http
                app: 127.0.0.1:8080
                calls:
                  s: {}  #~ error[unbounded-wait]
                  t: {}
            routes:
              r1: {on: g/w, host: a.example, rules: [{to: s}]}  #~ error[unbounded-wait]
              r2: {on: g/w, host: b.example, rules: [{to: s, timeout: {request: 0s}}]}
              r3: {on: g/w, host: c.example, rules: [{to: t}]}
              r4: {on: g/w, host: d.example, rules: [{redirect: {path: /}}]}
            "#,
        );
    }
}
