//! Outcomes in a few words.

use std::fmt::Write as _;

use weft_snapshot::layout::Digest;
use weft_snapshot::plan::{
    Action, AllowPlan, Condition, HeaderChanges, NodePlan, Outcome, Retry, RewritePart, RoutePlan,
    ValueTest,
};
use weft_spec::units::Duration;

use super::delta::Seen;
use crate::model::path::written;

/// The name of a cluster of a plan.
pub(super) fn cluster(plan: &NodePlan, position: u32) -> &str {
    let clusters = &plan.settings.clusters;
    let cluster = usize::try_from(position)
        .ok()
        .and_then(|position| clusters.get(position));
    cluster.map_or("?", |cluster| cluster.name.as_str())
}

/// What a permission admits: `POST /v1/entries`; from whom is said apart.
pub(super) fn permits(allow: &AllowPlan) -> String {
    let path = written(&allow.path);
    if allow.methods.is_empty() {
        path
    } else {
        format!("{} {path}", allow.methods.join("|"))
    }
}

/// What a route matches: `POST /checkout/**, header x-beta: 1`.
pub(super) fn matches(route: &RoutePlan) -> String {
    let mut text = if route.methods.is_empty() {
        String::new()
    } else {
        format!("{} ", route.methods.join("|"))
    };
    text.push_str(&written(&route.path));
    for (kind, conditions) in [("header", &route.headers), ("parameter", &route.query)] {
        for Condition { name, test } in conditions {
            let _ = match test {
                ValueTest::Exact { text: value } => write!(text, ", {kind} {name}: {value}"),
                ValueTest::Present => write!(text, ", {kind} {name} present"),
                ValueTest::Absent => write!(text, ", {kind} {name} absent"),
                ValueTest::Regex { regex } => write!(text, ", {kind} {name} like {regex}"),
            };
        }
    }
    text
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
            format!("answer {status} ({length} B {content_type}, {digest})")
        }
    }
}

pub(super) fn percent(parts: u32) -> String {
    let fraction = format!("{:04}", parts % 10_000);
    match fraction.trim_end_matches('0') {
        "" => format!("{}%", parts / 10_000),
        digits => format!("{}.{digits}%", parts / 10_000),
    }
}

pub(super) fn limit(millis: Option<u32>) -> String {
    let Some(millis) = millis else {
        return "none".to_owned();
    };
    let duration = Duration::from_millis(u64::from(millis));
    duration.map_or_else(|_| format!("{millis}ms"), |duration| duration.to_string())
}

pub(super) fn retry(retry: &Retry) -> String {
    let Retry {
        attempts,
        on_connect_failure,
        on_refused_stream,
        on_reset,
        on_backend_timeout,
        on_5xx,
        on_statuses,
        budget,
        backoff_base,
        backoff_max,
        idempotent,
    } = retry;
    if *attempts <= 1 {
        return "none".to_owned();
    }
    let named = [
        (*on_connect_failure, "connect-failure"),
        (*on_refused_stream, "refused-stream"),
        (*on_reset, "reset"),
        (*on_backend_timeout, "backend-timeout"),
        (*on_5xx, "5xx"),
    ];
    let mut reasons: Vec<String> = named
        .iter()
        .filter(|(is_on, _)| *is_on)
        .map(|(_, name)| (*name).to_owned())
        .collect();
    reasons.extend(on_statuses.iter().map(ToString::to_string));
    let repeats = if *idempotent { ", any method" } else { "" };
    format!(
        "{attempts} tries on {}, budget {}, back-off {backoff_base} to {backoff_max} ms{repeats}",
        reasons.join("|"),
        percent(*budget)
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
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "as it came".to_owned()
    } else {
        parts.join(", ")
    }
}
