//! Every timeout and retry that is written anywhere in a mesh, for rules that treat them alike.

use weft_spec::Spanned;
use weft_spec::policy::{Retry, Timeout};

use crate::model::Mesh;

/// One place that may set timeouts and retries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<'mesh> {
    /// Its timeouts.
    pub(super) timeout: &'mesh Timeout,
    /// Its retries.
    pub(super) retry: Option<&'mesh Spanned<Retry>>,
}

/// All of them: defaults, contracts, calls and rules.
pub(super) fn written(mesh: &Mesh) -> impl Iterator<Item = Written<'_>> {
    let defaults = Written {
        timeout: &mesh.defaults.timeout,
        retry: mesh.defaults.retry.as_ref(),
    };
    let services = mesh.services.values().flat_map(|service| {
        let contract = Written {
            timeout: &service.timeout,
            retry: service.retry.as_ref(),
        };
        let calls = service.calls.iter().map(|call| Written {
            timeout: &call.timeout,
            retry: call.retry.as_ref(),
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
        });
    std::iter::once(defaults).chain(services).chain(rules)
}
