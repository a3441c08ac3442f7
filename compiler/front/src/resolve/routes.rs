//! Routes: listeners, matches and backends.

use std::collections::{BTreeMap, BTreeSet};

use weft_snapshot::plan::{Condition, ValueTest};
use weft_spec::matching::ValueMatch;
use weft_spec::route::{self, To, Unclear};
use weft_spec::units::{HostPattern, Share};
use weft_spec::{Named, Span, Spanned};

use super::actions::{Paths, header_changes, respond as respond_of};
use super::codes::{MISSING_VERSION, UNCLEAR_OUTCOME};
use super::names::{Names, defined_twice, follow, unknown, with_nearest};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::action::HeaderChanges;
use crate::model::{self, Action, Backend, Match, Mesh};
use crate::parse::codes::BAD_VALUE;
use crate::settings::Said;

/// A route with those of its rules that make sense; nothing if its listener is unknown.
pub(super) fn route(
    names: &Names<'_>,
    mesh: &Mesh,
    (name, route): &(Spanned<String>, Spanned<route::Route>),
    diagnostics: &mut Diagnostics,
) -> Option<model::Route> {
    let route::Route {
        team,
        listener: on,
        hosts,
        rules,
        unclear,
    } = &route.value;
    let team = super::team(names, team.as_ref(), diagnostics);
    let listener = listener(names, mesh, on, diagnostics);
    let mut ids: BTreeMap<String, Span> = BTreeMap::new();
    let mut resolved = Vec::with_capacity(rules.len());
    for (position, rule) in rules.iter().enumerate() {
        let Some(rule) = self::rule(names, mesh, rule, diagnostics) else {
            continue;
        };
        let own = rule
            .name
            .as_ref()
            .map_or_else(|| position.to_string(), |name| name.value.clone());
        if let Some(first) = ids.insert(own.clone(), rule.place()) {
            let what = format!("rule `{own}` of route `{}`", name.value);
            diagnostics.push(defined_twice(&what, first, rule.place()));
            continue;
        }
        let id = format!("{}/{own}", name.value);
        resolved.push(model::Rule { id, ..rule });
    }
    diagnostics.extend(unclear.iter().map(self::unclear));
    let (gateway, listener) = listener?;
    // Nobody knows which requests it is about.
    unclear.is_empty().then(|| model::Route {
        name: name.clone(),
        team,
        gateway,
        listener,
        on: on.span,
        hosts: each_once(hosts),
        rules: resolved,
    })
}

fn unclear(unclear: &Unclear) -> Diagnostic {
    match unclear {
        Unclear::Twice {
            names: [one, other],
            first,
            second,
        } => {
            let message = format!("`{one}` and `{other}` are two ways to say the same");
            Diagnostic::new(&BAD_VALUE, *second, message)
                .label(*first, "said here already")
                .help("keep one of them")
        }
        Unclear::NoHost(span) => Diagnostic::new(&BAD_VALUE, *span, "`hosts` names no host")
            .help("add one, such as `shop.example` or `\"*\"`, or remove the route"),
    }
}

/// The hosts in the order in which they are written; one that is named again is named once.
fn each_once(hosts: &[Spanned<HostPattern>]) -> Vec<Spanned<HostPattern>> {
    let mut known = BTreeSet::new();
    let hosts = hosts
        .iter()
        .filter(|host| known.insert(host.value.as_str()));
    hosts.cloned().collect()
}

pub(super) fn listener(
    names: &Names<'_>,
    mesh: &Mesh,
    on: &Spanned<String>,
    diagnostics: &mut Diagnostics,
) -> Option<(model::GatewayId, usize)> {
    let listeners = || {
        mesh.gateways.values().flat_map(|gateway| {
            gateway
                .listeners
                .iter()
                .map(|listener| format!("{}/{}", gateway.name.value, listener.name.value))
        })
    };
    let found = on.value.split_once('/').and_then(|(gateway, listener)| {
        let id = *names.gateways.get(gateway)?;
        let is_it = |one: &model::Listener| one.name.value == listener;
        let position = mesh.gateways.entry(id).listeners.iter().position(is_it)?;
        Some((id, position))
    });
    if found.is_none() && diagnostics.is_full(on.span.file) {
        diagnostics.count_error(on.span.file);
    } else if found.is_none() {
        let known = names.listeners.get_or_init(|| listeners().collect());
        let known = known.iter().map(String::as_str);
        diagnostics.push(unknown("listener", &on.value, on.span, known));
    }
    found
}

fn rule(
    names: &Names<'_>,
    mesh: &Mesh,
    rule: &Spanned<route::Rule>,
    diagnostics: &mut Diagnostics,
) -> Option<model::Rule> {
    let route::Rule {
        name,
        path,
        methods,
        headers,
        query,
        priority,
        to: _,
        redirect: _,
        respond: _,
        request_headers,
        response_headers,
        rewrite,
        // Settings are read by `Said`.
        ..
    } = &rule.value;
    let path = super::path(path.as_ref(), diagnostics);
    let paths = path.as_ref().map(|pattern| Paths {
        pattern,
        automata: &mesh.automata,
    });
    let rewrite = paths.as_ref().zip(rewrite.as_deref());
    let rewrite = rewrite.map(|(paths, written)| Box::new(paths.rewrite(written, diagnostics)));
    let headers = conditions("header", headers, str::to_ascii_lowercase, diagnostics);
    let query = conditions("parameter", query, str::to_owned, diagnostics);
    let action = action(names, mesh, (rule, paths.as_ref()), diagnostics);
    let mut methods = methods.clone();
    methods.sort_by(|left, right| left.value.cmp(&right.value));
    methods.dedup_by(|left, right| left.value == right.value);
    let matched = Match {
        path: path?,
        methods,
        headers: headers?,
        query: query?,
    };
    Some(model::Rule {
        id: String::new(),
        name: name.clone(),
        span: rule.span,
        matched,
        priority: *priority,
        action: action?,
        said: Said::by_rule(&rule.value),
        request_headers: changes(request_headers.as_deref()),
        response_headers: changes(response_headers.as_deref()),
        rewrite,
    })
}

pub(super) fn conditions(
    kind: &str,
    tests: &Named<ValueMatch>,
    canonical: fn(&str) -> String,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Spanned<Condition>>> {
    let mut by_name: BTreeMap<String, Spanned<Condition>> = BTreeMap::new();
    let mut is_good = true;
    for (name, test) in tests {
        let canonical_name = canonical(&name.value);
        let test = match &test.value {
            ValueMatch::Exact(text) => ValueTest::Exact { text: text.clone() },
            ValueMatch::Present => ValueTest::Present,
            ValueMatch::Absent => ValueTest::Absent,
            ValueMatch::Regex(regex) => ValueTest::Regex {
                regex: regex.value.clone(),
            },
        };
        let condition = Condition {
            name: canonical_name.clone(),
            test,
        };
        let first = by_name.insert(canonical_name, Spanned::new(condition, name.span));
        if let Some(first) = first {
            let what = format!("the condition on {kind} `{}`", first.value.name);
            diagnostics.push(defined_twice(&what, first.span, name.span));
            is_good = false;
        }
    }
    is_good.then(|| by_name.into_values().collect())
}

fn action(
    names: &Names<'_>,
    mesh: &Mesh,
    (rule, paths): (&Spanned<route::Rule>, Option<&Paths<'_>>),
    diagnostics: &mut Diagnostics,
) -> Option<Action> {
    let route::Rule {
        to,
        redirect,
        respond,
        ..
    } = &rule.value;
    match (to, redirect, respond) {
        (Some(to), None, None) => backends(names, mesh, to, diagnostics).map(Action::Forward),
        (None, Some(redirect), None) => {
            let redirect = paths?.redirect(redirect, diagnostics);
            Some(Action::Redirect(Box::new(redirect)))
        }
        (None, None, Some(respond)) => Some(Action::Respond(Box::new(respond_of(respond)))),
        (None, None, None) => {
            diagnostics.push(
                Diagnostic::new(
                    &UNCLEAR_OUTCOME,
                    first_byte(rule.span),
                    "a rule has no outcome",
                )
                .saying("says which requests, but not what becomes of them")
                .help("add `to`, `redirect` or `respond`"),
            );
            None
        }
        (_, _, _) => {
            let outcomes = [
                ("to", to.as_ref().map(|to| to.span)),
                ("redirect", redirect.as_ref().map(|redirect| redirect.span)),
                ("respond", respond.as_ref().map(|respond| respond.span)),
            ];
            let mut said = outcomes
                .iter()
                .filter_map(|(name, span)| Some((*name, (*span)?)))
                .rev();
            let (last, span) = said.next()?;
            let (first, first_span) = said.next()?;
            let message = format!("a rule has both `{first}` and `{last}`");
            diagnostics.push(
                Diagnostic::new(&UNCLEAR_OUTCOME, span, message)
                    .saying(format!("`{last}` here"))
                    .label(first_span, format!("`{first}` here"))
                    .help("keep one of them, or make two rules"),
            );
            None
        }
    }
}

fn changes(written: Option<&route::HeaderChanges>) -> Option<Box<HeaderChanges>> {
    written.map(|written| Box::new(header_changes(written)))
}

fn first_byte(span: Span) -> Span {
    Span::new(
        span.file,
        span.start,
        span.start.saturating_add(1).min(span.end),
    )
}

fn backends(
    names: &Names<'_>,
    mesh: &Mesh,
    to: &Spanned<To>,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Backend>> {
    match &to.value {
        To::One(name) => {
            let name = Spanned::new(name.clone(), to.span);
            let whole = Spanned::built_in(Share::WHOLE);
            Some(vec![backend(names, mesh, &name, whole, diagnostics)?])
        }
        To::Shares(shares) => {
            let backends: Vec<Option<Backend>> = shares
                .iter()
                .map(|(name, share)| {
                    let share = Spanned::new(share.value.parts_per_million(), share.span);
                    backend(names, mesh, name, share, diagnostics)
                })
                .collect();
            if backends.is_empty() {
                diagnostics.push(
                    Diagnostic::new(&UNCLEAR_OUTCOME, to.span, "`to` names no backend")
                        .help("name a service"),
                );
                return None;
            }
            backends.into_iter().collect()
        }
    }
}

fn backend(
    names: &Names<'_>,
    mesh: &Mesh,
    name: &Spanned<String>,
    share: Spanned<u32>,
    diagnostics: &mut Diagnostics,
) -> Option<Backend> {
    let (service, version) = match name.value.split_once('@') {
        Some((service, version)) => (service, Some(version)),
        None => (name.value.as_str(), None),
    };
    let id = if version.is_some() && !names.services.contains_key(service) {
        let known: Vec<&str> = names.services.keys().copied().collect();
        diagnostics.push(
            unknown("service", service, name.span, std::iter::empty())
                .help(nearest_service(service, &known)),
        );
        return None;
    } else {
        let bare = Spanned::new(service.to_owned(), name.span);
        follow("service", &names.services, &bare, diagnostics)?
    };
    let found = mesh.services.entry(id);
    let version = match version {
        Some(version) => Some(self::version(found, version, name.span, diagnostics)?),
        None if found.endpoints.is_none() && !found.versions.is_empty() => {
            let message = format!("service `{service}` has only versions");
            let first = found
                .versions
                .first()
                .map_or("", |version| version.name.value.as_str());
            diagnostics.push(
                Diagnostic::new(&MISSING_VERSION, name.span, message)
                    .label(found.name.span, "has no `endpoints` of its own")
                    .help(format!(
                        "name a version, as `{service}@{first}`, or give it `endpoints`"
                    )),
            );
            return None;
        }
        None => None,
    };
    Some(Backend {
        service: id,
        version,
        share: share.value,
        span: name.span,
        share_span: share.span,
    })
}

fn nearest_service(name: &str, known: &[&str]) -> String {
    super::names::nearest(name, known.iter().copied()).map_or_else(
        || "define a service of that name".to_owned(),
        |near| format!("write `{near}` for the service"),
    )
}

fn version(
    service: &model::Service,
    version: &str,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> Option<usize> {
    let is_it = |one: &model::Version| one.name.value == version;
    let found = service.versions.iter().position(is_it);
    if found.is_none() {
        let name = &service.name.value;
        let message = format!("service `{name}` has no version `{version}`");
        let known: Vec<String> = service
            .versions
            .iter()
            .map(|version| format!("{name}@{}", version.name.value))
            .collect();
        let missing = Diagnostic::new(&MISSING_VERSION, span, message)
            .label(service.name.span, "defined here");
        let wanted = format!("{name}@{version}");
        let known = known.iter().map(String::as_str);
        diagnostics.push(if service.versions.is_empty() {
            missing.help(format!(
                "write `{name}` alone, or define it: `versions: {{{version}: {{endpoints: [\"10.0.1.6:15443\"]}}}}`"
            ))
        } else {
            with_nearest(missing, "version", &wanted, known)
        });
    }
    found
}
