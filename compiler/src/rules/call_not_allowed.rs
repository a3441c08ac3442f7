//! Finds calls and routes to services that will refuse them.
//!
//! A service with a sidecar answers 403 unless one of its permissions admits caller, method and path. An
//! operation that a call declares must be admitted in full, by one permission or by several together; a call or rule that declares no methods or
//! paths makes no statement about them and must only be admitted somewhere. A rule of a gateway that is
//! admitted in part is a warning: the rest may be meant to be refused.

use weft_snapshot::plan::PathPattern;
use weft_snapshot::settings::PathRules;
use weft_spec::Spanned;
use weft_spec::units::Method;

use super::facts::Facts;
use crate::claims::reach::{forwarded_path, is_guarded, permissions};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::model::access::{Admission, admission};
use crate::model::languages::Languages;
use crate::model::path::all_paths;
use crate::model::{Call, Caller, Mesh, Rule, Service, ServiceId};
use crate::space::{Entry, left};

/// A call that the callee refuses.
pub(super) static CODE: Code = Code {
    name: "call-not-allowed",
    severity: Severity::Error,
    finds: "A declared call, or a rule of a gateway, that the `allow` of the service called does not admit.",
    why: "The sidecar of that service would answer every such request with 403.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  web: {protocol: http, app: 127.0.0.1:8080, calls: {orders: {operations: [DELETE /orders/**]}}}
  orders:
    protocol: http
    app: 127.0.0.1:8081
    endpoints: ["10.0.1.5:15443"]
    allow: [{from: [service/web], methods: [GET, POST], path: /orders/**}]
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  web: {protocol: http, app: 127.0.0.1:8080, calls: {orders: {operations: [GET /orders/**]}}}
  orders:
    protocol: http
    app: 127.0.0.1:8081
    endpoints: ["10.0.1.5:15443"]
    allow: [{from: [service/web], methods: [GET, POST], path: /orders/**}]
"#,
};

/// Reports every call and rule that is refused.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    let mut languages = Languages::sharing(&facts.mesh.automata);
    for (id, service) in mesh.services.iter() {
        for call in &service.calls {
            if is_enforced(mesh, mesh.services.entry(call.to.value)) {
                check_call(mesh, (id, service), call, &mut languages, diagnostics);
            }
        }
    }
    for route in mesh.routes.values() {
        for rule in &route.rules {
            check_rule(
                mesh,
                Caller::Gateway(route.gateway),
                rule,
                &mut languages,
                diagnostics,
            );
        }
    }
}

/// Whether a sidecar enforces a list of permissions of which nothing is wrong.
fn is_enforced(mesh: &Mesh, service: &Service) -> bool {
    let is_complete = !service.allow_incomplete
        && service
            .allow
            .iter()
            .all(|allow| is_whole(mesh, &allow.path.value));
    is_guarded(mesh, service) && is_complete
}

/// Whether a path is none of the expressions that have a finding of their own.
fn is_whole(mesh: &Mesh, path: &PathPattern) -> bool {
    match path {
        PathPattern::Segments { .. } => true,
        PathPattern::Regex { regex } => mesh.automata.of(&[regex]).is_ok(),
    }
}

/// What is admitted of requests, by one permission or by several together.
fn admitted(
    mesh: &Mesh,
    (service, caller): (&Service, Caller),
    (methods, path): (&[Spanned<Method>], &PathPattern),
    languages: &mut Languages,
) -> Admission {
    let alone = admission(service, caller, methods, path, languages);
    if alone != Admission::Partly {
        return alone;
    }
    let mut wanted = Entry::of_path(path);
    let names = methods
        .iter()
        .map(|method| method.value.as_str().to_owned());
    wanted.conditions.methods = names.collect();
    wanted.conditions.methods.sort();
    let allows = permissions(service, caller).map(|allow| {
        let mut entry = Entry::of_allow(allow);
        if methods.is_empty() {
            // Nothing is said about methods, so nothing is asked of them.
            entry.conditions.methods.clear();
        }
        entry
    });
    let allows: Vec<Entry<'_>> = allows.collect();
    match left(&wanted, &allows, (PathRules::default(), &mesh.automata)) {
        Ok(None) => Admission::Fully,
        Ok(Some(_)) | Err(_) => Admission::Partly,
    }
}

fn check_call(
    mesh: &Mesh,
    (id, service): (ServiceId, &Service),
    call: &Call,
    languages: &mut Languages,
    diagnostics: &mut Diagnostics,
) {
    let target = mesh.services.entry(call.to.value);
    let caller = Caller::Service(id);
    if call.operations.is_empty() {
        let admitted = admission(target, caller, &[], &all_paths(), languages);
        if admitted < Admission::Partly {
            let message = format!(
                "service `{}` does not allow calls from `service/{}`",
                target.name.value, service.name.value
            );
            diagnostics.push(refused(
                mesh,
                target,
                caller,
                admitted,
                Diagnostic::new(&CODE, call.to.span, message),
            ));
        }
        return;
    }
    for operation in &call.operations {
        let methods = [Spanned::new(operation.method.clone(), operation.span)];
        let wanted = (methods.as_slice(), &operation.path);
        let admitted = admitted(mesh, (target, caller), wanted, languages);
        if admitted == Admission::Fully {
            continue;
        }
        let how = if admitted == Admission::Partly {
            "all of "
        } else {
            ""
        };
        let message = format!(
            "service `{}` does not allow {how}`{}` from `service/{}`",
            target.name.value, operation.text, service.name.value
        );
        diagnostics.push(refused(
            mesh,
            target,
            caller,
            admitted,
            Diagnostic::new(&CODE, operation.span, message),
        ));
        if admitted == Admission::NoCaller {
            return;
        }
    }
}

fn check_rule(
    mesh: &Mesh,
    caller: Caller,
    rule: &Rule,
    languages: &mut Languages,
    diagnostics: &mut Diagnostics,
) {
    let path = forwarded_path(rule);
    if !is_whole(mesh, &path) {
        return;
    }
    let mut seen: Option<ServiceId> = None;
    for backend in rule.backends() {
        let service = mesh.services.entry(backend.service);
        // Versions of one service stand side by side and share their permissions.
        if seen.replace(backend.service) == Some(backend.service) || !is_enforced(mesh, service) {
            continue;
        }
        let wanted = (rule.matched.methods.as_slice(), &path);
        let admitted = admitted(mesh, (service, caller), wanted, languages);
        let says_nothing = rule.matched.path.span.is_none();
        if admitted == Admission::Fully || (admitted == Admission::Partly && says_nothing) {
            continue;
        }
        let how = if admitted == Admission::Partly {
            "all of "
        } else {
            ""
        };
        let message = format!(
            "service `{}` does not allow {how}rule `{}` from `{}`",
            service.name.value,
            rule.id,
            mesh.caller_node(caller)
        );
        let diagnostic = refused(
            mesh,
            service,
            caller,
            admitted,
            Diagnostic::new(&CODE, backend.span, message),
        );
        diagnostics.push(if admitted == Admission::Partly {
            diagnostic.as_warning()
        } else {
            diagnostic
        });
    }
}

fn refused(
    mesh: &Mesh,
    service: &Service,
    caller: Caller,
    admitted: Admission,
    mut diagnostic: Diagnostic,
) -> Diagnostic {
    let node = mesh.caller_node(caller);
    if admitted == Admission::NoCaller {
        diagnostic = diagnostic.label(service.name.span, format!("`allow` does not name `{node}`"));
    } else {
        let from = service
            .allow
            .iter()
            .flat_map(|allow| &allow.from)
            .filter(|from| from.value == caller);
        for from in from.take(3) {
            diagnostic = diagnostic.label(from.span, "allows other requests");
        }
    }
    diagnostic.help(format!(
        "add it to `allow` of service `{}`: `from: [{node}]` with method and path, or do not call it",
        service.name.value
    ))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn operations_are_compared_by_caller_method_and_path() {
        check(
            r#"
            services:
              web:
                protocol: http
                app: 127.0.0.1:8080
                calls:
                  u: {operations: [GET /x/1, GET /y/1, "GET /{z}/1"]}  #~ error[call-not-allowed]
                  a: {operations: [GET /x/1, POST /x/1, GET /y, "GET /x/{id}/z"]}  #~ error[call-not-allowed], error[call-not-allowed], error[call-not-allowed]
                  b: {}  #~ error[call-not-allowed]
                  s: {}
              a:
                protocol: http
                app: 127.0.0.1:8081
                endpoints: ["10.0.0.1:15443"]
                allow: [{from: [service/web], methods: [GET], path: "/x/{id}"}]
              b: {protocol: http, app: 127.0.0.1:8082, endpoints: ["10.0.0.2:15443"]}
              u:
                protocol: http
                app: 127.0.0.1:8083
                endpoints: ["10.0.0.3:15443"]
                allow: [{from: [service/web], methods: [GET], path: /x/**}, {from: [service/web], path: /y/**}]
              v:
                protocol: http
                app: 127.0.0.1:8083
                calls: {w: {operations: ["GET /p/**", GET /q/x]}}
              w:
                protocol: http
                app: 127.0.0.1:8083
                endpoints: ["10.0.0.3:15443"]
                # Together they admit all of it, none does alone.
                allow: [{from: [service/v], methods: [GET], path: {regex: "/p(/[a-m].*)?"}}, {from: [service/v], path: {regex: "/p/([^a-m].*)?|/q/x"}}]
            "#,
        );
    }

    #[test]
    fn a_rule_that_is_never_admitted_is_an_error_and_partly_a_warning() {
        check(
            r#"
            services:
              a:
                protocol: http
                app: 127.0.0.1:8081
                endpoints: ["10.0.0.1:15443"]
                allow: [{from: [gateway/public], methods: [GET], path: /x/**}]
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /x/1, to: a, timeout: {request: 1s}}
                  - {path: "/{any}/3", methods: [GET], to: a, timeout: {request: 2s}}  #~ warning[call-not-allowed]
                  - {path: /y, to: a, timeout: {request: 3s}}  #~ error[call-not-allowed]
                  - {path: /x/2, methods: [POST], to: a, timeout: {request: 4s}}  #~ error[call-not-allowed]
                  - {path: /old/a/**, rewrite: {path: /x/**}, to: a}
                  - {to: a}
            "#,
        );
    }

    #[test]
    fn a_broken_expression_has_one_finding_alone() {
        check(
            r#"
            services:
              a:
                protocol: http
                app: 127.0.0.1:8081
                endpoints: ["10.0.0.1:15443"]
                allow: [{from: [gateway/public], path: {regex: "/x("}}]  #~ error[invalid-regex]
              b:
                protocol: http
                app: 127.0.0.1:8082
                endpoints: ["10.0.0.2:15443"]
                allow: [{from: [gateway/public], path: /b/**}]
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /x/1, to: a}
                  - {path: {regex: "/b/("}, to: b}  #~ error[invalid-regex]
            "#,
        );
    }
}
