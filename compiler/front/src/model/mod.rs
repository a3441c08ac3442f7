//! The mesh: what the files say together, with names replaced by references that are all valid.
//!
//! [`mod@crate::resolve`] makes a [`Mesh`] from the files, the rules check it, and lowering turns it into plans. Everything keeps the place where it was written. Definitions are ordered by name, so
//! nothing here depends on the order of files.
//!
//! | file | holds |
//! |---|---|
//! | [`table`] | lists and ids |
//! | [`gateway`], [`service`], [`route`] | the definitions |
//! | [`action`] | new paths, redirects, answers and changes of headers |
//! | [`served`](fn@served) | which hosts a listener gets |
//! | [`effective`] | timeouts and retries after inheritance, each with its origin |
//! | [`repeated`] | what the proxy repeats |
//! | [`mod@callers`] | whom permissions and denials name |
//! | [`access`] | which requests a service's `allow` admits |
//! | [`assertion`] | what must hold of all requests, with its places |
//! | [`governed`] | what governs the next change |
//! | [`mod@test`] | tests of the spec |
//! | [`suppression`] | accepted findings, with their places |

pub mod access;
pub mod action;
pub mod assertion;
mod callers;
mod checked;
pub mod effective;
pub mod endpoints;
pub mod gateway;
pub mod governed;
pub mod guardrail;
pub mod owners;
pub mod repeated;
pub mod route;
mod served;
pub mod service;
pub mod suppression;
pub mod table;
pub mod test;

use std::collections::BTreeMap;

use weft_snapshot::settings::{PathRules, Slashes};
use weft_space::automata::Automata;
use weft_spec::units::{Date, HostPattern};
use weft_spec::{FileId, Span, Spanned};

use crate::settings::Said;

// Words that the language and the mesh have in common.
pub use weft_spec::gateway::ListenerProtocol;
pub use weft_spec::mesh::Mtls;
pub use weft_spec::policy::RetryOn;
pub use weft_spec::service::{Sensitivity, ServiceProtocol};

pub use callers::Callers;
pub use checked::Checked;
pub use endpoints::Endpoints;
pub use gateway::{Certificate, Gateway, Listener, ListenerTls};
pub use guardrail::Guardrail;
pub use route::{Action, Backend, Match, Route, Rule};
pub use served::{owned_hosts, served};
pub use service::{Allow, Call, Caller, Deny, Operation, Service, Version};
pub use suppression::{Exemption, Suppression};
pub use table::{Id, Table};

/// The way to a service.
pub type ServiceId = Id<Service>;
/// The way to a gateway.
pub type GatewayId = Id<Gateway>;
/// The way to a certificate.
pub type CertificateId = Id<Certificate>;
/// The way to a team.
pub type TeamId = Id<Team>;
/// The way to a route.
pub type RouteId = Id<Route>;

/// Everything that the files say, with valid references only.
#[derive(Clone, Debug)]
pub struct Mesh {
    /// The name of the mesh.
    pub name: Spanned<String>,
    /// The SPIFFE trust domain.
    pub trust_domain: Spanned<String>,
    /// The `mesh:` definition.
    pub span: Span,
    /// Whether traffic between proxies is authenticated; strict when nothing is said.
    pub mtls: Spanned<Mtls>,
    /// The last day of `mtls: permissive`.
    pub until: Option<Spanned<Date>>,
    /// What holds where nothing more specific is said.
    pub defaults: Said,
    /// Whether responses carry the generation.
    pub snapshot_header: bool,
    /// The headers that rules may match with their values, names in lower case; any header if there is none.
    pub routing_keys: Vec<(Spanned<String>, Vec<Spanned<String>>)>,
    /// Headers that no client may set, names in lower case.
    pub trusted_headers: Vec<Spanned<String>>,
    /// The bounds of the mesh.
    pub guardrails: Vec<Spanned<Guardrail>>,
    /// The teams.
    pub teams: Table<Team>,
    /// What the platform keeps for itself.
    pub platform: Team,
    /// The gateways.
    pub gateways: Table<Gateway>,
    /// The certificates.
    pub certificates: Table<Certificate>,
    /// The services.
    pub services: Table<Service>,
    /// The routes.
    pub routes: Table<Route>,
    /// The team of each file, by position; the others belong to the platform.
    pub file_teams: Vec<Option<TeamId>>,
    /// The automata of expressions, built when they are asked for.
    pub automata: Automata,
    /// The text of every definition, where findings may be accepted; empty where none are.
    pub written: Vec<(Span, suppression::Subject)>,
    /// Findings that are accepted.
    pub suppressions: Vec<Suppression>,
    /// Places where guardrails accept more.
    pub exemptions: Vec<Exemption>,
    /// What governs the next change.
    pub governed: Vec<governed::Governed>,
    /// What must hold of all requests.
    pub assertions: Vec<assertion::Assertion>,
    /// What should happen to requests.
    pub tests: Vec<test::Test>,
}

/// The rules of all routes for one host of one listener, wherever they are written.
#[derive(Clone, Debug)]
pub struct HostRules<'mesh> {
    /// The gateway.
    pub gateway: GatewayId,
    /// The position of the listener in the gateway.
    pub listener: usize,
    /// The host.
    pub host: &'mesh str,
    /// The rules, in the order of the names of their routes.
    pub rules: Vec<&'mesh Rule>,
}

/// A team and what it owns.
#[derive(Clone, Debug)]
pub struct Team {
    /// Its name.
    pub name: Spanned<String>,
    /// Globs of the files it edits.
    pub files: Vec<Spanned<String>>,
    /// The names of the services it owns; those that are defined.
    pub services: Vec<Spanned<String>>,
    /// The hosts it may route.
    pub hosts: Vec<Spanned<HostPattern>>,
}

impl Team {
    /// The platform, which has listed nothing yet.
    pub fn platform() -> Self {
        Self {
            name: Spanned::built_in(owners::PLATFORM.to_owned()),
            files: Vec::new(),
            services: Vec::new(),
            hosts: Vec::new(),
        }
    }
}

impl Mesh {
    /// The team that the file of this place belongs to; none for the platform's files.
    pub fn file_team(&self, span: Span) -> Option<TeamId> {
        let FileId(position) = span.file;
        self.file_teams
            .get(usize::try_from(position).ok()?)
            .copied()
            .flatten()
    }

    /// The name of a team, or of the platform.
    pub fn owner_name(&self, owner: Option<TeamId>) -> &str {
        owner.map_or(owners::PLATFORM, |team| &self.teams.entry(team).name.value)
    }

    /// The team of a definition: the one it names, else that of its file.
    pub fn owner(&self, named: Option<&Spanned<TeamId>>, span: Span) -> Option<TeamId> {
        named
            .map(|team| team.value)
            .or_else(|| self.file_team(span))
    }

    /// The rules of each host, ordered by gateway, listener and host.
    pub fn hosts(&self) -> Vec<HostRules<'_>> {
        let mut hosts: BTreeMap<(GatewayId, usize, &str), Vec<&Rule>> = BTreeMap::new();
        for route in self.routes.values() {
            for host in route.host_names() {
                let key = (route.gateway, route.listener, host);
                hosts.entry(key).or_default().extend(&route.rules);
            }
        }
        let to_host = |((gateway, listener, host), rules)| HostRules {
            gateway,
            listener,
            host,
            rules,
        };
        hosts.into_iter().map(to_host).collect()
    }

    /// The listener of a route.
    pub fn listener(&self, route: &Route) -> Option<&Listener> {
        self.gateways
            .entry(route.gateway)
            .listeners
            .get(route.listener)
    }

    /// The route of a rule, also of one that was changed; none for a rule of no route of this mesh.
    pub fn route_of(&self, rule: &Rule) -> Option<&Route> {
        // Rules are named after their routes, which are in the order of their names.
        let (route, _) = rule.id.rsplit_once('/')?;
        self.routes.named(|known| known.name.value.as_str(), route)
    }

    /// The listener of a rule, as its route says it.
    pub fn listener_of(&self, rule: &Rule) -> Option<&Listener> {
        self.listener(self.route_of(rule)?)
    }

    /// How the sidecar of a service makes paths canonical: a gateway that keeps `%2F` or `//` forwards it, and the sidecar
    /// behind it must not read the path differently from the gateway that decided about it.
    pub fn paths_at(&self, service: &Service) -> PathRules {
        type Kept = fn(PathRules) -> bool;
        let keeps: [Kept; 2] = [
            |rules| rules.keep_escaped_slashes,
            |rules| rules.slashes == Slashes::Keep,
        ];
        let listeners = self.gateways.values();
        let mut listeners = listeners.flat_map(|gateway| &gateway.listeners);
        if !listeners.any(|one| keeps.iter().any(|keeps| keeps(one.path_rules()))) {
            return PathRules::default();
        }
        let leads_there = |route: &Route| {
            let mut backends = route.rules.iter().flat_map(Rule::backends);
            backends.any(|backend| {
                self.services.entry(backend.service).name.value == service.name.value
            })
        };
        let [keeps_escaped, keeps_slashes] = keeps.map(|keeps| {
            let routes = self.routes.values();
            let mut kept = routes.filter(|route| {
                let listener = self.listener(route);
                listener.is_some_and(|listener| keeps(listener.path_rules()))
            });
            kept.any(leads_there)
        });
        PathRules {
            keep_escaped_slashes: keeps_escaped,
            refuse_dot_segments: false,
            slashes: if keeps_slashes {
                Slashes::Keep
            } else {
                Slashes::Merge
            },
        }
    }

    /// The mTLS mode of a service: its own, else that of the mesh.
    pub fn service_mtls(&self, service: &Service) -> Mtls {
        service
            .mtls
            .as_ref()
            .map_or(self.mtls.value, |mtls| mtls.value)
    }

    /// The SPIFFE identity of a node such as `service/orders`.
    pub fn identity(&self, node: &str) -> String {
        format!("spiffe://{}/{node}", self.trust_domain.value)
    }

    /// The node name of a caller: `gateway/<name>` or `service/<name>`.
    pub fn caller_node(&self, caller: Caller) -> String {
        match caller {
            Caller::Gateway(id) => format!("gateway/{}", self.gateways.entry(id).name.value),
            Caller::Service(id) => format!("service/{}", self.services.entry(id).name.value),
        }
    }
}

#[cfg(test)]
mod precedence_tests;
