//! Who owns what: the one place where `mesh.teams`, `team` and the files of teams come together.

use weft_spec::Span;

use super::suppression::{Place, Subject};
use super::{Mesh, Route, Service, TeamId, host_covers};

/// The team with the most specific entry in `hosts` that covers a host, and that entry.
pub fn of_host(mesh: &Mesh, host: &str) -> Option<(TeamId, Span)> {
    let mut best: Option<(usize, TeamId, Span)> = None;
    for (id, team) in mesh.teams.iter() {
        for entry in &team.hosts {
            let pattern = entry.value.as_str();
            let is_better = best.is_none_or(|(length, _, _)| length < pattern.len());
            if is_better && host_covers(pattern, host) {
                best = Some((pattern.len(), id, entry.span));
            }
        }
    }
    best.map(|(_, id, span)| (id, span))
}

/// The team of a service: the one that lists it, else the one it names, else that of its file.
pub fn of_service(mesh: &Mesh, service: &Service) -> Option<TeamId> {
    let lists = |team: &super::Team| {
        let mut services = team.services.iter();
        services.any(|listed| listed.value == service.name.value)
    };
    let listed = mesh.teams.iter().find(|(_, team)| lists(team));
    listed
        .map(|(id, _)| id)
        .or_else(|| mesh.owner(service.team.as_ref(), service.name.span))
}

/// The team of a route: the one it names, else that of its file; none for a route of the platform.
pub fn of_route(mesh: &Mesh, route: &Route) -> Option<TeamId> {
    mesh.owner(route.team.as_ref(), route.name.span)
}

/// The team of everything in a place; none if it is the platform's or belongs to several.
pub fn of_place(mesh: &Mesh, place: &Place) -> Option<TeamId> {
    match &place.subject {
        Subject::Route(id) => of_route(mesh, mesh.routes.entry(*id)),
        Subject::Service(id) => of_service(mesh, mesh.services.entry(*id)),
        Subject::Gateway(id) => {
            let gateway = mesh.gateways.entry(*id);
            mesh.owner(gateway.team.as_ref(), gateway.name.span)
        }
        Subject::Host(host) => {
            let routes = mesh.routes.values();
            let routes = routes.filter(|route| route.host.value.as_str() == host);
            let mut owners = routes.map(|route| of_route(mesh, route));
            let first = owners.next().flatten()?;
            owners.all(|owner| owner == Some(first)).then_some(first)
        }
    }
}
