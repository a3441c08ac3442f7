//! Finds calls and routes to services that will refuse them.
//!
//! A service with a sidecar answers 403 unless one of its permissions admits caller, method and path and nothing denies it. An
//! operation that a call declares must be admitted in full, by one permission or by several together; a call without
//! operations must only be admitted somewhere. A rule of a gateway has the requests that it takes, exactly, all methods where
//! it names none. One that is admitted in part is a warning: the rest may be meant to be refused. So is an operation of which `deny` takes a part.

use std::collections::BTreeSet;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::access::Admission;
use weft_front::model::{Call, Caller, Mesh, Rule, Service, ServiceId};
use weft_snapshot::head::is_forwarded;
use weft_space::languages::Languages;
use weft_space::path::all_paths;
use weft_spec::{Span, Spanned};

use super::admitted::{Admitted, Calls, is_enforced, is_whole};
use super::forwarded::{Admissions, Way};
use crate::assertions::arriving::Forwarding;
use crate::rules::facts::Facts;

/// A call that the callee refuses.
pub(super) static CODE: Code = Code {
    name: "call-not-allowed",
    severity: Severity::Error,
    finds: "A declared call, or requests that a rule of a gateway takes, that the `allow` of the service called does not admit, or \
            its `deny` refuses. A rule that names no methods takes all of them.",
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
    let mut languages = Languages::sharing(&mesh.automata);
    for (id, service) in mesh.services.iter() {
        for call in &service.calls {
            if is_enforced(mesh, mesh.services.entry(call.to.value)) {
                check_call(mesh, id, call, &mut languages, diagnostics);
            }
        }
    }
    // What a rewritten path meets is `rewrite-meets-policy`.
    for refused in refused(facts, |rule| rule.new_path().is_none()) {
        let message = format!(
            "service `{}` does not allow {}rule `{}` from `{}`",
            refused.service.name.value,
            how(&refused.admitted),
            refused.rule.id,
            mesh.caller_node(refused.caller)
        );
        let finding = Diagnostic::new(&CODE, refused.backend, message);
        diagnostics.push(refused.explain(mesh, finding));
    }
}

/// A backend of a rule that does not admit all of its requests.
pub(super) struct Refused<'mesh> {
    pub(super) rule: &'mesh Rule,
    pub(super) caller: Caller,
    pub(super) service: &'mesh Service,
    pub(super) admitted: Admitted,
    /// The place of the backend.
    pub(super) backend: Span,
}

impl Refused<'_> {
    /// Adds to a finding what stands in the way; a part that is refused may be meant to be.
    pub(super) fn explain(&self, mesh: &Mesh, finding: Diagnostic) -> Diagnostic {
        let explained = self
            .admitted
            .explain(mesh, self.service, self.caller, finding);
        if self.admitted.much == Admission::Partly {
            explained.as_warning()
        } else {
            explained
        }
    }
}

/// The backends of rules that do not admit all requests which the rules take.
pub(super) fn refused<'mesh>(
    facts: &Facts<'mesh>,
    is_asked: impl Fn(&Rule) -> bool,
) -> Vec<Refused<'mesh>> {
    let mesh = facts.mesh;
    let mut admissions = Admissions::new(mesh);
    let mut found = Vec::new();
    for host in facts.hosts() {
        let analysis = host.analysis.as_ref().ok();
        let rules = analysis.map_or(&host.host.rules, |analysis| &analysis.rules);
        for (position, rule) in rules.iter().copied().enumerate() {
            if !is_asked(rule) || !is_whole(mesh, &rule.matched.path.value) {
                continue;
            }
            let forwarding = analysis.map(|analysis| Forwarding::new(mesh, analysis, position));
            // A rule that takes nothing has a finding of its own.
            if matches!(forwarding, Some(None)) {
                continue;
            }
            let mut seen = BTreeSet::new();
            for backend in rule.live_backends() {
                let service = mesh.services.entry(backend.service);
                // Versions of one service share its permissions.
                if !seen.insert(backend.service) || !is_enforced(mesh, service) {
                    continue;
                }
                let caller = Caller::Gateway(host.host.gateway);
                let admitted = admissions.of(Way {
                    rule,
                    service,
                    caller,
                    forwarding: forwarding.as_ref().and_then(Option::as_ref),
                });
                let admitted = admitted.filter(|one| one.much != Admission::Fully);
                found.extend(admitted.map(|admitted| Refused {
                    rule,
                    caller,
                    service,
                    admitted,
                    backend: backend.span,
                }));
            }
        }
    }
    found
}

/// "all of ", where a part is admitted.
pub(super) fn how(admitted: &Admitted) -> &'static str {
    match admitted.much {
        Admission::Partly => "all of ",
        Admission::NoCaller | Admission::Never | Admission::Fully => "",
    }
}

fn check_call(
    mesh: &Mesh,
    id: ServiceId,
    call: &Call,
    languages: &mut Languages,
    diagnostics: &mut Diagnostics,
) {
    let target = mesh.services.entry(call.to.value);
    let caller = Caller::Service(id);
    let name = &mesh.services.entry(id).name.value;
    let to = &target.name.value;
    let all = all_paths();
    let asked = Calls {
        service: target,
        caller,
        methods: &[],
        path: &all,
    };
    if call.operations.is_empty() {
        let admitted = asked.admitted(mesh, languages);
        if admitted.much < Admission::Partly {
            let message = format!("service `{to}` does not allow calls from `service/{name}`");
            let finding = Diagnostic::new(&CODE, call.to.span, message);
            diagnostics.push(admitted.explain(mesh, target, caller, finding));
        }
        return;
    }
    let operations = call.operations.iter();
    // One that no proxy forwards has a finding of its own.
    for operation in operations.filter(|one| is_forwarded(one.method.as_str())) {
        let methods = [Spanned::new(operation.method.clone(), operation.span)];
        let asked = Calls {
            methods: &methods,
            path: &operation.path,
            ..asked
        };
        let admitted = asked.admitted(mesh, languages);
        if admitted.much == Admission::Fully {
            continue;
        }
        let message = format!(
            "service `{to}` does not allow {}`{}` from `service/{name}`",
            how(&admitted),
            operation.text,
        );
        let finding = Diagnostic::new(&CODE, operation.span, message);
        let finding = admitted.explain(mesh, target, caller, finding);
        // An exception may be meant, and an operation cannot make one.
        let is_exception = admitted.is_excepted && admitted.much == Admission::Partly;
        diagnostics.push(if is_exception {
            finding.as_warning()
        } else {
            finding
        });
        if admitted.much == Admission::NoCaller {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

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
                  - {path: /x/1, to: a, timeout: {request: 1s}}  #~ warning[call-not-allowed]
                  - {path: "/{any}/3", methods: [GET], to: a, timeout: {request: 2s}}  #~ warning[call-not-allowed]
                  - {path: /y, to: a, timeout: {request: 3s}}  #~ error[call-not-allowed]
                  - {path: /x/2, methods: [POST], to: a, timeout: {request: 4s}}  #~ error[call-not-allowed]
                  - {to: a}  #~ warning[call-not-allowed]
            "#,
        );
    }

    #[test]
    fn a_rule_without_a_path_is_one_for_all_paths() {
        check(
            r#"
            services:
              a: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], allow: [{from: [gateway/public], path: /x/**}]}
            routes:
              r: {on: public/web, host: a.example, rules: [{path: /**, to: a}]}  #~ warning[call-not-allowed]
              s: {on: public/web, host: b.example, rules: [{to: a}]}  #~ warning[call-not-allowed]
            "#,
        );
    }

    #[test]
    fn a_rule_has_the_requests_that_it_takes() {
        check(
            r#"
            services:
              a: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], allow: [{from: [gateway/public], path: /x/**}, {from: [gateway/public], methods: [GET], path: /y}]}
              b: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], allow: [{from: [gateway/public], methods: [GET]}]}
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  # All that is left by the others is admitted.
                  - {methods: [GET], to: a}
                  - {path: {regex: "/[^xy].*|/[xy][^/]+.*|/x?|/y/.*"}, respond: {status: 404}}
                  - {path: /b/**, to: b, priority: 1}  #~ error[call-not-allowed]
                  - {path: /b/**, methods: [GET], respond: {status: 404}, priority: 2}
                  - {path: /c, to: {s: 100%, b: 0%}, methods: [POST]}
            "#,
        );
    }

    #[test]
    fn what_is_denied_is_not_allowed() {
        check(
            r#"
            services:
              web:
                protocol: http
                app: 127.0.0.1:8080
                calls:
                  a: {operations: [GET /x/1, POST /x/1, "GET /x/{id}"]}  #~ error[call-not-allowed], warning[call-not-allowed]
                  b: {}  #~ error[call-not-allowed]
                  c: {}
              a:
                protocol: http
                app: 127.0.0.1:8081
                endpoints: ["10.0.0.1:15443"]
                allow: [{from: [service/web, gateway/public], path: /x/**}]
                deny: [{from: [service/web], methods: [POST]}, {path: /x/secret/**}]
              b:
                protocol: http
                app: 127.0.0.1:8081
                endpoints: ["10.0.0.1:15443"]
                allow: [{from: [service/web], methods: [GET], path: /x/**}]  #~ warning[dead-allow]
                deny: [{methods: [GET]}]
              c:
                protocol: http
                app: 127.0.0.1:8081
                endpoints: ["10.0.0.1:15443"]
                allow: [{from: [service/web], path: /x/**}]
                deny: [{methods: [GET]}]
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: "/x/{id}", to: a, timeout: {request: 1s}}  #~ warning[call-not-allowed]
                  - {path: /x/secret/a, to: a, timeout: {request: 2s}}  #~ error[call-not-allowed]
                  - {path: /x/a, methods: [POST], to: a, timeout: {request: 3s}}
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
