//! What becomes of the requests of a rule or call, with every default applied.

use weft_front::model::action::Scheme;
use weft_front::model::{self, Mesh, Rule};
use weft_front::settings::{self, Hops, Plan, SettingSources, Settled};
use weft_snapshot::plan::{Action, Backend, Outcome, PathPattern};

/// The outcome of a rule; `cluster` numbers the backends.
pub fn of_rule(
    mesh: &Mesh,
    rule: &Rule,
    cluster: &mut dyn FnMut(&model::Backend) -> u32,
) -> Outcome {
    let sources = SettingSources::of_rule(mesh, rule);
    settled(rule, &of_sources(rule, &sources), cluster)
}

/// What comes of the settings of a rule.
pub(super) fn of_sources<'mesh>(rule: &Rule, sources: &SettingSources<'mesh>) -> Settled<'mesh> {
    let is_forward = !rule.backends().is_empty();
    sources.settled(|hops| is_forward || hops == Hops::Answers)
}

/// The outcome of a rule of which the settings are settled.
pub(super) fn settled(
    rule: &Rule,
    settled: &Settled<'_>,
    cluster: &mut dyn FnMut(&model::Backend) -> u32,
) -> Outcome {
    let mut outcome = Outcome::of(action(rule, cluster));
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
            let scheme = redirect.scheme.map(|scheme| match scheme.value {
                Scheme::Http => "http".to_owned(),
                Scheme::Https => "https".to_owned(),
            });
            Action::Redirect {
                status: redirect.status(),
                scheme,
                host: redirect.host.as_ref().map(|host| host.value.clone()),
                port: redirect.port.map(|port| port.value),
                path: redirect.other_path().cloned(),
            }
        }
        model::Action::Respond(respond) => Action::Respond {
            status: respond.status.value,
            body: respond.body().to_owned(),
            content_type: respond.content_type().to_owned(),
        },
    }
}
