//! Finds retries that can never happen, because every method they would repeat is not idempotent.
//!
//! At run time a request is repeated after it may have been seen only if its method is idempotent or the
//! spec says `idempotent: true`. So a rule for all methods may well retry on `503`; a rule for `POST` alone
//! that says so itself expects something that will not happen.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::RetryOn;
use weft_front::model::effective::Retries;
use weft_front::model::repeated::{may_have_been_seen, repeats};

use super::facts::Facts;
use weft_front::settings::REASONS;

/// A retry that never applies.
pub(super) static CODE: Code = Code {
    name: "retry-not-idempotent",
    severity: Severity::Warning,
    finds: "A rule or call that sets retries on more than `connect-failure` and `refused-stream` although all of its \
            methods (`POST` for gRPC) are not idempotent and `idempotent: true` is not said.",
    why: "Such requests are never repeated once a backend may have seen them, so the retry that the spec asks for does not happen.",
    bad: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules: [{path: /orders, methods: [POST], to: orders, retry: {attempts: 3, on: [503]}}]
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules: [{path: /orders, methods: [POST], to: orders, retry: {attempts: 3, on: [503], idempotent: true}}]
"#
    ),
};

/// Reports every such retry. What is inherited speaks for many, so only a rule or call that says its reasons itself is looked at.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    let rules = mesh.routes.values().flat_map(|route| &route.rules);
    for rule in rules.filter(|rule| rule.said.get(&REASONS).is_some()) {
        let methods: Vec<&str> = rule
            .matched
            .methods
            .iter()
            .map(|method| method.value.as_str())
            .collect();
        let never = |retries: &Retries| {
            let mut live = rule.live_backends().peekable();
            live.peek().is_some()
                && live.all(|to| !repeats(mesh.services.entry(to.service), &methods, retries))
        };
        if let Some(retries) = Retries::of_rule(mesh, rule).filter(never) {
            let what = format!("rule `{}`", rule.id);
            report(&what, &retries, &methods, diagnostics);
        }
    }
    for service in mesh.services.values() {
        let calls = service.calls.iter();
        for call in calls.filter(|call| call.said.get(&REASONS).is_some()) {
            let called = mesh.services.entry(call.to.value);
            let methods: Vec<&str> = call
                .operations
                .iter()
                .map(|operation| operation.method.as_str())
                .collect();
            let retries = Retries::of_call(mesh, call);
            if !repeats(called, &methods, &retries) {
                let what = format!(
                    "the call from `{}` to `{}`",
                    service.name.value, called.name.value
                );
                report(&what, &retries, &methods, diagnostics);
            }
        }
    }
}

fn report(what: &str, retries: &Retries, methods: &[&str], diagnostics: &mut Diagnostics) {
    let needs_repeat = |reason: &&RetryOn| may_have_been_seen(**reason);
    let Some(reason) = retries.on.value.iter().find(needs_repeat) else {
        return;
    };
    if retries.attempts.value < 2 {
        return;
    }
    let method = methods.first().unwrap_or(&"POST");
    let message = format!("{what} is never retried on `{reason}`");
    diagnostics.push(
        Diagnostic::new(&CODE, retries.on.span, message)
            .saying(format!("`{method}` is not idempotent"))
            .help("say `idempotent: true` if repeating does no harm, or retry on `connect-failure` and `refused-stream` only"),
    );
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn only_retries_that_cannot_happen_are_reported() {
        check(
            r#"
            services:
              g: {protocol: grpc, mtls: disabled, endpoints: ["127.0.0.1:1"]}
              c:
                protocol: http
                app: 127.0.0.1:8080
                calls:
                  s: {operations: [POST /a, PATCH /b], retry: {on: [reset]}}  #~ warning[retry-not-idempotent]
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /a, to: s, retry: {on: [503]}}
                  - {path: /b, methods: [GET, POST], to: s, retry: {on: [503]}}
                  - {path: /c, methods: [POST], to: s, retry: {on: [connect-failure]}}
                  - {path: /d, methods: [POST], to: s, retry: {on: [503], attempts: 1}}
                  - {path: /f, methods: [LINK], to: s, retry: {on: [503]}}  #~ warning[retry-not-idempotent]
                  - {path: /e, to: g, retry: {on: [503]}}  #~ warning[retry-not-idempotent]
                  # Nothing goes to the one whose requests would be repeated.
                  - {path: /h, to: {g: 100%, s: 0%}, retry: {on: [503]}}  #~ warning[retry-not-idempotent]
                  - {path: /i, to: {g: 99%, s: 1%}, retry: {on: [503]}}
            "#,
        );
    }
}
