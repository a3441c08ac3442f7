//! Where settings come from: what each level says, down to the one that decides.

use weft_spec::Span;
use weft_spec::policy::{Retry, Timeout};

use super::answer::{Answer, Overridden, RouteAnswer};
use crate::model::effective::{TIMEOUT_FIELDS, TimeoutField};
use crate::model::{Mesh, Service};

/// Levels that may say something of a route, the most specific one first.
struct Levels<'mesh> {
    timeouts: Vec<(&'static str, &'mesh Timeout)>,
    retries: Vec<(&'static str, &'mesh Retry)>,
}

/// Adds to each setting of an answer what less specific levels say, with their places.
pub fn inherit(answer: &mut Answer, mesh: &Mesh, place: &dyn Fn(Span) -> String) {
    for route in answer.hops.iter_mut().filter_map(|hop| hop.route.as_mut()) {
        if let Some(levels) = levels(mesh, &route.id) {
            of_route(route, &levels, place);
        }
    }
}

fn levels<'mesh>(mesh: &'mesh Mesh, id: &str) -> Option<Levels<'mesh>> {
    let service = |name: &str| {
        let mut services = mesh.services.values();
        services.find(|service| service.name.value == name)
    };
    let mut rules = mesh.routes.values().flat_map(|route| &route.rules);
    let mut parts = id.split('/');
    let (first, second) = (parts.next()?, parts.next()?);
    let (own, contracts): (_, Vec<&Service>) = if let Some(rule) = rules.find(|rule| rule.id == id)
    {
        let backends = rule.backends().iter();
        let services = backends.map(|backend| mesh.services.entry(backend.service));
        (
            Some(("rule", &rule.timeout, rule.retry.as_ref())),
            services.collect(),
        )
    } else if second == "calls" {
        let called = parts.next()?;
        let mut calls = service(first)?.calls.iter();
        let call = calls.find(|call| mesh.services.entry(call.to.value).name.value == called)?;
        let own = ("call", &call.timeout, call.retry.as_ref());
        (Some(own), vec![service(called)?])
    } else {
        (None, vec![service(first)?])
    };
    let mut levels = Levels {
        timeouts: Vec::new(),
        retries: Vec::new(),
    };
    if let Some((level, timeout, retry)) = own {
        levels.timeouts.push((level, timeout));
        levels
            .retries
            .extend(retry.map(|retry| (level, &retry.value)));
    }
    // Several backends are settled by the strictest of their contracts, which is no chain.
    if let [service] = contracts.as_slice() {
        levels.timeouts.push(("service", &service.timeout));
        let retry = service.retry.as_ref();
        levels
            .retries
            .extend(retry.map(|retry| ("service", &retry.value)));
    }
    let defaults = &mesh.defaults;
    levels.timeouts.push(("mesh", &defaults.timeout));
    let retry = defaults.retry.as_ref();
    levels
        .retries
        .extend(retry.map(|retry| ("mesh", &retry.value)));
    Some(levels)
}

fn of_route(route: &mut RouteAnswer, levels: &Levels<'_>, place: &dyn Fn(Span) -> String) {
    for setting in &mut route.settings {
        let said: Vec<(&str, String, Span)> = match setting.name.strip_prefix("timeout.") {
            Some(name) => {
                let field = TIMEOUT_FIELDS
                    .into_iter()
                    .find(|field| field.name() == name);
                field.map_or(Vec::new(), |field| timeouts(field, levels))
            }
            // A sidecar asks its own app once, whatever is said of others.
            None if route.id.ends_with("/inbound") => Vec::new(),
            None => attempts(levels),
        };
        let over = said.into_iter().map(|(level, value, span)| Overridden {
            level: level.to_owned(),
            value,
            place: place(span),
        });
        // The level that decides is told already.
        let decides = setting.place.clone().unwrap_or_default();
        setting.over = over.filter(|one| decides != one.place).collect();
    }
}

fn timeouts(field: TimeoutField, levels: &Levels<'_>) -> Vec<(&'static str, String, Span)> {
    let said = levels.timeouts.iter().filter_map(|(level, timeout)| {
        let said = field.of(timeout)?;
        Some((*level, said.value.to_string(), said.span))
    });
    said.collect()
}

fn attempts(levels: &Levels<'_>) -> Vec<(&'static str, String, Span)> {
    let said = levels.retries.iter().filter_map(|(level, retry)| {
        let attempts = retry.attempts?;
        Some((
            *level,
            format!("{} attempts", attempts.value),
            attempts.span,
        ))
    });
    said.collect()
}
