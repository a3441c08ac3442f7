//! What becomes of the requests of a rule or call, with every default applied.

use std::collections::BTreeMap;

use weft_snapshot::plan::{
    Action, Backend, HeaderChanges, Outcome, PathPattern, PathRewrite, Retry, RewritePart, Segment,
    Timeouts,
};
use weft_snapshot::settings::{PathRules, Slashes};
use weft_spec::Spanned;
use weft_spec::policy::RetryOn;
use weft_spec::route::{self, Redirect, Respond, Rewrite, Scheme, Trailers};

use crate::model::effective::{Limit, Retries, Timeouts as EffectiveTimeouts};
use crate::model::languages::Languages;
use crate::model::{self, Mesh, Rule, path};

/// The status of a redirect when nothing is said.
pub(crate) const DEFAULT_REDIRECT: u16 = 302;
/// The type of a fixed body when nothing is said.
const DEFAULT_CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// The outcome of a rule; `cluster` numbers the backends.
pub(crate) fn of_rule(
    mesh: &Mesh,
    rule: &Rule,
    listener_max_body: Option<u64>,
    cluster: &mut dyn FnMut(&model::Backend) -> u32,
) -> Outcome {
    let action = action(mesh, rule, cluster);
    let host = rule.rewrite.as_ref().and_then(|rewrite| {
        let Rewrite { path: _, host } = &rewrite.value;
        Some(host.as_ref()?.value.clone())
    });
    Outcome {
        action,
        timeouts: EffectiveTimeouts::of_rule(mesh, rule)
            .map_or_else(Timeouts::default, |timeouts| self::timeouts(&timeouts)),
        retry: retries(&Retries::of_rule(mesh, rule).unwrap_or_else(Retries::never)),
        request_headers: headers(&rule.request_headers),
        response_headers: headers(&rule.response_headers),
        path: new_path(mesh, rule),
        host,
        websocket: rule.websocket,
        trailers: passes(rule.trailers),
        max_body: rule
            .max_body
            .map(|size| size.value.bytes())
            .or(listener_max_body),
    }
}

/// An outcome for the paths of a pattern without what no request can notice: backends without a share, retries of a single
/// try, a new path that is the old one, and what is said about forwarding where nothing is forwarded.
pub(crate) fn noticed(outcome: &Outcome, pattern: &PathPattern) -> Outcome {
    let mut noticed = outcome.clone();
    if noticed.retry.attempts <= 1 {
        noticed.retry = Retry::never();
    }
    noticed.path = noticed.path.filter(|path| !path.is_identity(pattern));
    match &mut noticed.action {
        Action::Forward { backends } => backends.retain(|backend| backend.share != 0),
        Action::Redirect { path, .. } => {
            *path = path.take().filter(|path| !path.is_identity(pattern));
            forget_forwarding(&mut noticed);
        }
        Action::Respond { .. } => forget_forwarding(&mut noticed),
    }
    noticed
}

fn forget_forwarding(outcome: &mut Outcome) {
    outcome.timeouts = Timeouts::default();
    outcome.retry = Retry::never();
    outcome.request_headers = HeaderChanges::default();
    outcome.path = None;
    outcome.host = None;
    outcome.websocket = false;
    outcome.trailers = false;
    outcome.max_body = None;
}

/// An outcome that forwards to one cluster and changes nothing.
pub(super) fn forward(cluster: u32, timeouts: Timeouts, retry: Retry) -> Outcome {
    Outcome {
        action: Action::Forward {
            backends: vec![Backend {
                cluster,
                share: weft_spec::units::Share::WHOLE,
            }],
        },
        timeouts,
        retry,
        request_headers: HeaderChanges::default(),
        response_headers: HeaderChanges::default(),
        path: None,
        host: None,
        websocket: true,
        trailers: false,
        max_body: None,
    }
}

/// Whether trailers of requests pass; they do not when nothing is said.
pub(super) fn passes(said: Option<Spanned<Trailers>>) -> bool {
    said.is_some_and(|said| said.value == Trailers::Pass)
}

/// The new path that a rule gives to what it forwards; none if it gives none, or the same.
pub(crate) fn new_path(mesh: &Mesh, rule: &Rule) -> Option<PathRewrite> {
    let text = rule.rewrite.as_ref()?.value.path.as_ref()?;
    changed_path(mesh, &text.value, &rule.matched.path.value)
}

/// The new path of a rewrite or redirect; none if it is the old one, or wrong, which is a finding of its own.
pub(crate) fn changed_path(mesh: &Mesh, text: &str, pattern: &PathPattern) -> Option<PathRewrite> {
    let new = rewrite(text, pattern).ok()?;
    let is_same = match pattern {
        PathPattern::Segments { .. } => new.is_identity(pattern),
        PathPattern::Regex { .. } => {
            // The new path is always the same one here. More paths are canonical where slashes are kept.
            let kept = PathRules {
                slashes: Slashes::Keep,
                ..PathRules::default()
            };
            let mut languages = Languages::sharing(&mesh.automata).by(kept);
            let one = path::parse_repeating(text).ok()?;
            languages.relate_paths(pattern, &one).relation == path::Relation::Equal
        }
    };
    (!is_same).then_some(new)
}

fn action(mesh: &Mesh, rule: &Rule, cluster: &mut dyn FnMut(&model::Backend) -> u32) -> Action {
    match &rule.action {
        model::Action::Forward(backends) => Action::Forward {
            backends: backends
                .iter()
                .map(|backend| Backend {
                    cluster: cluster(backend),
                    share: backend.share,
                })
                .collect(),
        },
        model::Action::Redirect(redirect) => {
            let Redirect {
                scheme,
                host,
                port,
                path,
                code,
            } = &redirect.value;
            Action::Redirect {
                status: code.map_or(DEFAULT_REDIRECT, |code| code.value),
                scheme: scheme.map(|scheme| match scheme.value {
                    Scheme::Http => "http".to_owned(),
                    Scheme::Https => "https".to_owned(),
                }),
                host: host.as_ref().map(|host| host.value.clone()),
                port: port.map(|port| port.value),
                path: path
                    .as_ref()
                    .and_then(|text| changed_path(mesh, &text.value, &rule.matched.path.value)),
            }
        }
        model::Action::Respond(respond) => {
            let Respond {
                status,
                body,
                content_type,
            } = &respond.value;
            let body = body
                .as_ref()
                .map(|body| body.value.clone())
                .unwrap_or_default();
            let content_type = match content_type {
                Some(content_type) => content_type.value.clone(),
                None if body.is_empty() => String::new(),
                None => DEFAULT_CONTENT_TYPE.to_owned(),
            };
            Action::Respond {
                status: status.value,
                body,
                content_type,
            }
        }
    }
}

fn headers(changes: &route::HeaderChanges) -> HeaderChanges {
    let route::HeaderChanges { set, add, remove } = changes;
    let pairs = |named: &weft_spec::Named<String>| {
        named
            .iter()
            .map(|(name, value)| (name.value.to_ascii_lowercase(), value.value.clone()))
            .collect()
    };
    HeaderChanges {
        remove: remove
            .iter()
            .map(|name| name.value.to_ascii_lowercase())
            .collect(),
        set: pairs(set),
        add: pairs(add),
    }
}

/// Reads the new path of a rewrite against the pattern of its rule.
///
/// # Errors
///
/// What is wrong with it, as the middle of a sentence.
pub(crate) fn rewrite(text: &str, pattern: &PathPattern) -> Result<PathRewrite, String> {
    let (old, old_rest): (&[Segment], bool) = match pattern {
        PathPattern::Segments { segments, rest } => (segments, *rest),
        PathPattern::Regex { .. } => (&[], false),
    };
    let positions: BTreeMap<&str, usize> = old
        .iter()
        .enumerate()
        .filter_map(|(position, segment)| match segment {
            Segment::Any { name } => Some((name.as_str(), position)),
            Segment::Literal { .. } => None,
        })
        .collect();
    let PathPattern::Segments { segments, rest } =
        path::parse_repeating(text).map_err(|error| error.message)?
    else {
        return Err("is a regular expression".to_owned());
    };
    if rest && !old_rest {
        return Err("ends in `/**`, but the path of the rule does not".to_owned());
    }
    let parts = segments.into_iter().map(|segment| match segment {
        Segment::Literal { text } => Ok(RewritePart::Literal { text }),
        Segment::Any { name } => match positions.get(name.as_str()) {
            Some(position) => Ok(RewritePart::Segment {
                index: u32::try_from(*position).unwrap_or(u32::MAX),
            }),
            None => Err(format!(
                "uses `{{{name}}}`, which the path of the rule does not have"
            )),
        },
    });
    Ok(PathRewrite {
        parts: parts.collect::<Result<_, _>>()?,
        rest_from: rest.then(|| u32::try_from(old.len()).unwrap_or(u32::MAX)),
    })
}

/// The limits as numbers; what nobody mentioned is "no limit".
pub(crate) fn timeouts(timeouts: &EffectiveTimeouts) -> Timeouts {
    let EffectiveTimeouts {
        request,
        backend_request,
        connect,
        idle,
    } = timeouts;
    let said = |limit: &Option<Limit>| limit.and_then(|limit| limit.value);
    Timeouts {
        request: said(request),
        backend_request: said(backend_request),
        connect: connect.value,
        idle: idle.value,
    }
}

/// The retries as numbers.
pub(crate) fn retries(retries: &Retries) -> Retry {
    let Retries {
        attempts,
        on,
        budget,
        backoff_base,
        backoff_max,
        idempotent,
    } = retries;
    let has = |reason| on.value.contains(&reason);
    let statuses = on.value.iter().filter_map(|reason| match reason {
        RetryOn::Status(status) => Some(*status),
        RetryOn::ConnectFailure
        | RetryOn::RefusedStream
        | RetryOn::Reset
        | RetryOn::BackendTimeout
        | RetryOn::ServerError => None,
    });
    Retry {
        attempts: attempts.value,
        on_connect_failure: has(RetryOn::ConnectFailure),
        on_refused_stream: has(RetryOn::RefusedStream),
        on_reset: has(RetryOn::Reset),
        on_backend_timeout: has(RetryOn::BackendTimeout),
        on_5xx: has(RetryOn::ServerError),
        on_statuses: statuses.collect(),
        budget: budget.value,
        backoff_base: backoff_base.value,
        backoff_max: backoff_max.value,
        idempotent: idempotent.value,
    }
}
