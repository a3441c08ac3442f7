//! Finds services that call themselves through others.
//!
//! Exact for what `calls` declares: a service lies on a cycle if and only if it can be reached from one that it
//! calls. Each strongly connected part is reported once, with a shortest circle through its first service,
//! at the call that this service makes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::model::{Mesh, ServiceId};
use crate::rules::facts::Facts;

/// A cycle of calls.
pub(super) static CODE: Code = Code {
    name: "call-cycle",
    severity: Severity::Warning,
    finds: "Services that call each other in a circle, by what their `calls` declare; a shortest circle is named.",
    why: "A request can go round: each turn takes slots and time of the turn before, and retries multiply with every turn.",
    bad: "\
weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  orders:
    protocol: http
    app: 127.0.0.1:8080
    endpoints: [\"10.0.0.1:15443\"]
    calls: {stock: {}}
    allow: [{from: [service/stock]}]
  stock:
    protocol: http
    app: 127.0.0.1:8080
    endpoints: [\"10.0.0.2:15443\"]
    calls: {orders: {}}
    allow: [{from: [service/orders]}]
",
    good: "\
weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  orders:
    protocol: http
    app: 127.0.0.1:8080
    endpoints: [\"10.0.0.1:15443\"]
    calls: {stock: {}}
  stock:
    protocol: http
    app: 127.0.0.1:8080
    endpoints: [\"10.0.0.2:15443\"]
    allow: [{from: [service/orders]}]
",
};

/// Reports every group of services that call each other in a circle, once.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for id in on_cycles(mesh) {
        if let Some(cycle) = shortest_cycle(mesh, id) {
            diagnostics.extend(report(mesh, &cycle));
        }
    }
}

/// One service of every strongly connected part that has a cycle (Kosaraju's algorithm): linear in the calls.
fn on_cycles(mesh: &Mesh) -> Vec<ServiceId> {
    let mut callers: BTreeMap<ServiceId, Vec<ServiceId>> = BTreeMap::new();
    for (id, service) in mesh.services.iter() {
        for call in &service.calls {
            callers.entry(call.to.value).or_default().push(id);
        }
    }
    let mut assigned = BTreeSet::new();
    let mut found = Vec::new();
    for root in finished(mesh).into_iter().rev() {
        if !assigned.insert(root) {
            continue;
        }
        let (mut part, mut waiting) = (vec![root], vec![root]);
        while let Some(id) = waiting.pop() {
            for caller in callers.get(&id).into_iter().flatten() {
                if assigned.insert(*caller) {
                    part.push(*caller);
                    waiting.push(*caller);
                }
            }
        }
        let calls_itself = || {
            let calls = &mesh.services.entry(root).calls;
            calls.iter().any(|call| call.to.value == root)
        };
        if 1 < part.len() || calls_itself() {
            found.extend(part.into_iter().min());
        }
    }
    found.sort_unstable();
    found
}

/// The services in the order in which a depth-first search leaves them.
fn finished(mesh: &Mesh) -> Vec<ServiceId> {
    let (mut seen, mut order) = (BTreeSet::new(), Vec::new());
    for (root, _) in mesh.services.iter() {
        if !seen.insert(root) {
            continue;
        }
        let mut stack = vec![(root, 0_usize)];
        while let Some((id, next)) = stack.last_mut() {
            let (id, call) = (*id, mesh.services.entry(*id).calls.get(*next));
            *next += 1;
            let Some(call) = call else {
                order.push(id);
                stack.pop();
                continue;
            };
            if seen.insert(call.to.value) {
                stack.push((call.to.value, 0));
            }
        }
    }
    order
}

/// A shortest way from a service back to itself, without the return.
fn shortest_cycle(mesh: &Mesh, from: ServiceId) -> Option<Vec<ServiceId>> {
    let mut came_from: BTreeMap<ServiceId, ServiceId> = BTreeMap::new();
    let mut waiting = VecDeque::from([from]);
    while let Some(id) = waiting.pop_front() {
        for call in &mesh.services.entry(id).calls {
            let next = call.to.value;
            if next == from {
                let mut cycle = vec![id];
                let mut at = id;
                while let Some(before) = came_from.get(&at).filter(|_| at != from) {
                    cycle.push(*before);
                    at = *before;
                }
                cycle.reverse();
                return Some(cycle);
            }
            came_from.entry(next).or_insert_with(|| {
                waiting.push_back(next);
                id
            });
        }
    }
    None
}

fn report(mesh: &Mesh, cycle: &[ServiceId]) -> Option<Diagnostic> {
    let name = |id: &ServiceId| mesh.services.entry(*id).name.value.as_str();
    let (first, rest) = cycle.split_first()?;
    let next = rest.first().unwrap_or(first);
    let mut names: Vec<&str> = cycle.iter().map(name).collect();
    names.push(name(first));
    let calls = &mesh.services.entry(*first).calls;
    let place = calls.iter().find(|call| call.to.value == *next)?.to.span;
    let message = format!(
        "services call each other in a circle: `{}`",
        names.join("` -> `")
    );
    let mut finding = Diagnostic::new(&CODE, place, message)
        .help("break the circle: a request that goes round holds all of them");
    for (nth, id) in rest.iter().enumerate() {
        let next = rest.get(nth + 1).unwrap_or(first);
        let calls = &mesh.services.entry(*id).calls;
        if let Some(call) = calls.iter().find(|call| call.to.value == *next) {
            finding = finding.label(call.to.span, format!("`{}` goes on here", name(id)));
        }
    }
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{check, checked};

    #[test]
    fn a_circle_is_reported_once_and_a_tree_is_none() {
        check(
            r#"
            services:
              a: {protocol: http, app: 127.0.0.1:1, endpoints: ["10.0.0.1:1"], calls: {b: {}, s: {}}, allow: [{from: [service/c]}]}  #~ warning[call-cycle]
              b: {protocol: http, app: 127.0.0.1:1, endpoints: ["10.0.0.2:1"], calls: {c: {}}, allow: [{from: [service/a]}]}
              c: {protocol: http, app: 127.0.0.1:1, endpoints: ["10.0.0.3:1"], calls: {a: {}}, allow: [{from: [service/b, service/d]}]}
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
            for (id, service) in found.mesh().services.iter() {
                let reaches = follow(found.mesh(), id, id, 3);
                let cycle = shortest_cycle(found.mesh(), id);
                assert_eq!(cycle.is_some(), reaches, "{graph}: {}", service.name.value);
            }
            let ids = || found.mesh().services.iter().map(|(id, _)| id);
            let first = ids().find(|id| follow(found.mesh(), *id, *id, 3));
            assert_eq!(on_cycles(found.mesh()).first().copied(), first, "{graph}");
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
