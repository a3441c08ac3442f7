//! Finds hosts whose rules know too much about the data of a service.
//!
//! A measure, not a proof: many values of one header in the rules of one host are a list of customers, tenants or
//! articles, and many headers are business logic. "Smart endpoints and dumb pipes" (Lewis and Fowler,
//! "Microservices", 2014).

use std::collections::{BTreeMap, BTreeSet};

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_snapshot::plan::ValueTest;
use weft_spec::Span;

use crate::rules::facts::Facts;

/// Logic where none belongs.
pub(super) static CODE: Code = Code {
    name: "smart-pipe",
    severity: Severity::Warning,
    finds: "A host whose rules ask for more than 16 values of one header or parameter, or for more than 8 different ones.",
    why: "The mesh would have to be changed with every customer; such a choice belongs into a service.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders:
    listener: public/web
    host: shop.example
    rules:
      - {to: orders}
      - {path: /o/**, headers: {x-a: {present: true}, x-b: {present: true}, x-c: {present: true}}, to: orders, timeout: {request: 1s}}
      - {path: /p/**, headers: {x-d: {present: true}, x-e: {present: true}, x-f: {present: true}}, to: orders, timeout: {request: 2s}}
      - {path: /q/**, headers: {x-g: {present: true}, x-h: {present: true}, x-i: {present: true}}, to: orders, timeout: {request: 3s}}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders:
    listener: public/web
    host: shop.example
    rules:
      - {to: orders}
      - {path: /o/**, headers: {x-a: {present: true}}, to: orders, timeout: {request: 1s}}
"#,
};

/// The most names that the rules of one host may look at.
const NAMES: usize = 8;
/// The most values of one name that they may ask for.
const VALUES: usize = 16;

/// Reports every such host, at the condition that is one too many.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for host in facts.mesh.hosts() {
        let mut asked: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        let mut told = BTreeSet::new();
        for rule in &host.rules {
            let headers = rule.matched.headers.iter().map(|one| ("header", one));
            let query = rule.matched.query.iter().map(|one| ("parameter", one));
            for (kind, condition) in headers.chain(query) {
                let name = condition.value.name.as_str();
                let values = asked.entry((kind, name)).or_default();
                if let ValueTest::Exact { text } = &condition.value.test {
                    values.insert(text);
                }
                let message = if VALUES < values.len() {
                    format!(
                        "the rules of host `{}` ask for more than {VALUES} values of {kind} `{name}`",
                        host.host
                    )
                } else if NAMES < asked.len() {
                    format!(
                        "the rules of host `{}` look at more than {NAMES} headers and parameters",
                        host.host
                    )
                } else {
                    continue;
                };
                if told.insert(message.clone()) {
                    diagnostics.push(found(condition.span, message));
                }
            }
        }
    }
}

fn found(place: Span, message: String) -> Diagnostic {
    Diagnostic::new(&CODE, place, message)
        .saying("one too many")
        .help("let a service decide by this, and route to that service")
}

#[cfg(test)]
mod tests {
    use crate::testing::findings;

    #[test]
    fn a_list_of_customers_is_found_once() {
        let spec = |count: usize| {
            let rules = (0..count).map(|at| {
                format!("      - {{path: /x, headers: {{x-customer: \"{at}\"}}, to: s, timeout: {{request: {}ms}}}}\n", 100 + at)
            });
            let rules: Vec<String> = rules.collect();
            format!(
                "routes:\n  r:\n    on: public/web\n    host: a.example\n    rules:\n{}",
                rules.concat()
            )
        };
        let count = |count: usize| {
            let found = findings(&spec(count));
            found
                .iter()
                .filter(|one| one.code.name == "smart-pipe")
                .count()
        };
        assert_eq!((count(16), count(17), count(40)), (0, 1, 1));
    }
}
