//! The plan of the sidecar of a service.
//!
//! Two listeners: `inbound` takes requests of other proxies to the app, if the permissions admit them;
//! `outbound` takes requests of the app to the services that it calls, by the name of the service as host.
//! A service that calls nothing has no outbound listener.

use std::collections::BTreeSet;

use weft_front::model::{Call, Callers, Mesh, Mtls, Service};
use weft_front::settings::{Hops, SettingSources};
use weft_snapshot::limits::KEEP_ALIVE_MILLIS;
use weft_snapshot::origins::RouteOrigin;
use weft_snapshot::plan::{
    AccessPlan, Effect, HostPlan, NodePlan, Outcome, PathPattern, RoutePlan, TablePlan,
};
use weft_snapshot::settings::{
    Cluster, Endpoints, HeadRules, Listener, ListenerSecurity, OWN_PROCESS, PathRules, Role,
    UpstreamSecurity,
};
use weft_space::path::all_paths;
use weft_spec::units::{Date, Method};
use weft_spec::{Span, Spanned};

use super::clusters::{Clusters, app_protocol, settle};
use super::places::Lines;
use super::{Node, blank};

/// Every peer of a sidecar is a proxy of the mesh or the app itself, so what they forward is kept.
const ALL_HOPS: u8 = u8::MAX;

/// The plan of the sidecar of a service; nothing if it has none.
pub(super) fn plan(mesh: &Mesh, service: &Service, lines: &Lines) -> Option<Node> {
    let app = service.app?;
    let node = format!("service/{}", service.name.value);
    let mut app = Cluster {
        name: OWN_PROCESS.to_owned(),
        protocol: app_protocol(service),
        security: UpstreamSecurity::Plaintext,
        endpoints: Endpoints::Static {
            addresses: vec![app.value],
        },
        keep_alive_millis: KEEP_ALIVE_MILLIS,
        // The proxy of the caller has written the host that the service is to see.
        host: None,
    };
    settle(&mut app, &SettingSources::of_contract(mesh, service));
    let targets = service.calls.iter().map(|call| (call.to.value, None));
    let clusters = Clusters::of(mesh, vec![app], targets);
    let (inbound, inbound_origin) = inbound_table(mesh, service, lines);
    let mut origins = vec![inbound_origin];
    let mut tables = vec![inbound];
    let mut settings = blank(mesh, node);
    settings.listeners.push(inbound_listener(mesh, service));
    if !service.calls.is_empty() {
        settings.listeners.push(outbound_listener(service));
        tables.push(outbound_table(
            mesh,
            service,
            &clusters,
            (lines, &mut origins),
        ));
    }
    settings.clusters = clusters.list;
    let (access, places): (Vec<AccessPlan>, Vec<Span>) = access(mesh, service).into_iter().unzip();
    let places = places.into_iter();
    origins.extend(places.map(|place| lines.plain_origin(place)));
    let plan = NodePlan {
        settings,
        tables,
        access,
    };
    Some(Node { plan, origins })
}

fn inbound_listener(mesh: &Mesh, service: &Service) -> Listener {
    let address = service.inbound_address();
    let until = service.until.or(mesh.until);
    let security = match mesh.service_mtls(service) {
        Mtls::Strict => ListenerSecurity::Mtls,
        Mtls::Permissive => ListenerSecurity::Permissive {
            until_unix_seconds: until.map_or(0, |until| Date::end_unix_seconds(until.value)),
        },
        Mtls::Disabled => ListenerSecurity::Plaintext,
    };
    Listener {
        name: "inbound".to_owned(),
        role: Role::Inbound,
        address: address.ip(),
        port: address.port(),
        security,
        hosts: vec!["*".to_owned()],
        table: 0,
        trusted_hops: ALL_HOPS,
        path: mesh.paths_at(service),
        heads: HeadRules::MESH,
        default_certificate: None,
    }
}

fn inbound_table(mesh: &Mesh, service: &Service, lines: &Lines) -> (TablePlan, RouteOrigin) {
    let sources = SettingSources::of_contract(mesh, service);
    let mut outcome = Outcome::to(0);
    let settled = sources.settled(is_inbound);
    settled.write(&mut outcome);
    outcome.policy.websocket = true;
    // The proxy of the caller has left out what is not to pass.
    outcome.policy.trailers = true;
    let route = RoutePlan {
        id: format!("{}/inbound", service.name.value),
        path: all_paths(),
        methods: Vec::new(),
        headers: Vec::new(),
        query: Vec::new(),
        outcome,
    };
    let host = HostPlan {
        host: "*".to_owned(),
        routes: vec![route],
    };
    let origin = lines.origin(service.name.span, &sources, &settled);
    (TablePlan { hosts: vec![host] }, origin)
}

/// The app is asked once, whatever is said of others.
fn is_inbound(hops: Hops) -> bool {
    hops == Hops::All
}

fn outbound_listener(service: &Service) -> Listener {
    let address = service.outbound_address();
    Listener {
        name: "outbound".to_owned(),
        role: Role::Outbound,
        address: address.ip(),
        port: address.port(),
        security: ListenerSecurity::Plaintext,
        hosts: vec!["*".to_owned()],
        table: 1,
        trusted_hops: ALL_HOPS,
        path: PathRules::default(),
        heads: HeadRules::MESH,
        default_certificate: None,
    }
}

fn outbound_table(
    mesh: &Mesh,
    service: &Service,
    clusters: &Clusters,
    (lines, origins): (&Lines, &mut Vec<RouteOrigin>),
) -> TablePlan {
    let mut table = TablePlan::default();
    for call in &service.calls {
        let sources = SettingSources::of_call(mesh, call);
        let mut outcome = Outcome::to(clusters.position((call.to.value, None)));
        let settled = sources.settled(|_hops| true);
        settled.write(&mut outcome);
        // A gateway has decided about it, or it is the app's own.
        outcome.policy.websocket = true;
        let called = &mesh.services.entry(call.to.value).name.value;
        let id = format!("{}/calls/{called}", service.name.value);
        let mut routes = Vec::new();
        for (id, methods, path, span) in operations(call, &id) {
            origins.push(lines.origin(span, &sources, &settled));
            routes.push(RoutePlan {
                id,
                path,
                methods,
                headers: Vec::new(),
                query: Vec::new(),
                outcome: outcome.clone(),
            });
        }
        table.hosts.push(HostPlan {
            host: called.clone(),
            routes,
        });
    }
    table
}

type OperationRoute = (String, Vec<String>, PathPattern, Span);

// All operations of a call have one outcome, so their order means nothing.
fn operations(call: &Call, id: &str) -> Vec<OperationRoute> {
    if call.operations.is_empty() {
        return vec![(id.to_owned(), Vec::new(), all_paths(), call.to.span)];
    }
    let operations = call.operations.iter().enumerate();
    operations
        .map(|(index, operation)| {
            (
                format!("{id}/{index}"),
                vec![operation.method.as_str().to_owned()],
                operation.path.clone(),
                operation.span,
            )
        })
        .collect()
}

/// The access rules of a service, each with its place: what is denied comes first, because it stands whatever is allowed.
///
/// What is denied to everybody is written for all whom a permission names; nobody else is admitted anyway.
fn access(mesh: &Mesh, service: &Service) -> Vec<(AccessPlan, Span)> {
    let name = &service.name.value;
    let everybody = service.callers();
    let identities = |callers: BTreeSet<Callers>| {
        let callers = callers.into_iter();
        let identities = callers.map(|callers| mesh.callers_identity(callers));
        identities
            .collect::<BTreeSet<String>>()
            .into_iter()
            .collect()
    };
    let denied = service.deny.iter().map(|deny| {
        let named = deny.from.as_ref();
        let named = named.map(|from| from.iter().map(|from| from.value).collect());
        let plan = AccessPlan {
            id: format!("{name}/deny/{}", deny.position),
            effect: Effect::Refuse,
            from: identities(named.unwrap_or_else(|| everybody.clone())),
            methods: names(&deny.methods),
            path: deny.path.value.clone(),
        };
        (plan, deny.span)
    });
    let allowed = service.allow.iter().map(|allow| {
        let plan = AccessPlan {
            id: format!("{name}/allow/{}", allow.position),
            effect: Effect::Admit,
            from: identities(allow.from.iter().map(|from| from.value).collect()),
            methods: names(&allow.methods),
            path: allow.path.value.clone(),
        };
        (plan, allow.span)
    });
    denied.chain(allowed).collect()
}

fn names(methods: &[Spanned<Method>]) -> Vec<String> {
    let methods = methods.iter();
    methods
        .map(|method| method.value.as_str().to_owned())
        .collect()
}
