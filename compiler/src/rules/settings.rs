//! Every timeout, retry and keep-alive that is written anywhere in a mesh, for rules that treat them alike.

use weft_spec::Spanned;
use weft_spec::policy::{Retry, Timeout};
use weft_spec::units::{Duration, Switch};

use crate::model::Mesh;

/// One place that may set timeouts, retries and how long connections are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<'mesh> {
    /// Its timeouts.
    pub(super) timeout: &'mesh Timeout,
    /// Its retries.
    pub(super) retry: Option<&'mesh Spanned<Retry>>,
    /// How long its idle connections are kept.
    pub(super) keep_alive: Option<Spanned<Switch<Duration>>>,
}

/// All of them: defaults, contracts, calls and rules.
pub(super) fn written(mesh: &Mesh) -> impl Iterator<Item = Written<'_>> {
    let defaults = Written {
        timeout: &mesh.defaults.timeout,
        retry: mesh.defaults.retry.as_ref(),
        keep_alive: mesh.defaults.keep_alive,
    };
    let services = mesh.services.values().flat_map(|service| {
        let contract = Written {
            timeout: &service.timeout,
            retry: service.retry.as_ref(),
            keep_alive: service.keep_alive,
        };
        let calls = service.calls.iter().map(|call| Written {
            timeout: &call.timeout,
            retry: call.retry.as_ref(),
            keep_alive: None,
        });
        std::iter::once(contract).chain(calls)
    });
    let rules = mesh
        .routes
        .values()
        .flat_map(|route| &route.rules)
        .map(|rule| Written {
            timeout: &rule.timeout,
            retry: rule.retry.as_ref(),
            keep_alive: None,
        });
    std::iter::once(defaults).chain(services).chain(rules)
}
