//! Who owns what: the one place where `mesh.teams`, `team` and the files of teams come together.

use std::collections::BTreeMap;

use weft_spec::Span;

use super::suppression::{Place, Subject};
use super::{Gateway, Mesh, Route, Service, TeamId, host_covers};

/// Who owns what no team does.
pub const PLATFORM: &str = "platform";

/// The team with the most specific entry in `hosts` that covers a host, and that entry.
pub fn of_host(mesh: &Mesh, host: &str) -> Option<(TeamId, Span)> {
    let entries = mesh.teams.iter();
    let entries = entries.flat_map(|(id, team)| team.hosts.iter().map(move |entry| (id, entry)));
    let mut best: Option<(_, TeamId, Span)> = None;
    for (id, entry) in entries.filter(|(_, entry)| host_covers(entry.value.as_str(), host)) {
        let how = specificity(entry.value.as_str());
        if best.is_none_or(|(other, _, _)| other < how) {
            best = Some((how, id, entry.span));
        }
    }
    best.map(|(_, id, span)| (id, span))
}

/// How specific a pattern is among those that cover one host: the host itself is more than any wildcard.
pub fn specificity(pattern: &str) -> (bool, usize) {
    (!pattern.starts_with('*'), pattern.len())
}

/// The team that lists each service, by its name.
pub fn listed(mesh: &Mesh) -> BTreeMap<&str, TeamId> {
    let teams = mesh.teams.iter();
    let entries = teams.flat_map(|(id, team)| team.services.iter().map(move |entry| (entry, id)));
    entries
        .map(|(entry, id)| (entry.value.as_str(), id))
        .collect()
}

/// The team of a service: the one that lists it, as [`listed`] says, else the one it names, else that of its file.
pub fn of_service(
    mesh: &Mesh,
    listed: &BTreeMap<&str, TeamId>,
    service: &Service,
) -> Option<TeamId> {
    let listed = listed.get(service.name.value.as_str()).copied();
    listed.or_else(|| mesh.owner(service.team.as_ref(), service.name.span))
}

/// The team of a gateway: the one it names, else that of its file.
pub fn of_gateway(mesh: &Mesh, gateway: &Gateway) -> Option<TeamId> {
    mesh.owner(gateway.team.as_ref(), gateway.name.span)
}

/// The team of a route: the one it names, else that of its file; none for a route of the platform.
pub fn of_route(mesh: &Mesh, route: &Route) -> Option<TeamId> {
    mesh.owner(route.team.as_ref(), route.name.span)
}

/// The team of everything in a place; none if it is the platform's or belongs to several.
pub fn of_place(mesh: &Mesh, place: &Place) -> Option<TeamId> {
    match &place.subject {
        Subject::Route(id) => of_route(mesh, mesh.routes.entry(*id)),
        Subject::Service(id) => of_service(mesh, &listed(mesh), mesh.services.entry(*id)),
        Subject::Gateway(id) => of_gateway(mesh, mesh.gateways.entry(*id)),
        Subject::Host(host) => {
            let routes = mesh.routes.values();
            let routes = routes.filter(|route| route.host.value.as_str() == host);
            let mut owners = routes.map(|route| of_route(mesh, route));
            let first = owners.next().flatten()?;
            owners.all(|owner| owner == Some(first)).then_some(first)
        }
    }
}
