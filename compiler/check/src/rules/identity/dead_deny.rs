//! Finds denials of what would not be admitted anyway.
//!
//! Exact, unions included: a denial is dead if nothing that it names is allowed and left by the other denials. It
//! is a remark, because a denial may be there for permissions that are still to come.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{Deny, Mesh, Service};
use weft_space::{Entry, Reading, common, meeting, work};

use super::access::Access;
use crate::rules::facts::Facts;

/// A denial without effect.
pub(super) static CODE: Code = Code {
    name: "dead-deny",
    severity: Severity::Info,
    finds: "An entry of `deny` that refuses nothing which `allow` admits, or nothing that other entries do not refuse.",
    why: "Removing it would look like opening something, and opens nothing; perhaps it was meant for another path.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  web: {protocol: http, app: 127.0.0.1:8080, calls: {orders: {operations: [GET /orders/**]}}}
  orders:
    protocol: http
    app: 127.0.0.1:8081
    endpoints: ["10.0.1.5:15443"]
    allow: [{from: [service/web], methods: [GET], path: /orders/**}]
    deny: [{methods: [DELETE]}]
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  web: {protocol: http, app: 127.0.0.1:8080, calls: {orders: {operations: [GET /orders/list]}}}
  orders:
    protocol: http
    app: 127.0.0.1:8081
    endpoints: ["10.0.1.5:15443"]
    allow: [{from: [service/web], methods: [GET], path: /orders/**}]
    deny: [{path: /orders/internal/**}]
"#,
};

/// Reports every such denial, last ones first, so that what is left refuses the same.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    if !facts.looks_for_remarks {
        return;
    }
    // Of a list with mistakes nobody knows what it admits.
    let services = facts.mesh.services.values();
    for service in services.filter(|service| !service.allow_incomplete) {
        let mut kept: Vec<&Deny> = service.deny.iter().collect();
        for deny in service.deny.iter().rev() {
            let looked_at = kept.len().saturating_add(service.allow.len());
            if !work::spend(looked_at.saturating_mul(64)) {
                return;
            }
            let others = kept.iter().copied();
            let others = others.filter(|one| one.position != deny.position);
            let others: Vec<&Deny> = others.collect();
            if let Some(finding) = dead(facts.mesh, service, deny, &others) {
                diagnostics.push(finding);
                kept = others;
            }
        }
    }
}

/// The finding about a denial; none where it has an effect, or where a bound keeps that unknown.
fn dead(mesh: &Mesh, service: &Service, deny: &Deny, others: &[&Deny]) -> Option<Diagnostic> {
    let own = Access::Deny(deny);
    // A path that no request has is a finding of its own.
    if own.is_empty(mesh, service) && deny.from.as_ref().is_none_or(|from| !from.is_empty()) {
        return None;
    }
    let entry = own.entry(mesh);
    let others = others.iter().map(|other| Access::Deny(other));
    let others: Vec<(Access<'_>, Entry<'_>)> =
        others.map(|other| (other, other.entry(mesh))).collect();
    let with = Reading::new(mesh.paths_at(service), &mesh.automata);
    let is_allowed = |denied: &[Entry<'_>]| {
        let mut allows = service.allow.iter();
        allows.try_fold(false, |found, allow| {
            let allow = Access::Allow(allow).entry(mesh);
            let met = || common(&[&entry, &allow], denied, with);
            Ok::<bool, weft_space::Unknown>(found || met()?.is_some())
        })
    };
    let denied: Vec<Entry<'_>> = others.iter().map(|(_, entry)| entry.clone()).collect();
    if is_allowed(&denied).unwrap_or(true) {
        return None;
    }
    let message = format!(
        "`deny` number {} of service `{}` refuses nothing new",
        deny.position + 1,
        service.name.value
    );
    let finding = Diagnostic::new(&CODE, deny.span, message);
    Some(if is_allowed(&[]).unwrap_or(true) {
        let meets = |other: &Entry<'_>| {
            let met = meeting(&entry, other, with);
            met.is_ok_and(|met| met.is_some())
        };
        let meeting = others.iter().filter(|(_, other)| meets(other));
        meeting
            .take(3)
            .fold(finding, |finding, (other, _)| {
                finding.label(other.span(), "refuses it already")
            })
            .help("remove it")
    } else {
        finding
            .saying("nothing that `allow` admits")
            .help("remove it, or deny what is admitted")
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn denials_of_what_is_allowed_alone_are_needed() {
        check(
            r#"
            # info[dead-deny] is looked at
            services:
              a: {protocol: http, app: "127.0.0.1:1", calls: {x: {operations: [GET /p/a]}}}
              b: {protocol: http, app: "127.0.0.1:1", calls: {x: {operations: [POST /p/a]}}}
              x:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                allow:
                  - {from: [service/a], methods: [GET], path: /p/**}
                  - {from: [service/b], methods: [POST], path: /p/**}
                deny:
                  - {from: [service/a], methods: [POST]}  #~ info[dead-deny]
                  - {from: [service/b], path: /q/**}  #~ info[dead-deny]
                  - {path: /p/b/**}
                  - {from: [service/a, service/b], path: /p/b/c}  #~ info[dead-deny]
                  - {methods: [POST], path: /p/c}
                  - {methods: [POST], path: /p/c}  #~ info[dead-deny]
            "#,
        );
    }
}
