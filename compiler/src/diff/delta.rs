//! What differs between two outcomes, in words, and how risky that is.

use serde::Serialize;
use weft_snapshot::layout::Digest;
use weft_snapshot::plan::{Action, NodePlan, Outcome, Retry, Timeouts};
use weft_spec::units::Duration;

use super::side::Places;

/// A part of what becomes of a request.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Facet {
    /// Where it goes.
    Route,
    /// Who may send it, and how hops are protected.
    Security,
    /// How long it may take and how often it is tried.
    Reliability,
    /// How it is rewritten.
    Transform,
    /// How large it may be.
    Limits,
}

impl Facet {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Security => "security",
            Self::Reliability => "reliability",
            Self::Transform => "transform",
            Self::Limits => "limits",
        }
    }
}

/// How a change is judged, the gravest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Risk {
    /// Somebody may do what was denied.
    S1,
    /// A hop is protected less.
    S2,
    /// Requests from outside reach what they did not.
    S3,
    /// What was forwarded is refused or answered otherwise.
    A1,
    /// Requests go elsewhere.
    A2,
    /// Time limits or retries change.
    R1,
    /// A limit on size changes.
    R2,
    /// Headers or paths are rewritten differently.
    T1,
}

impl Risk {
    /// The name of the class.
    pub fn name(self) -> &'static str {
        match self {
            Self::S1 => "opens-access",
            Self::S2 => "weakens-transport",
            Self::S3 => "exposes",
            Self::A1 => "breaks",
            Self::A2 => "moves-traffic",
            Self::R1 => "reliability",
            Self::R2 => "limits",
            Self::T1 => "transforms",
        }
    }

    /// The class of a text such as `A2`.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [
            Self::S1,
            Self::S2,
            Self::S3,
            Self::A1,
            Self::A2,
            Self::R1,
            Self::R2,
            Self::T1,
        ];
        all.into_iter().find(|risk| format!("{risk:?}") == text)
    }
}

/// One facet that differs.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Delta {
    pub(super) risk: Risk,
    pub(super) facet: Facet,
    /// What it was and is, in words.
    pub(super) before: String,
    pub(super) after: String,
    /// Where the settings that differ were and are written.
    pub(super) old_place: Option<String>,
    pub(super) new_place: Option<String>,
}

/// One side of a pair of outcomes.
#[derive(Clone, Copy)]
pub(super) struct Seen<'side> {
    pub(super) plan: &'side NodePlan,
    pub(super) outcome: &'side Outcome,
    pub(super) places: &'side Places,
}

/// The facets in which two outcomes differ.
pub(super) fn deltas(old: Seen<'_>, new: Seen<'_>) -> Vec<Delta> {
    let mut found = Vec::new();
    let (was, is) = (action(old), action(new));
    if was != is {
        found.push(Delta {
            risk: route_risk(&old.outcome.action, &new.outcome.action),
            facet: Facet::Route,
            before: was,
            after: is,
            old_place: old.places.rule.clone(),
            new_place: new.places.rule.clone(),
        });
    }
    found.extend(timeouts(old, new));
    let (was, is) = (retry(&old.outcome.retry), retry(&new.outcome.retry));
    if old.outcome.retry != new.outcome.retry {
        found.push(Delta {
            risk: Risk::R1,
            facet: Facet::Reliability,
            before: format!("retry {was}"),
            after: format!("retry {is}"),
            old_place: old.places.retry.clone(),
            new_place: new.places.retry.clone(),
        });
    }
    let size =
        |bytes: Option<u64>| bytes.map_or("any size".to_owned(), |bytes| format!("{bytes} B"));
    if old.outcome.max_body != new.outcome.max_body {
        found.push(Delta {
            risk: Risk::R2,
            facet: Facet::Limits,
            before: format!("bodies of {}", size(old.outcome.max_body)),
            after: format!("bodies of {}", size(new.outcome.max_body)),
            old_place: old.places.rule.clone(),
            new_place: new.places.rule.clone(),
        });
    }
    let (was, is) = (transform(old.outcome), transform(new.outcome));
    if was != is {
        found.push(Delta {
            risk: Risk::T1,
            facet: Facet::Transform,
            before: was,
            after: is,
            old_place: old.places.rule.clone(),
            new_place: new.places.rule.clone(),
        });
    }
    found
}

fn route_risk(old: &Action, new: &Action) -> Risk {
    match (old, new) {
        (Action::Forward { .. }, Action::Redirect { .. } | Action::Respond { .. }) => Risk::A1,
        (
            Action::Forward { .. } | Action::Redirect { .. } | Action::Respond { .. },
            Action::Forward { .. },
        )
        | (
            Action::Redirect { .. } | Action::Respond { .. },
            Action::Redirect { .. } | Action::Respond { .. },
        ) => Risk::A2,
    }
}

/// What becomes of a request, in a few words: `90% orders, 10% orders@v2`.
pub(super) fn action(seen: Seen<'_>) -> String {
    match &seen.outcome.action {
        Action::Forward { backends } => {
            let mut parts: Vec<String> = backends
                .iter()
                .map(|backend| {
                    let clusters = &seen.plan.settings.clusters;
                    let cluster = usize::try_from(backend.cluster)
                        .ok()
                        .and_then(|position| clusters.get(position));
                    let name = cluster.map_or("?", |cluster| cluster.name.as_str());
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

fn percent(parts: u32) -> String {
    let fraction = format!("{:04}", parts % 10_000);
    match fraction.trim_end_matches('0') {
        "" => format!("{}%", parts / 10_000),
        digits => format!("{}.{digits}%", parts / 10_000),
    }
}

fn timeouts(old: Seen<'_>, new: Seen<'_>) -> Vec<Delta> {
    let Timeouts {
        request,
        backend_request,
        connect,
        idle,
    } = old.outcome.timeouts;
    let now = new.outcome.timeouts;
    let fields = [
        (
            "request",
            request,
            now.request,
            &old.places.request,
            &new.places.request,
        ),
        (
            "backendRequest",
            backend_request,
            now.backend_request,
            &old.places.backend_request,
            &new.places.backend_request,
        ),
        (
            "connect",
            connect,
            now.connect,
            &old.places.connect,
            &new.places.connect,
        ),
        ("idle", idle, now.idle, &old.places.idle, &new.places.idle),
    ];
    let changed = fields.into_iter().filter(|(_, was, is, _, _)| was != is);
    changed
        .map(|(name, was, is, old_place, new_place)| Delta {
            risk: Risk::R1,
            facet: Facet::Reliability,
            before: format!("timeout.{name} {}", limit(was)),
            after: format!("timeout.{name} {}", limit(is)),
            old_place: old_place.clone(),
            new_place: new_place.clone(),
        })
        .collect()
}

fn limit(millis: Option<u32>) -> String {
    let Some(millis) = millis else {
        return "none".to_owned();
    };
    let duration = Duration::from_millis(u64::from(millis));
    duration.map_or_else(|_| format!("{millis}ms"), |duration| duration.to_string())
}

fn retry(retry: &Retry) -> String {
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
        reasons.join(" "),
        percent(*budget)
    )
}

fn transform(outcome: &Outcome) -> String {
    let changes = |what: &str, changes: &weft_snapshot::plan::HeaderChanges| {
        let weft_snapshot::plan::HeaderChanges { remove, set, add } = changes;
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
                weft_snapshot::plan::RewritePart::Literal { text } => text.clone(),
                weft_snapshot::plan::RewritePart::Segment { index } => format!("{{{index}}}"),
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
