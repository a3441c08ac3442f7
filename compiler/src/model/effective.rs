//! Timeouts and retries after inheritance, field by field, each with the place it came from.
//!
//! The most specific level that says something decides: rule or call, then the contract of the service
//! called, then the defaults of the mesh, then what is built in. `0s` says "no limit". A rule with several
//! backends gets the strictest of their contracts. An inherited limit that is longer than the one around
//! it is clipped: an attempt never outlives its request.

use weft_snapshot::limits::KEEP_ALIVE_MILLIS;
use weft_spec::policy::{Retry, RetryOn, Timeout};
use weft_spec::service::ServiceProtocol;
use weft_spec::units::{Duration, Share, Switch};
use weft_spec::{Span, Spanned};

use super::{Backend, Call, Mesh, Rule, Service};

/// The built-in limit on connecting, in milliseconds.
pub const BUILT_IN_CONNECT: u32 = 1_000;
/// The built-in limit on silence, in milliseconds.
pub const BUILT_IN_IDLE: u32 = 300_000;
/// The built-in number of tries.
pub const BUILT_IN_ATTEMPTS: u8 = 2;
/// The built-in share of retries, in parts of a million.
pub const BUILT_IN_BUDGET: u32 = 200_000;
/// The built-in bound of the first wait, in milliseconds.
pub const BUILT_IN_BACKOFF_BASE: u32 = 25;
/// The built-in bound of every wait, in milliseconds.
pub const BUILT_IN_BACKOFF_MAX: u32 = 250;
/// The built-in reasons to try again; both mean that the request was never seen.
pub const BUILT_IN_REASONS: [RetryOn; 2] = [RetryOn::ConnectFailure, RetryOn::RefusedStream];

/// How long idle connections to the process of a service are kept, in milliseconds; 0 lets a connection serve one
/// request.
pub fn keep_alive(mesh: &Mesh, service: &Service) -> u32 {
    let said = service.keep_alive.or(mesh.defaults.keep_alive);
    match said.map(|said| said.value) {
        Some(Switch::Off) => 0,
        Some(Switch::On(time)) => time.millis(),
        None => KEEP_ALIVE_MILLIS,
    }
}

/// Methods of which a request is repeated after it may have been seen without the spec saying so: the idempotent ones of
/// RFC 9110 section 9.2.2, without `TRACE`, which no proxy forwards.
const REPEATED_METHODS: [&str; 5] = ["DELETE", "GET", "HEAD", "OPTIONS", "PUT"];

/// Who decided a setting; a later one is more specific.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// The compiler.
    BuiltIn,
    /// The defaults of the mesh.
    Defaults,
    /// The service called.
    Contract,
    /// The rule or the call.
    Use,
}

/// A setting with who decided it and where.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Setting<T> {
    /// What was decided.
    pub value: T,
    /// By whom.
    pub level: Level,
    /// Where; in no file for what is built in.
    pub span: Span,
}

/// The limit of one kind of waiting: a time in milliseconds, or none if `0s` was said.
pub type Limit = Setting<Option<u32>>;

/// Limits on waiting; an absent one was never mentioned at any level.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timeouts {
    /// Of the whole request.
    pub request: Option<Limit>,
    /// Of one attempt.
    pub backend_request: Option<Limit>,
    /// Of connecting.
    pub connect: Limit,
    /// Of silence.
    pub idle: Limit,
}

/// Retries with every field decided.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Retries {
    /// The number of tries.
    pub attempts: Setting<u8>,
    /// The reasons, sorted.
    pub on: Setting<Vec<RetryOn>>,
    /// The share of retries, in parts of a million; none for no bound.
    pub budget: Setting<Option<u32>>,
    /// The bound of the first wait, in milliseconds.
    pub backoff_base: Setting<u32>,
    /// The bound of every wait, in milliseconds.
    pub backoff_max: Setting<u32>,
    /// Whether repeating does no harm.
    pub idempotent: Setting<bool>,
}

/// Whether some request with one of these methods (none means all) is repeated after the service may have seen it. All
/// of gRPC is `POST`.
pub fn repeats(service: &Service, methods: &[&str], retries: &Retries) -> bool {
    let is_repeated = |method: &&str| REPEATED_METHODS.contains(method);
    let of_service = match service.protocol.value {
        ServiceProtocol::Grpc => false,
        ServiceProtocol::Http | ServiceProtocol::Http2 => {
            methods.is_empty() || methods.iter().any(is_repeated)
        }
    };
    retries.idempotent.value || of_service
}

/// The fields of a [`Timeout`], for what treats them alike.
pub const TIMEOUT_FIELDS: [TimeoutField; 4] = [
    TimeoutField::Request,
    TimeoutField::BackendRequest,
    TimeoutField::Connect,
    TimeoutField::Idle,
];

/// A field of a [`Timeout`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum TimeoutField {
    /// `request`
    Request,
    /// `backendRequest`
    BackendRequest,
    /// `connect`
    Connect,
    /// `idle`
    Idle,
}

impl TimeoutField {
    /// The name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::BackendRequest => "backendRequest",
            Self::Connect => "connect",
            Self::Idle => "idle",
        }
    }

    /// The value of the field.
    pub fn of(self, timeout: &Timeout) -> Option<Spanned<Duration>> {
        match self {
            Self::Request => timeout.request,
            Self::BackendRequest => timeout.backend_request,
            Self::Connect => timeout.connect,
            Self::Idle => timeout.idle,
        }
    }
}

impl Timeouts {
    /// The limits of a rule; `None` unless it forwards.
    pub fn of_rule(mesh: &Mesh, rule: &Rule) -> Option<Self> {
        let services: Vec<&Service> = deciding(rule)
            .map(|backend| mesh.services.entry(backend.service))
            .collect();
        (!services.is_empty()).then(|| Self::settle(mesh, Some(&rule.timeout), &services))
    }

    /// The limits of a call.
    pub fn of_call(mesh: &Mesh, call: &Call) -> Self {
        Self::settle(
            mesh,
            Some(&call.timeout),
            &[mesh.services.entry(call.to.value)],
        )
    }

    /// The limits that a service promises to its callers.
    pub fn of_contract(mesh: &Mesh, service: &Service) -> Self {
        Self::settle(mesh, None, &[service])
    }

    fn settle(mesh: &Mesh, used: Option<&Timeout>, services: &[&Service]) -> Self {
        let limit = |field: TimeoutField| {
            used.and_then(|used| said(field, used, Level::Use))
                .or_else(|| {
                    services
                        .iter()
                        .filter_map(|service| {
                            said(field, &service.timeout, Level::Contract)
                                .or_else(|| said(field, &mesh.defaults.timeout, Level::Defaults))
                        })
                        .min_by_key(|limit| limit.value.unwrap_or(u32::MAX))
                })
        };
        let built_in = |millis| Limit {
            value: Some(millis),
            level: Level::BuiltIn,
            span: Span::NONE,
        };
        let request = limit(TimeoutField::Request);
        let backend_request =
            limit(TimeoutField::BackendRequest).map(|attempt| clip(attempt, request));
        let connect = limit(TimeoutField::Connect).unwrap_or(built_in(BUILT_IN_CONNECT));
        Self {
            request,
            backend_request,
            connect: clip(clip(connect, backend_request), request),
            idle: limit(TimeoutField::Idle).unwrap_or(built_in(BUILT_IN_IDLE)),
        }
    }
}

/// The backends whose services have a say in the settings of a rule. One that is declared and idle has none, unless all
/// are, which is a finding of its own.
fn deciding(rule: &Rule) -> impl Iterator<Item = &Backend> {
    let is_idle = rule.live_backends().next().is_none();
    let backends = rule.backends().iter();
    backends.filter(move |backend| is_idle || 0 < backend.share)
}

fn said(field: TimeoutField, timeout: &Timeout, level: Level) -> Option<Limit> {
    field.of(timeout).map(|duration| Limit {
        value: (!duration.value.is_zero()).then(|| duration.value.millis()),
        level,
        span: duration.span,
    })
}

// "No limit" inside a limit is that limit, too.
fn clip(inner: Limit, outer: Option<Limit>) -> Limit {
    match outer {
        Some(outer) if outer.value.unwrap_or(u32::MAX) < inner.value.unwrap_or(u32::MAX) => outer,
        Some(_) | None => inner,
    }
}

impl Retries {
    /// The retries of a rule; `None` unless it forwards.
    pub fn of_rule(mesh: &Mesh, rule: &Rule) -> Option<Self> {
        let used = rule.retry.as_ref();
        deciding(rule)
            .map(|backend| Self::settle(mesh, used, mesh.services.entry(backend.service)))
            .reduce(|careful, other| careful.more_careful(&other))
    }

    /// The retries of a call.
    pub fn of_call(mesh: &Mesh, call: &Call) -> Self {
        Self::settle(
            mesh,
            call.retry.as_ref(),
            mesh.services.entry(call.to.value),
        )
    }

    /// No retries at all.
    pub fn never() -> Self {
        let mut never = Self::built_in();
        never.attempts.value = 1;
        never.on.value.clear();
        never
    }

    fn built_in() -> Self {
        fn built_in<T>(value: T) -> Setting<T> {
            Setting {
                value,
                level: Level::BuiltIn,
                span: Span::NONE,
            }
        }
        Self {
            attempts: built_in(BUILT_IN_ATTEMPTS),
            on: built_in(BUILT_IN_REASONS.to_vec()),
            budget: built_in(Some(BUILT_IN_BUDGET)),
            backoff_base: built_in(BUILT_IN_BACKOFF_BASE),
            backoff_max: built_in(BUILT_IN_BACKOFF_MAX),
            idempotent: built_in(false),
        }
    }

    fn settle(mesh: &Mesh, used: Option<&Spanned<Retry>>, service: &Service) -> Self {
        let mut retries = Self::built_in();
        let levels = [
            (mesh.defaults.retry.as_ref(), Level::Defaults),
            (service.retry.as_ref(), Level::Contract),
            (used, Level::Use),
        ];
        for (retry, level) in levels {
            if let Some(retry) = retry {
                retries.take(&retry.value, level);
            }
        }
        let base = retries.backoff_base.value;
        if retries.backoff_max.value < base {
            retries.backoff_max.value = base;
        }
        retries
    }

    fn take(&mut self, retry: &Retry, level: Level) {
        fn put<T>(place: &mut Setting<T>, value: T, level: Level, span: Span) {
            *place = Setting { value, level, span };
        }
        if let Some(attempts) = &retry.attempts {
            put(&mut self.attempts, attempts.value, level, attempts.span);
        }
        if let Some(on) = &retry.on {
            let mut reasons: Vec<RetryOn> = on.iter().map(|reason| reason.value).collect();
            reasons.sort_unstable();
            reasons.dedup();
            let span = on.first().map_or(Span::NONE, |reason| reason.span);
            put(&mut self.on, reasons, level, span);
        }
        if let Some(budget) = &retry.budget {
            let parts = budget.value.on().map(Share::parts_per_million);
            put(&mut self.budget, parts, level, budget.span);
        }
        if let Some(backoff) = &retry.backoff {
            if let Some(base) = &backoff.value.base {
                put(
                    &mut self.backoff_base,
                    base.value.millis(),
                    level,
                    base.span,
                );
            }
            if let Some(max) = &backoff.value.max {
                put(&mut self.backoff_max, max.value.millis(), level, max.span);
            }
        }
        if let Some(idempotent) = &retry.idempotent {
            put(
                &mut self.idempotent,
                idempotent.value,
                level,
                idempotent.span,
            );
        }
    }

    // Backends that disagree: what is safe for each of them.
    fn more_careful(mut self, other: &Self) -> Self {
        if other.attempts.value < self.attempts.value {
            self.attempts = other.attempts;
        }
        self.on
            .value
            .retain(|reason| other.on.value.contains(reason));
        // No bound is more than any share.
        let share = |budget: Option<u32>| budget.unwrap_or(u32::MAX);
        if share(other.budget.value) < share(self.budget.value) {
            self.budget = other.budget;
        }
        if self.backoff_base.value < other.backoff_base.value {
            self.backoff_base = other.backoff_base;
        }
        if self.backoff_max.value < other.backoff_max.value {
            self.backoff_max = other.backoff_max;
        }
        if !other.idempotent.value {
            self.idempotent = other.idempotent;
        }
        self
    }
}
