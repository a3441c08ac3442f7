//! What becomes of the requests of a rule or call, with every default applied.

use std::collections::BTreeMap;

use weft_snapshot::plan::{
    Action, Backend, HeaderChanges, Outcome, PathPattern, PathRewrite, Retry, RewritePart, Segment,
    Timeouts,
};
use weft_spec::Spanned;
use weft_spec::policy::RetryOn;
use weft_spec::route::{self, Redirect, Respond, Rewrite, Scheme, Trailers};

use crate::model::effective::{Limit, Retries, Timeouts as EffectiveTimeouts};
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
    let action = action(rule, cluster);
    let (new_path, host) = rule.rewrite.as_ref().map_or((None, None), |rewrite| {
        let Rewrite { path, host } = &rewrite.value;
        let path = path
            .as_ref()
            .and_then(|text| self::rewrite(&text.value, &rule.matched.path.value).ok());
        (path, host.as_ref().map(|host| host.value.clone()))
    });
    Outcome {
        action,
        timeouts: EffectiveTimeouts::of_rule(mesh, rule)
            .map_or_else(Timeouts::default, |timeouts| self::timeouts(&timeouts)),
        retry: retries(&Retries::of_rule(mesh, rule).unwrap_or_else(Retries::never)),
        request_headers: headers(&rule.request_headers),
        response_headers: headers(&rule.response_headers),
        path: new_path,
        host,
        websocket: rule.websocket,
        trailers: passes(rule.trailers),
        max_body: rule
            .max_body
            .map(|size| size.value.bytes())
            .or(listener_max_body),
    }
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

fn action(rule: &Rule, cluster: &mut dyn FnMut(&model::Backend) -> u32) -> Action {
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
                    .and_then(|text| rewrite(&text.value, &rule.matched.path.value).ok()),
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
