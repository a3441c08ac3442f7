//! Assertions that a bound keeps from being proved or refuted.

use weft_front::diagnostic::{Code, Diagnostic, Severity};
use weft_front::model::assertion::{Assertion, Form};

/// An assertion that nobody can vouch for.
pub static CODE: Code = Code {
    name: "assertion-unknown",
    severity: Severity::Warning,
    finds: "An entry of `assert` about which nothing is known, because a host of its region is beyond the bounds of the \
            analysis, or because a rewrite stands before a regular expression of a permission. Under `never` and `only` it is an error.",
    why: "It may hold or not. The bounds count steps, so that every machine gives the same answer.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services:
  orders:
    protocol: http
    app: 127.0.0.1:1
    endpoints: ["127.0.0.1:8081"]
    allow: [{from: [gateway/public], path: {regex: "/v1/[0-9]+/y"}}, {from: [gateway/public], path: {regex: "/v1/[0-9]*[^/0-9][^/]*/y"}}]
routes:
  orders:
    listener: public/web
    host: "*"
    rules: [{path: {regex: "/v1/[0-9]+/x"}, respond: {status: 410}}, {path: "/v1/{id}/x", rewrite: {path: "/v1/{id}/y"}, to: orders}]
assert:
  - name: clients reach no order
    never: {from: internet, to: orders, operation: GET /v1/7/y}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services:
  orders:
    protocol: http
    app: 127.0.0.1:1
    endpoints: ["127.0.0.1:8081"]
    allow: [{from: [gateway/public], path: {regex: "/v1/[0-9]+/y"}}, {from: [gateway/public], path: {regex: "/v1/[0-9]*[^/0-9][^/]*/y"}}]
routes:
  orders:
    listener: public/web
    host: "*"
    rules: [{path: {regex: "/v1/[0-9]+/x"}, respond: {status: 410}}, {path: "/v1/{id}/x", rewrite: {path: "/v1/{id}/y"}, to: orders}]
assert:
  - name: clients reach no order
    never: {from: internet, to: orders, operation: GET /v2/7/y}
"#,
};

/// What is said of an assertion that nobody can judge.
pub fn report(assertion: &Assertion, why: &str) -> Diagnostic {
    let message = format!("nobody knows whether `{}` holds", assertion.name);
    let mut finding = Diagnostic::new(&CODE, assertion.place, message);
    // Whoever forbids a call does not want to hear that it may be possible.
    if matches!(assertion.form, Form::Never { .. } | Form::Only { .. }) {
        finding.severity = Severity::Error;
    }
    finding
        .note(why)
        .help("make its region smaller, or what is named simpler")
}
