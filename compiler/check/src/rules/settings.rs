//! Every place of a mesh that says settings, for rules that treat them alike.

use weft_front::model::Mesh;
use weft_front::settings::{Said, Setting, Value};
use weft_spec::Spanned;

/// All of them: defaults, contracts, calls, listeners and rules.
pub(super) fn places(mesh: &Mesh) -> impl Iterator<Item = &Said> {
    let services = mesh.services.values().flat_map(|service| {
        let calls = service.calls.iter().map(|call| &call.said);
        std::iter::once(&service.said).chain(calls)
    });
    let listeners = mesh.gateways.values().flat_map(|gateway| {
        let listeners = gateway.listeners.iter();
        listeners.map(|listener| &listener.said)
    });
    let rules = mesh.routes.values().flat_map(|route| &route.rules);
    let rules = rules.map(|rule| &rule.said);
    std::iter::once(&mesh.defaults)
        .chain(services)
        .chain(listeners)
        .chain(rules)
}

/// Everything that is said of settings anywhere.
pub(super) fn said(mesh: &Mesh) -> impl Iterator<Item = (&'static Setting, &Spanned<Value>)> {
    places(mesh).flat_map(Said::iter)
}
