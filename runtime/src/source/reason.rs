//! Why a snapshot was refused: a closed list of reasons, each with a name that logs and metrics keep.

use std::fmt;

/// One reason to refuse a snapshot.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Reason {
    /// The index cannot be read at all.
    SourceUnreadable,
    /// The folder is no image layout that can be read.
    BadLayout,
    /// The index is not one of ours.
    BadIndex,
    /// The manifest is not one of ours.
    BadManifest,
    /// A blob that the manifest names is not there.
    MissingBlob,
    /// A blob is not what its digest says.
    DigestMismatch,
    /// A file is larger than it may be.
    TooLarge,
    /// The manifest has no slice for this node, or the slice is another node's.
    WrongNode,
    /// The slice did not pass its check.
    BadSlice,
    /// The origins did not pass their check.
    BadOrigins,
    /// A newer generation was served before.
    OlderGeneration,
    /// The slice listens nowhere.
    NoListeners,
    /// The slice has not a single route.
    NoRoutes,
    /// Listeners on one address cannot be told apart.
    ListenerConflict,
    /// An address cannot be bound.
    BindFailed,
    /// The slice needs an identity and there is none, or it cannot be used.
    NoIdentity,
    /// A certificate of a listener cannot be used.
    BadCertificate,
    /// Roots for an upstream cannot be used.
    BadRoots,
    /// The proxy ended before this snapshot was good, several times in a row.
    CrashedBefore,
}

impl Reason {
    /// All reasons, in the order of their declaration.
    pub const ALL: [Self; 19] = [
        Self::SourceUnreadable,
        Self::BadLayout,
        Self::BadIndex,
        Self::BadManifest,
        Self::MissingBlob,
        Self::DigestMismatch,
        Self::TooLarge,
        Self::WrongNode,
        Self::BadSlice,
        Self::BadOrigins,
        Self::OlderGeneration,
        Self::NoListeners,
        Self::NoRoutes,
        Self::ListenerConflict,
        Self::BindFailed,
        Self::NoIdentity,
        Self::BadCertificate,
        Self::BadRoots,
        Self::CrashedBefore,
    ];

    /// The name in logs, metrics and on `/snapshot`; never renamed.
    pub fn name(self) -> &'static str {
        match self {
            Self::SourceUnreadable => "source-unreadable",
            Self::BadLayout => "bad-layout",
            Self::BadIndex => "bad-index",
            Self::BadManifest => "bad-manifest",
            Self::MissingBlob => "missing-blob",
            Self::DigestMismatch => "digest-mismatch",
            Self::TooLarge => "too-large",
            Self::WrongNode => "wrong-node",
            Self::BadSlice => "bad-slice",
            Self::BadOrigins => "bad-origins",
            Self::OlderGeneration => "older-generation",
            Self::NoListeners => "no-listeners",
            Self::NoRoutes => "no-routes",
            Self::ListenerConflict => "listener-conflict",
            Self::BindFailed => "bind-failed",
            Self::NoIdentity => "no-identity",
            Self::BadCertificate => "bad-certificate",
            Self::BadRoots => "bad-roots",
            Self::CrashedBefore => "crashed-before",
        }
    }
}

/// A snapshot that was refused, and why.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct Refusal {
    /// The kind of reason.
    pub reason: Reason,
    /// What exactly is wrong; one line, at most 500 characters, control characters escaped.
    pub message: String,
    /// The generation that was refused, when it was known.
    pub generation: Option<u64>,
}

impl Refusal {
    /// The longest message, in characters.
    const MESSAGE_CHARS: usize = 500;

    /// A refusal of a snapshot whose generation is not known yet.
    pub fn new(reason: Reason, message: impl fmt::Display) -> Self {
        let message = message
            .to_string()
            .chars()
            .take(Self::MESSAGE_CHARS)
            .flat_map(|char| {
                if char.is_control() {
                    char.escape_default().collect()
                } else {
                    vec![char]
                }
            })
            .collect();
        Self {
            reason,
            message,
            generation: None,
        }
    }

    /// The same, for `generation`.
    #[must_use]
    pub fn of_generation(mut self, generation: u64) -> Self {
        self.generation = Some(generation);
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.reason.name(), self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_name() {
        let names: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|it| it.name()).collect();
        assert_eq!(names.len(), Reason::ALL.len());
    }

    #[test]
    fn a_message_is_one_bounded_line() {
        let refusal = Refusal::new(Reason::BadIndex, format!("a\nb\u{1b}{}", "x".repeat(9_000)));
        assert!(refusal.message.starts_with("a\\nb\\u{1b}x"));
        assert!(refusal.message.len() < 600);
    }
}
