//! Finds paths from a gateway on which two hops in a row wait without a limit.
//!
//! Exact for the calls that are declared. Saying `0s` once is a decision about one hop; if the hop behind it has no
//! limit either, a request can hold both for ever. Services that answer with streams are meant to be waited for.

use std::collections::BTreeSet;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::ServiceId;
use weft_spec::Span;

use crate::graph::{CallGraph, Edge, position};
use crate::rules::facts::Facts;

/// A path without limits.
pub(super) static CODE: Code = Code {
    name: "unbounded",
    severity: Severity::Error,
    finds: "A path from a gateway on which a hop that says `0s` (no limit) is followed by another one; services with \
            `streaming: true` are exempt.",
    why: "One slow service then holds the connections and memory of everything before it, and nobody on the way lets go.",
    bad: "\
weft: v1
mesh: {name: shop, trustDomain: shop.example, mtls: disabled, defaults: {timeout: {request: 0s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services:
  search:
    protocol: http
    app: 127.0.0.1:8080
    endpoints: [\"127.0.0.1:8081\"]
    calls: {index: {}}
  index: {protocol: http, endpoints: [\"127.0.0.1:8082\"]}
routes:
  search: {listener: public/web, host: \"*\", rules: [{to: search}]}
",
    good: "\
weft: v1
mesh: {name: shop, trustDomain: shop.example, mtls: disabled, defaults: {timeout: {request: 0s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services:
  search:
    protocol: http
    app: 127.0.0.1:8080
    endpoints: [\"127.0.0.1:8081\"]
    calls: {index: {timeout: {request: 5s}}}
  index: {protocol: http, endpoints: [\"127.0.0.1:8082\"]}
routes:
  search: {listener: public/web, host: \"*\", rules: [{to: search}]}
",
};

/// Reports the inner hop of every such path, each setting once.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let graph = facts.graph();
    let waits = |edge: &Edge<'_>| {
        edge.is_unlimited()
            && !graph.mesh.services.entry(edge.to).streaming
            && !said(edge).is_none()
    };
    let mut came_by: Vec<Option<usize>> = vec![None; graph.mesh.services.len()];
    let mut waiting: Vec<ServiceId> = Vec::new();
    let mut reported = BTreeSet::new();
    let mut reach = |number: usize, edge: &Edge<'_>, waiting: &mut Vec<ServiceId>| {
        if let Some(came_by) = came_by.get_mut(position(edge.to))
            && came_by.is_none()
        {
            *came_by = Some(number);
            waiting.push(edge.to);
        }
    };
    let mut outer: Vec<(usize, usize)> = Vec::new();
    for (number, edge) in graph.entries().filter(|(_, edge)| waits(edge)) {
        reach(number, edge, &mut waiting);
    }
    while let Some(id) = waiting.pop() {
        for (number, edge) in graph.calls(id).filter(|(_, edge)| waits(edge)) {
            outer.push((position(id), number));
            reach(number, edge, &mut waiting);
        }
    }
    for (caller, number) in outer {
        if let Some(edge) = graph.edge(number)
            && reported.insert((said(edge), edge.to))
            && let Some(before) = came_by.get(caller).copied().flatten()
        {
            diagnostics.extend(report(graph, edge, before));
        }
    }
}

/// Where it is said that there is no limit; nowhere if nothing is said.
fn said(edge: &Edge<'_>) -> Span {
    let limit = edge.said.request.or(edge.said.backend_request);
    limit.map_or(Span::NONE, |limit| limit.span)
}

fn report(graph: &CallGraph<'_>, edge: &Edge<'_>, before: usize) -> Option<Diagnostic> {
    let before = graph.edge(before)?;
    let inner = graph.words(edge);
    let message = format!(
        "{inner} waits without limit, like {} before it",
        graph.words(before)
    );
    let way = [
        graph.caller(before.from),
        graph.service(before.to).to_owned(),
        graph.service(edge.to).to_owned(),
    ];
    let place = edge.place();
    let finding = Diagnostic::new(&CODE, place, message)
        .saying("nobody on this way lets go")
        .note(format!("the way: `{}`", way.join("` -> `")))
        .label(said(edge), "this says that there is no limit")
        .help("give the inner call a `timeout.request`, or say `streaming: true` of what streams without an end");
    Some(if said(before) == said(edge) {
        finding
    } else {
        finding.label(
            said(before),
            format!("no limit for {} either", graph.words(before)),
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn one_unlimited_hop_is_a_decision_and_two_are_none() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, mtls: disabled, defaults: {timeout: {request: 5s}}}
            gateways: {g: {listeners: {w: {port: 71, protocol: http}}}}
            services:
              a:
                protocol: http
                app: 127.0.0.1:8080
                endpoints: ["127.0.0.1:1"]
                calls:
                  x: {timeout: {request: 0s}}  #~ error[unbounded]
                  y: {timeout: {request: 0s, backendRequest: 1s}}
                  feed: {timeout: {request: 0s}}
                  b: {timeout: {request: 0s}}  #~ error[unbounded]
              b:
                protocol: http
                app: 127.0.0.1:8080
                endpoints: ["127.0.0.1:1"]
                calls: {x: {timeout: {request: 0s}}}  #~ error[unbounded]
              c:
                protocol: http
                app: 127.0.0.1:8080
                endpoints: ["127.0.0.1:1"]
                calls: {x: {timeout: {request: 0s}}}  #~ warning[timeout-inversion]
              batch: {protocol: http, app: "127.0.0.1:8080", calls: {a: {timeout: {request: 0s}}}}
              x: {protocol: http, endpoints: ["127.0.0.1:1"]}
              y: {protocol: http, endpoints: ["127.0.0.1:1"]}
              feed: {protocol: http, endpoints: ["127.0.0.1:1"], streaming: true}
            routes:
              r: {on: g/w, host: "*", rules: [{path: /a, to: a, timeout: {request: 0s}}, {path: /c, to: c}]}
            "#,
        );
    }
}
