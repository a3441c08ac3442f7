//! Finds restricted services that clients of gateways reach.
//!
//! Exact for direct ways: a rule that takes requests and leads to the service, which admits one of them. Chains count each
//! call as possible for itself, so they are warnings. The same is asked of any service by `assert: [{never: …}]`.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Sensitivity;
use weft_front::model::assertion::Source;

use crate::assertions::{Verdict, chain, reach};
use crate::rules::facts::Facts;

/// A way from outside to what is inside.
pub(super) static CODE: Code = Code {
    name: "internet-reach",
    severity: Severity::Error,
    finds: "A service with `sensitivity: restricted` that clients of a gateway reach: directly, or, as a warning, by a chain of \
            declared and allowed calls.",
    why: "Whoever can send it a request can try out all of its mistakes.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8443, protocol: https, tls: {certificate: web}}}}}
certificates: {web: {chain: /etc/weft/web.pem, key: /etc/weft/web.key}}
services:
  ledger: {protocol: http, app: 127.0.0.1:8081, endpoints: ["10.0.1.5:15443"], sensitivity: restricted, allow: [{from: [gateway/public]}]}
routes:
  ledger: {listener: public/web, host: ledger.shop.example, rules: [{to: ledger}]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8443, protocol: https, tls: {certificate: web}}}}}
certificates: {web: {chain: /etc/weft/web.pem, key: /etc/weft/web.key}}
services:
  batch: {protocol: http, app: 127.0.0.1:8080, calls: {ledger: {}}}
  ledger: {protocol: http, app: 127.0.0.1:8081, endpoints: ["10.0.1.5:15443"], sensitivity: restricted, allow: [{from: [service/batch]}]}
"#,
};

/// Reports every such service.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for (id, service) in mesh.services.iter() {
        let said = service.sensitivity;
        let Some(said) = said.filter(|said| said.value == Sensitivity::Restricted) else {
            continue;
        };
        let direct = reach::from_internet(facts, id, None);
        let (counterexample, is_direct) = match direct {
            Verdict::Refuted(counterexample) => (counterexample, true),
            Verdict::Proved | Verdict::Vacuous(_) | Verdict::Unknown(_) => {
                match chain::no_chain(facts, Source::Internet, id, None) {
                    Verdict::Refuted(counterexample) => (counterexample, false),
                    Verdict::Proved | Verdict::Vacuous(_) | Verdict::Unknown(_) => continue,
                }
            }
        };
        let name = &service.name.value;
        let way = if is_direct {
            "directly"
        } else {
            "through other services"
        };
        let message = format!("clients reach the restricted service `{name}` {way}");
        let finding = Diagnostic::new(&CODE, counterexample.place, message)
            .saying(counterexample.text)
            .label(said.span, "restricted here");
        let finding = match counterexample.shown {
            Some(shown) => finding.note(format!("shown by: {shown}")),
            None => finding,
        };
        let finding =
            finding.help("take away the rule or the permission, or say less of the service");
        diagnostics.push(if is_direct {
            finding
        } else {
            finding.as_warning()
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn restricted_services_are_reached_from_inside_alone() {
        check(
            r#"
            gateways: {g: {listeners: {t: {port: 443, protocol: https, tls: {certificate: c}}}}}
            certificates: {c: {chain: /c.pem, key: /c.key}}
            services:
              a: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], sensitivity: restricted, allow: [{from: [gateway/g]}]}
              web:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                calls:
                  b: {}  #~ warning[internet-reach]
                allow: [{from: [gateway/g]}]
              b: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], sensitivity: restricted, allow: [{from: [service/web]}]}
              batch: {protocol: http, app: "127.0.0.1:1", calls: {c: {}}}
              c: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], sensitivity: restricted, allow: [{from: [service/batch]}]}
            routes:
              r: {on: g/t, host: a.example, rules: [{path: /a, to: a}, {path: /w, to: web}]}  #~ error[internet-reach]
            "#,
        );
    }
}
