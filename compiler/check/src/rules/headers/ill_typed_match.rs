//! Finds rules that match headers the mesh does not route by, or values that these do not have.
//!
//! Exact, for meshes that declare `routingKeys`.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity, nearest};
use weft_front::model::{Mesh, Rule};
use weft_snapshot::plan::ValueTest;
use weft_space::languages::Languages;
use weft_spec::Spanned;

use crate::rules::facts::Facts;

/// A match that no request was meant for.
pub(super) static CODE: Code = Code {
    name: "ill-typed-match",
    severity: Severity::Error,
    finds: "In a mesh with `routingKeys`: a condition on a header that is not one of them, or on a value that the key does not have.",
    why: "The key is how the platform keeps business data out of routing; a value beside its list is a typo that matches nobody.",
    bad: r#"weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  defaults: {timeout: {request: 15s}}
  routingKeys: {x-tier: [free, gold]}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {listener: public/web, host: "*", rules: [{headers: {x-tier: platinum}, to: orders}]}
"#,
    good: r#"weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  defaults: {timeout: {request: 15s}}
  routingKeys: {x-tier: [free, gold]}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {orders: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
routes:
  orders: {listener: public/web, host: "*", rules: [{headers: {x-tier: gold}, to: orders}]}
"#,
};

/// Reports every such condition.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    if mesh.routing_keys.is_empty() {
        return;
    }
    let mut languages = Languages::sharing(&mesh.automata);
    for rule in mesh.routes.values().flat_map(|route| &route.rules) {
        of_rule(mesh, rule, &mut languages, diagnostics);
    }
}

fn of_rule(mesh: &Mesh, rule: &Rule, languages: &mut Languages, diagnostics: &mut Diagnostics) {
    for condition in &rule.matched.headers {
        let name = &condition.value.name;
        let mut keys = mesh.routing_keys.iter();
        let Some((key, values)) = keys.find(|(key, _)| key.value == *name) else {
            let message = format!("`{name}` is no routing key of the mesh");
            let keys: Vec<&str> = mesh
                .routing_keys
                .iter()
                .map(|(key, _)| key.value.as_str())
                .collect();
            diagnostics.push(
                Diagnostic::new(&CODE, condition.span, message)
                    .label(mesh.name.span, "the mesh routes by its `routingKeys` alone")
                    .help(format!(
                        "match one of `{}`, or let the platform declare it",
                        keys.join("`, `")
                    )),
            );
            continue;
        };
        let has = |languages: &mut Languages, value: &Spanned<String>| match &condition.value.test {
            ValueTest::Exact { text } => *text == value.value,
            ValueTest::Regex { regex } => languages.matches(regex, value.value.as_bytes()),
            ValueTest::Present | ValueTest::Absent => true,
        };
        if values.is_empty() || values.iter().any(|value| has(languages, value)) {
            continue;
        }
        let list: Vec<&str> = values.iter().map(|value| value.value.as_str()).collect();
        let written = match &condition.value.test {
            ValueTest::Exact { text } => text.as_str(),
            ValueTest::Regex { regex } => regex.as_str(),
            ValueTest::Present | ValueTest::Absent => "",
        };
        let message = format!("`{name}` is never `{}`", weft_space::path::shown(written));
        let near = nearest(written, list.iter().copied());
        let help = match near {
            Some(near) => format!("write `{near}`"),
            None => format!("match one of `{}`", list.join("`, `")),
        };
        diagnostics.push(
            Diagnostic::new(&CODE, condition.span, message)
                .label(key.span, "its values are declared here")
                .help(help),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn rules_match_what_is_declared() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}, routingKeys: {X-Tier: [free, gold], x-any: []}}
            gateways: {g: {listeners: {w: {port: 71, protocol: http}}}}
            services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
            routes:
              r:
                on: g/w
                host: "*"
                rules:
                  - {path: /a, headers: {x-tier: gold}, to: s}
                  - {path: /b, headers: {x-tier: glod}, to: s}  #~ error[ill-typed-match]
                  - {path: /c, headers: {x-tier: {regex: "f.*"}}, to: s}
                  - {path: /d, headers: {x-tier: {regex: "p.*"}}, to: s}  #~ error[ill-typed-match]
                  - {path: /e, headers: {x-tier: {present: true}}, to: s}
                  - {path: /f, headers: {x-any: anything}, to: s}
                  - {path: /g, headers: {x-customer: "4711"}, to: s}  #~ error[ill-typed-match]
            "#,
        );
    }
}
