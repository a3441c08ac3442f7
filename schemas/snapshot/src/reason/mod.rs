//! Why a proxy answers itself: every reason that `x-weft-reason` and the access log can give, in one table.
//!
//! | file | holds |
//! |---|---|
//! | `table` | a row for each reason: name, statuses, whether the connection closes, who sends it, what it means, what to look at |
//! | `words` | the words for what the rows say in short: groups, senders, statuses of gRPC |
//!
//! The proxy answers with it, `weft why` and `weft test` say it, `weft explain` explains it, and `docs/reasons.md` is written from
//! it. A reason is one byte that is copied; nothing on the way of a request allocates for it. Why a *snapshot* is refused, and why a
//! handshake with a client failed, are other lists: no request is answered for those.

mod table;
mod words;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::repeat::RetryCondition;

pub use table::Reason;
pub use words::{Group, GrpcStatus, Sender};

/// What becomes of the connection of the client after the answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum After {
    /// It cannot be trusted to be in step any more.
    Closes,
    /// It serves on.
    Stays,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
struct Row {
    name: &'static str,
    group: Group,
    status: u16,
    grpc_status: GrpcStatus,
    after: After,
    sender: Sender,
    repeated: Option<RetryCondition>,
    meaning: &'static str,
    look: &'static str,
}

impl Reason {
    /// The reason of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.name() == name)
    }

    /// The name, as `x-weft-reason` and logs give it.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// What kind of thing went wrong.
    pub const fn group(self) -> Group {
        self.row().group
    }

    /// The HTTP status of the answer; 0 where there is none and only the log has the reason.
    pub const fn status(self) -> u16 {
        self.row().status
    }

    /// How a gRPC call ends for this reason, also one that had begun to answer.
    pub const fn grpc_status(self) -> GrpcStatus {
        self.row().grpc_status
    }

    /// Whether the connection of the client closes after the answer, because nobody could tell where the next request on it begins.
    pub const fn closes(self) -> bool {
        match self.row().after {
            After::Closes => true,
            After::Stays => false,
        }
    }

    /// Which proxy gives it.
    pub const fn sender(self) -> Sender {
        self.row().sender
    }

    /// The condition of `retry.on` that asks for another try after it; none where no policy can.
    pub const fn repeated(self) -> Option<RetryCondition> {
        self.row().repeated
    }

    /// What it means, as half a sentence.
    pub const fn meaning(self) -> &'static str {
        self.row().meaning
    }

    /// What to look at or to do about it.
    pub const fn look(self) -> &'static str {
        self.row().look
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl std::error::Error for Reason {}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_and_sorted_within_their_group() {
        for pair in Reason::ALL.windows(2) {
            let (left, right) = (pair[0], pair[1]);
            let is_in_order = left.group() != right.group() || left.name() < right.name();
            assert!(is_in_order, "{left} before {right}");
        }
        for reason in Reason::ALL {
            let is_kebab =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(reason.name().bytes().all(is_kebab), "{reason}");
            assert_eq!(Reason::parse(reason.name()), Some(*reason));
        }
    }

    #[test]
    fn a_reason_is_one_byte() {
        assert_eq!(size_of::<Reason>(), 1);
        assert_eq!(size_of::<Option<Reason>>(), 1);
    }

    /// The mapping of the gRPC documentation, where time-outs are told apart.
    #[test]
    fn statuses_of_grpc_follow_those_of_http() {
        for reason in Reason::ALL {
            let wanted = match (reason, reason.status()) {
                // Silence is no deadline of the call: the caller may well ask again.
                (Reason::IdleTimeout, _) | (_, 502 | 503) => GrpcStatus::Unavailable,
                (_, 400) => GrpcStatus::Internal,
                (_, 403) => GrpcStatus::PermissionDenied,
                (_, 404) => GrpcStatus::Unimplemented,
                (_, 413) => GrpcStatus::ResourceExhausted,
                (_, 504) => GrpcStatus::DeadlineExceeded,
                _ => GrpcStatus::Unknown,
            };
            assert_eq!(reason.grpc_status(), wanted, "{reason}");
        }
    }

    #[test]
    fn a_fault_of_a_request_closes_and_one_of_the_way_does_not() {
        for reason in Reason::ALL {
            let is_a_fault = matches!(reason.group(), Group::Request | Group::Client);
            // What is well framed and only not wanted here leaves the connection in step.
            let is_in_step = matches!(
                reason,
                Reason::Misdirected
                    | Reason::NoIdentity
                    | Reason::NoRoute
                    | Reason::NotAllowed
                    | Reason::OverloadedMemory
                    | Reason::UnknownHost
            );
            assert_eq!(reason.closes(), is_a_fault && !is_in_step, "{reason}");
        }
    }
}
