//! What became of an assertion.

use weft_spec::Span;

/// What became of an assertion.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It holds for all requests.
    Proved,
    /// It holds because there is nothing that it speaks of.
    Vacuous(String),
    /// It does not hold.
    Refuted(Counterexample),
    /// A bound was met.
    Unknown(String),
}

/// Why an assertion does not hold.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// What is wrong.
    pub text: String,
    /// The line that makes it so; in no file if there is none.
    pub place: Span,
    /// A request or a chain of calls that shows it.
    pub shown: Option<String>,
}

impl Verdict {
    /// Of two parts of an assertion: what is worst decides.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (refuted @ Self::Refuted(_), _) | (_, refuted @ Self::Refuted(_)) => refuted,
            (unknown @ Self::Unknown(_), _) | (_, unknown @ Self::Unknown(_)) => unknown,
            (vacuous @ Self::Vacuous(_), _) | (_, vacuous @ Self::Vacuous(_)) => vacuous,
            (Self::Proved, Self::Proved) => Self::Proved,
        }
    }
}
