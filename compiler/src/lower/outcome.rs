//! What becomes of the requests of a rule or call, with every default applied.

use std::collections::BTreeMap;

use weft_snapshot::plan::{
    Action, Backend, Outcome, PathPattern, PathRewrite, RewritePart, Segment,
};
use weft_snapshot::settings::{PathRules, Slashes};
use weft_spec::route::{Redirect, Respond, Scheme};

use crate::model::languages::Languages;
use crate::model::{self, Listener, Mesh, Rule, path};
use crate::settings::{self, Hops, Plan, Settled, Sources};

/// The status of a redirect when nothing is said.
pub(crate) const DEFAULT_REDIRECT: u16 = 302;
/// The type of a fixed body when nothing is said.
const DEFAULT_CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// The outcome of a rule; `cluster` numbers the backends.
pub(crate) fn of_rule(
    mesh: &Mesh,
    rule: &Rule,
    listener: Option<&Listener>,
    cluster: &mut dyn FnMut(&model::Backend) -> u32,
) -> Outcome {
    let sources = Sources::of_rule(mesh, rule, listener);
    settled((mesh, rule), &of_sources(rule, &sources), cluster)
}

/// What comes of the settings of a rule.
pub(super) fn of_sources(rule: &Rule, sources: &Sources<'_>) -> Settled {
    let is_forward = !rule.backends().is_empty();
    sources.settled(|hops| is_forward || hops == Hops::Answers)
}

/// The outcome of a rule of which the settings are settled.
pub(super) fn settled(
    (mesh, rule): (&Mesh, &Rule),
    settled: &Settled,
    cluster: &mut dyn FnMut(&model::Backend) -> u32,
) -> Outcome {
    let mut outcome = Outcome::of(action(mesh, rule, cluster));
    settled.write(&mut outcome);
    outcome
}

/// An outcome for the paths of a pattern without what no request can notice: backends without a share, settings that mean
/// nothing beside others, a new path that is the old one, and what is said about forwarding where nothing is forwarded.
pub(crate) fn noticed(outcome: &Outcome, pattern: &PathPattern) -> Outcome {
    // What is not known to mean nothing stays, so that no change of it is lost.
    let mut noticed = outcome.clone();
    let blank = Outcome::of(outcome.action.clone());
    let is_forward = matches!(outcome.action, Action::Forward { .. });
    for setting in settings::ROUTE {
        let is_there = is_forward || setting.hops == Hops::Answers;
        if let Plan::Route { put, of } = setting.plan
            && (!is_there || (setting.is_idle)(outcome))
        {
            put(&mut noticed, &of(&blank));
        }
    }
    noticed.path = noticed.path.filter(|path| !path.is_identity(pattern));
    match &mut noticed.action {
        Action::Forward { backends } => backends.retain(|backend| backend.share != 0),
        Action::Redirect { path, .. } => {
            *path = path.take().filter(|path| !path.is_identity(pattern));
        }
        Action::Respond { .. } => {}
    }
    noticed
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
