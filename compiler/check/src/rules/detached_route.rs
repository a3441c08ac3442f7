//! Finds routes for hosts that their listener does not serve, or that other listeners of the port get.
//!
//! Exact: the listener with the most specific host gets a request (as for SNI), so a route is detached if no host of its pattern is left.

use std::collections::BTreeMap;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{Listener, Mesh, Route};
use weft_space::{HostTable, hosts_overlap, work};
use weft_spec::Spanned;
use weft_spec::units::HostPattern;

use super::facts::Facts;

/// A route that no request can reach.
pub(super) static CODE: Code = Code {
    name: "detached-route",
    severity: Severity::Error,
    finds: "A route whose host has nothing in common with the `hosts` of its listener, or is served more specifically by other \
            listeners of the same address and port.",
    why: "The listener turns such requests away before routes are looked at, so the route would never match.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example}
gateways: {public: {listeners: {web: {port: 8080, protocol: http, hosts: ["*.shop.example"]}}}}
routes:
  api: {listener: public/web, host: api.shop.test, rules: [{respond: {status: 204}}]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example}
gateways: {public: {listeners: {web: {port: 8080, protocol: http, hosts: ["*.shop.example"]}}}}
routes:
  api: {listener: public/web, host: api.shop.example, rules: [{respond: {status: 204}}]}
"#,
};

/// Reports every such route.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    let mut tables: BTreeMap<_, HostTable<'_>> = BTreeMap::new();
    for route in mesh.routes.values() {
        let Some(listener) = mesh.listener(route) else {
            continue;
        };
        for host in &route.hosts {
            let key = (route.gateway, route.listener);
            let table = tables.entry(key).or_insert_with(|| {
                let served = weft_front::model::served(mesh, route.gateway, route.listener);
                HostTable::new(served, Vec::new())
            });
            if !work::spend(table.steps(host.value.as_str())) {
                return;
            }
            if table.reaches(host.value.as_str()) {
                continue;
            }
            if diagnostics.is_full(host.span.file) {
                diagnostics.count_error(host.span.file);
                continue;
            }
            diagnostics.push(if listener.serves(host.value.as_str()) {
                taken(mesh, (route, host), listener)
            } else {
                not_served(host, listener)
            });
        }
    }
}

/// A host that the listener of a route does not serve.
fn not_served(host: &Spanned<HostPattern>, listener: &Listener) -> Diagnostic {
    let hosts = listener.hosts.iter();
    let hosts: Vec<&str> = hosts.map(|host| host.value.as_str()).collect();
    let place = listener
        .hosts
        .first()
        .map_or(listener.name.span, |host| host.span);
    let message = format!(
        "listener `{}` does not serve host `{}`",
        listener.name.value, host.value
    );
    Diagnostic::new(&CODE, host.span, message)
        .saying("no request for this host gets here")
        .label(place, format!("serves `{}`", hosts.join("`, `")))
        .help("add the host to the listener, or route one that it serves")
}

/// A host of a route of which other listeners get all requests.
fn taken(
    mesh: &Mesh,
    (route, host): (&Route, &Spanned<HostPattern>),
    listener: &Listener,
) -> Diagnostic {
    let message = format!(
        "listener `{}` gets no request for host `{}`",
        listener.name.value, host.value
    );
    let finding = Diagnostic::new(&CODE, host.span, message)
        .saying("other listeners of the port serve it more specifically")
        .help("move the route to the listener that gets the host");
    let bound = |one: &Listener| (one.address.value, one.port.value);
    let gateway = mesh.gateways.entry(route.gateway).listeners.iter();
    let others = gateway.filter(|one| one.name.value != listener.name.value);
    let others = others.filter(|one| bound(one) == bound(listener));
    let takers = others.flat_map(|one| &one.hosts);
    let takers = takers.filter(|taker| hosts_overlap(taker.value.as_str(), host.value.as_str()));
    takers.take(3).fold(finding, |finding, taker| {
        finding.label(taker.span, "served here")
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

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
                  c: {port: 3, protocol: http}
                  d: {port: 3, protocol: http, hosts: ["*.y.example", x.example]}
                  e: {port: 3, protocol: http, hosts: ["*.z.y.example"]}
            routes:
              s1: {on: g/c, host: x.example, rules: [{respond: {status: 200}}]}  #~ error[detached-route]
              s2: {on: g/c, host: "*.y.example", rules: [{respond: {status: 200}}]}  #~ error[detached-route]
              s3: {on: g/c, host: "*.example", rules: [{respond: {status: 200}}]}
              s4: {on: g/d, host: "*.y.example", rules: [{respond: {status: 200}}]}
              s5: {on: g/d, host: "a.z.y.example", rules: [{respond: {status: 200}}]}  #~ error[detached-route]
              s6: {on: g/e, host: "*", rules: [{respond: {status: 200}}]}
              r1: {on: g/a, host: x.example, rules: [{respond: {status: 200}}]}  #~ error[detached-route]
              r2: {on: g/a, host: "*", rules: [{respond: {status: 200}}]}
              r3: {on: g/b, host: x.example, rules: [{respond: {status: 200}}]}
            "#,
        );
    }
}
