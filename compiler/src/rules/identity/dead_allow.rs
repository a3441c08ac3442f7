//! Finds permissions that admit nothing which others do not admit as well.
//!
//! Exact, unions included: a permission is dead if the others together admit all of its requests from all of its callers.
//! The later one of two equal permissions is the dead one.

use weft_snapshot::settings::PathRules;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::model::{Allow, Mesh, Service};
use crate::rules::facts::Facts;
use crate::space::{Entry, left};

/// A permission without effect.
pub(super) static CODE: Code = Code {
    name: "dead-allow",
    severity: Severity::Warning,
    finds: "An entry of `allow` whose requests are all admitted by other entries, perhaps by several together.",
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
    for service in facts.mesh.services.values() {
        let mut kept: Vec<&Allow> = service.allow.iter().collect();
        for at in (0..service.allow.len()).rev() {
            if kept.len() < 2 {
                break;
            }
            let Some(allow) = service.allow.get(at) else {
                continue;
            };
            let others: Vec<&Allow> = kept
                .iter()
                .copied()
                .filter(|one| one.position != allow.position)
                .collect();
            if admits_all(facts.mesh, allow, &others) {
                diagnostics.push(report(facts.mesh, service, allow, &others));
                kept = others;
            }
        }
    }
}

fn entry<'mesh>(mesh: &Mesh, allow: &'mesh Allow) -> Entry<'mesh> {
    let mut entry = Entry::of_allow(allow);
    let callers = allow.from.iter().map(|from| mesh.caller_node(from.value));
    let mut callers: Vec<String> = callers.collect();
    callers.sort();
    entry.conditions.sources = Some(callers);
    entry
}

/// Whether others admit all that a permission admits; beyond a bound nobody knows, and nothing is reported.
fn admits_all(mesh: &Mesh, allow: &Allow, others: &[&Allow]) -> bool {
    // Most permissions are the only one for some caller.
    let is_named = |caller| {
        let mut froms = others.iter().flat_map(|other| &other.from);
        froms.any(|from| from.value == caller)
    };
    if allow.from.iter().any(|from| !is_named(from.value)) {
        return false;
    }
    let entries: Vec<Entry<'_>> = others.iter().map(|other| entry(mesh, other)).collect();
    let with = (PathRules::default(), &mesh.automata);
    // A permission that admits nothing by itself has its own finding.
    let own = left(&entry(mesh, allow), &[], with);
    if own.is_ok_and(|own| own.is_none()) {
        return false;
    }
    let rest = left(
        &entry(mesh, allow),
        &entries,
        (PathRules::default(), &mesh.automata),
    );
    !allow.from.is_empty() && rest.is_ok_and(|rest| rest.is_none())
}

fn report(mesh: &Mesh, service: &Service, allow: &Allow, others: &[&Allow]) -> Diagnostic {
    // A smallest set that is enough: each of them goes unless it is needed.
    let mut enough = others.to_vec();
    let mut at = 0;
    while at < enough.len() {
        let mut without = enough.clone();
        without.remove(at);
        if admits_all(mesh, allow, &without) {
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
        .help("remove it, or narrow what admits the same");
    enough.iter().fold(finding, |finding, other| {
        finding.label(other.span, "admits it already")
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn several_permissions_can_stand_for_one() {
        check(
            r#"
            services:
              a: {protocol: http, app: "127.0.0.1:1", calls: {x: {}, y: {}, z: {}}}
              b: {protocol: http, app: "127.0.0.1:1", calls: {x: {}, y: {}, z: {}}}
              x:
                protocol: http
                app: 127.0.0.1:1
                endpoints: ["127.0.0.1:1"]
                allow:
                  - {from: [service/a], methods: [GET, HEAD], path: /p/**}
                  - {from: [service/a, service/b], methods: [POST], path: /p/**}
                  - {from: [service/a], methods: [GET, POST], path: /p/q}  #~ warning[dead-allow]
                  - {from: [service/b], methods: [GET, POST], path: /p/q}
              y:
                protocol: http
                app: 127.0.0.1:1
                endpoints: ["127.0.0.1:1"]
                allow:
                  - {from: [service/a]}  #~ warning[dead-allow]
                  - {from: [service/a, service/b]}
              z:
                protocol: http
                app: 127.0.0.1:1
                endpoints: ["127.0.0.1:1"]
                allow:
                  - {from: [service/a, service/b]}
                  - {from: [service/b, service/a]}  #~ warning[dead-allow]
            "#,
        );
    }
}
