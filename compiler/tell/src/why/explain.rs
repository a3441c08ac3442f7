//! Decisions in words: routes, permissions, and why nothing matched.

use std::collections::BTreeSet;

use weft_back::snapshot::Snapshot;
use weft_front::settings::{Hops, ROUTE, Unit, Value};
use weft_front::words;
use weft_snapshot::identity::names;
use weft_snapshot::origins::{Level, NodeOrigins};
use weft_snapshot::plan::{Action, Effect, Outcome, RoutePlan};
use weft_snapshot::settings::{Cluster, Endpoints, NodeSettings, Role, UpstreamSecurity};
use weft_snapshot::{Access, HeaderList, Reason, Request, Slice};

use super::Proxy;
use super::answer::{
    ActionAnswer, BackendAnswer, Overridden, Permission, RefusalAnswer, RouteAnswer, Setting,
};

/// At most this many routes are named when nothing matched.
const SHOWN: usize = 3;
/// At most this many other methods are tried when nothing matched.
const METHODS: usize = 32;

fn place(file: &str, line: u32) -> String {
    format!("{file}:{line}")
}

/// The listeners of all gateways, as a list.
pub(super) fn listeners(snapshot: &Snapshot, of: Option<&str>) -> String {
    let mut listeners = Vec::new();
    let gateways = snapshot.gateways();
    for (node, slice) in gateways.filter(|(node, _)| of.is_none_or(|of| of == node.as_str())) {
        for listener in &slice.settings().listeners {
            let hosts = listener.hosts.join(", ");
            listeners.push(format!(
                "{node}/{} on port {} for {hosts}",
                listener.name, listener.port
            ));
        }
    }
    if listeners.is_empty() {
        "there are none".to_owned()
    } else {
        format!("there are {}", listeners.join("; "))
    }
}

/// Why a service has no listener of a kind.
pub(super) fn without(node: &str, role: Role) -> String {
    match role {
        Role::Outbound => format!("{node} calls nobody, so its sidecar has no listener for calls"),
        Role::Inbound | Role::Edge => format!("{node} has no listener for what others send"),
    }
}

/// The permission that admits a request at a sidecar; none where no access rule is asked.
///
/// # Errors
///
/// Why none admits it.
pub(super) fn permission(
    proxy: Proxy<'_>,
    sender: Option<&str>,
    request: &Request<'_, HeaderList>,
) -> Result<Option<Permission>, RefusalAnswer> {
    let Proxy {
        slice,
        listener,
        origins,
    } = proxy;
    let identity =
        sender.map(|sender| format!("spiffe://{}/{sender}", slice.settings().trust_domain));
    let rule = |position: u32| {
        let index = slice.route_count().saturating_add(position);
        let id = slice.access_id(position).unwrap_or_default().to_owned();
        (
            id,
            origins.route(index).map(|(file, line)| place(file, line)),
        )
    };
    let call = (request.method, request.path);
    let access = slice.admit(listener, identity.as_deref(), call);
    let explanation = match access {
        Access::Open => return Ok(None),
        Access::Admitted(position) => {
            let (id, place) = rule(position);
            return Ok(Some(Permission {
                id,
                identity: identity.unwrap_or_default(),
                place,
            }));
        }
        Access::Unidentified => {
            let node = &slice.settings().node;
            format!("`{node}` hears verified peers only; say who calls with `--from`")
        }
        Access::Refused(Some(position)) => {
            let (id, place) = rule(position);
            let place = place.map_or(String::new(), |place| format!(" ({place})"));
            format!("`{id}` refuses it{place}")
        }
        Access::Refused(None) => nobody_admits(slice, sender.unwrap_or_default(), request),
    };
    let reason = access.refusal().unwrap_or(Reason::NotAllowed);
    Err(RefusalAnswer::new(reason, explanation))
}

/// Why no permission admits a request of a sender.
fn nobody_admits(slice: &Slice, sender: &str, request: &Request<'_, HeaderList>) -> String {
    let settings = slice.settings();
    let (node, identity) = (
        &settings.node,
        format!("spiffe://{}/{sender}", settings.trust_domain),
    );
    let access = slice.access();
    let named: Vec<String> = access
        .iter()
        .filter(|rule| {
            rule.effect == Effect::Admit && rule.from.iter().any(|from| names(from, &identity))
        })
        .take(SHOWN)
        .map(words::calls)
        .collect();
    if named.is_empty() {
        format!("no permission of `{node}` names `{sender}`")
    } else {
        format!(
            "`{sender}` may send {}, not {} {}",
            named.join(" or "),
            request.method,
            request.path
        )
    }
}

/// Why no route takes a request.
pub(super) fn no_route(proxy: Proxy<'_>, request: &Request<'_, HeaderList>) -> RefusalAnswer {
    let (slice, listener) = (proxy.slice, proxy.listener);
    let explanation = match slice.owning_host(listener.table, request.host) {
        None if request.host.is_empty() => {
            "a request without a host is for the host `*`, and no route is for that".to_owned()
        }
        None => {
            let hosts: Vec<&str> = slice.hosts(listener.table).take(8).collect();
            format!(
                "no route is for host `{}`; there are routes for: {}",
                request.host,
                hosts.join(", ")
            )
        }
        Some(host) => match with_other_method(proxy, host, request) {
            Some(other) => other,
            None => format!(
                "host `{host}` has no rule for this path, method and headers, and the most specific host owns the request"
            ),
        },
    };
    RefusalAnswer::new(Reason::NoRoute, explanation)
}

fn with_other_method(
    proxy: Proxy<'_>,
    host: &str,
    request: &Request<'_, HeaderList>,
) -> Option<String> {
    let (slice, listener) = (proxy.slice, proxy.listener);
    let routes = slice.routes_of(listener.table, host);
    let methods = routes.filter_map(|index| slice.route_plan(index)?.methods.into());
    let tried: BTreeSet<String> = methods.flatten().collect();
    tried.iter().take(METHODS).find_map(|method| {
        let other = Request {
            method,
            host: request.host,
            path: request.path,
            query: request.query,
            headers: request.headers,
        };
        let route = slice.decide(listener.table, &other).ok()??;
        Some(format!(
            "rule `{}` would take it with the method {method}",
            route.id()
        ))
    })
}

/// A route by its number in the slice, in words.
pub(super) fn route(proxy: Proxy<'_>, index: u32, forwarded: &str) -> Option<RouteAnswer> {
    let (slice, origins) = (proxy.slice, proxy.origins);
    let found = slice.route_plan(index)?;
    let place = origins.route(index).map(|(file, line)| place(file, line));
    let matches = words::matches(&found);
    let RoutePlan {
        id,
        path: _,
        methods: _,
        headers: _,
        query: _,
        outcome,
    } = found;
    let action = action(slice.settings(), &outcome, forwarded);
    let settings = settings(&outcome, index, origins);
    Some(RouteAnswer {
        id,
        place,
        outcome,
        matches,
        action,
        settings,
        repeats: None,
    })
}

fn action(settings: &NodeSettings, outcome: &Outcome, forwarded: &str) -> ActionAnswer {
    match &outcome.action {
        Action::Forward { backends } => {
            let known = backends.iter().filter_map(|backend| {
                let clusters = &settings.clusters;
                let cluster = clusters.get(usize::try_from(backend.cluster).ok()?)?;
                // What the rule says counts before what the service says.
                let host = outcome.host.as_ref().or(cluster.host.as_ref());
                Some(self::backend(cluster, backend.share, host))
            });
            let backends: Vec<BackendAnswer> = known.collect();
            let host = backends.first().and_then(|first| first.host.clone());
            let is_common = backends.iter().all(|backend| backend.host == host);
            ActionAnswer::Forward {
                host: host.filter(|_| is_common),
                backends,
                path: forwarded.to_owned(),
            }
        }
        Action::Redirect {
            status,
            scheme,
            host,
            port,
            path,
        } => ActionAnswer::Redirect {
            status: *status,
            scheme: scheme.clone(),
            host: host.clone(),
            port: *port,
            path: path.as_ref().map(|path| path.apply(forwarded)),
        },
        Action::Respond { status, .. } => ActionAnswer::Respond { status: *status },
    }
}

fn backend(cluster: &Cluster, share: u32, host: Option<&String>) -> BackendAnswer {
    let security = match &cluster.security {
        UpstreamSecurity::Plaintext => "plaintext".to_owned(),
        UpstreamSecurity::Mtls { identity } => format!("mTLS, {identity}"),
        UpstreamSecurity::Tls { name, .. } => format!("TLS, {name}"),
    };
    let endpoints = match &cluster.endpoints {
        Endpoints::Static { addresses } => {
            let shown: Vec<String> = addresses
                .iter()
                .take(SHOWN)
                .map(ToString::to_string)
                .collect();
            let more = addresses.len().saturating_sub(SHOWN);
            let more = if more == 0 {
                String::new()
            } else {
                format!(" and {more} more")
            };
            format!("{}{more}", shown.join(", "))
        }
        Endpoints::Dns { host, port } => format!("DNS {host}:{port}"),
        Endpoints::File { path } => format!("file {path}"),
    };
    BackendAnswer {
        cluster: cluster.name.clone(),
        share: words::percent(share),
        security,
        endpoints,
        host: host.cloned(),
        keep_alive: words::keep_alive(cluster.keep_alive_millis),
    }
}

/// What other levels say of a setting, from the most specific one.
fn over(origins: &NodeOrigins, index: u32, setting: &str) -> Vec<Overridden> {
    let said = origins.overridden(index, setting).into_iter();
    let told = said.map(|over| {
        let (file, line) = over.place;
        Overridden {
            level: match over.level {
                Level::Mesh => "mesh",
                Level::Listener => "listener",
                Level::Service => "service",
                Level::Call => "call",
                Level::Rule => "rule",
            }
            .to_owned(),
            value: over.value.to_owned(),
            place: place(file, line),
        }
    });
    told.collect()
}

/// The settings of a route that forwards, but those that do nothing there.
fn settings(outcome: &Outcome, index: u32, origins: &NodeOrigins) -> Vec<Setting> {
    let is_forward = matches!(outcome.action, Action::Forward { .. });
    let known = ROUTE.iter();
    let known = known.filter(|setting| is_forward || setting.hops == Hops::Answers);
    let told = known.filter_map(|setting| {
        let value = setting.of_outcome(outcome)?;
        let written = origins.setting(index, setting.name);
        let told = Setting {
            name: setting.name.to_owned(),
            value: setting.in_words(&value),
            place: written.map(|(file, line)| place(file, line)),
            over: over(origins, index, setting.name),
        };
        let is_written = told.place.is_some() || !told.over.is_empty();
        let is_told = is_written || does_something(setting.unit, &value);
        (is_told && !(setting.is_idle)(outcome)).then_some(told)
    });
    told.collect()
}

/// Whether a value that is written nowhere is worth a line: time without a limit is, a change that is not made is not.
fn does_something(unit: Unit, value: &Value) -> bool {
    match value {
        Value::Number(_) | Value::Word(_) | Value::Reasons(_) | Value::Flag(true) => true,
        Value::Unlimited => unit == Unit::Time,
        Value::Off | Value::Flag(false) => false,
        Value::Headers(changes) => changes.is_some(),
        Value::Path(path) => path.is_some(),
        Value::Text(text) => text.is_some(),
    }
}
