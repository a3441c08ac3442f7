//! Finds services that cannot keep their promise, because their calls may take longer.
//!
//! With `plan`, exact for the limits that are declared: steps one after the other, the calls of a step together.
//! Without it the longest single call counts, which is the least that is certain.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::ServiceId;
use weft_front::words;
use weft_spec::Spanned;
use weft_spec::units::Duration;

use crate::graph::{CallGraph, Needs, needs};
use crate::rules::facts::Facts;

/// A promise that its calls can break.
pub(super) static CODE: Code = Code {
    name: "deadline-budget",
    severity: Severity::Warning,
    finds: "A service whose `slo` is shorter than its calls may take: along its `plan` if it has one, else its longest call.",
    why: "The service promises a time that its own timeouts let it miss; the limits of the calls are where the time is given away.",
    bad: "\
weft: v1
mesh: {name: shop, trustDomain: shop.example, mtls: disabled, defaults: {timeout: {request: 15s}}}
services:
  checkout:
    protocol: http
    app: 127.0.0.1:8080
    slo: 800ms
    calls: {pricing: {timeout: {request: 900ms}}, ledger: {timeout: {request: 400ms}}}
    plan: [pricing, ledger]
  pricing: {protocol: http, endpoints: [\"127.0.0.1:8081\"]}
  ledger: {protocol: http, endpoints: [\"127.0.0.1:8082\"]}
",
    good: "\
weft: v1
mesh: {name: shop, trustDomain: shop.example, mtls: disabled, defaults: {timeout: {request: 15s}}}
services:
  checkout:
    protocol: http
    app: 127.0.0.1:8080
    slo: 800ms
    calls: {pricing: {timeout: {request: 500ms}}, ledger: {timeout: {request: 300ms}}}
    plan: [pricing, ledger]
  pricing: {protocol: http, endpoints: [\"127.0.0.1:8081\"]}
  ledger: {protocol: http, endpoints: [\"127.0.0.1:8082\"]}
",
};

/// Reports every such service.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let graph = facts.graph();
    for (id, service) in graph.mesh.services.iter() {
        let Some(slo) = service.slo.filter(|slo| !slo.value.is_zero()) else {
            continue;
        };
        let Some(needs) = needs(graph, id) else {
            continue;
        };
        let promised = u64::from(slo.value.millis());
        if needs.millis.is_none_or(|needs| promised < needs) {
            diagnostics.push(report(graph, id, slo, &needs));
        }
    }
}

fn report(
    graph: &CallGraph<'_>,
    id: ServiceId,
    slo: Spanned<Duration>,
    needs: &Needs,
) -> Diagnostic {
    let text = |millis: u64| words::limit(u32::try_from(millis).unwrap_or(u32::MAX));
    let takes = needs.millis.map_or("any time".to_owned(), text);
    let service = graph.service(id);
    let message = format!(
        "`{service}` promises {}, but its calls may take {takes}",
        slo.value
    );
    let mut finding = Diagnostic::new(&CODE, slo.span, message);
    let mut left = Some(i64::from(slo.value.millis()));
    for edge in needs.calls.iter().filter_map(|number| graph.edge(*number)) {
        let longest = edge.longest.map(i64::from);
        left = left.zip(longest).map(|(left, longest)| left - longest);
        let takes = edge.longest.map_or("no limit".to_owned(), |longest| {
            format!("up to {}", words::limit(longest))
        });
        let rest = match left {
            Some(left) if left < 0 => {
                format!(", {} too late", text(left.unsigned_abs()))
            }
            Some(left) => format!(", {} left", text(left.unsigned_abs())),
            None => String::new(),
        };
        finding = finding.label(edge.place(), format!("{takes}{rest}"));
    }
    if !needs.is_planned {
        finding = finding.note("its longest call alone; `plan` says which calls follow each other");
    }
    finding.help("shorten the limits of these calls, or promise less")
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_promise_covers_the_calls_along_the_plan() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, mtls: disabled, defaults: {timeout: {request: 0s}}}
            services:
              a:
                protocol: http
                app: 127.0.0.1:1
                slo: 1s
                calls: {x: {timeout: {request: 600ms}}, y: {timeout: {request: 400ms}}}
                plan: [x, y]
              b:
                protocol: http
                app: 127.0.0.1:1
                slo: 1s  #~ warning[deadline-budget]
                calls: {x: {timeout: {request: 600ms}}, y: {timeout: {request: 401ms}}}
                plan: [x, y]
              c:
                protocol: http
                app: 127.0.0.1:1
                slo: 600ms
                calls: {x: {timeout: {request: 600ms}}, y: {timeout: {request: 401ms}}}
                plan: [[x, y]]
              d:
                protocol: http
                app: 127.0.0.1:1
                slo: 600ms
                calls: {x: {timeout: {request: 600ms}}, y: {timeout: {request: 600ms}}}
              e:
                protocol: http
                app: 127.0.0.1:1
                slo: 10s  #~ warning[deadline-budget]
                calls: {x: {}}
              # Two tries of 200ms and a wait of up to 25ms between them.
              f:
                protocol: http
                app: 127.0.0.1:1
                slo: 424ms  #~ warning[deadline-budget]
                calls: {x: {timeout: {backendRequest: 200ms}, retry: {on: [503]}}}
              g:
                protocol: http
                app: 127.0.0.1:2
                slo: 425ms
                calls: {x: {timeout: {backendRequest: 200ms}, retry: {on: [503]}}}
              x: {protocol: http, endpoints: ["127.0.0.1:1"]}
              y: {protocol: http, endpoints: ["127.0.0.1:1"]}
            "#,
        );
    }

    #[test]
    fn a_plan_names_calls() {
        check(
            r#"
            services:
              a: {protocol: http, app: "127.0.0.1:1", calls: {s: {}}, plan: [s, [s, t]]}  #~ error[unknown-reference]
            "#,
        );
    }
}
