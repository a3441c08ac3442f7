//! Finds timeouts that are longer than one that ends first.
//!
//! Three cases. A rule or call asks for more than the contract of the service called, which is "what
//! callers get unless they ask for less"; for several backends, the strictest of their contracts. Or an
//! inner limit (`connect`, then `backendRequest`, then `request`) is longer than the one around it, where
//! the inner one was said at the same level or at a more specific one. A limit that is merely inherited
//! is clipped in silence: a rule with `request: 1s` needs not repeat the others. Third, a caller that gives up while
//! the service still waits for its own calls; see [`outlived`].

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Service;
use weft_front::settings::{Said, Setting, TIMEOUTS, Value};
use weft_spec::{Span, Spanned};

use super::outlived;
use crate::rules::facts::Facts;

/// A limit that can never be met.
pub(super) static CODE: Code = Code {
    name: "timeout-inversion",
    severity: Severity::Error,
    finds: "A timeout of a rule or call that is longer than the contract of the service called, or an inner timeout \
            (`connect`, `backendRequest`) that is longer than the one around it. A warning where a caller gives up while the \
            service still waits for its own calls, and an error where it then tries again.",
    why: "The shorter limit always ends first, so the longer one promises patience that nobody has.",
    bad: spec!(
        r#"  payments: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8082"], timeout: {request: 2s}}
routes:
  pay: {listener: public/web, host: "*", rules: [{to: payments, timeout: {request: 5s}}]}
"#
    ),
    good: spec!(
        r#"  payments: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8082"], timeout: {request: 2s}}
routes:
  pay: {listener: public/web, host: "*", rules: [{to: payments, timeout: {request: 1s}}]}
"#
    ),
};

/// Reports every inversion.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    outlived::check(facts.graph(), diagnostics);
    let mesh = facts.mesh;
    let defaults = &mesh.defaults;
    nesting(&[defaults], diagnostics);
    for service in mesh.services.values() {
        nesting(&[&service.said, defaults], diagnostics);
        for call in &service.calls {
            let called = mesh.services.entry(call.to.value);
            let exceeds = against_contract(&call.said, &[called], diagnostics);
            if !exceeds {
                nesting(&[&call.said, &called.said, defaults], diagnostics);
            }
        }
    }
    for rule in mesh.routes.values().flat_map(|route| &route.rules) {
        let mut called: Vec<&Service> = Vec::new();
        for backend in rule.live_backends() {
            called.push(mesh.services.entry(backend.service));
        }
        if against_contract(&rule.said, &called, diagnostics) {
            continue;
        }
        match called.as_slice() {
            [one] => nesting(&[&rule.said, &one.said, defaults], diagnostics),
            _ => nesting(&[&rule.said, defaults], diagnostics),
        }
    }
}

/// Compares with the contracts; returns whether something was reported.
fn against_contract(used: &Said, called: &[&Service], diagnostics: &mut Diagnostics) -> bool {
    let mut reported = false;
    for setting in TIMEOUTS {
        let Some(asked) = used.get(setting) else {
            continue;
        };
        let strictest = called
            .iter()
            .filter_map(|service| Some((service.said.get(setting)?, *service)))
            .min_by(|(one, _), (other, _)| one.value.cmp(&other.value));
        let Some((limit, service)) = strictest else {
            continue;
        };
        if asked.value <= limit.value {
            continue;
        }
        let (name, offered) = (field(setting), setting.unit.written(&limit.value));
        let message = format!(
            "`{name}` of {} is longer than the {offered} that service `{}` offers",
            said_so(setting, asked),
            service.name.value
        );
        diagnostics.push(
            Diagnostic::new(&CODE, asked.span, message)
                .label(
                    limit.span,
                    format!("the contract of `{}`", service.name.value),
                )
                .help(format!("ask for {offered} or less"))
                .propose(asked.span, offered),
        );
        reported = true;
    }
    reported
}

/// A limit as it is told: `0s` is none.
fn said_so(setting: &Setting, asked: &Spanned<Value>) -> String {
    let written = setting.unit.written(&asked.value);
    if asked.value == Value::Unlimited {
        format!("{written}, which is no limit,")
    } else {
        written
    }
}

/// Compares the limits around each other; `levels` start with the most specific one.
///
/// Only what the first level says is reported: the others have their own turn.
fn nesting(levels: &[&Said], diagnostics: &mut Diagnostics) {
    let Some(own) = levels.first() else {
        return;
    };
    let said = |setting| levels.iter().find_map(|level| level.get(setting));
    for setting in TIMEOUTS {
        // `0s` inside a limit means "as long as that".
        let Some(limit) = own
            .get(setting)
            .filter(|limit| limit.value != Value::Unlimited)
        else {
            continue;
        };
        let broken = setting
            .within
            .iter()
            .filter_map(|outer| Some(Limit::new(outer, said(outer)?)))
            .find(|outer| outer.said.value < limit.value);
        if let Some(outer) = broken {
            diagnostics.push(inverted(Limit::new(setting, limit), outer));
        }
    }
}

/// The name of a limit within `timeout`.
fn field(setting: &Setting) -> &'static str {
    setting.name.rsplit('.').next().unwrap_or(setting.name)
}

/// A time limit, and what is said of it.
#[derive(Clone, Copy)]
struct Limit<'said> {
    setting: &'static Setting,
    said: &'said Spanned<Value>,
}

impl<'said> Limit<'said> {
    fn new(setting: &'static Setting, said: &'said Spanned<Value>) -> Self {
        Self { setting, said }
    }
}

fn inverted(inner: Limit<'_>, outer: Limit<'_>) -> Diagnostic {
    let written = |limit: Limit<'_>| limit.setting.unit.written(&limit.said.value);
    let message = format!(
        "`{}` of {} is longer than `{}` of {}",
        field(inner.setting),
        written(inner),
        field(outer.setting),
        written(outer)
    );
    let around = if outer.said.span == inner.said.span {
        Span::NONE
    } else {
        outer.said.span
    };
    Diagnostic::new(&CODE, inner.said.span, message)
        .saying("never reached")
        .label(around, "this ends first")
        .help(format!("write {} or less", written(outer)))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn nobody_may_ask_for_more_than_the_contract() {
        check(
            r#"
            services:
              t: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], timeout: {request: 2s}}
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /a, to: t, timeout: {request: 2s}}
                  - {path: /b, to: t, timeout: {request: 3s}}  #~ error[timeout-inversion]
                  - {path: /c, to: t, timeout: {request: 0s}}  #~ error[timeout-inversion]
                  - {path: /d, to: {s: 50%, t: 50%}, timeout: {request: 3s}}  #~ error[timeout-inversion]
                  - {path: /e, to: s, timeout: {request: 30s}}
                  - {path: /f, to: {s: 100%, t: 0%}, timeout: {request: 3s}}
            "#,
        );
    }

    #[test]
    fn an_inner_limit_is_not_longer_than_the_one_around_it() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s, backendRequest: 5s}}}
            gateways: {g: {listeners: {w: {port: 71, protocol: http}}}}
            services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
            routes:
              r:
                on: g/w
                host: "*"
                rules:
                  - {path: /a, to: s, timeout: {request: 1s}}
                  - {path: /b, to: s, timeout: {backendRequest: 16s}}  #~ error[timeout-inversion]
                  - {path: /c, to: s, timeout: {request: 2s, backendRequest: 3s}}  #~ error[timeout-inversion]
                  - {path: /d, to: s, timeout: {connect: 6s}}  #~ error[timeout-inversion]
            "#,
        );
    }
}
