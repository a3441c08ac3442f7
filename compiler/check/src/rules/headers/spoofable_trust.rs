//! Finds rules that let clients set headers which services trust.
//!
//! Exact for what the mesh declares: a gateway passes on what a client sends unless the rule removes or sets it.

use std::collections::BTreeSet;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Rule;
use weft_snapshot::settings::Underscores;

use crate::rules::facts::Facts;

/// A header that anybody can forge.
pub(super) static CODE: Code = Code {
    name: "spoofable-trust",
    severity: Severity::Error,
    finds: "A rule of a gateway that forwards requests without removing or setting a header of `mesh.trustedHeaders`; where the listener \
            keeps underscores, the name with `_` for `-` too.",
    why: "Services believe such a header, and any client can send it: `x-user-id: admin` arrives as it was sent.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}, trustedHeaders: [x-user-id]}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {listener: public/web, host: "*", rules: [{to: orders}]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}, trustedHeaders: [x-user-id]}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {listener: public/web, host: "*", rules: [{to: orders, requestHeaders: {remove: [x-user-id]}}]}
"#,
};

/// Reports every such rule that takes some request.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    if facts.mesh.trusted_headers.is_empty() {
        return;
    }
    for host in facts.hosts() {
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        let gateway = facts.mesh.gateways.entry(host.host.gateway);
        let listener = gateway.listeners.get(host.host.listener);
        let keeps_underscores =
            listener.is_some_and(|one| one.heads().underscores == Underscores::Keep);
        for (rule, witness) in analysis.rules.iter().zip(&analysis.witness) {
            let forwards = rule.live_backends().next().is_some();
            let Some(witness) = witness.as_ref().filter(|_| forwards) else {
                continue;
            };
            let stopped = stopped(rule);
            let trusted = facts.mesh.trusted_headers.iter();
            let forged = trusted.flat_map(|header| {
                let forms = forms(&header.value, keeps_underscores);
                forms.into_iter().map(move |name| (header, name))
            });
            for (header, name) in forged.filter(|(_, name)| !stopped.contains(name)) {
                let message = format!(
                    "clients of rule `{}` can set `{name}`, which services trust",
                    rule.id
                );
                let mut shown = witness.clone();
                shown.headers.retain(|(known, _)| *known != name);
                shown.headers.push((name.clone(), b"admin".to_vec()));
                diagnostics.push(
                    Diagnostic::new(&CODE, rule.place(), message)
                        .label(header.span, "trusted here")
                        .note(format!("for example `{shown}` arrives as it was sent"))
                        .help(format!(
                            "add `requestHeaders: {{remove: [{name}]}}`, or set it"
                        )),
                );
            }
        }
    }
}

/// A name, and the one that a server which turns `-` into `_` cannot tell from it, where a listener keeps that.
fn forms(name: &str, keeps_underscores: bool) -> Vec<String> {
    let other = name.replace('-', "_");
    let is_other = keeps_underscores && other != name;
    let mut forms = vec![name.to_owned()];
    forms.extend(is_other.then_some(other));
    forms
}

/// The headers that do not pass a rule as a client sent them, in lower case.
fn stopped(rule: &Rule) -> BTreeSet<String> {
    let Some(changes) = &rule.request_headers else {
        return BTreeSet::new();
    };
    let removed = changes.remove.iter().map(|name| &name.value);
    let set = changes.set.iter().map(|(name, _)| &name.value);
    removed
        .chain(set)
        .map(|name| name.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_trusted_header_is_removed_or_set_at_the_gateway() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}, trustedHeaders: [X-User]}
            gateways: {g: {listeners: {w: {port: 71, protocol: http}}}}
            services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
            routes:
              r:
                on: g/w
                host: "*"
                rules:
                  - {path: /a, to: s}  #~ error[spoofable-trust]
                  - {path: /b, to: s, requestHeaders: {remove: [x-user]}}
                  - {path: /c, to: s, requestHeaders: {set: {X-User: nobody}}}
                  - {path: /d, to: s, requestHeaders: {add: {x-user: nobody}}}  #~ error[spoofable-trust]
                  - {path: /e, respond: {status: 204}}
                  # The shares are wrong; nothing is forwarded to anybody who could be deceived.
                  - {path: /f, to: {s: 0%}}  #~ error[bad-share]
            "#,
        );
    }

    #[test]
    fn a_listener_that_keeps_underscores_lets_a_second_name_in() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}, trustedHeaders: [x-user]}
            gateways: {g: {listeners: {w: {port: 71, protocol: http, underscores: keep}}}}
            services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
            routes:
              r:
                on: g/w
                host: "*"
                rules:
                  - {path: /a, to: s, requestHeaders: {remove: [x-user]}}  #~ error[spoofable-trust]
                  - {path: /b, to: s, requestHeaders: {remove: [x-user, x_user]}}
            "#,
        );
    }
}
