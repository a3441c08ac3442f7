//! What each level says of a setting, down to the one that decides.

use weft_snapshot::origins::{Level, Setting};
use weft_spec::Span;
use weft_spec::policy::{Retry, Timeout};

use super::effective::{TIMEOUT_FIELDS, TimeoutField};
use super::{Call, Mesh, Rule, Service};

/// The levels that may say something of a route, the most specific one first.
pub(crate) struct Levels<'mesh> {
    timeouts: Vec<(Level, &'mesh Timeout)>,
    retries: Vec<(Level, &'mesh Retry)>,
}

/// What one level says of one setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said {
    /// The setting.
    pub(crate) setting: Setting,
    /// The level.
    pub(crate) level: Level,
    /// Milliseconds, where 0 is no limit; or tries.
    pub(crate) value: u32,
    /// Where.
    pub(crate) span: Span,
}

impl<'mesh> Levels<'mesh> {
    /// Of a rule. Several backends are settled by the strictest of their contracts, which is no chain.
    pub(crate) fn of_rule(mesh: &'mesh Mesh, rule: &'mesh Rule) -> Self {
        let mut backends = rule.live_backends();
        let service = match (backends.next(), backends.next()) {
            (Some(backend), None) => Some(mesh.services.entry(backend.service)),
            (None | Some(_), _) => None,
        };
        let own = (&rule.timeout, rule.retry.as_ref().map(|retry| &retry.value));
        Self::new(mesh, Some((Level::Rule, own)), service)
    }

    /// Of a call.
    pub(crate) fn of_call(mesh: &'mesh Mesh, call: &'mesh Call) -> Self {
        let own = (&call.timeout, call.retry.as_ref().map(|retry| &retry.value));
        let callee = mesh.services.entry(call.to.value);
        Self::new(mesh, Some((Level::Call, own)), Some(callee))
    }

    /// Of what a sidecar asks its own app: once, whatever is said of others.
    pub(crate) fn of_inbound(mesh: &'mesh Mesh, service: &'mesh Service) -> Self {
        Self {
            retries: Vec::new(),
            ..Self::new(mesh, None, Some(service))
        }
    }

    fn new(
        mesh: &'mesh Mesh,
        own: Option<(Level, (&'mesh Timeout, Option<&'mesh Retry>))>,
        service: Option<&'mesh Service>,
    ) -> Self {
        let service = service.map(|service| {
            let retry = service.retry.as_ref().map(|retry| &retry.value);
            (Level::Service, (&service.timeout, retry))
        });
        let defaults = &mesh.defaults;
        let retry = defaults.retry.as_ref().map(|retry| &retry.value);
        let mesh = (Level::Mesh, (&defaults.timeout, retry));
        let (mut timeouts, mut retries) = (Vec::new(), Vec::new());
        for (level, (timeout, retry)) in own.into_iter().chain(service).chain([mesh]) {
            timeouts.push((level, timeout));
            retries.extend(retry.map(|retry| (level, retry)));
        }
        Self { timeouts, retries }
    }

    /// Everything that is said, setting by setting, the most specific level of each first.
    pub(crate) fn said(&self) -> impl Iterator<Item = Said> {
        let timeouts = TIMEOUT_FIELDS.into_iter().flat_map(|field| {
            self.timeouts.iter().filter_map(move |(level, timeout)| {
                let said = field.of(timeout)?;
                Some(Said {
                    setting: setting(field),
                    level: *level,
                    value: said.value.millis(),
                    span: said.span,
                })
            })
        });
        let attempts = self.retries.iter().filter_map(|(level, retry)| {
            let attempts = retry.attempts?;
            Some(Said {
                setting: Setting::Attempts,
                level: *level,
                value: attempts.value.into(),
                span: attempts.span,
            })
        });
        timeouts.chain(attempts)
    }
}

fn setting(field: TimeoutField) -> Setting {
    match field {
        TimeoutField::Request => Setting::Request,
        TimeoutField::BackendRequest => Setting::BackendRequest,
        TimeoutField::Connect => Setting::Connect,
        TimeoutField::Idle => Setting::Idle,
    }
}
