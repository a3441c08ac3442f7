//! Finds endpoints of teams that lie on the machine of a gateway, or next to it.
//!
//! What a gateway forwards to a loopback address ends at whatever listens on its own machine; link-local addresses are where clouds give
//! out credentials. A file of the platform may name both, and so may a guardrail on endpoints, which says all there is to say then.

use std::collections::BTreeSet;
use std::net::IpAddr;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Backend;
use weft_spec::Span;

use super::bounds::{Target, is_bounded, targets};
use crate::rules::facts::Facts;

/// An endpoint that only the machine of a gateway has.
pub(super) static CODE: Code = Code {
    name: "local-endpoint",
    severity: Severity::Error,
    finds: "An endpoint in a file of a team, at a loopback or link-local address, to which a gateway forwards. The platform may \
            accept the network with a guardrail on `endpoints`.",
    why: "The gateway would forward requests of anybody to what listens on its own machine, which believes that it is asked by a \
          neighbour; and link-local addresses are where clouds give out credentials.",
    bad: r#"# file: mesh.yaml
weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  mtls: disabled
  defaults: {timeout: {request: 15s}}
  teams: {orders: {files: [orders/**], hosts: [shop.example]}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
# file: orders/service.yaml
weft: v1
services: {orders: {protocol: http, mtls: disabled, endpoints: ["169.254.169.254:80"]}}
routes: {orders: {listener: public/web, host: shop.example, rules: [{to: orders}]}}
"#,
    good: r#"# file: mesh.yaml
weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  mtls: disabled
  defaults: {timeout: {request: 15s}}
  teams: {orders: {files: [orders/**], hosts: [shop.example]}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
# file: orders/service.yaml
weft: v1
services: {orders: {protocol: http, mtls: disabled, endpoints: ["10.0.1.5:80"]}}
routes: {orders: {listener: public/web, host: shop.example, rules: [{to: orders}]}}
"#,
};

/// Reports every such endpoint, with a rule that leads there.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    if mesh.teams.is_empty() || is_bounded(mesh) {
        return;
    }
    let mut told: BTreeSet<Span> = BTreeSet::new();
    let rules = mesh.routes.values().flat_map(|route| &route.rules);
    for backend in rules.flat_map(weft_front::model::route::Rule::backends) {
        for (target, span) in reached(facts, backend) {
            let Some(what) = is_local(&target) else {
                continue;
            };
            if mesh.file_team(span).is_none() || !told.insert(span) {
                continue;
            }
            let message = format!("a gateway would forward to {what}");
            diagnostics.push(
                Diagnostic::new(&CODE, span, message)
                    .label(backend.span, "forwarded by this rule")
                    .help(
                        "write the address at which other machines reach it, or ask the platform for a guardrail on \
                         `endpoints` that has this network",
                    ),
            );
        }
    }
}

fn reached<'mesh>(facts: &Facts<'mesh>, backend: &Backend) -> Vec<(Target<'mesh>, Span)> {
    let service = facts.mesh.services.entry(backend.service);
    let endpoints = match backend.version {
        Some(version) => service.versions.get(version).map(|one| &one.endpoints),
        None => service.endpoints.as_ref(),
    };
    endpoints.map(targets).unwrap_or_default()
}

/// What kind of address of the machine itself, or next to it, something is.
fn is_local(target: &Target<'_>) -> Option<&'static str> {
    let name = match target {
        Target::Address(address) => return kind(address.to_canonical()),
        Target::Name(name) => name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase(),
    };
    // RFC 6761, section 6.3: names under `localhost` are loopback addresses.
    let is_loopback = name == "localhost" || name.ends_with(".localhost");
    is_loopback.then_some("its own machine")
}

fn kind(address: IpAddr) -> Option<&'static str> {
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    // A connection to the unspecified address ends at the machine itself.
    if address.is_loopback() || address.is_unspecified() {
        Some("its own machine")
    } else {
        is_link_local.then_some("a link-local address")
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    fn on_the_gateway(guardrail: &str, mark: &str) {
        let text = r#"
            # file: mesh.yaml
            mesh:
              name: shop
              trustDomain: shop.example
              mtls: disabled
              defaults: {timeout: {request: 15s}}
              teams: {a: {files: [a/**], hosts: [a.example]}}
              platform: {files: [p.yaml]}
              GUARDRAIL
            gateways: {g: {listeners: {w: {port: 2, protocol: http}}}}
            # file: p.yaml
            services:
              p: {team: a, protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}
            # file: a/a.yaml
            services:
              b: {protocol: http, mtls: disabled, endpoints: ["[::ffff:127.0.0.1]:1"]}  MARK
              c: {protocol: http, mtls: disabled, endpoints: ["169.254.169.254:1"]}  MARK
              d: {protocol: http, mtls: disabled, endpoints: ["[fe80::1]:1"]}  MARK
              e: {protocol: http, mtls: disabled, endpoints: ["0.0.0.0:1"]}  MARK
              f: {protocol: http, mtls: disabled, endpoints: {dns: "LOCALHOST.:1"}}  MARK
              g: {protocol: http, mtls: disabled, endpoints: ["10.0.0.1:1"], versions: {v2: {endpoints: ["[::1]:1"]}}}  MARK
              h: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}
              i: {protocol: http, mtls: disabled, endpoints: ["10.0.0.1:1"]}
            routes:
              a:
                on: g/w
                host: a.example
                rules:
                  - {path: /p, to: p}
                  - {path: /b, to: b}
                  - {path: /c, to: c}
                  - {path: /d, to: d}
                  - {path: /e, to: e}
                  - {path: /f, to: f}
                  - {path: /g, to: g@v2}
                  - {path: /i, to: i}
            "#;
        check(&text.replace("GUARDRAIL", guardrail).replace("MARK", mark));
    }

    #[test]
    fn a_gateway_forwards_to_its_own_machine_where_the_platform_says_so() {
        on_the_gateway("", "#~ error[local-endpoint]");
        let all = r#"guardrails: [{bound: endpoints, max: [0.0.0.0/0, "::/0", localhost], why: one machine}]"#;
        on_the_gateway(all, "");
    }
}
