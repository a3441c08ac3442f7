//! Judges every assertion, and reports those that do not hold.
//!
//! Exact: an assertion about requests is refuted by a request that can be sent, one about calls by a call that is
//! allowed. Chains of calls count each step as possible for itself.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::assertion::{Assertion, Form};

use super::{assertion_unknown, vacuous_assertion};
use crate::assertions::{Verdict, judge};
use crate::rules::facts::Facts;

/// An assertion that does not hold.
pub static CODE: Code = Code {
    name: "assertion-refuted",
    severity: Severity::Error,
    finds: "An entry of `assert` that does not hold, with a request or a chain of calls that shows it.",
    why: "Somebody relies on it. Assertions are checked against what the mesh does, so no other spelling gets around them.",
    bad: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: /reports/**, to: orders, timeout: {request: 60s}}, {to: orders}]}
assert:
  - name: nobody waits longer than 20 s
    bound: {timeout: 20s}
"#
    ),
    good: spec!(
        r#"routes:
  orders: {listener: public/web, host: "*", rules: [{path: /reports/**, to: orders, timeout: {request: 20s}}, {to: orders}]}
assert:
  - name: nobody waits longer than 20 s
    bound: {timeout: 20s}
"#
    ),
};

/// Reports every assertion that is not proved, but those about snapshots: `weft_tell::same` asks them.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for assertion in &facts.mesh.assertions {
        match assertion.form {
            Form::Same { .. } => {}
            Form::Never { .. }
            | Form::Only { .. }
            | Form::Always { .. }
            | Form::Bound { .. }
            | Form::Exists { .. }
            | Form::Total { .. }
            | Form::NoChange { .. } => {
                diagnostics.extend(report(assertion, judge(facts, assertion)));
            }
        }
    }
}

/// What is said of an assertion; nothing of one that is proved.
pub fn report(assertion: &Assertion, verdict: Verdict) -> Option<Diagnostic> {
    let counterexample = match verdict {
        Verdict::Proved => return None,
        Verdict::Vacuous(why) => return Some(vacuous_assertion::report(assertion, &why)),
        Verdict::Unknown(why) => return Some(assertion_unknown::report(assertion, &why)),
        Verdict::Refuted(counterexample) => counterexample,
    };
    let message = format!(
        "`{}` does not hold: {}",
        assertion.name, counterexample.text
    );
    let finding = Diagnostic::new(&CODE, assertion.place, message)
        .label(counterexample.place, "this makes it so");
    Some(match counterexample.shown {
        Some(shown) => finding.note(format!("shown by: {shown}")),
        None => finding,
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn assertions_about_requests_are_proved_or_refuted() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
            gateways: {g: {listeners: {w: {port: 80, protocol: http}}}}
            services:
              a: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}
              b: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], allow: [{from: [gateway/g]}]}
            routes:
              r:
                on: g/w
                host: "*.shop.example"
                rules:
                  - {path: /a/**, to: a, timeout: {request: 3s}}
                  - {path: /a/slow, to: a}
                  - {path: /b/**, to: b, retry: {attempts: 3}}
              s: {on: g/w, host: w.shop.example, rules: [{redirect: {scheme: https}}]}
            assert:
              - {name: t1, bound: {for: {path: /a/**}, timeout: 3s}}  #~ error[assertion-refuted]
              - {name: t2, bound: {for: {path: /a/**, except: [{path: /a/slow}]}, timeout: 3s}}
              - {name: t3, bound: {for: {path: /a/**}, timeout: 15s}}
              - {name: t4, bound: {attempts: 2}}  #~ error[assertion-refuted]
              - {name: t5, bound: {for: {path: /a/**}, attempts: 2}}
              - {name: t6, always: {for: {path: /b/**}, mtls: strict}}
              - {name: t7, always: {for: {}, mtls: strict}}  #~ error[assertion-refuted]
              - {name: t8, always: {for: {host: w.shop.example}, https: true}}
              - {name: t9, always: {for: {host: v.shop.example}, https: true}}  #~ error[assertion-refuted]
              - {name: u1, always: {for: {host: "*", path: /a/**}, to: [a]}}
              - {name: u2, always: {for: {host: "*", path: /b/1}, to: [a]}}  #~ error[assertion-refuted]
              - {name: u3, exists: {for: {path: /b/x}, to: b}}
              - {name: u4, exists: {for: {path: /c/x}, to: b}}  #~ error[assertion-refuted]
              - {name: u5, exists: {for: {host: w.shop.example}, to: b}}  #~ error[assertion-refuted]
              - {name: v1, total: {host: v.shop.example, path: /a/**}}
              - {name: v2, total: {host: v.shop.example}}  #~ error[assertion-refuted]
              - {name: v3, total: {host: w.shop.example}}
              - {name: v4, total: {host: "*.shop.example", path: /b/**}}
              - {name: v5, total: {host: other.example}}  #~ error[assertion-refuted]
              - {name: w1, always: {for: {host: v.shop.exmaple}, https: true}}  #~ warning[vacuous-assertion]
              - {name: w2, bound: {for: {host: v.shop.example, path: /c}, timeout: 1s}}  #~ warning[vacuous-assertion]
              - {name: x1, bound: {for: {path: /a/x, except: [{methods: [GET]}]}, timeout: 2s}}  #~ error[assertion-refuted]
              - {name: x2, bound: {for: {path: /a/x, methods: [GET], except: [{methods: [GET]}]}, timeout: 2s}}  #~ warning[vacuous-assertion]
              - {bound: {}}  #~ error[unclear-assertion]
              - {name: y, bound: {timeout: 1m}, total: {}}  #~ error[unclear-assertion]
              - {name: z, bound: {for: {listener: g/x}, timeout: 1m}}  #~ error[unknown-reference]
            "#,
        );
    }

    #[test]
    fn what_is_denied_is_not_admitted() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
            gateways:
              g: {listeners: {w: {port: 80, protocol: http}}}
              h: {listeners: {w: {port: 81, protocol: http}}}
            services:
              web: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], calls: {a: {operations: [GET /p/web]}}, allow: [{from: [gateway/h]}]}
              a:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                allow: [{from: [gateway/g, service/web], path: /p/**}]
                deny: [{from: [gateway/g], path: /p/a/**}, {methods: [POST]}]
              b:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                allow: [{from: [gateway/g, gateway/h], path: /b/**}]
                deny: [{from: [gateway/g], path: /b/**}]
            routes:
              r:
                on: g/w
                host: "*"
                rules:
                  - {path: /p/a, to: a}  #~ error[call-not-allowed], warning[no-effect-route]
                  - {path: /p/**, to: a}  #~ warning[call-not-allowed]
                  - {path: /b/**, to: b}  #~ error[call-not-allowed]
              s: {on: h/w, host: "*", rules: [{path: /w, to: web}]}
            assert:
              - {name: a1, never: {from: service/web, to: a, operation: POST /p/x}}
              - {name: a2, never: {from: service/web, to: a, operation: GET /p/a/x}}  #~ error[assertion-refuted]
              - {name: a3, never: {from: gateway/g, to: a, operation: GET /p/a/x}}
              - {name: a4, never: {from: gateway/g, to: a, operation: GET /p/**}}  #~ error[assertion-refuted]
              - {name: b1, only: {to: a, callers: [service/web], operation: GET /p/a/**}}
              - {name: b2, only: {to: a, callers: [service/web], operation: GET /p/**}}  #~ error[assertion-refuted]
              - {name: b3, only: {to: a, callers: [service/web], operation: POST /p/**}}  #~ warning[vacuous-assertion]
              - {name: c1, never: {from: internet, to: a}}  #~ error[assertion-refuted]
              - {name: c2, never: {from: internet, to: a, operation: POST /p/b}}
              - {name: c3, never: {from: internet, to: a, operation: GET /p/a/**}}
              - {name: c4, never: {from: internet, to: b}}
              - {name: d1, never: {from: internet, to: a, operation: POST /p/web, via: any}}
            "#,
        );
    }

    #[test]
    fn the_listener_that_names_a_host_best_gets_it() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
            gateways: {g: {listeners: {all: {port: 80, protocol: http}, b: {port: 80, protocol: http, hosts: [b.example, "*.b.example"]}}}}
            services: {a: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
            routes:
              all: {on: g/all, host: "*", rules: [{to: a, timeout: {request: 9s}}]}
              b: {on: g/b, host: b.example, rules: [{path: /b, to: a, timeout: {request: 1s}}]}
            assert:
              - {name: a1, bound: {for: {host: b.example}, timeout: 2s}}
              - {name: a2, bound: {for: {host: c.example}, timeout: 2s}}  #~ error[assertion-refuted]
              - {name: a3, total: {host: c.example}}
              - {name: a4, total: {host: b.example}}  #~ error[assertion-refuted]
              - {name: a5, total: {host: "*.b.example"}}  #~ error[assertion-refuted]
              - {name: a6, total: {host: b.example, listener: g/all}}  #~ warning[vacuous-assertion]
            "#,
        );
    }

    #[test]
    fn paths_with_an_escaped_slash_count_where_they_can_arrive() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
            gateways: {g: {listeners: {w: {port: 80, protocol: http, escapedSlashes: keep}, v: {port: 81, protocol: http}}}}
            services:
              a: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], allow: [{from: [gateway/g], path: {regex: "/x(%2F|/)y"}}], deny: [{path: /x/y}]}
              b: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], allow: [{from: [gateway/g], path: {regex: "/x(%2F|/)y"}}], deny: [{path: /x/y}]}  #~ warning[dead-allow]
            routes:
              r: {on: g/w, host: "*", rules: [{path: /**, to: a}]}  #~ warning[call-not-allowed]
              s: {on: g/v, host: "*", rules: [{path: /**, to: b}]}  #~ error[call-not-allowed]
            assert:
              - {name: a1, never: {from: gateway/g, to: a}}  #~ error[assertion-refuted]
              - {name: b1, never: {from: gateway/g, to: b}}
            "#,
        );
    }

    #[test]
    fn a_permission_is_that_of_one_gateway() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
            gateways:
              g: {listeners: {w: {port: 80, protocol: http}}}
              h: {listeners: {w: {port: 81, protocol: http}}}
            services:
              a:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                allow: [{from: [gateway/g], methods: [GET]}, {from: [gateway/h], methods: [POST]}]
            routes:
              r: {on: g/w, host: "*", rules: [{methods: [GET], to: a}]}
              s: {on: h/w, host: "*", rules: [{path: /s, methods: [POST], to: a}]}
            assert:
              - {name: a1, never: {from: internet, to: a, operation: POST /r}}
              - {name: a2, never: {from: internet, to: a, operation: POST /s}}  #~ error[assertion-refuted]
              - {name: a3, never: {from: internet, to: a, operation: GET /s}}  #~ error[assertion-refuted]
              - {name: a4, never: {from: internet, to: a, operation: PUT /s}}
            "#,
        );
    }

    #[test]
    fn what_another_rule_takes_leads_nowhere() {
        check(
            r#"
            services:
              a: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], allow: [{from: [gateway/public], path: /a/b}]}
              b: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], allow: [{from: [gateway/public], path: /a/c}]}
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  # What `a` would admit is taken by the other.
                  - {path: /a/**, to: {a: 50%, b: 50%}}  #~ error[call-not-allowed], warning[call-not-allowed]
                  - {path: /a/b, respond: {status: 410}}
            assert:
              - {name: a1, never: {from: internet, to: a}}
              - {name: a2, never: {from: internet, to: b}}  #~ error[assertion-refuted]
            "#,
        );
    }

    #[test]
    fn assertions_about_calls_are_proved_or_refuted() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
            gateways: {g: {listeners: {w: {port: 80, protocol: http}}}}
            services:
              web:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                calls: {orders: {operations: [GET /o/**]}}
                allow: [{from: [gateway/g]}]
              orders:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                calls: {ledger: {operations: [POST /entries]}}
                allow: [{from: [service/web], path: /o/**}, {from: [gateway/g], methods: [GET], path: /public/**}]
              ledger:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                allow: [{from: [service/orders], methods: [POST], path: /entries}, {from: [service/batch], methods: [GET]}]
              batch: {protocol: http, app: "127.0.0.1:1", calls: {ledger: {operations: [GET /x]}}}
              open: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}
            routes:
              r:
                on: g/w
                host: "*"
                rules:
                  - {path: /w/**, to: web}
                  - {path: /public/**, to: orders, methods: [GET]}
                  - {path: /old/**, rewrite: {path: /public/**}, methods: [GET], to: orders}
                  - {path: /open, to: open}
            assert:
              - {name: a1, never: {from: internet, to: ledger}}
              - {name: a2, never: {from: internet, to: ledger, via: any}}  #~ error[assertion-refuted]
              - {name: a3, never: {from: internet, to: orders}}  #~ error[assertion-refuted]
              - {name: a4, never: {from: internet, to: orders, operation: POST /public/x}}
              - {name: a5, never: {from: internet, to: ledger, operation: GET /x, via: any}}
              - {name: a6, never: {from: service/web, to: ledger}}
              - {name: a7, never: {from: web, to: ledger, via: any}}  #~ error[assertion-refuted]
              - {name: a8, never: {from: batch, to: ledger, operation: POST /entries}}
              - {name: a9, never: {from: batch, to: ledger, operation: GET /entries}}  #~ error[assertion-refuted]
              - {name: b1, only: {to: ledger, callers: [orders, batch]}}
              - {name: b2, only: {to: ledger, callers: [orders]}}  #~ error[assertion-refuted]
              - {name: b3, only: {to: ledger, callers: [orders], operation: POST /entries}}
              - {name: b4, only: {to: ledger, callers: [orders], operation: DELETE /entries}}  #~ warning[vacuous-assertion]
              - {name: b5, only: {to: open, callers: [gateway/g]}}  #~ error[assertion-refuted]
              - {name: b6, never: {from: batch, to: open}}  #~ error[assertion-refuted]
              - {name: c1, bound: {to: ledger, amplification: 1}}
              - {name: c2, never: {from: internt, to: ledger}}  #~ error[unknown-reference]
            "#,
        );
    }
}
