//! What a spec defines: where each thing is written and who owns it. A snapshot knows neither.

use std::collections::BTreeMap;

use weft_back::lower::Lines;
use weft_front::model::owners::{self, PLATFORM};
use weft_front::model::{Mesh, TeamId};
use weft_front::source::Sources;
use weft_spec::Span;

use super::governed::{self, Governed};

/// The definitions of a spec, by kind and name: `route api`, `service orders`, `gateway public`,
/// `listener gateway/public/web`, `certificate public-web`.
#[derive(Debug)]
pub(super) struct Definitions {
    /// The teams, and the platform.
    pub(super) teams: Vec<String>,
    /// The hosts that somebody lists, and who.
    hosts: BTreeMap<String, String>,
    /// What governs the mesh.
    pub(super) governed: Vec<Governed>,
    known: BTreeMap<String, Definition>,
}

#[derive(Debug)]
struct Definition {
    place: Option<String>,
    owner: String,
}

impl Definitions {
    /// All definitions of a spec.
    pub(super) fn new(mesh: &Mesh, sources: &Sources) -> Self {
        let (lines, listed) = (Lines::new(sources), owners::listed(mesh));
        let mut known = BTreeMap::new();
        let mut define = |name: String, span: Span, owner: Option<TeamId>| {
            let place = lines.place(span).and_then(|place| {
                let file = sources.file(span.file)?;
                Some(format!("{}:{}", file.path, place.line))
            });
            let owner = mesh.owner_name(owner).to_owned();
            known.insert(name, Definition { place, owner });
        };
        for route in mesh.routes.values() {
            let owner = owners::of_route(mesh, route);
            define(
                format!("route {}", route.name.value),
                route.name.span,
                owner,
            );
        }
        for service in mesh.services.values() {
            let owner = owners::of_service(mesh, &listed, service);
            let span = service.name.span;
            let name = &service.name.value;
            define(format!("service {name}"), span, owner);
            for listener in ["inbound", "outbound"] {
                define(format!("listener service/{name}/{listener}"), span, owner);
            }
        }
        for gateway in mesh.gateways.values() {
            let owner = owners::of_gateway(mesh, gateway);
            let name = &gateway.name.value;
            define(format!("gateway {name}"), gateway.name.span, owner);
            for listener in &gateway.listeners {
                let key = format!("listener gateway/{name}/{}", listener.name.value);
                define(key, listener.name.span, owner);
            }
        }
        for certificate in mesh.certificates.values() {
            let span = certificate.name.span;
            define(
                format!("certificate {}", certificate.name.value),
                span,
                mesh.file_team(span),
            );
        }
        Self {
            teams: teams(mesh),
            hosts: listed_hosts(mesh),
            governed: governed::of(mesh, sources),
            known,
        }
    }

    /// The most specific pattern for a host that somebody lists, and who; none if nobody does.
    pub(super) fn owner_of_host(&self, host: &str) -> Option<(&str, &str)> {
        // From the host itself to `*`: the first that is listed is the most specific one.
        let exact = self.hosts.get_key_value(host);
        let mut wider = owners::wider(host);
        let best = exact.or_else(|| wider.find_map(|one| self.hosts.get_key_value(&one)));
        best.map(|(pattern, owner)| (pattern.as_str(), owner.as_str()))
    }

    /// The hosts that somebody lists.
    pub(super) fn listed_hosts(&self) -> impl Iterator<Item = &str> {
        self.hosts.keys().map(String::as_str)
    }

    /// Everything that is defined, with its owner.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let known = self.known.iter();
        known.map(|(thing, definition)| (thing.as_str(), definition.owner.as_str()))
    }

    /// The team that owns a thing; none where there is no such thing.
    pub(super) fn owner(&self, thing: &str) -> Option<&str> {
        Some(self.known.get(thing)?.owner.as_str())
    }

    /// The `file:line` of a thing.
    pub(super) fn place(&self, thing: &str) -> Option<&str> {
        self.known.get(thing)?.place.as_deref()
    }
}

/// The names of the teams, the platform among them.
fn teams(mesh: &Mesh) -> Vec<String> {
    let teams = mesh.teams.values();
    let teams = teams.map(|team| team.name.value.clone());
    teams.chain([PLATFORM.to_owned()]).collect()
}

/// The hosts that teams and the platform list, with their names.
fn listed_hosts(mesh: &Mesh) -> BTreeMap<String, String> {
    let listed = owners::host_entries(mesh);
    listed
        .map(|(pattern, (owner, _))| (pattern.to_owned(), mesh.owner_name(owner).to_owned()))
        .collect()
}
