//! Finds permissions for callers that declare no call.
//!
//! Exact for what is declared: `calls` of a service with a sidecar is complete, because its proxy sends nothing else; a
//! gateway sends what its rules say.

use std::collections::{BTreeMap, BTreeSet};

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{Caller, Callers, Mesh, Rule, ServiceId};
use weft_spec::Span;

use crate::rules::facts::Facts;

/// A permission that nobody uses.
pub(super) static CODE: Code = Code {
    name: "over-permissive",
    severity: Severity::Warning,
    finds: "A caller in `allow` that declares no call to the service, or a gateway that has no rule for it.",
    why: "Whoever takes over that caller can use the permission; nothing would miss it.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  web: {protocol: http, app: 127.0.0.1:8080}
  orders: {protocol: http, app: 127.0.0.1:8081, endpoints: ["10.0.1.5:15443"], allow: [{from: [service/web]}]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  web: {protocol: http, app: 127.0.0.1:8080, calls: {orders: {}}}
  orders: {protocol: http, app: 127.0.0.1:8081, endpoints: ["10.0.1.5:15443"], allow: [{from: [service/web]}]}
"#,
};

/// Reports every such caller, once for each service.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    // What is missing because it is wrong would look like something that nobody wrote.
    if diagnostics.has_errors() {
        return;
    }
    let mesh = facts.mesh;
    let calls = facts.graph().edges();
    let calls = calls.map(|(_, edge)| (edge.to, edge.from));
    // A backend without a share is declared, too: it waits for one.
    let backends = mesh.routes.values().flat_map(|route| {
        let backends = route.rules.iter().flat_map(Rule::backends);
        backends.map(|backend| (backend.service, Caller::Gateway(route.gateway)))
    });
    let mut declared: BTreeMap<ServiceId, BTreeSet<Caller>> = BTreeMap::new();
    for (service, caller) in calls.chain(backends) {
        declared.entry(service).or_default().insert(caller);
    }
    let is_declared = |callers: Callers, service: ServiceId| {
        let from = declared.get(&service);
        from.is_some_and(|from| match callers {
            Callers::One(caller) => from.contains(&caller),
            kind @ (Callers::Gateways | Callers::Services | Callers::Mesh) => {
                from.iter().any(|caller| kind.has(*caller))
            }
        })
    };
    for (id, service) in mesh.services.iter() {
        let mut told = BTreeSet::new();
        for from in service.allow.iter().flat_map(|allow| &allow.from) {
            if is_declared(from.value, id) || !told.insert(from.value) {
                continue;
            }
            let name = &service.name.value;
            let finding = match from.value {
                Callers::One(caller) => never_calls(mesh, caller, (from.span, name)),
                kind @ (Callers::Gateways | Callers::Services | Callers::Mesh) => {
                    let message = format!("`{kind}` may call `{name}`, and nobody of it does");
                    let help = "remove it, or name those who are to call it";
                    Diagnostic::new(&CODE, from.span, message).help(help)
                }
            };
            diagnostics.push(finding);
        }
    }
}

fn never_calls(mesh: &Mesh, caller: Caller, (place, name): (Span, &str)) -> Diagnostic {
    let message = format!(
        "`{}` may call `{name}`, and never does",
        mesh.caller_node(caller)
    );
    let (definition, help) = match caller {
        Caller::Gateway(gateway) => (
            mesh.gateways.entry(gateway).name.span,
            format!("remove it, or add a rule to `{name}`"),
        ),
        Caller::Service(caller) => (
            mesh.services.entry(caller).name.span,
            format!("remove it, or declare the call in its `calls: {{{name}: {{}}}}`"),
        ),
    };
    Diagnostic::new(&CODE, place, message)
        .label(definition, "declares no call to it")
        .help(help)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_permission_belongs_to_a_call() {
        check(
            r#"
            services:
              a: {protocol: http, app: "127.0.0.1:1", calls: {x: {}}}
              b: {protocol: http, app: "127.0.0.1:1"}
              x:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                allow:
                  - {from: [service/a]}
                  - {from: [service/b], path: /p}  #~ warning[over-permissive]
                  - {from: [gateway/public], path: /q}
              y: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], allow: [{from: [gateway/public]}]}  #~ warning[over-permissive]
              z:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                allow:
                  - {from: ["service/*"], path: /p}  #~ warning[over-permissive]
                  - {from: ["gateway/*"], path: /q}
                  - {from: [mesh], path: /r}
            routes:
              r: {on: public/web, host: "*", rules: [{path: /q, to: x}, {path: /z, rewrite: {path: /q}, to: z}]}
            "#,
        );
    }
}
