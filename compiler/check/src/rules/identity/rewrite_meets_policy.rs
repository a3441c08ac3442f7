//! Finds rules of gateways whose rewritten paths the service refuses.
//!
//! Exact: policies see the path that arrives, so `allow` and `deny` are held against the requests that a rule takes by the
//! paths that it makes of them, unions included. A rewrite to the same path is none.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_space::path::written;

use super::call_not_allowed::{how, refused};
use crate::assertions::reach::forwarded_path;
use crate::rules::facts::Facts;

/// A rewrite to what is refused.
pub(super) static CODE: Code = Code {
    name: "rewrite-meets-policy",
    severity: Severity::Error,
    finds: "A rule that rewrites paths to such that the `allow` of the service does not admit, or its `deny` refuses.",
    why: "A policy is about the path that arrives, not about the one that the client asked for.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services:
  orders:
    protocol: http
    app: 127.0.0.1:8081
    endpoints: ["10.0.1.5:15443"]
    allow: [{from: [gateway/public], path: /v1/**}]
routes:
  orders: {listener: public/web, host: "*", rules: [{path: /v1/**, rewrite: {path: /internal/**}, to: orders}]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services:
  orders:
    protocol: http
    app: 127.0.0.1:8081
    endpoints: ["10.0.1.5:15443"]
    allow: [{from: [gateway/public], path: /internal/**}]
routes:
  orders: {listener: public/web, host: "*", rules: [{path: /v1/**, rewrite: {path: /internal/**}, to: orders}]}
"#,
};

/// Reports every such rule, with the paths that arrive.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for refused in refused(facts, |rule| rule.new_path().is_some()) {
        let rule = refused.rule;
        let message = format!(
            "service `{}` does not allow {}`{}`, which rule `{}` makes of `{}`",
            refused.service.name.value,
            how(&refused.admitted),
            written(&forwarded_path(rule)),
            rule.id,
            written(&rule.matched.path.value),
        );
        let finding = Diagnostic::new(&CODE, refused.backend, message);
        let rewrite = rule.rewrite.as_ref().map(|rewrite| rewrite.span);
        let finding = match rewrite {
            Some(span) => finding.label(span, "rewritten here"),
            None => finding,
        };
        diagnostics.push(refused.explain(mesh, finding));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn policies_see_the_path_that_arrives() {
        check(
            r#"
            services:
              a:
                protocol: http
                app: 127.0.0.1:8081
                endpoints: ["10.0.0.1:15443"]
                allow: [{from: [gateway/public], path: /x/**}]
                deny: [{path: /x/admin/**}]
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /old/**, rewrite: {path: /x/old/**}, to: a}
                  - {path: /v/**, rewrite: {path: /x/**}, to: a}  #~ warning[rewrite-meets-policy]
                  - {path: /x/a, rewrite: {path: /y/a}, to: a}  #~ error[rewrite-meets-policy]
                  - {path: /x/b, rewrite: {path: /x/admin/b}, to: a}  #~ error[rewrite-meets-policy]
                  - {path: /x/admin/c, rewrite: {path: /x/c}, to: a}
                  - {path: /y/d, rewrite: {host: other.example}, to: a}  #~ error[call-not-allowed]
            "#,
        );
    }

    #[test]
    fn an_expression_behind_a_rewrite_is_asked_about_what_arrives() {
        check(
            r#"
            services:
              a:
                protocol: http
                app: 127.0.0.1:8081
                endpoints: ["10.0.0.1:15443"]
                allow: [{from: [gateway/public]}]
                deny: [{path: {regex: "/a.*"}}]
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  # Others take some of what it may make, and `/a/b` is left.
                  - {path: "/{x}/b", methods: [PUT], rewrite: {path: "/{x}"}, to: a}  #~ warning[rewrite-meets-policy]
                  - {path: "/a/{x}", query: {q: "1"}, priority: 1, respond: {status: 404}}
                  - {path: "/b/{x}/**", priority: 1, rewrite: {path: "/b/{x}/**"}, to: a}
            "#,
        );
    }
}
