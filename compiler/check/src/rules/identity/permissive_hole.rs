//! Finds services that hear plaintext although everybody who may call them has an identity.
//!
//! Exact for what is declared: gateways and sidecars always show who they are, so `strict` breaks none of the callers that
//! the spec names. Only callers that no spec knows would be refused.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Mtls;

use crate::rules::facts::Facts;

/// A door left open.
pub(super) static CODE: Code = Code {
    name: "permissive-hole",
    severity: Severity::Info,
    finds: "A service whose own `mtls: permissive` could be `strict`: every caller that the spec declares shows who it is.",
    why: "Permissive also hears whoever shows nothing, and then no permission holds. The declared callers do not need it.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, mtls: permissive, until: 2027-03-31, defaults: {timeout: {request: 15s}}}
services:
  web: {protocol: http, app: 127.0.0.1:8080, calls: {orders: {}}}
  orders:
    protocol: http
    app: 127.0.0.1:8081
    endpoints: ["10.0.1.5:15443"]
    mtls: permissive
    until: 2027-03-31
    allow: [{from: [service/web]}]
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, mtls: permissive, until: 2027-03-31, defaults: {timeout: {request: 15s}}}
services:
  web: {protocol: http, app: 127.0.0.1:8080, calls: {orders: {}}}
  orders:
    protocol: http
    app: 127.0.0.1:8081
    endpoints: ["10.0.1.5:15443"]
    mtls: strict
    allow: [{from: [service/web]}]
"#,
};

/// Reports every such service with a declared caller.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let called: std::collections::BTreeSet<_> =
        facts.graph().edges().map(|(_, edge)| edge.to).collect();
    for (id, service) in facts.mesh.services.iter() {
        let permissive = service.mtls.filter(|mtls| mtls.value == Mtls::Permissive);
        if let Some(mtls) = permissive
            && service.app.is_some()
            && called.contains(&id)
        {
            let message = format!(
                "`{}` hears plaintext, and no declared caller needs it",
                service.name.value
            );
            diagnostics.push(Diagnostic::new(&CODE, mtls.span, message).help(
                "write `strict` and remove `until`, unless callers outside of the spec remain",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn declared_callers_need_no_plaintext() {
        check(
            r#"
            # info[permissive-hole] is looked at
            mesh: {name: shop, trustDomain: shop.example, mtls: permissive, until: 2027-03-31, defaults: {timeout: {request: 15s}}}
            services:
              a: {protocol: http, app: "127.0.0.1:1", calls: {x: {}, y: {}}}
              x: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], mtls: permissive, until: 2027-03-31, allow: [{from: [service/a]}]}  #~ info[permissive-hole]
              y: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], mtls: strict, allow: [{from: [service/a]}]}
              z: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], mtls: permissive, until: 2027-03-31}
            "#,
        );
    }
}
