//! Services: versions, calls and permissions.

use std::collections::BTreeMap;

use weft_spec::units::Method;
use weft_spec::{Span, Spanned, service};

use super::codes::{BAD_OPERATION, UNKNOWN_REFERENCE};
use super::endpoints;
use super::names::{Names, follow};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::service::{ServiceHost, UpstreamTls};
use crate::model::{self, Caller, Callers};
use crate::settings::Said;

/// A service without what refers to other services, which [`connect`] adds once all have ids.
pub(super) fn service(
    name: &Spanned<String>,
    service: &service::Service,
    diagnostics: &mut Diagnostics,
) -> model::Service {
    let service::Service {
        team: _,
        protocol,
        app,
        sidecar,
        endpoints,
        versions,
        host,
        streaming,
        slo,
        sensitivity,
        calls: _,
        plan: _,
        allow: _,
        deny: _,
        mtls,
        until,
        tls,
        // Settings are read by `Said`.
        ..
    } = service;
    let mut versions: Vec<model::Version> = versions
        .iter()
        .map(|(name, version)| model::Version {
            name: name.clone(),
            endpoints: endpoints::resolve(&version.value.endpoints, diagnostics),
        })
        .collect();
    versions.sort_by(|left, right| left.name.value.cmp(&right.name.value));
    model::Service {
        name: name.clone(),
        team: None,
        protocol: *protocol,
        app: *app,
        inbound: sidecar.inbound,
        outbound: sidecar.outbound,
        endpoints: endpoints
            .as_ref()
            .map(|written| endpoints::resolve(written, diagnostics)),
        versions,
        said: Said::by_service(service),
        host: host.as_ref().map(seen_host),
        streaming: streaming.is_some_and(|streaming| streaming.value),
        slo: *slo,
        sensitivity: *sensitivity,
        calls: Vec::new(),
        plan: Vec::new(),
        allow: Vec::new(),
        deny: Vec::new(),
        allow_incomplete: false,
        mtls: *mtls,
        until: *until,
        tls: tls.as_ref().map(upstream_tls),
    }
}

fn seen_host(written: &Spanned<service::ServiceHost>) -> Spanned<ServiceHost> {
    let host = match &written.value {
        service::ServiceHost::Keep => ServiceHost::Keep,
        service::ServiceHost::Name(name) => ServiceHost::Name(name.clone()),
    };
    Spanned::new(host, written.span)
}

fn upstream_tls(written: &Spanned<service::UpstreamTls>) -> Spanned<UpstreamTls> {
    let service::UpstreamTls { verify, roots } = &written.value;
    let (verify, roots) = (verify.clone(), roots.clone());
    Spanned::new(UpstreamTls { verify, roots }, written.span)
}

/// Adds to a service what refers to other definitions.
pub(super) fn connect(
    names: &Names<'_>,
    service: &service::Service,
    connected: &mut model::Service,
    diagnostics: &mut Diagnostics,
) {
    connected.team = super::team(names, service.team.as_ref(), diagnostics);
    let calls: BTreeMap<&str, model::Call> = service
        .calls
        .iter()
        .filter_map(|(name, call)| {
            Some((
                name.value.as_str(),
                self::call(names, name, &call.value, diagnostics)?,
            ))
        })
        .collect();
    let called: Vec<&str> = calls.keys().copied().collect();
    connected.plan = plan(&service.plan, &called, diagnostics);
    connected.calls = calls.into_values().collect();
    for (position, allow) in service.allow.iter().enumerate() {
        match self::allow(names, position, allow, diagnostics) {
            (Some(allow), is_complete) => {
                connected.allow.push(allow);
                connected.allow_incomplete |= !is_complete;
            }
            (None, _) => connected.allow_incomplete = true,
        }
    }
    for (position, deny) in service.deny.iter().enumerate() {
        match self::deny(names, position, deny, diagnostics) {
            Some(deny) => connected.deny.push(deny),
            None => connected.allow_incomplete = true,
        }
    }
}

fn call(
    names: &Names<'_>,
    name: &Spanned<String>,
    call: &service::Call,
    diagnostics: &mut Diagnostics,
) -> Option<model::Call> {
    let service::Call {
        operations,
        fan_out,
        // Settings are read by `Said`.
        ..
    } = call;
    if let Some((service, _)) = name.value.split_once('@')
        && names.services.contains_key(service)
    {
        let message = format!("`{}` is a version; a call names a service", name.value);
        diagnostics.push(
            Diagnostic::new(&UNKNOWN_REFERENCE, name.span, message)
                .help(format!("write `{service}`"))
                .propose(name.span, service),
        );
        return None;
    }
    let to = follow("service", &names.services, name, diagnostics)?;
    let mut parsed = Vec::with_capacity(operations.len());
    parsed.extend(
        operations
            .iter()
            .filter_map(|text| operation(text, diagnostics)),
    );
    // With no operation left the call would wrongly mean everything.
    if parsed.is_empty() && !operations.is_empty() {
        return None;
    }
    Some(model::Call {
        to: Spanned::new(to, name.span),
        operations: parsed,
        said: Said::by_call(call),
        fan_out: *fan_out,
    })
}

/// The steps of a plan as positions in the names called; steps that name nothing else are left out.
fn plan(
    steps: &[Spanned<service::Step>],
    called: &[&str],
    diagnostics: &mut Diagnostics,
) -> Vec<Vec<Spanned<usize>>> {
    let mut position = |name: &str, span: Span| {
        let found = called.binary_search(&name).ok();
        if found.is_none() {
            let message = format!("`plan` names `{name}`, which `calls` does not");
            let unknown = Diagnostic::new(&UNKNOWN_REFERENCE, span, message);
            let known = called.iter().copied();
            diagnostics.push(super::names::with_nearest(unknown, "call", name, known));
        }
        Some(Spanned::new(found?, span))
    };
    let resolved = steps.iter().map(|step| match &step.value {
        service::Step::One(name) => position(name, step.span).into_iter().collect(),
        service::Step::Together(names) => names
            .iter()
            .filter_map(|name| position(&name.value, name.span))
            .collect(),
    });
    resolved.filter(|step: &Vec<_>| !step.is_empty()).collect()
}

pub(super) fn operation(
    text: &Spanned<String>,
    diagnostics: &mut Diagnostics,
) -> Option<model::Operation> {
    let wrong = |why: &str| {
        Diagnostic::new(
            &BAD_OPERATION,
            text.span,
            format!("`{}` is not an operation: {why}", text.value),
        )
        .help("write a method and a path, such as `GET /v1/rates`")
    };
    let Some((method, path)) = text.value.split_once(' ') else {
        diagnostics.push(wrong("it has no space between method and path"));
        return None;
    };
    match method.parse::<Method>() {
        Ok(method) => {
            let path = super::pattern(path.trim_start(), text.span, diagnostics)?;
            Some(model::Operation {
                method,
                path,
                text: text.value.clone(),
                span: text.span,
            })
        }
        Err(error) => {
            diagnostics.push(wrong(&error.to_string()));
            None
        }
    }
}

fn allow(
    names: &Names<'_>,
    position: usize,
    allow: &Spanned<service::Allow>,
    diagnostics: &mut Diagnostics,
) -> (Option<model::Allow>, bool) {
    let service::Allow {
        from,
        methods,
        path,
    } = &allow.value;
    let callers = callers(names, from, diagnostics);
    let Some(path) = super::path(path.as_ref(), diagnostics) else {
        return (None, false);
    };
    let is_complete = callers.len() == from.len();
    let allow = model::Allow {
        position,
        from: callers,
        methods: each_once(methods),
        path,
        span: head(allow.span, from),
    };
    (Some(allow), is_complete)
}

/// What is refused; nothing if a part of it is wrong.
fn deny(
    names: &Names<'_>,
    position: usize,
    deny: &Spanned<service::Deny>,
    diagnostics: &mut Diagnostics,
) -> Option<model::Deny> {
    let service::Deny {
        from,
        methods,
        path,
    } = &deny.value;
    let written = from.as_deref();
    let from = written.map(|from| callers(names, from, diagnostics));
    let path = super::path(path.as_ref(), diagnostics)?;
    let is_complete = from.as_ref().map(Vec::len) == written.map(<[_]>::len);
    is_complete.then(|| model::Deny {
        position,
        from,
        methods: each_once(methods),
        path,
        span: head(deny.span, written.unwrap_or_default()),
    })
}

fn callers(
    names: &Names<'_>,
    from: &[Spanned<String>],
    diagnostics: &mut Diagnostics,
) -> Vec<Spanned<Callers>> {
    let mut known = |from: &Spanned<String>| {
        Some(Spanned::new(
            some_callers(names, from, diagnostics)?,
            from.span,
        ))
    };
    from.iter().filter_map(&mut known).collect()
}

/// One caller, or all of a kind.
pub(super) fn some_callers(
    names: &Names<'_>,
    from: &Spanned<String>,
    diagnostics: &mut Diagnostics,
) -> Option<Callers> {
    let kind = Callers::KINDS.iter().find(|(word, _)| from.value == *word);
    if let Some((_, kind)) = kind {
        return Some(*kind);
    }
    let found = known_caller(names, &from.value);
    if found.is_none() {
        let note = "callers are `gateway/<name>`, `service/<name>`, all of a kind, `gateway/*` and `service/*`, \
                    and `mesh`, every identity of the trust domain";
        no_caller(
            names,
            (from, Callers::KINDS.map(|(word, _)| word)),
            note,
            diagnostics,
        );
    }
    found.map(Callers::One)
}

fn each_once(methods: &[Spanned<Method>]) -> Vec<Spanned<Method>> {
    let mut methods = methods.to_vec();
    methods.sort_by(|left, right| left.value.cmp(&right.value));
    methods.dedup_by(|left, right| left.value == right.value);
    methods
}

/// The place of an entry of `allow` or `deny`: up to the first caller, if it names one.
fn head(entry: Span, from: &[Spanned<String>]) -> Span {
    from.first().map_or(entry, |first| {
        Span::new(entry.file, entry.start, first.span.end)
    })
}

pub(super) fn caller(
    names: &Names<'_>,
    from: &Spanned<String>,
    diagnostics: &mut Diagnostics,
) -> Option<Caller> {
    let found = known_caller(names, &from.value);
    if found.is_none() {
        let note = "callers are `gateway/<name>` and `service/<name>`";
        no_caller(names, (from, []), note, diagnostics);
    }
    found
}

fn known_caller(names: &Names<'_>, written: &str) -> Option<Caller> {
    match written.split_once('/') {
        Some(("gateway", name)) => names.gateways.get(name).copied().map(Caller::Gateway),
        Some(("service", name)) => names.services.get(name).copied().map(Caller::Service),
        Some(_) | None => None,
    }
}

/// Says that nobody is called so, and who is, words for all of a kind among them.
fn no_caller<const KINDS: usize>(
    names: &Names<'_>,
    (from, kinds): (&Spanned<String>, [&str; KINDS]),
    note: &str,
    diagnostics: &mut Diagnostics,
) {
    if diagnostics.is_full(from.span.file) {
        diagnostics.count_error(from.span.file);
        return;
    }
    let known: Vec<String> = std::iter::empty()
        .chain(names.gateways.keys().map(|name| format!("gateway/{name}")))
        .chain(names.services.keys().map(|name| format!("service/{name}")))
        .chain(kinds.iter().map(|word| (*word).to_owned()))
        .collect();
    let wanted = match from.value.as_str() {
        // Other meshes say so for everybody whom they know.
        "*" | "**" | "any" | "all" if 0 < KINDS => "mesh".to_owned(),
        path if path.contains('/') => path.to_owned(),
        // A bare name most often means the service of that name.
        name => format!("service/{name}"),
    };
    let message = format!("there is no caller `{}`", from.value);
    let unknown = Diagnostic::new(&UNKNOWN_REFERENCE, from.span, message).note(note);
    let known = known.iter().map(String::as_str);
    diagnostics.push(super::names::with_nearest(
        unknown, "caller", &wanted, known,
    ));
}
