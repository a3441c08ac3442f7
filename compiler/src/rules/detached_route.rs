//! Finds routes for hosts that their listener does not serve.

use super::facts::Facts;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};

/// A route that no request can reach.
pub(super) static CODE: Code = Code {
    name: "detached-route",
    severity: Severity::Error,
    finds: "A route whose host has nothing in common with the `hosts` of its listener.",
    why: "The listener turns such requests away before routes are looked at, so the route would never match.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example}
gateways: {public: {listeners: {web: {port: 8080, protocol: http, hosts: ["*.shop.example"]}}}}
routes:
  api: {on: public/web, host: api.shop.test, rules: [{respond: {status: 204}}]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example}
gateways: {public: {listeners: {web: {port: 8080, protocol: http, hosts: ["*.shop.example"]}}}}
routes:
  api: {on: public/web, host: api.shop.example, rules: [{respond: {status: 204}}]}
"#,
};

/// Reports every such route.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for route in mesh.routes.values() {
        let Some(listener) = mesh.listener(route) else {
            continue;
        };
        if listener.serves(route.host.value.as_str()) {
            continue;
        }
        let hosts: Vec<&str> = listener
            .hosts
            .iter()
            .map(|host| host.value.as_str())
            .collect();
        let place = listener
            .hosts
            .first()
            .map_or(listener.name.span, |host| host.span);
        let message = format!(
            "listener `{}` does not serve host `{}`",
            listener.name.value, route.host.value
        );
        diagnostics.push(
            Diagnostic::new(&CODE, route.host.span, message)
                .saying("no request for this host gets here")
                .label(place, format!("serves `{}`", hosts.join("`, `")))
                .help("add the host to the listener, or route one that it serves"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn a_listener_without_hosts_serves_all_and_the_apex_is_not_below() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example}
            gateways:
              g:
                listeners:
                  a: {port: 1, protocol: http, hosts: ["*.x.example"]}
                  b: {port: 2, protocol: http}
            routes:
              r1: {on: g/a, host: x.example, rules: [{respond: {status: 200}}]}  #~ error[detached-route]
              r2: {on: g/a, host: "*", rules: [{respond: {status: 200}}]}
              r3: {on: g/b, host: x.example, rules: [{respond: {status: 200}}]}
            "#,
        );
    }
}
