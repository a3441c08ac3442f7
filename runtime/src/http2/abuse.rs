//! What a peer of HTTP/2 may do unasked, and the names under which it is cut for more. `docs/limits.md` says both.

/// What a peer may do, by who it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Allowance {
    /// Control frames a second that nothing was paid for.
    pub(crate) per_second: u32,
    /// Streams reset before their answer in 10 s that are never asked about. Half of them may be done for ever.
    pub(crate) early_resets: u32,
    /// Streams in 10 s that we reset because the peer broke the protocol, and that are never asked about.
    pub(crate) errors: u32,
}

impl Allowance {
    /// For a client that nobody vouches for.
    pub(crate) fn of_stranger(per_second: u32) -> Self {
        Self {
            per_second,
            early_resets: 2_000,
            errors: 100,
        }
    }

    /// For a verified peer of the mesh. It carries the streams of many clients: their time-outs and their
    /// mistakes arrive over one connection, and cutting it takes all others with it.
    pub(crate) fn of_peer(per_second: u32) -> Self {
        Self {
            per_second: per_second.saturating_mul(100),
            early_resets: 1_000_000,
            errors: 10_000,
        }
    }
}

/// Why a connection is cut.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Abuse {
    /// More control frames than were paid for.
    ControlFrames,
    /// Most streams, and very many, were reset before their answer.
    Resets,
    /// Most streams, and many, broke the protocol.
    StreamErrors,
    /// A header block or a frame was begun and not finished in time.
    HeadTimeout,
    /// The `h2` crate's own bounds were met.
    Library,
}

impl Abuse {
    /// All of them, in the order of their counters.
    pub(crate) const ALL: [Self; 5] = [
        Self::ControlFrames,
        Self::Resets,
        Self::StreamErrors,
        Self::HeadTimeout,
        Self::Library,
    ];

    /// Its name in counters and logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ControlFrames => "control-frames",
            Self::Resets => "early-resets",
            Self::StreamErrors => "stream-errors",
            Self::HeadTimeout => "head-timeout",
            Self::Library => "protocol-bounds",
        }
    }

    /// Its place among the counters.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::ControlFrames => 0,
            Self::Resets => 1,
            Self::StreamErrors => 2,
            Self::HeadTimeout => 3,
            Self::Library => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_is_on_the_page_of_limits() {
        let page = include_str!("../../../docs/limits.md");
        for abuse in Abuse::ALL {
            let row = format!("| `{}` |", abuse.name());
            assert!(page.contains(&row), "{row}");
        }
    }
}
