//! Finds circles of calls in which requests multiply.
//!
//! Exact for what `calls` declares: within a strongly connected part every call lies on a circle, so one call that is
//! repeated, or made several times, makes the whole circle grow with every turn.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Caller;

use super::call_cycle::{around, report};
use crate::graph::CallGraph;
use crate::rules::facts::Facts;

/// A circle that grows.
pub(super) static CODE: Code = Code {
    name: "retry-cycle",
    severity: Severity::Error,
    finds: "Services that call each other in a circle on which a call is tried again, or made several times (`fanOut`).",
    why: "Every turn multiplies the requests, and nothing bounds the number of turns.",
    bad: two_services!(
        "{stock: {fanOut: 2}}\n    allow: [{from: [service/stock]}]\n",
        "    calls: {orders: {}}\n"
    ),
    good: two_services!("{stock: {fanOut: 2}}\n", ""),
};

/// Reports every group of services with such a circle, once.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let graph = facts.graph();
    for circle in graph.circles() {
        if let Some(number) = graph.multiplies_within(&circle)
            && let Some(way) = way_round(graph, number)
        {
            diagnostics.extend(report(graph, &way, |place| {
                let message = format!(
                    "requests multiply in a circle of calls: {}",
                    around(graph, &way)
                );
                let says = graph.edge(number).map(|edge| {
                    let times = edge.fan_out.saturating_mul(u32::from(edge.tries));
                    format!("makes up to {times} requests of one")
                });
                Diagnostic::new(&CODE, place, message).saying(says.unwrap_or_default())
            }));
        }
    }
}

/// A shortest circle through a call, which comes first.
fn way_round(graph: &CallGraph<'_>, number: usize) -> Option<Vec<usize>> {
    let edge = graph.edge(number)?;
    let Caller::Service(caller) = edge.from else {
        return None;
    };
    let mut way = vec![number];
    if edge.to != caller {
        way.extend(graph.shortest(edge.to, caller, |_| true)?);
    }
    Some(way)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_circle_with_a_retry_grows_and_one_beside_a_retry_does_not() {
        check(
            r#"
            services:
              a: {protocol: http, app: 127.0.0.1:1, endpoints: ["10.0.0.1:15443"], calls: {b: {}, s: {retry: {on: [502]}}}, allow: [{from: [service/c]}]}
              b: {protocol: http, app: 127.0.0.1:1, endpoints: ["10.0.0.2:15443"], calls: {c: {retry: {on: [503]}}}, allow: [{from: [service/a]}]}  #~ error[retry-cycle]
              c: {protocol: http, app: 127.0.0.1:1, endpoints: ["10.0.0.3:15443"], calls: {a: {}}, allow: [{from: [service/b]}]}
              d: {protocol: http, app: 127.0.0.1:1, endpoints: ["10.0.0.4:15443"], calls: {e: {}, s: {fanOut: 3}}, allow: [{from: [service/e]}]}  #~ warning[call-cycle]
              e: {protocol: http, app: 127.0.0.1:1, endpoints: ["10.0.0.5:15443"], calls: {d: {}}, allow: [{from: [service/d]}]}
              f: {protocol: http, app: 127.0.0.1:1, endpoints: ["10.0.0.6:15443"], calls: {f: {fanOut: 2}}, allow: [{from: [service/f]}]}  #~ error[retry-cycle]
            "#,
        );
    }
}
