//! Finds services that call themselves through others.
//!
//! Exact for what `calls` declares: a service lies on a cycle if and only if it can be reached from one that it
//! calls. Each strongly connected part is reported once, with a shortest circle through its first service,
//! at the call that this service makes; a part in which requests multiply is reported as `retry-cycle` instead.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};

use crate::graph::CallGraph;
use crate::rules::facts::Facts;

/// A cycle of calls.
pub(super) static CODE: Code = Code {
    name: "call-cycle",
    severity: Severity::Warning,
    finds: "Services that call each other in a circle, by what their `calls` declare; a shortest circle is named.",
    why: "A request can go round: each turn takes slots and time of the turn before, and retries multiply with every turn.",
    bad: two_services!(
        "{stock: {}}\n    allow: [{from: [service/stock]}]\n",
        "    calls: {orders: {}}\n"
    ),
    good: two_services!("{stock: {}}\n", ""),
};

/// Reports every group of services that call each other in a circle, once.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let graph = facts.graph();
    for circle in graph.circles() {
        if let Some(first) = circle.first()
            && graph.multiplies_within(&circle).is_none()
            && let Some(way) = graph.shortest(*first, *first, |_| true)
        {
            let message = format!(
                "services call each other in a circle: {}",
                around(graph, &way)
            );
            diagnostics.extend(report(graph, &way, |place| {
                Diagnostic::new(&CODE, place, message)
            }));
        }
    }
}

/// A circle in words: `` `a` -> `b` -> `a` ``.
pub(super) fn around(graph: &CallGraph<'_>, way: &[usize]) -> String {
    let edges = way.iter().filter_map(|number| graph.edge(*number));
    let mut names: Vec<String> = edges.map(|edge| graph.caller(edge.from)).collect();
    names.extend(names.first().cloned());
    format!("`{}`", names.join("` -> `"))
}

/// A finding at the first call of a circle that points at the others.
pub(super) fn report(
    graph: &CallGraph<'_>,
    way: &[usize],
    at: impl FnOnce(weft_spec::Span) -> Diagnostic,
) -> Option<Diagnostic> {
    let mut edges = way.iter().filter_map(|number| graph.edge(*number));
    let finding = at(edges.next()?.place())
        .help("break the circle: a request that goes round holds all of them");
    let finding = edges.fold(finding, |finding, edge| {
        let caller = graph.caller(edge.from);
        finding.label(edge.place(), format!("`{caller}` goes on here"))
    });
    Some(finding)
}

#[cfg(test)]
mod tests {
    use weft_front::model::{Mesh, ServiceId};

    use crate::graph::CallGraph;
    use crate::testing::{check, checked};

    #[test]
    fn a_circle_is_reported_once_and_a_tree_is_none() {
        check(
            r#"
            services:
              a: {protocol: http, app: 127.0.0.1:1, endpoints: ["10.0.0.1:15443"], calls: {b: {}, s: {}}, allow: [{from: [service/c]}]}  #~ warning[call-cycle]
              b: {protocol: http, app: 127.0.0.1:1, endpoints: ["10.0.0.2:15443"], calls: {c: {}}, allow: [{from: [service/a]}]}
              c: {protocol: http, app: 127.0.0.1:1, endpoints: ["10.0.0.3:15443"], calls: {a: {}}, allow: [{from: [service/b, service/d]}]}
              d: {protocol: http, app: 127.0.0.1:1, calls: {c: {}}}
            "#,
        );
    }

    #[test]
    fn the_same_services_are_found_as_by_following_every_way() {
        // Every graph of three services, each calling any of the others.
        for graph in 0..64_u32 {
            let calls = |from: u32, to: u32| graph & (1 << (from * 2 + (to + 2 - from) % 3)) != 0;
            let mut text = "services:\n".to_owned();
            for from in 0..3 {
                let others = (0..3).filter(|to| *to != from);
                let called: Vec<String> = others
                    .filter(|to| calls(from, *to))
                    .map(|to| format!("v{to}: {{}}"))
                    .collect();
                let called = called.join(", ");
                let line = [
                    format!(
                        "  v{from}: {{protocol: http, mtls: disabled, app: 127.0.0.1:1, endpoints: "
                    ),
                    format!("[\"10.0.0.{from}:1\"], calls: {{{called}}}}}\n"),
                ];
                text.push_str(&line.concat());
            }
            let mesh = format!(
                "mesh: {{name: m, trustDomain: m.example, mtls: disabled, defaults: {{timeout: {{request: 1s}}}}}}\n{text}"
            )
            .replace("mtls: disabled, app", "app");
            let (found, _) = checked(&mesh);
            let calls = CallGraph::new(found.mesh());
            let mut on_circles = calls.circles().concat();
            on_circles.sort_unstable();
            let mut expected = Vec::new();
            for (id, service) in found.mesh().services.iter() {
                let reaches = follow(found.mesh(), id, id, 3);
                let cycle = calls.shortest(id, id, |_| true);
                assert_eq!(cycle.is_some(), reaches, "{graph}: {}", service.name.value);
                expected.extend(reaches.then_some(id));
            }
            assert_eq!(on_circles, expected, "{graph}");
        }
    }

    fn follow(mesh: &Mesh, from: ServiceId, to: ServiceId, steps: u32) -> bool {
        let calls = &mesh.services.entry(from).calls;
        0 < steps
            && calls
                .iter()
                .any(|call| call.to.value == to || follow(mesh, call.to.value, to, steps - 1))
    }
}
