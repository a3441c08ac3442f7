//! Finds permissions that admit nothing which others do not admit as well.
//!
//! Exact, unions included: a permission is dead if the others admit, or `deny` refuses, all of its requests from all of its callers.
//! The later one of two equal permissions is the dead one.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{Allow, Mesh, Service};
use weft_space::{Entry, Reading, left, work};

use super::access::Access;
use crate::rules::facts::Facts;

/// A permission without effect.
pub(super) static CODE: Code = Code {
    name: "dead-allow",
    severity: Severity::Warning,
    finds: "An entry of `allow` whose requests are all admitted by other entries or refused by `deny`, perhaps by several together.",
    why: "Removing it would look like taking something away, and takes nothing.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  web: {protocol: http, app: 127.0.0.1:8080, calls: {orders: {}}}
  orders:
    protocol: http
    app: 127.0.0.1:8081
    endpoints: ["10.0.1.5:15443"]
    allow:
      - {from: [service/web], path: /orders/**}
      - {from: [service/web], methods: [GET], path: "/orders/{id}"}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  web: {protocol: http, app: 127.0.0.1:8080, calls: {orders: {}}}
  orders:
    protocol: http
    app: 127.0.0.1:8081
    endpoints: ["10.0.1.5:15443"]
    allow:
      - {from: [service/web], path: /orders/**}
"#,
};

/// Reports every such permission, last ones first, so that what is left admits the same.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    // Of a list with mistakes nobody knows what it admits.
    let services = facts.mesh.services.values();
    for service in services.filter(|service| !service.allow_incomplete) {
        let denied: Vec<Access<'_>> = service.deny.iter().map(Access::Deny).collect();
        let mut kept: Vec<&Allow> = service.allow.iter().collect();
        for at in (0..service.allow.len()).rev() {
            let Some(allow) = service.allow.get(at) else {
                continue;
            };
            if !work::spend(kept.len().saturating_mul(4)) {
                return;
            }
            let others = kept.iter().copied();
            let others = others.filter(|one| one.position != allow.position);
            let others: Vec<&Allow> = others.collect();
            let mut beside: Vec<Access<'_>> = others.iter().copied().map(Access::Allow).collect();
            beside.extend(&denied);
            if has_no_effect(facts.mesh, service, allow, &beside) {
                diagnostics.push(report(facts.mesh, service, allow, beside));
                kept = others;
            }
        }
    }
}

/// Whether others decide about all that a permission admits; beyond a bound nobody knows, and nothing is reported.
fn has_no_effect(mesh: &Mesh, service: &Service, allow: &Allow, others: &[Access<'_>]) -> bool {
    // Most permissions are the only one for some caller.
    let is_named = |caller| others.iter().any(|other| other.names(caller));
    if allow.from.is_empty() || allow.from.iter().any(|from| !is_named(from.value)) {
        return false;
    }
    if !work::spend(others.len().saturating_mul(64)) {
        return false;
    }
    let own = Access::Allow(allow);
    if own.is_empty(mesh, service) {
        return false;
    }
    let entries: Vec<Entry<'_>> = others.iter().map(|other| other.entry(mesh)).collect();
    let with = Reading::new(mesh.paths_at(service), &mesh.automata);
    left(&own.entry(mesh), &entries, with).is_ok_and(|rest| rest.is_none())
}

fn report(mesh: &Mesh, service: &Service, allow: &Allow, others: Vec<Access<'_>>) -> Diagnostic {
    // A smallest set that is enough: each of them goes unless it is needed.
    let mut enough = others;
    let mut at = 0;
    while at < enough.len() {
        let mut without = enough.clone();
        without.remove(at);
        if has_no_effect(mesh, service, allow, &without) {
            enough = without;
        } else {
            at += 1;
        }
    }
    let message = format!(
        "`allow` number {} of service `{}` admits nothing new",
        allow.position + 1,
        service.name.value
    );
    let finding = Diagnostic::new(&CODE, allow.span, message)
        .help("remove it, or narrow what admits or denies the same");
    enough.iter().fold(finding, |finding, other| {
        let word = match other {
            Access::Allow(_) => "admits it already",
            Access::Deny(_) => "denies it",
        };
        finding.label(other.span(), word)
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn several_permissions_can_stand_for_one() {
        check(
            r#"
            services:
              a: {protocol: http, app: "127.0.0.1:1", calls: {x: {}, y: {}, z: {}}}
              b: {protocol: http, app: "127.0.0.1:1", calls: {x: {}, y: {}, z: {}}}
              x:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                allow:
                  - {from: [service/a], methods: [GET, HEAD], path: /p/**}
                  - {from: [service/a, service/b], methods: [POST], path: /p/**}
                  - {from: [service/a], methods: [GET, POST], path: /p/q}  #~ warning[dead-allow]
                  - {from: [service/b], methods: [GET, POST], path: /p/q}
              y:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                allow:
                  - {from: [service/a]}  #~ warning[dead-allow]
                  - {from: [service/a, service/b]}
              z:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                allow:
                  - {from: [service/a, service/b]}
                  - {from: [service/b, service/a]}  #~ warning[dead-allow]
              c: {protocol: http, app: "127.0.0.1:1", calls: {v: {operations: [GET /q]}}}
              v:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                allow:
                  - {from: [service/c], methods: [POST], path: /p/a}  #~ warning[dead-allow]
                  - {from: [service/c], path: /p/**}  #~ warning[dead-allow]
                  - {from: [service/c], methods: [GET, POST], path: /q}
                deny:
                  - {from: [service/c], methods: [POST], path: /**}
                  - {path: /p/**}
            "#,
        );
    }
}
