//! Finds tries that can never start, because the request ends before them.
//!
//! Exact for tries that end by their limit: try `j` starts at the earliest after `j - 1` limits, since the waits between
//! tries are random from nothing on. Only where such a try is repeated at all. One finding for each setting,
//! at the most specific of the three that do not fit.

use std::collections::BTreeSet;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::words;

use crate::graph::{CallGraph, Edge};
use crate::rules::facts::Facts;

/// A try without time.
pub(super) static CODE: Code = Code {
    name: "tries-do-not-fit",
    severity: Severity::Warning,
    finds: "Retries on `backend-timeout` of which some can never start: by the time the tries before them have used up their \
            `backendRequest`, the whole `request` is over.",
    why: "The spec asks for patience that nobody has. Users of every proxy trip on this interplay.",
    bad: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - to: orders
        timeout: {request: 900ms, backendRequest: 800ms}
        retry: {attempts: 3, on: [backend-timeout]}
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules:
      - to: orders
        timeout: {request: 900ms, backendRequest: 300ms}
        retry: {attempts: 3, on: [backend-timeout]}
"#
    ),
};

/// Reports every setting with such a try.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let graph = facts.graph();
    let mut reported = BTreeSet::new();
    for (_, edge) in graph
        .edges()
        .filter(|(_, edge)| edge.starts < edge.configured)
    {
        if let Some(finding) = report(graph, edge)
            && reported.insert(finding.primary.span)
        {
            diagnostics.push(finding);
        }
    }
}

fn report(graph: &CallGraph<'_>, edge: &Edge<'_>) -> Option<Diagnostic> {
    let mesh = graph.mesh;
    let retries = edge.retries(mesh)?;
    let (request, attempt) = (edge.said.request?, edge.attempt_limit()?);
    let mut places = vec![
        (retries.attempts.level, retries.attempts.span),
        (retries.on.level, retries.on.span),
        (attempt.level, attempt.span),
        (request.level, request.span),
    ];
    places.retain(|(_, span)| !span.is_none());
    // The first of the most specific ones.
    let most = places.iter().map(|(level, _)| *level).max()?;
    let place = places.iter().find(|(level, _)| *level == most)?.1;
    let configured = edge.configured;
    let message = format!(
        "only {} of {configured} tries of {} can start",
        edge.starts,
        graph.words(edge)
    );
    let all = words::limit(request.value?);
    let one = words::limit(attempt.value?);
    let fits = words::limit(request.value? / u32::from(configured.max(1)));
    let finding = Diagnostic::new(&CODE, place, message).note(format!(
        "each try may take {one}, and the whole request {all}"
    ));
    let mut said = vec![place];
    let limits = [
        (attempt.span, "one try"),
        (request.span, "the whole request"),
    ];
    let finding = limits.into_iter().fold(finding, |finding, (span, what)| {
        if said.contains(&span) {
            return finding;
        }
        said.push(span);
        finding.label(span, format!("the limit of {what}"))
    });
    Some(finding.help(format!(
        "set `backendRequest` to {fits} or less, or `attempts` to {}",
        edge.starts
    )))
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_rules};

    #[test]
    fn a_try_needs_time_to_start() {
        check_rules(
            r"
            - {path: /a, to: s, timeout: {request: 1s, backendRequest: 500ms}, retry: {attempts: 2, on: [backend-timeout]}}
            - {path: /b, to: s, timeout: {request: 1s, backendRequest: 499ms}, retry: {attempts: 3, on: [backend-timeout]}}
            - {path: /c, to: s, timeout: {request: 1s, backendRequest: 500ms}, retry: {attempts: 3, on: [backend-timeout]}}  #~ warning[tries-do-not-fit]
            - {path: /d, to: s, retry: {on: [backend-timeout]}}  #~ warning[tries-do-not-fit]
            - {path: /e, to: s, timeout: {request: 0s, backendRequest: 1s}, retry: {attempts: 4, on: [backend-timeout]}}
            - {path: /f, to: s, timeout: {request: 1s, backendRequest: 900ms}, retry: {attempts: 3, on: [503]}}
            - {path: /g, methods: [POST], to: s, timeout: {request: 1s, backendRequest: 900ms}, retry: {attempts: 3, on: [connect-failure, backend-timeout], idempotent: true}}  #~ warning[tries-do-not-fit]
            ",
        );
    }

    #[test]
    fn one_setting_is_reported_once() {
        check(
            r#"
            mesh:
              name: shop
              trustDomain: shop.example
              defaults:
                timeout: {request: 1s}
                retry: {attempts: 3, on: [backend-timeout]}  #~ warning[tries-do-not-fit]
            gateways: {g: {listeners: {w: {port: 71, protocol: http}}}}
            services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
            routes:
              r: {on: g/w, host: "*", rules: [{path: /a, to: s}, {path: /b, to: s}]}
            "#,
        );
    }
}
