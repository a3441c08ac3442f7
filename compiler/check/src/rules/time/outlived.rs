//! Finds services that still work for a caller that has given up: a case of `timeout-inversion`.
//!
//! Sound: the longest call that a service declares is the least that it may be busy, the sum along its `plan` is
//! what it is busy at most. One finding for each service, at its longest call, with the caller that gives up first.
//! Nobody hears of it where both limits are only defaults of the mesh, where the answers are streams, and between two
//! gRPC services, which pass the deadline on.

use std::collections::BTreeMap;

use weft_front::diagnostic::{Diagnostic, Diagnostics, Severity};
use weft_front::model::effective::Limit;
use weft_front::model::{RetryOn, ServiceId, ServiceProtocol};
use weft_front::settings::Level;
use weft_front::words;
use weft_spec::Span;

use super::timeout_inversion::CODE;
use crate::graph::{CallGraph, Edge, Needs, needs};

/// Reports every service that may outlive one of its callers.
pub(super) fn check(graph: &CallGraph<'_>, diagnostics: &mut Diagnostics) {
    let mut callers: BTreeMap<ServiceId, Vec<&Edge<'_>>> = BTreeMap::new();
    for (_, edge) in graph.edges() {
        callers.entry(edge.to).or_default().push(edge);
    }
    for (id, callers) in callers {
        let Some(needs) = needs(graph, id).filter(|_| !graph.mesh.services.entry(id).streaming)
        else {
            continue;
        };
        let longest = longest_of(graph, &needs);
        let mut outlived: Vec<Outlived<'_, '_>> = callers
            .into_iter()
            .filter_map(|edge| Outlived::of(graph, edge, &needs, longest?))
            .collect();
        outlived.sort_by_key(|found| (!found.tries_again, found.edge.attempt));
        if let (Some(first), Some(longest)) = (outlived.first(), longest) {
            diagnostics.push(first.report(graph, &needs, longest));
        }
    }
}

/// The longest of the calls that a service needs.
fn longest_of<'graph, 'mesh>(
    graph: &'graph CallGraph<'mesh>,
    needs: &Needs,
) -> Option<&'graph Edge<'mesh>> {
    let calls = needs.calls.iter();
    let calls = calls.filter_map(|number| graph.edge(*number));
    calls.max_by_key(|edge| edge.longest.unwrap_or(u32::MAX))
}

/// A caller that gives up first.
struct Outlived<'graph, 'mesh> {
    edge: &'graph Edge<'mesh>,
    /// What ends its try.
    limit: Limit,
    tries_again: bool,
}

impl<'graph, 'mesh> Outlived<'graph, 'mesh> {
    fn of(
        graph: &CallGraph<'mesh>,
        edge: &'graph Edge<'mesh>,
        needs: &Needs,
        longest: &Edge<'mesh>,
    ) -> Option<Self> {
        let limit = edge.attempt_limit()?;
        let lasts = limit.value.map(u64::from)?;
        let speaks_grpc = |id: ServiceId| {
            let protocol = graph.mesh.services.entry(id).protocol.value;
            protocol == ServiceProtocol::Grpc
        };
        let is_passed_on = speaks_grpc(edge.to) && speaks_grpc(longest.to);
        let inner = longest.attempt_limit();
        let inner = inner.map_or(Level::Rule, |inner| inner.level);
        let is_default = limit.level.max(inner) < Level::Service;
        let is_outlived = needs.millis.is_none_or(|needs| lasts < needs);
        if !is_outlived || is_default || is_passed_on {
            return None;
        }
        let retries = edge.retries(graph.mesh)?;
        let again = retries.on.value.contains(&RetryOn::BackendTimeout);
        Some(Self {
            edge,
            limit,
            tries_again: again && 1 < edge.tries,
        })
    }

    fn report(&self, graph: &CallGraph<'mesh>, needs: &Needs, longest: &Edge<'mesh>) -> Diagnostic {
        let service = graph.service(self.edge.to);
        let gives_up = words::limit(self.limit.value.unwrap_or_default());
        let (busy, left) = busy(needs, self.limit.value);
        let message = format!(
            "`{service}` may wait {busy} for its own calls, but a caller gives up after {gives_up}"
        );
        let outer = graph.words(self.edge);
        let again = if self.tries_again {
            " and tries again beside it"
        } else {
            ""
        };
        let at = longest.attempt_limit();
        let at = at.filter(|limit| limit.level.is_own());
        let place = at.map_or(longest.place(), |limit| limit.span);
        let mut finding = Diagnostic::new(&CODE, place, message)
            .saying(format!(
                "its longest call, to `{}`",
                graph.service(longest.to)
            ))
            .label(self.place(), format!("{outer} gives up here"))
            .note(format!(
                "after {gives_up}, {outer} gives up{again}; `{service}` works on {left}"
            ))
            .help(format!(
                "give the calls of `{service}` less than {gives_up}, or {outer} more"
            ));
        finding.severity = if self.tries_again {
            Severity::Error
        } else {
            Severity::Warning
        };
        finding
    }

    fn place(&self) -> Span {
        match self.limit.level {
            Level::Rule | Level::Call => self.limit.span,
            Level::BuiltIn | Level::Mesh | Level::Listener | Level::Service => self.edge.place(),
        }
    }
}

/// How long a service is busy, and how long of that after its caller gave up.
fn busy(needs: &Needs, caller: Option<u32>) -> (String, String) {
    let Some(millis) = needs.millis else {
        return ("without limit".to_owned(), "without limit".to_owned());
    };
    let left = millis.saturating_sub(caller.map_or(0, u64::from));
    let text = |millis: u64| words::limit(u32::try_from(millis).unwrap_or(u32::MAX));
    (text(millis), format!("for {}", text(left)))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_service_does_not_outlive_its_callers() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, mtls: disabled, defaults: {timeout: {request: 15s}}}
            gateways: {g: {listeners: {w: {port: 71, protocol: http}}}}
            services:
              a:
                protocol: http
                app: 127.0.0.1:8080
                endpoints: ["127.0.0.1:1"]
                calls:
                  x: {timeout: {request: 900ms}}  #~ warning[timeout-inversion]
                  y: {timeout: {request: 400ms}}
              b:
                protocol: http
                app: 127.0.0.1:8080
                endpoints: ["127.0.0.1:2"]
                calls:
                  x: {timeout: {request: 900ms}}  #~ error[timeout-inversion]
                  y: {timeout: {request: 400ms}}
                plan: [x, y]
              c: {protocol: http, app: "127.0.0.1:8080", endpoints: ["127.0.0.1:2"], calls: {x: {}, y: {}}, plan: [[x, y]]}
              x: {protocol: http, endpoints: ["127.0.0.1:1"]}
              y: {protocol: http, endpoints: ["127.0.0.1:1"]}
            routes:
              r:
                on: g/w
                host: "*"
                rules:
                  - {path: /a, to: a, timeout: {request: 1s}}
                  - {path: /b, to: a, timeout: {request: 500ms}}
                  - {path: /c, to: b, timeout: {request: 4s}}
                  - {path: /d, to: b, timeout: {request: 4s, backendRequest: 1200ms}, retry: {on: [backend-timeout]}}
                  - {path: /e, to: c}
            "#,
        );
    }
}
