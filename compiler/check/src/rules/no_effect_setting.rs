//! Finds settings that change nothing where they are written.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{Mesh, Rule, ServiceId, ServiceProtocol};
use weft_front::settings::{ATTEMPTS, BUDGET, Hops, Said, TRAILERS, Value};
use weft_spec::Span;

use super::facts::Facts;
use super::settings::places;

/// A setting without an effect.
pub(super) static CODE: Code = Code {
    name: "no-effect-setting",
    severity: Severity::Warning,
    finds: "A setting that changes nothing where it is written: one about forwarding of a rule that answers itself, `trailers` of gRPC, \
            which always pass, and a `budget` beside `attempts: 1`.",
    why: "Whoever wrote it expects something of it.",
    bad: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: /health, respond: {status: 200}, trailers: pass}, {to: orders}]}
"#
    ),
    good: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: /health, respond: {status: 200}}, {to: orders, trailers: pass}]}
"#
    ),
};

/// Reports every such setting.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for rule in mesh.routes.values().flat_map(|route| &route.rules) {
        if rule.backends().is_empty() {
            answers(rule, diagnostics);
        } else if let Some(trailers) = rule.said.get(&TRAILERS) {
            trailers_of_rule(mesh, rule, trailers.span, diagnostics);
        }
    }
    for call in mesh.services.values().flat_map(|service| &service.calls) {
        if let Some(trailers) = call.said.get(&TRAILERS)
            && is_grpc(mesh, call.to.value)
        {
            diagnostics.push(of_grpc(trailers.span));
        }
    }
    for place in places(mesh) {
        budget(place, diagnostics);
    }
}

fn trailers_of_rule(mesh: &Mesh, rule: &Rule, trailers: Span, diagnostics: &mut Diagnostics) {
    let mut live = rule.live_backends().peekable();
    if live.peek().is_some() && live.all(|backend| is_grpc(mesh, backend.service)) {
        diagnostics.push(of_grpc(trailers));
    }
}

/// Reports what a rule that answers itself says of forwarding.
fn answers(rule: &Rule, diagnostics: &mut Diagnostics) {
    let said = rule.said.iter();
    let idle = said.filter(|(setting, _)| setting.hops != Hops::Answers);
    for (setting, value) in idle {
        let message = format!(
            "rule `{}` forwards nothing that `{}` could be about",
            rule.id, setting.name
        );
        diagnostics.push(
            Diagnostic::new(&CODE, value.span, message)
                .saying("the rule answers itself")
                .help(format!("remove `{}`", setting.name)),
        );
    }
}

fn of_grpc(trailers: Span) -> Diagnostic {
    Diagnostic::new(&CODE, trailers, "trailers of gRPC always pass").help("remove `trailers`")
}

fn is_grpc(mesh: &Mesh, service: ServiceId) -> bool {
    mesh.services.entry(service).protocol.value == ServiceProtocol::Grpc
}

fn budget(place: &Said, diagnostics: &mut Diagnostics) {
    if let (Some(budget), Some(attempts)) = (place.get(&BUDGET), place.get(&ATTEMPTS))
        && attempts.value == Value::Number(1)
    {
        diagnostics.push(
            Diagnostic::new(&CODE, budget.span, "there are no retries to bound")
                .label(attempts.span, "one try, and none again")
                .help("remove `budget`, or allow more `attempts`"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn settings_have_something_to_set() {
        check(
            r#"
            services:
              g: {protocol: grpc, mtls: disabled, endpoints: ["127.0.0.1:1"]}
              a: {protocol: http, app: "127.0.0.1:1", calls: {g: {trailers: drop}, s: {trailers: pass}}}  #~ warning[no-effect-setting]
              b: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], retry: {attempts: 1, budget: off}}  #~ warning[no-effect-setting]
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /a, to: s, trailers: pass}
                  - {path: /b, to: s, trailers: drop}
                  - {path: /c, to: {s: 50%, g: 50%}, trailers: pass}
                  - {path: /d, to: g, trailers: pass}  #~ warning[no-effect-setting]
                  - {path: /f, to: {g: 100%, s: 0%}, trailers: pass}  #~ warning[no-effect-setting]
                  - {path: /e, respond: {status: 404}, trailers: drop}  #~ warning[no-effect-setting]
            "#,
        );
    }
}
