//! Who owns what: the one place where `mesh.teams`, `team` and the files of teams come together.

use std::collections::BTreeMap;

use weft_spec::Span;

use super::suppression::{SpecPart, Subject, is_within};
use super::{Gateway, Mesh, Route, Service, TeamId};

/// Who owns what no team does.
pub const PLATFORM: &str = "platform";

/// A team, or the platform, and the entry of a list that says so.
pub type Listed = (Option<TeamId>, Span);

/// Every host that somebody lists, to ask who has the most specific entry for a host.
#[derive(Clone, Debug)]
pub struct HostOwners<'mesh> {
    entries: BTreeMap<&'mesh str, Listed>,
}

impl<'mesh> HostOwners<'mesh> {
    /// Of a mesh.
    pub fn new(mesh: &'mesh Mesh) -> Self {
        Self {
            entries: host_entries(mesh).collect(),
        }
    }

    /// Who has the most specific entry that covers a host, and that entry.
    pub fn of_host(&self, host: &str) -> Option<Listed> {
        let own = self.entries.get(host);
        let above = || wider(host).find_map(|wider| self.entries.get(wider.as_str()));
        own.or_else(above).copied()
    }
}

/// Every host that somebody lists.
pub fn host_entries(mesh: &Mesh) -> impl Iterator<Item = (&str, Listed)> {
    let teams = mesh.teams.iter().map(|(id, team)| (Some(id), team));
    let owners = teams.chain([(None, &mesh.platform)]);
    owners.flat_map(|(owner, team)| {
        let hosts = team.hosts.iter();
        hosts.map(move |entry| (entry.value.as_str(), (owner, entry.span)))
    })
}

/// The wildcards that cover a host, itself excluded: one for each dot, and `*`.
pub fn wider(host: &str) -> impl Iterator<Item = String> + use<'_> {
    let below = host.strip_prefix("*.").unwrap_or(host);
    let suffixes = below
        .match_indices('.')
        .filter_map(move |(dot, _)| Some(format!("*{}", below.get(dot..)?)));
    let any = (host != "*").then(|| "*".to_owned());
    suffixes.chain(any)
}

/// How specific a pattern is among those that cover one host: the host itself is more than any wildcard.
pub fn specificity(pattern: &str) -> (bool, usize) {
    (!pattern.starts_with('*'), pattern.len())
}

/// Who lists each service, by its name.
pub fn listed(mesh: &Mesh) -> BTreeMap<&str, Listed> {
    let teams = mesh.teams.iter().map(|(id, team)| (Some(id), team));
    let owners = teams.chain([(None, &mesh.platform)]);
    let entries = owners.flat_map(|(owner, team)| {
        let services = team.services.iter();
        services.map(move |entry| (entry.value.as_str(), (owner, entry.span)))
    });
    entries.collect()
}

/// The team of a service: that of whoever lists it, as [`listed`] says, else the one it names, else that of its file; none
/// for a service of the platform.
pub fn of_service(
    mesh: &Mesh,
    listed: &BTreeMap<&str, Listed>,
    service: &Service,
) -> Option<TeamId> {
    match listed.get(service.name.value.as_str()) {
        Some((owner, _)) => *owner,
        None => mesh.owner(service.team.as_ref(), service.name.span),
    }
}

/// The team of a gateway: the one it names, else that of its file.
pub fn of_gateway(mesh: &Mesh, gateway: &Gateway) -> Option<TeamId> {
    mesh.owner(gateway.team.as_ref(), gateway.name.span)
}

/// The team of a route: the one it names, else that of its file; none for a route of the platform.
pub fn of_route(mesh: &Mesh, route: &Route) -> Option<TeamId> {
    mesh.owner(route.team.as_ref(), route.name.span)
}

/// Who owns the places of a mesh, for whoever asks about many of them.
#[derive(Debug)]
pub struct PlaceOwners<'mesh> {
    mesh: &'mesh Mesh,
    listed: BTreeMap<&'mesh str, Listed>,
    /// The team that has all routes of a host, if one has.
    hosts: BTreeMap<&'mesh str, Option<TeamId>>,
    /// What is written where, by place.
    written: Vec<&'mesh (Span, Subject)>,
}

impl<'mesh> PlaceOwners<'mesh> {
    /// Of a mesh.
    pub fn new(mesh: &'mesh Mesh) -> Self {
        let mut hosts: BTreeMap<&str, Option<TeamId>> = BTreeMap::new();
        for route in mesh.routes.values() {
            let owner = of_route(mesh, route);
            for host in route.host_names() {
                let known = hosts.entry(host).or_insert(owner);
                *known = known.filter(|known| Some(*known) == owner);
            }
        }
        let mut written: Vec<&(Span, Subject)> = mesh.written.iter().collect();
        written.sort_by_key(|(region, _)| *region);
        Self {
            mesh,
            listed: listed(mesh),
            hosts,
            written,
        }
    }

    /// Whose definition something is written in, the platform being none; nothing where it is in none, as the defaults of the
    /// mesh.
    pub fn of_span(&self, span: Span) -> Option<Option<TeamId>> {
        // No definition is within another.
        let key = |span: Span| (span.file, span.start);
        let behind = self
            .written
            .partition_point(|(region, _)| key(*region) <= key(span));
        let (region, subject) = self.written.get(behind.checked_sub(1)?)?;
        is_within(span, *region).then(|| self.of_subject(subject))
    }

    /// The team of everything in a place; none if it is the platform's or belongs to several.
    pub fn of_place(&self, place: &SpecPart) -> Option<TeamId> {
        self.of_subject(&place.subject)
    }

    fn of_subject(&self, subject: &Subject) -> Option<TeamId> {
        let mesh = self.mesh;
        match subject {
            Subject::Route(id) => of_route(mesh, mesh.routes.entry(*id)),
            Subject::Service(id) => of_service(mesh, &self.listed, mesh.services.entry(*id)),
            Subject::Gateway(id) => of_gateway(mesh, mesh.gateways.entry(*id)),
            Subject::Host(host) => self.hosts.get(host.as_str()).copied().flatten(),
        }
    }
}
