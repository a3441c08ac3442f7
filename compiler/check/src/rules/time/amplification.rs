//! Finds paths on which retries at several layers multiply.
//!
//! Exact for the worst case of what is declared: a request becomes the product of the tries along the worst path
//! ("burst"); budgets bound what can last ("sustained"). The SRE book's example: three layers of four tries are
//! sixty-four. Calls that a service makes anyway (`fanOut`) are load, not amplification, and do not count.

use std::collections::BTreeMap;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::effective::Retries;
use weft_front::model::{Caller, ServiceId};
use weft_snapshot::limits::RETRY_FLOOR;
use weft_spec::Span;

use crate::graph::{CallGraph, Edge, Worst, position};
use crate::rules::facts::Facts;

/// More tries than anybody asked for.
pub(super) static CODE: Code = Code {
    name: "amplification",
    severity: Severity::Warning,
    finds: "A path of calls on which the tries of all layers multiply to more than 4; more than 10 are an error. The \
            path is printed with the tries of each layer, the product (burst) and what budgets let last (sustained).",
    why: "When the innermost service fails, it gets that many times its load, and does not come back.",
    bad: two_layers!("attempts: 3, on: [503]", "attempts: 3, on: [502]"),
    good: two_layers!("attempts: 1", "attempts: 3, on: [502]"),
};

/// More tries than this are a warning.
const TOLERATED: u64 = 4;
/// More tries than this are an error.
const BEARABLE: u64 = 10;
/// Parts of a million, as budgets are counted.
const WHOLE: u64 = 1_000_000;

/// Reports the worst path through each setting that ends one; none that goes on multiplying below.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let graph = facts.graph();
    let worst = facts.worst_paths();
    let goes_on = multiply_below(graph);
    let mut reports: BTreeMap<Span, (u64, usize)> = BTreeMap::new();
    for ((id, _), worst) in graph.mesh.services.iter().zip(worst) {
        let last = worst.last.and_then(|last| Some((last, graph.edge(last)?)));
        let Some((last, edge)) = last.filter(|_| TOLERATED < worst.tries) else {
            continue;
        };
        let goes_on = goes_on.get(graph.part(id)).is_some_and(|goes_on| *goes_on);
        if edge.tries < 2 || goes_on {
            continue;
        }
        let known = reports.entry(setting(graph, edge)).or_insert((0, last));
        if known.0 < worst.tries {
            *known = (worst.tries, last);
        }
    }
    for (place, (tries, last)) in reports {
        let path = path(graph, worst, last);
        diagnostics.push(report(graph, place, tries, &path));
    }
}

/// Whether a call of a service, or of one that it reaches, multiplies; by part.
fn multiply_below(graph: &CallGraph<'_>) -> Vec<bool> {
    let mut below = vec![false; graph.mesh.services.len() + 1];
    let order: Vec<ServiceId> = graph.in_order().collect();
    for id in order.into_iter().rev() {
        let goes_on = graph.calls(id).any(|(_, edge)| {
            1 < edge.tries || below.get(graph.part(edge.to)).is_some_and(|below| *below)
        });
        if let Some(below) = below.get_mut(graph.part(id)) {
            *below |= goes_on;
        }
    }
    below
}

/// Where the number of tries of an edge is said, or else the reasons for them.
fn setting(graph: &CallGraph<'_>, edge: &Edge<'_>) -> Span {
    let Some(retries) = edge.retries(graph.mesh) else {
        return edge.place();
    };
    let said = [retries.attempts.span, retries.on.span];
    let said = said.into_iter().find(|span| !span.is_none());
    said.unwrap_or(edge.place())
}

/// The edges of the worst path that ends with one, from the gateway on.
fn path(graph: &CallGraph<'_>, worst: &[Worst], last: usize) -> Vec<usize> {
    let mut path = vec![last];
    let mut at = last;
    while let Some(Caller::Service(caller)) = graph.edge(at).map(|edge| edge.from)
        && let Some(before) = worst.get(position(caller)).and_then(|worst| worst.last)
    {
        path.push(before);
        at = before;
    }
    path.reverse();
    path
}

fn report(graph: &CallGraph<'_>, place: Span, tries: u64, path: &[usize]) -> Diagnostic {
    let edges: Vec<&Edge<'_>> = path.iter().filter_map(|at| graph.edge(*at)).collect();
    let end = edges.last().map_or("", |edge| graph.service(edge.to));
    let message = format!("one request can become {tries} at `{end}`");
    let start = edges.first().map(|edge| graph.caller(edge.from));
    let mut way = start.unwrap_or_default();
    for edge in &edges {
        way.push_str(" -> ");
        way.push_str(graph.service(edge.to));
        if 1 < edge.tries {
            way.push_str(" x");
            way.push_str(&edge.tries.to_string());
        }
    }
    let lasting = sustained(graph, &edges);
    let mut finding = Diagnostic::new(&CODE, place, message).note(format!(
        "{way}: burst {tries}x, sustained {lasting} within the budgets, beyond {RETRY_FLOOR} retries a second per worker"
    ));
    for edge in edges.iter().filter(|edge| is_unbounded(graph, edge)) {
        let words = graph.words(edge);
        finding = finding.note(format!(
            "the budget of {words} is off: all of its tries can last"
        ));
    }
    for edge in edges.iter().filter(|edge| 1 < edge.tries) {
        let at = setting(graph, edge);
        if at != place {
            finding = finding.label(
                at,
                format!("{} multiplies by {}", graph.words(edge), edge.tries),
            );
        }
    }
    if BEARABLE < tries {
        finding.severity = Severity::Error;
    }
    finding.help("retry at one layer, and set `attempts: 1` at the others")
}

/// Whether nothing bounds the share of retries of an edge that multiplies.
fn is_unbounded(graph: &CallGraph<'_>, edge: &Edge<'_>) -> bool {
    let retries = edge.retries(graph.mesh);
    1 < edge.tries && retries.is_some_and(|retries| retries.budget.value.is_none())
}

/// What can last: each layer adds the share of its budget, and never more than all of its retries, which is what it adds
/// where the budget is off.
///
/// The floor of a budget is a number a second and no share: under load it vanishes beside the share, and without load
/// nothing is amplified. It is left out here and named beside the result.
fn sustained(graph: &CallGraph<'_>, edges: &[&Edge<'_>]) -> String {
    let mut parts = WHOLE;
    for edge in edges.iter().filter(|edge| 1 < edge.tries) {
        let budget = edge.retries(graph.mesh);
        let share = |retries: Retries| retries.budget.value.map_or(u64::MAX, u64::from);
        let budget = budget.map_or(0, share);
        let most = u64::from(edge.tries.saturating_sub(1)) * WHOLE;
        let more = parts.saturating_mul(budget.min(most)).div_ceil(WHOLE);
        parts = parts.saturating_add(more);
    }
    let hundredths = parts.div_ceil(WHOLE / 100);
    format!("{}.{:02}x", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, findings};

    const MESH: &str = "
mesh: {name: shop, trustDomain: shop.example, mtls: disabled, defaults: {timeout: {request: 15s}}}
gateways: {g: {listeners: {w: {port: 71, protocol: http}}}}
";

    #[test]
    fn tries_multiply_along_the_worst_path() {
        let spec = r#"
services:
  a:
    protocol: http
    app: 127.0.0.1:8080
    endpoints: ["127.0.0.1:1"]
    calls: {b: {retry: {attempts: 3, on: [502]}}, c: {retry: {attempts: 2, on: [502]}}}  #~ warning[amplification]
  b:
    protocol: http
    app: 127.0.0.1:8080
    endpoints: ["127.0.0.1:1"]
    calls: {c: {retry: {attempts: 4, on: [501]}}, x: {}}  #~ error[amplification]
  c: {protocol: http, endpoints: ["127.0.0.1:1"]}
  x: {protocol: http, endpoints: ["127.0.0.1:1"]}
routes:
  r: {on: g/w, host: "*", rules: [{to: a, retry: {attempts: 3, on: [503]}}]}
"#;
        // The way to `c` over `b` is worse than the direct one, so it alone is reported.
        let spec = spec.replace("  #~ warning[amplification]", "");
        check(&[MESH, &spec].concat());
        let found = findings(&[MESH, &spec].concat());
        let notes: Vec<&str> = found
            .iter()
            .filter(|finding| finding.code.name == "amplification")
            .flat_map(|finding| finding.notes.iter().map(String::as_str))
            .collect();
        let expected = "gateway/g -> a x3 -> b x3 -> c x4: burst 36x, sustained 1.73x within the budgets, beyond 10 retries a second per worker";
        assert_eq!(notes, [expected]);
    }

    #[test]
    fn without_a_budget_all_tries_last() {
        let spec = r#"
services:
  a: {protocol: http, app: 127.0.0.1:8080, endpoints: ["127.0.0.1:1"], calls: {b: {retry: {attempts: 3, on: [502], budget: off}}}}
  b: {protocol: http, endpoints: ["127.0.0.1:1"]}
routes:
  r: {on: g/w, host: "*", rules: [{to: a, retry: {attempts: 2, on: [503]}}]}
"#;
        let found = findings(&[MESH, spec].concat());
        let notes: Vec<&str> = found
            .iter()
            .filter(|finding| finding.code.name == "amplification")
            .flat_map(|finding| finding.notes.iter().map(String::as_str))
            .collect();
        // The gateway adds its 20 %, the call all of its two retries: 1.2 x 3.
        let expected = [
            "gateway/g -> a x2 -> b x3: burst 6x, sustained 3.60x within the budgets, beyond 10 retries a second per worker",
            "the budget of the call from `a` to `b` is off: all of its tries can last",
        ];
        assert_eq!(notes, expected);
    }

    #[test]
    fn what_the_proxy_does_not_repeat_does_not_multiply() {
        let spec = r#"
services:
  a:
    protocol: http
    app: 127.0.0.1:8080
    endpoints: ["127.0.0.1:1"]
    calls: {b: {operations: [POST /x], retry: {attempts: 9}}}
  b: {protocol: http, endpoints: ["127.0.0.1:1"]}
routes:
  r: {on: g/w, host: "*", rules: [{to: a, retry: {attempts: 4, on: [503]}}]}
"#;
        check(&[MESH, spec].concat());
    }
}
