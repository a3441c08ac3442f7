//! Timeouts and retries after inheritance as typed values, each with the place it came from, for rules about time.
//!
//! What decides is [`crate::settings::decide`]; here are the names for those who reason about more than one of them.

use weft_spec::Span;
use weft_spec::policy::RetryOn;

use super::{Call, Mesh, Rule, Service};
use crate::settings::{self, Decided, Level, SettingSources};

/// A setting with who decided it and where.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Effective<T> {
    /// What was decided.
    pub value: T,
    /// By whom.
    pub level: Level,
    /// Where; in no file for what is built in.
    pub span: Span,
}

/// The limit of one kind of waiting: a time in milliseconds, or none if `0s` was said.
pub type Limit = Effective<Option<u32>>;

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
    pub attempts: Effective<u8>,
    /// The reasons, sorted.
    pub on: Effective<Vec<RetryOn>>,
    /// The share of retries, in parts of a million; none for no bound.
    pub budget: Effective<Option<u32>>,
    /// The bound of the first wait, in milliseconds.
    pub backoff_base: Effective<u32>,
    /// The bound of every wait, in milliseconds.
    pub backoff_max: Effective<u32>,
    /// Whether repeating does no harm.
    pub idempotent: Effective<bool>,
}

impl Timeouts {
    /// The limits of a rule; `None` unless it forwards.
    pub fn of_rule(mesh: &Mesh, rule: &Rule) -> Option<Self> {
        forwards(rule).then(|| Self::by(&SettingSources::of_rule(mesh, rule)))
    }

    /// The limits of a call.
    pub fn of_call(mesh: &Mesh, call: &Call) -> Self {
        Self::by(&SettingSources::of_call(mesh, call))
    }

    /// The limits that a service promises to its callers.
    pub fn of_contract(mesh: &Mesh, service: &Service) -> Self {
        Self::by(&SettingSources::of_contract(mesh, service))
    }

    /// The limit of the whole request of a rule, as far as anybody mentioned one.
    pub fn request_of(mesh: &Mesh, rule: &Rule) -> Option<Limit> {
        Self::said(&SettingSources::of_rule(mesh, rule), &settings::REQUEST)
    }

    // A limit that nobody mentioned is none; one that is off was mentioned.
    fn said(sources: &SettingSources<'_>, setting: &'static settings::Setting) -> Option<Limit> {
        let decided = sources.decide(setting);
        (decided.level != Level::BuiltIn).then(|| limit(&decided))
    }

    fn by(sources: &SettingSources<'_>) -> Self {
        Self {
            request: Self::said(sources, &settings::REQUEST),
            backend_request: Self::said(sources, &settings::BACKEND_REQUEST),
            connect: limit(&sources.decide(&settings::CONNECT)),
            idle: limit(&sources.decide(&settings::IDLE)),
        }
    }
}

fn forwards(rule: &Rule) -> bool {
    !rule.backends().is_empty()
}

fn limit(decided: &Decided<'_>) -> Limit {
    typed(decided, decided.value.narrow())
}

fn typed<T>(decided: &Decided<'_>, value: T) -> Effective<T> {
    Effective {
        value,
        level: decided.level,
        span: decided.span,
    }
}

impl Retries {
    /// The retries of a rule; `None` unless it forwards.
    pub fn of_rule(mesh: &Mesh, rule: &Rule) -> Option<Self> {
        forwards(rule).then(|| Self::by(&SettingSources::of_rule(mesh, rule)))
    }

    /// The retries of a call.
    pub fn of_call(mesh: &Mesh, call: &Call) -> Self {
        Self::by(&SettingSources::of_call(mesh, call))
    }

    /// The number of tries of a rule.
    pub fn attempts_of(mesh: &Mesh, rule: &Rule) -> Effective<u8> {
        Self::tries(&SettingSources::of_rule(mesh, rule))
    }

    fn tries(sources: &SettingSources<'_>) -> Effective<u8> {
        let attempts = sources.decide(&settings::ATTEMPTS);
        let tries = attempts.value.number().map(u8::try_from);
        typed(&attempts, tries.and_then(Result::ok).unwrap_or(u8::MAX))
    }

    fn by(sources: &SettingSources<'_>) -> Self {
        let number = |setting| {
            let decided = sources.decide(setting);
            typed(&decided, decided.value.narrow().unwrap_or(u32::MAX))
        };
        let on = sources.decide(&settings::REASONS);
        let (budget, idempotent) = (
            sources.decide(&settings::BUDGET),
            sources.decide(&settings::IDEMPOTENT),
        );
        Self {
            attempts: Self::tries(sources),
            on: typed(&on, on.value.reasons().to_vec()),
            budget: typed(&budget, budget.value.narrow()),
            backoff_base: number(&settings::BACKOFF_BASE),
            backoff_max: number(&settings::BACKOFF_MAX),
            idempotent: typed(&idempotent, idempotent.value.is_yes()),
        }
    }
}
