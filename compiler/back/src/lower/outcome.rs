//! What becomes of the requests of a rule or call, with every default applied.

use weft_front::model::new_path::{DEFAULT_REDIRECT, changed_path};
use weft_front::model::{self, Listener, Mesh, Rule};
use weft_front::settings::{self, Hops, Plan, Settled, Sources};
use weft_snapshot::plan::{Action, Backend, Outcome, PathPattern};
use weft_spec::route::{Redirect, Respond, Scheme};

/// The type of a fixed body when nothing is said.
const DEFAULT_CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// The outcome of a rule; `cluster` numbers the backends.
pub fn of_rule(
    mesh: &Mesh,
    rule: &Rule,
    listener: Option<&Listener>,
    cluster: &mut dyn FnMut(&model::Backend) -> u32,
) -> Outcome {
    let sources = Sources::of_rule(mesh, rule, listener);
    settled((mesh, rule), &of_sources(rule, &sources), cluster)
}

/// What comes of the settings of a rule.
pub(super) fn of_sources<'mesh>(rule: &Rule, sources: &Sources<'mesh>) -> Settled<'mesh> {
    let is_forward = !rule.backends().is_empty();
    sources.settled(|hops| is_forward || hops == Hops::Answers)
}

/// The outcome of a rule of which the settings are settled.
pub(super) fn settled(
    (mesh, rule): (&Mesh, &Rule),
    settled: &Settled<'_>,
    cluster: &mut dyn FnMut(&model::Backend) -> u32,
) -> Outcome {
    let mut outcome = Outcome::of(action(mesh, rule, cluster));
    settled.write(&mut outcome);
    outcome
}

/// An outcome for the paths of a pattern without what no request can notice: backends without a share, settings that mean
/// nothing beside others, a new path that is the old one, and what is said about forwarding where nothing is forwarded.
pub fn noticed(outcome: &Outcome, pattern: &PathPattern) -> Outcome {
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
