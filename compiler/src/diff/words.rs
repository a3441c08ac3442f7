//! Outcomes in a few words.

use weft_snapshot::layout::Digest;
use weft_snapshot::plan::{Action, HeaderChanges, NodePlan, Outcome, Retry, RewritePart};

use super::delta::Seen;
use crate::words::{percent, retry_reasons};

/// The name of a cluster of a plan.
pub(super) fn cluster(plan: &NodePlan, position: u32) -> &str {
    let clusters = &plan.settings.clusters;
    let cluster = usize::try_from(position)
        .ok()
        .and_then(|position| clusters.get(position));
    cluster.map_or("?", |cluster| cluster.name.as_str())
}

/// What becomes of a request, in a few words: `90% orders, 10% orders@v2`.
pub(super) fn action(seen: Seen<'_>) -> String {
    match &seen.outcome.action {
        Action::Forward { backends } => {
            let mut parts: Vec<String> = backends
                .iter()
                // A backend without a share is sent nothing.
                .filter(|backend| backend.share != 0)
                .map(|backend| {
                    let name = cluster(seen.plan, backend.cluster);
                    format!("{} {name}", percent(backend.share))
                })
                .collect();
            parts.sort();
            parts.join(", ")
        }
        Action::Redirect {
            status,
            scheme,
            host,
            port,
            path,
        } => {
            let mut text = format!("redirect {status}");
            let scheme = scheme.as_ref().map(|scheme| format!(" to {scheme}"));
            let host = host.as_ref().map(|host| format!(" host {host}"));
            let port = port.map(|port| format!(" port {port}"));
            let path = path.as_ref().map(|path| format!(" path {path:?}"));
            for part in [scheme, host, port, path].into_iter().flatten() {
                text.push_str(&part);
            }
            text
        }
        Action::Respond {
            status,
            body,
            content_type,
        } => {
            let digest = Digest::of(body.as_bytes()).hex();
            let digest: String = digest.chars().take(6).collect();
            let length = body.len();
            match (body.is_empty(), content_type.is_empty()) {
                (true, true) => format!("answer {status}"),
                (_, true) => format!("answer {status} ({length} B, {digest})"),
                (_, false) => format!("answer {status} ({length} B {content_type}, {digest})"),
            }
        }
    }
}

/// A limit on waiting, or that there is none.
pub(super) fn limit(millis: Option<u32>) -> String {
    millis.map_or_else(|| "none".to_owned(), crate::words::limit)
}

pub(super) fn retry(retry: &Retry) -> String {
    if retry.attempts <= 1 {
        return "none".to_owned();
    }
    let repeats = if retry.idempotent { ", any method" } else { "" };
    let reasons = retry_reasons(retry).join("|");
    format!(
        "{} tries on {reasons}, budget {}, back-off {} to {} ms{repeats}",
        retry.attempts,
        retry.budget.map_or_else(|| "off".to_owned(), percent),
        retry.backoff_base,
        retry.backoff_max
    )
}

pub(super) fn transform(outcome: &Outcome) -> String {
    let changes = |what: &str, changes: &HeaderChanges| {
        let HeaderChanges { remove, set, add } = changes;
        let mut parts: Vec<String> = remove.iter().map(|name| format!("-{name}")).collect();
        parts.extend(set.iter().map(|(name, value)| format!("{name}={value}")));
        parts.extend(add.iter().map(|(name, value)| format!("+{name}={value}")));
        (!parts.is_empty()).then(|| format!("{what} {}", parts.join(" ")))
    };
    let path = outcome.path.as_ref().map(|path| {
        let parts: Vec<String> = path
            .parts
            .iter()
            .map(|part| match part {
                RewritePart::Literal { text } => text.clone(),
                RewritePart::Segment { index } => format!("{{{index}}}"),
            })
            .collect();
        let rest = path
            .rest_from
            .map_or_else(String::new, |from| format!("/{{{from}}}/**"));
        format!("path /{}{rest}", parts.join("/"))
    });
    let parts = [
        changes("request headers", &outcome.request_headers),
        changes("response headers", &outcome.response_headers),
        path,
        outcome.host.as_ref().map(|host| format!("host {host}")),
        outcome
            .websocket
            .then(|| "upgrades to WebSocket".to_owned()),
        outcome.trailers.then(|| "with trailers".to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "as it came".to_owned()
    } else {
        parts.join(", ")
    }
}
