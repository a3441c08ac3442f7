//! Accepted findings, and the places that they speak about.
//!
//! A place is the text of definitions: whatever is written between the name of a definition and its end belongs to it. So a finding
//! needs to say nothing about its subject; where it points decides.

use weft_spec::units::Date;
use weft_spec::{Span, Spanned};

use super::guardrail::Maximum;
use super::{GatewayId, RouteId, ServiceId, TeamId};

/// A finding that is accepted.
#[derive(Clone, Debug)]
pub struct Suppression {
    /// The code, as written.
    pub code: Spanned<String>,
    /// Where the finding lies.
    pub place: SpecPart,
    /// Why it is accepted, for how long, and who says so.
    pub grant: Grant,
    /// The whole suppression.
    pub span: Span,
}

/// A place where a larger value than that of a guardrail is accepted.
#[derive(Clone, Debug)]
pub struct Exemption {
    /// The position of the guardrail in the mesh.
    pub guardrail: usize,
    /// Where.
    pub place: SpecPart,
    /// The largest value that is accepted there, as written.
    pub max: Spanned<Maximum>,
    /// Why it is accepted, for how long, and who says so.
    pub grant: Grant,
}

/// Who lets something pass, why, and for how long.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Why.
    pub reason: Spanned<String>,
    /// The team that answers for it; none is the platform.
    pub owner: Spanned<Option<TeamId>>,
    /// The last day.
    pub until: Spanned<Date>,
}

/// A part of the spec.
#[derive(Clone, Debug)]
pub struct SpecPart {
    /// What is named.
    pub subject: Subject,
    /// The position of the rule in its route, if one rule is meant.
    pub rule: Option<usize>,
    /// Where it is named.
    pub span: Span,
    /// The definitions, from the first byte to the last.
    pub regions: Vec<Span>,
}

/// What a place names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Subject {
    /// A route.
    Route(RouteId),
    /// A service.
    Service(ServiceId),
    /// A gateway.
    Gateway(GatewayId),
    /// All routes of a host.
    Host(String),
}

impl SpecPart {
    /// Whether something is written in the place.
    pub fn holds(&self, span: Span) -> bool {
        self.regions.iter().any(|region| is_within(span, *region))
    }
}

/// Whether something is written within a region.
pub fn is_within(span: Span, region: Span) -> bool {
    region.file == span.file && region.start <= span.start && span.end <= region.end
}

impl Grant {
    /// Whether it holds no more; without knowing the day, it holds.
    pub fn is_over(&self, today: Option<Date>) -> bool {
        today.is_some_and(|today| self.until.value < today)
    }
}
