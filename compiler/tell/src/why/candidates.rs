//! The routes that could have decided, and why they did not.

use weft_front::words;
use weft_snapshot::origins::NodeOrigins;
use weft_snapshot::plan::RoutePlan;
use weft_snapshot::settings::PathRules;
use weft_snapshot::{HeaderList, Request};
use weft_space::automata::Automata;
use weft_space::languages::Languages;
use weft_space::path::{Relation, written};
use weft_space::{Entry, Reading, WitnessRequest, first_failure, left};

use super::Proxy;
use super::answer::Candidate;

/// So many of them are told.
const TOLD: usize = 8;

/// The routes of the host whose path has the request's, other than the one that decides; in their order.
pub(super) fn of_request(
    proxy: Proxy<'_>,
    request: &Request<'_, HeaderList>,
    winner: Option<u32>,
) -> Vec<Candidate> {
    let Proxy {
        slice,
        listener,
        origins,
    } = proxy;
    let mut languages = Languages::default().by(listener.path);
    let asked = asked(request);
    let winning = winner.and_then(|winner| slice.route_plan(winner));
    let mut found = Vec::new();
    let routes = slice.routes_with_path(listener.table, request.host, request.path);
    for index in routes.into_iter().filter(|index| Some(*index) != winner) {
        let Some(plan) = slice.route_plan(index) else {
            continue;
        };
        let failure = first_failure(&Entry::of(&plan), &asked, &mut languages);
        let why = match (failure, &winning) {
            (Some(failure), _) => failure,
            (None, Some(winning)) => below(winning, &plan, &mut languages),
            (None, None) => "it would take the request".to_owned(),
        };
        found.push(candidate(&plan, index, origins, why));
        if found.len() == TOLD {
            break;
        }
    }
    found
}

/// Why a route does not decide about a request, by its id; nothing if there is no such route on the node.
pub(super) fn why_not(
    proxy: Proxy<'_>,
    request: &Request<'_, HeaderList>,
    winner: Option<u32>,
    wanted: &str,
) -> Option<Candidate> {
    let Proxy {
        slice,
        listener,
        origins,
    } = proxy;
    let mut languages = Languages::default().by(listener.path);
    let winning = winner.and_then(|winner| slice.route_plan(winner));
    for other in &slice.settings().listeners {
        for host in slice.hosts(other.table) {
            for index in slice.routes_of(other.table, host) {
                let Some(plan) = slice.route_plan(index).filter(|plan| plan.id == wanted) else {
                    continue;
                };
                let owner = slice.owning_host(listener.table, request.host);
                let why = if other.table != listener.table {
                    format!(
                        "it is on listener {}, and the request comes by {}",
                        other.name, listener.name
                    )
                } else if owner != Some(host) {
                    let owner = owner.map_or("no host".to_owned(), |owner| format!("host {owner}"));
                    format!("it is for host {host}, and {owner} owns the request")
                } else if winner == Some(index) {
                    "it does decide".to_owned()
                } else {
                    let entry = Entry::of(&plan);
                    match (
                        first_failure(&entry, &asked(request), &mut languages),
                        &winning,
                    ) {
                        (Some(failure), _) => failure,
                        (None, Some(winning)) => below(winning, &plan, &mut languages),
                        (None, None) => "it would take the request".to_owned(),
                    }
                };
                return Some(candidate(&plan, index, origins, why));
            }
        }
    }
    None
}

fn candidate(plan: &RoutePlan, index: u32, origins: &NodeOrigins, why: String) -> Candidate {
    let place = origins
        .route(index)
        .map(|(file, line)| format!("{file}:{line}"));
    Candidate {
        id: plan.id.clone(),
        place,
        matches: words::matches(plan),
        why,
    }
}

fn asked(request: &Request<'_, HeaderList>) -> WitnessRequest {
    let headers = request.headers.0.iter();
    let headers = headers.map(|(name, value)| (name.clone(), value.clone().into_bytes()));
    WitnessRequest {
        method: request.method.to_owned(),
        host: request.host.to_owned(),
        path: request.path.to_owned(),
        query: request.query.map(str::to_owned),
        headers: headers.collect(),
        source: None,
    }
}

/// Whether a route for the same paths takes everything that another takes, and more.
fn has_wider_conditions(route: &RoutePlan, other: &RoutePlan) -> bool {
    let (wide, narrow) = (Entry::of(route), Entry::of(other));
    let automata = Automata::default();
    let with = Reading::new(PathRules::default(), &automata);
    let has_all = |one: &Entry<'_>, all: &Entry<'_>| {
        let rest = left(one, std::slice::from_ref(all), with);
        rest.is_ok_and(|rest| rest.is_none())
    };
    has_all(&narrow, &wide) && !has_all(&wide, &narrow)
}

/// Why a route that matches as well ranks below the one that decides (DESIGN section 4).
fn below(winning: &RoutePlan, other: &RoutePlan, languages: &mut Languages) -> String {
    let (mine, its) = (written(&winning.path), written(&other.path));
    match languages.relate_paths(&winning.path, &other.path).relation {
        Relation::Narrower => format!("its path is wider: {its} has all of {mine}"),
        Relation::Equal if has_wider_conditions(other, winning) => {
            "its conditions are wider".to_owned()
        }
        Relation::Equal => "its priority is lower".to_owned(),
        Relation::Wider | Relation::Overlapping | Relation::Disjoint => {
            "its priority is lower".to_owned()
        }
    }
}
