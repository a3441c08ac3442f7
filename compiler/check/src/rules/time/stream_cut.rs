//! Finds limits that cut streams.
//!
//! Exact: a service says that its answers are streams without an end, and a limit on the whole request or on a try ends
//! each of them. `idle` is no such limit, because it starts anew with every byte.

use std::collections::BTreeSet;

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::effective::Limit;
use weft_front::settings::Level;
use weft_front::words;

use crate::rules::facts::Facts;

/// A limit on a stream.
pub(super) static CODE: Code = Code {
    name: "stream-cut",
    severity: Severity::Error,
    finds: "A limit on the whole request, or on a try, of a rule or call to a service with `streaming: true`.",
    why: "Every stream ends by this limit, in the middle of what it carries, however lively it is.",
    bad: spec!(
        r#"  feed: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8082"], streaming: true}
routes:
  feed: {listener: public/web, host: "*", rules: [{to: feed, timeout: {request: 30s}}]}
"#
    ),
    good: spec!(
        r#"  feed: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8082"], streaming: true, timeout: {request: 0s, idle: 1m}}
routes:
  feed: {listener: public/web, host: "*", rules: [{to: feed}]}
"#
    ),
};

/// Reports every such limit, once for each service.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let graph = facts.graph();
    let mut reported = BTreeSet::new();
    for (_, edge) in graph.edges() {
        let service = graph.mesh.services.entry(edge.to);
        if !service.streaming {
            continue;
        }
        let limits = [edge.said.request, edge.said.backend_request];
        let is_finite = |limit: &Limit| limit.value.is_some();
        let Some(limit) = limits.into_iter().flatten().find(is_finite) else {
            continue;
        };
        if !reported.insert((limit.span, edge.to)) {
            continue;
        }
        let name = &service.name.value;
        let after = words::limit(limit.value.unwrap_or_default());
        let message = format!(
            "{} cuts the streams of `{name}` after {after}",
            graph.words(edge)
        );
        let place = match limit.level {
            Level::Rule | Level::Call => limit.span,
            Level::BuiltIn | Level::Mesh | Level::Listener | Level::Service => edge.place(),
        };
        let mut finding = Diagnostic::new(&CODE, place, message)
            .label(service.name.span, "its answers are streams without an end")
            .help("say `timeout: {request: 0s}` in the service, and bound silence by `idle`");
        if limit.span != place {
            finding = finding.label(limit.span, "this ends them");
        }
        diagnostics.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_stream_is_bounded_by_silence_alone() {
        check(
            r#"
            services:
              f: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], streaming: true}
              g: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], streaming: true, timeout: {request: 0s, idle: 1m}}
              c:
                protocol: http
                app: 127.0.0.1:8080
                calls:
                  g: {timeout: {backendRequest: 1s}}  #~ error[stream-cut]
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /a, to: f}  #~ error[stream-cut]
                  - {path: /b, to: f}
                  - {path: /c, to: f, timeout: {request: 0s}}
                  - {path: /d, to: f, timeout: {request: 1m}}  #~ error[stream-cut]
                  - {path: /e, to: g}
                  - {path: /f, to: s}
            "#,
        );
    }
}
