//! Finds numbers outside of what they may be.

use std::net::SocketAddr;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Endpoints;
use weft_front::model::{Action, Mesh, Service};
use weft_front::settings::Value;
use weft_snapshot::limits;
use weft_spec::{Span, Spanned};

use super::facts::Facts;
use super::settings;

/// A number outside of its range.
pub(super) static CODE: Code = Code {
    name: "out-of-range",
    severity: Severity::Error,
    finds: "A status, a port, a number of tries or of calls, a back-off, a body, a `keepAlive` or a limit of heads outside of its \
            range.",
    why: "The proxy has a bound for each of them, checked here so that no snapshot is refused later.",
    bad: spec!(
        r#"routes:
  old: {listener: public/web, host: "*", rules: [{path: /old, redirect: {path: /new, code: 300}}, {to: orders}]}
"#
    ),
    good: spec!(
        r#"routes:
  old: {listener: public/web, host: "*", rules: [{path: /old, redirect: {path: /new, code: 308}}, {to: orders}]}
"#
    ),
};

/// How many calls to one service a request may cause, as far as a spec can say.
const FAN_OUT: std::ops::RangeInclusive<u32> = 1..=1_000;

/// Reports every such number.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    ranges(mesh, diagnostics);
    backoffs(mesh, diagnostics);
    for gateway in mesh.gateways.values() {
        for listener in &gateway.listeners {
            port(listener.port.value, listener.port.span, diagnostics);
        }
    }
    for service in mesh.services.values() {
        addresses(service, diagnostics);
        let fan_outs = service.calls.iter().filter_map(|call| call.fan_out);
        for fan_out in fan_outs.filter(|fan_out| !FAN_OUT.contains(&fan_out.value)) {
            let message = format!("`fanOut` of {} is not between 1 and 1000", fan_out.value);
            let finding = Diagnostic::new(&CODE, fan_out.span, message);
            diagnostics.push(finding.help("say how many of these calls one request causes"));
        }
    }
    for rule in mesh.routes.values().flat_map(|route| &route.rules) {
        outcome(&rule.action, diagnostics);
    }
}

/// Reports values of settings that no proxy takes: the whole table of ranges.
fn ranges(mesh: &Mesh, diagnostics: &mut Diagnostics) {
    for (setting, said) in settings::said(mesh) {
        let (Some(range), Some(number)) = (&setting.range, said.value.number()) else {
            continue;
        };
        if range.numbers.contains(&number) {
            continue;
        }
        let written = |number: u64| setting.unit.written(&Value::Number(number));
        let message = format!(
            "`{}` of {} is not between {} and {}",
            setting.name.rsplit('.').next().unwrap_or(setting.name),
            written(number),
            written(*range.numbers.start()),
            written(*range.numbers.end())
        );
        let finding = Diagnostic::new(&CODE, said.span, message);
        diagnostics.push(finding.help(range.help));
    }
}

/// Reports limits of which the least is above the most, where one place says both.
fn backoffs(mesh: &Mesh, diagnostics: &mut Diagnostics) {
    for place in settings::places(mesh) {
        for (setting, most) in place.iter() {
            let least = setting.at_least.and_then(|least| place.get(least));
            let Some(least) = least.filter(|least| most.value < least.value) else {
                continue;
            };
            let written = |said: &Spanned<Value>| setting.unit.written(&said.value);
            let message = format!(
                "the first back-off, {}, is longer than the longest, {}",
                written(least),
                written(most)
            );
            diagnostics.push(
                Diagnostic::new(&CODE, least.span, message)
                    .label(most.span, "the longest")
                    .help("swap them"),
            );
        }
    }
}

fn port(port: u16, span: Span, diagnostics: &mut Diagnostics) {
    if port == 0 {
        diagnostics.push(
            Diagnostic::new(&CODE, span, "port 0 is not a port")
                .help("write a port from 1 to 65535"),
        );
    }
}

fn addresses(service: &Service, diagnostics: &mut Diagnostics) {
    let own = [service.app, service.inbound, service.outbound];
    let versions = service.versions.iter().map(|version| &version.endpoints);
    let endpoints = service.endpoints.iter().chain(versions);
    let of_endpoints = endpoints.flat_map(|endpoints| match &endpoints.value {
        Endpoints::Static(addresses) => addresses.as_slice(),
        Endpoints::Dns(_) | Endpoints::File(_) => &[],
    });
    let all: Vec<Spanned<SocketAddr>> = own
        .into_iter()
        .flatten()
        .chain(of_endpoints.copied())
        .collect();
    for address in all {
        port(address.value.port(), address.span, diagnostics);
    }
}

fn outcome(action: &Action, diagnostics: &mut Diagnostics) {
    match action {
        Action::Forward(_) => {}
        Action::Redirect(redirect) => {
            if let Some(code) = redirect.code
                && !matches!(code.value, 301 | 302 | 303 | 307 | 308)
            {
                let message = format!("`{}` is not a redirect that clients follow", code.value);
                diagnostics.push(
                    Diagnostic::new(&CODE, code.span, message)
                        .help("use 301, 302, 303, 307 or 308"),
                );
            }
            if let Some(new) = redirect.port {
                port(new.value, new.span, diagnostics);
            }
        }
        Action::Respond(respond) => {
            let status = respond.status;
            if !(200..=599).contains(&status.value) {
                let message = format!("status `{}` is not between 200 and 599", status.value);
                diagnostics
                    .push(Diagnostic::new(&CODE, status.span, message).help("use such a status"));
            }
            let Some(body) = &respond.body else {
                return;
            };
            if limits::RESPONSE_BYTES < body.value.len() {
                let message = format!("a body of {} bytes is more than 64 KiB", body.value.len());
                diagnostics.push(
                    Diagnostic::new(&CODE, body.span, message)
                        .help("serve large bodies from a service"),
                );
            }
            // RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5.
            if matches!(status.value, 204 | 205 | 304) && !body.value.is_empty() {
                let message = format!("an answer with status {} has no body", status.value);
                diagnostics.push(
                    Diagnostic::new(&CODE, body.span, message)
                        .label(status.span, "this status")
                        .help("remove the body, or use 200"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn connections_are_kept_for_a_second_at_least() {
        check(
            r#"
            services:
              a: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], keepAlive: 0s}  #~ error[out-of-range]
              b: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], keepAlive: 999ms}  #~ error[out-of-range]
              c: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], keepAlive: 1s}
              d: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], keepAlive: off}
            "#,
        );
    }

    #[test]
    fn heads_keep_to_what_the_proxy_reads() {
        check(
            r"
            gateways:
              g:
                listeners:
                  a: {port: 1, protocol: http, limits: {head: 61KiB}}  #~ error[out-of-range]
                  b: {port: 2, protocol: http, limits: {fields: 9}}  #~ error[out-of-range]
                  c: {port: 3, protocol: http, limits: {target: 9KiB}}  #~ error[out-of-range]
                  d: {port: 4, protocol: http, limits: {head: 1KiB, fields: 100, target: 64B}}
            ",
        );
    }

    #[test]
    fn numbers_keep_to_their_ranges() {
        check(
            r#"
            services:
              a: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:0"]}  #~ error[out-of-range]
              b: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], retry: {attempts: 0}}  #~ error[out-of-range]
              c: {protocol: http, app: "127.0.0.1:1", calls: {a: {fanOut: 0}, b: {fanOut: 1001}, s: {fanOut: 1000}}}  #~ error[out-of-range], error[out-of-range]
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /a, respond: {status: 199}}  #~ error[out-of-range]
                  - {path: /b, respond: {status: 204, body: x}}  #~ error[out-of-range]
                  - {path: /c, to: s, retry: {backoff: {base: 1s, max: 25ms}}}  #~ error[out-of-range]
                  - {path: /d, redirect: {port: 0}}  #~ error[out-of-range]
            "#,
        );
    }
}
