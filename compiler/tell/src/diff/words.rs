//! Outcomes in a few words.

use weft_front::settings::new_path;
use weft_front::words::percent;
use weft_snapshot::layout::Digest;
use weft_snapshot::plan::{Action, NodePlan};

use super::delta::Seen;

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
            let path = path
                .as_ref()
                .map(|path| format!(" path {}", new_path(path)));
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
