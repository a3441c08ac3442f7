//! Finds failures that are retried at more than one layer of a path.
//!
//! Exact for what is declared: two calls on one path, both repeated after a failure that the inner service may answer with.
//! A service that answers such a failure of its callee with the same one makes the outer layer repeat all of the
//! inner one's work. Broken connections are seen by one layer alone and do not count.

use std::collections::BTreeSet;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{Caller, ServiceId};
use weft_spec::Span;

use crate::graph::{CallGraph, Edge, Failures};
use crate::rules::facts::Facts;

/// The same failure, retried twice.
pub(super) static CODE: Code = Code {
    name: "layered-retry",
    severity: Severity::Warning,
    finds: "Two calls on one path, both retried on the same status or on `backend-timeout`.",
    why: "A failure of the innermost service travels outwards, and each layer repeats the work of all layers below it.",
    bad: two_layers!("attempts: 2, on: [5xx]", "attempts: 2, on: [503]"),
    good: two_layers!("attempts: 2, on: [reset]", "attempts: 2, on: [503]"),
};

/// Reports every pair of settings that do so, once.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let graph = facts.graph();
    let layers = Layers::of(graph);
    let mut reported = BTreeSet::new();
    for numbers in &layers.repeated {
        let edges = graph.edge(numbers.inner).zip(graph.edge(numbers.outer));
        let Some((inner, outer)) = edges else {
            continue;
        };
        let edges = Nested { inner, outer };
        let places = Nested {
            inner: setting(graph, inner),
            outer: setting(graph, outer),
        };
        if reported.insert(places) {
            let way = layers.way(graph, *numbers);
            diagnostics.push(report(graph, edges, places, &way));
        }
    }
}

/// What belongs to a call, and to one around it on a path.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Nested<T> {
    inner: T,
    outer: T,
}

/// A call that is repeated after some failures, as seen from a part of the graph behind it.
#[derive(Clone, Copy)]
struct Layer {
    failures: Failures,
    /// The call.
    number: usize,
    /// The last call on a way from there to here; none if the call itself leads here.
    came_by: Option<usize>,
}

/// The calls before each service that are repeated, as far as each adds a failure to those before it.
struct Layers {
    /// By part.
    before: Vec<Vec<Layer>>,
    /// Every call that repeats what a call on a path to it repeats, with such a one; calls of one circle are not
    /// layers of each other.
    repeated: Vec<Nested<usize>>,
}

impl Layers {
    fn of(graph: &CallGraph<'_>) -> Self {
        let mut layers = Self {
            before: vec![Vec::new(); graph.mesh.services.len() + 1],
            repeated: Vec::new(),
        };
        for (number, edge) in graph.entries() {
            layers.add(graph.part(edge.to), Layer::of(number, edge));
        }
        let order: Vec<ServiceId> = graph.in_order().collect();
        for circle in order.chunk_by(|left, right| graph.is_within_a_circle(*left, *right)) {
            if let Some(first) = circle.first() {
                layers.take(graph, graph.part(*first), circle);
            }
        }
        layers
    }

    /// The calls of the services of a part.
    fn take(&mut self, graph: &CallGraph<'_>, part: usize, circle: &[ServiceId]) {
        let calls = || circle.iter().flat_map(|id| graph.calls(*id));
        let is_inside = |edge: &Edge<'_>| graph.part(edge.to) == part;
        for (number, edge) in calls().filter(|(_, edge)| is_inside(edge)) {
            self.compare(part, number, edge);
        }
        for (number, edge) in calls().filter(|(_, edge)| is_inside(edge)) {
            self.add(part, Layer::of(number, edge));
        }
        let all = self.before.get(part).cloned().unwrap_or_default();
        for (number, edge) in calls().filter(|(_, edge)| !is_inside(edge)) {
            self.compare(part, number, edge);
            let below = graph.part(edge.to);
            for layer in &all {
                let came_by = Some(number);
                self.add(below, Layer { came_by, ..*layer });
            }
            self.add(below, Layer::of(number, edge));
        }
    }

    /// Looks for a layer before a part that repeats what a call of it repeats.
    fn compare(&mut self, part: usize, number: usize, edge: &Edge<'_>) {
        let mut before = self.before.get(part).into_iter().flatten();
        let outer = before.find(|layer| !layer.failures.common(edge.failures).is_empty());
        self.repeated.extend(outer.map(|outer| Nested {
            inner: number,
            outer: outer.number,
        }));
    }

    /// Keeps a layer if it brings a failure that no other one has.
    fn add(&mut self, part: usize, layer: Layer) {
        let Some(layers) = self.before.get_mut(part) else {
            return;
        };
        let known = layers
            .iter()
            .fold(Failures::default(), |known, layer| known.or(layer.failures));
        if known.or(layer.failures) != known {
            layers.push(layer);
        }
    }

    /// A way from an outer call to an inner one, both included, in words: `gateway/public -> orders -> stock`.
    fn way(&self, graph: &CallGraph<'_>, numbers: Nested<usize>) -> String {
        let Nested { inner, outer } = numbers;
        let mut way = vec![inner];
        let mut at = inner;
        while let Some(Caller::Service(caller)) = graph.edge(at).map(|edge| edge.from)
            && let Some(layers) = self.before.get(graph.part(caller))
            && let Some(layer) = layers.iter().find(|layer| layer.number == outer)
        {
            at = layer.came_by.unwrap_or(outer);
            way.push(at);
            if layer.came_by.is_none() {
                break;
            }
        }
        let edges = way.iter().rev().filter_map(|at| graph.edge(*at));
        let mut names: Vec<String> = Vec::new();
        let mut last: Option<ServiceId> = None;
        for edge in edges {
            match (edge.from, last) {
                // Calls of one circle need not follow each other at once.
                (Caller::Service(caller), Some(last)) if last != caller => {
                    let inside = graph
                        .shortest(last, caller, |edge| graph.is_within_a_circle(last, edge.to));
                    let inside = inside.unwrap_or_default();
                    let inside = inside.into_iter().filter_map(|at| graph.edge(at));
                    names.extend(inside.map(|edge| graph.service(edge.to).to_owned()));
                }
                (Caller::Service(_) | Caller::Gateway(_), Some(_)) => {}
                (caller, None) => names.push(graph.caller(caller)),
            }
            names.push(graph.service(edge.to).to_owned());
            last = Some(edge.to);
        }
        names.join("` -> `")
    }
}

impl Layer {
    fn of(number: usize, edge: &Edge<'_>) -> Self {
        Self {
            failures: edge.failures,
            number,
            came_by: None,
        }
    }
}

fn setting(graph: &CallGraph<'_>, edge: &Edge<'_>) -> Span {
    let retries = edge.retries(graph.mesh);
    retries.map_or(edge.place(), |retries| retries.on.span)
}

fn report(
    graph: &CallGraph<'_>,
    edges: Nested<&Edge<'_>>,
    places: Nested<Span>,
    way: &str,
) -> Diagnostic {
    let Nested { inner, outer } = edges;
    let failure = inner.failures.common(outer.failures).words();
    let (inside, outside) = (graph.words(inner), graph.words(outer));
    let message = format!("`{failure}` is retried by {inside} and by {outside} around it");
    let mut finding = Diagnostic::new(&CODE, places.inner, message)
        .note(format!("the way: `{way}`"))
        .help("retry it at one of them, best at the inner one, which repeats least");
    if places.outer != places.inner {
        finding = finding.label(places.outer, format!("{outside} repeats all of it"));
    }
    finding
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use weft_front::model::Caller;
    use weft_testing::Random;

    use super::Layers;
    use crate::graph::CallGraph;
    use crate::graph::testing::random_mesh;
    use crate::testing::check;

    #[test]
    fn a_failure_is_retried_at_one_layer() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, mtls: disabled, defaults: {timeout: {request: 15s}}}
            gateways: {g: {listeners: {w: {port: 71, protocol: http}}}}
            services:
              a: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], calls: {b: {}}}
              b:
                protocol: http
                app: 127.0.0.1:8080
                endpoints: ["127.0.0.1:1"]
                calls:
                  x: {retry: {on: [503, reset]}}  #~ warning[layered-retry]
                  y: {retry: {on: [504, reset]}}
              x: {protocol: http, endpoints: ["127.0.0.1:1"]}
              y: {protocol: http, endpoints: ["127.0.0.1:1"]}
            routes:
              r: {on: g/w, host: "*", rules: [{to: a, retry: {on: [503, reset]}}]}
            "#,
        );
    }

    #[test]
    fn the_same_calls_are_found_as_by_following_every_way() {
        let mut random = Random::new(7_u64);
        let mut layered = 0;
        for _ in 0..300 {
            let (checked, _) = random_mesh(&mut random);
            let graph = CallGraph::new(checked.mesh());
            let all = Layers::of(&graph);
            for pair in &all.repeated {
                // The way leads along calls.
                let way = all.way(&graph, *pair);
                let names: Vec<&str> = way.split("` -> `").collect();
                for pair in names.windows(2) {
                    let calls = |edge: &crate::graph::Edge<'_>| {
                        graph.caller(edge.from) == pair[0] && graph.service(edge.to) == pair[1]
                    };
                    assert!(graph.edges().any(|(_, edge)| calls(edge)), "{way}");
                }
            }
            let found: BTreeSet<usize> = all.repeated.iter().map(|pair| pair.inner).collect();
            let mut expected = BTreeSet::new();
            for (number, inner) in graph.edges() {
                let Caller::Service(caller) = inner.from else {
                    continue;
                };
                let is_layer = graph.edges().any(|(_, outer)| {
                    let is_before =
                        outer.to == caller || graph.shortest(outer.to, caller, |_| true).is_some();
                    let is_circle = match outer.from {
                        Caller::Gateway(_) => false,
                        Caller::Service(from) => graph.is_within_a_circle(from, inner.to),
                    };
                    is_before && !is_circle && !outer.failures.common(inner.failures).is_empty()
                });
                if is_layer {
                    expected.insert(number);
                }
            }
            assert_eq!(found, expected);
            layered += found.len();
        }
        assert!(100 < layered, "{layered}");
    }
}
