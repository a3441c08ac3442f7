//! Finds requests that clients send without encryption.
//!
//! Exact: a rule of a listener without TLS that takes some request and does not lead to HTTPS. An error for services whose
//! `sensitivity` asks for encryption, else a remark: something in front may encrypt.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{ListenerProtocol, Mesh, Rule, Service};
use weft_spec::Span;

use crate::rules::facts::Facts;

/// A request that anybody on the way can read.
pub(super) static CODE: Code = Code {
    name: "plaintext-exposure",
    severity: Severity::Info,
    finds: "A rule of a listener without TLS that takes requests instead of redirecting them to HTTPS; an error if it forwards to a \
            service with `sensitivity: internal` or more.",
    why: "Whoever is on the way reads and changes requests and answers.",
    bad: spec!(
        r#"  pay: {protocol: http, app: "127.0.0.1:1", endpoints: ["127.0.0.1:2"], sensitivity: internal, allow: [{from: [gateway/public]}]}
routes:
  pay: {listener: public/web, host: shop.example, rules: [{to: pay}]}
"#
    ),
    good: spec!(
        r#"  pay: {protocol: http, app: "127.0.0.1:1", endpoints: ["127.0.0.1:2"], sensitivity: internal}
routes:
  pay: {listener: public/web, host: shop.example, rules: [{redirect: {scheme: https}}]}
"#
    ),
};

/// Reports every such rule; one remark for each listener.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mut told = None;
    for host in facts.hosts() {
        let gateway = facts.mesh.gateways.entry(host.host.gateway);
        let listener = gateway.listeners.get(host.host.listener);
        let Some(listener) = listener.filter(|one| one.protocol.value == ListenerProtocol::Http)
        else {
            continue;
        };
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        for (rule, witness) in analysis.rules.iter().zip(&analysis.witness) {
            let Some(witness) = witness.as_ref().filter(|_| !rule.leads_to_https()) else {
                continue;
            };
            let finding = || {
                let message = format!("rule `{}` takes requests without encryption", rule.id);
                Diagnostic::new(&CODE, rule.place(), message)
                    .label(listener.protocol.span, "nothing is encrypted here")
                    .note(format!("for example `{witness}`"))
                    .help("serve it by `https`, and redirect here with `redirect: {scheme: https}`")
            };
            if let Some((service, span)) = sensitive(facts.mesh, rule) {
                let name = &service.name.value;
                let mut finding = finding().label(span, format!("what `{name}` asks for"));
                finding.severity = Severity::Error;
                diagnostics.push(finding);
            } else if told.replace(listener.port.span) != Some(listener.port.span) {
                diagnostics.push(finding());
            }
        }
    }
}

/// A service behind a rule that asks for encryption, and where it does.
fn sensitive<'mesh>(mesh: &'mesh Mesh, rule: &Rule) -> Option<(&'mesh Service, Span)> {
    let services = rule
        .live_backends()
        .map(|one| mesh.services.entry(one.service));
    let mut asking = services.filter_map(|one| Some((one, one.asks_for_encryption()?)));
    asking.next()
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn sensitive_services_are_reached_encrypted() {
        check(
            r#"
            gateways:
              g:
                listeners:
                  t: {port: 443, protocol: https, tls: {certificate: c}}
                  w: {port: 80, protocol: http}  # info[plaintext-exposure] is looked at
            certificates: {c: {chain: /c.pem, key: /c.key}}
            services:
              p: {protocol: http, app: "127.0.0.1:1", endpoints: ["127.0.0.1:2"], sensitivity: confidential, allow: [{from: [gateway/g]}]}
              q: {protocol: http, app: "127.0.0.1:1", endpoints: ["127.0.0.1:2"], sensitivity: public, allow: [{from: [gateway/g]}]}
            routes:
              a: {on: g/t, host: a.example, rules: [{to: p}]}
              b: {on: g/w, host: a.example, rules: [{path: /x, to: p}, {redirect: {scheme: https}}]}  #~ error[plaintext-exposure]
              c: {on: g/w, host: c.example, rules: [{to: q}]}  #~ info[plaintext-exposure]
              d: {on: g/w, host: d.example, rules: [{to: q}]}
              # Nothing goes to the one that asks for encryption.
              e: {on: g/w, host: e.example, rules: [{to: {q: 100%, p: 0%}}]}
              f: {on: g/w, host: f.example, rules: [{to: {q: 99%, p: 1%}}]}  #~ error[plaintext-exposure]
            "#,
        );
    }
}
