//! What a peer paid for its control frames.
//!
//! PING, SETTINGS, PRIORITY, `WINDOW_UPDATE`, `RST_STREAM`, CONTINUATION, unknown types and empty DATA cost their
//! sender nothing and us something. An honest peer sends them because something moved: a call, a message,
//! bytes. So each frame that carries something earns the peer some control frames, on top of an allowance
//! by the second, and only a peer that spends more than it was ever given is cut. (grpcio 1.85 sends two
//! `WINDOW_UPDATE`s for each call and each small message.) A `WINDOW_UPDATE` that gives back bytes which were sent, and
//! not crumbs of them, costs nothing: in which steps a client returns its windows is its own affair.
//!
//! Streams that are reset before a head of their answer was sent are paid for by their own HEADERS, but a peer may not reset
//! most of what it opens in a rush; see CVE-2023-44487. Who watches and cancels, hedges calls or seeks in a video resets
//! streams for good reasons: after a first answer as often as it likes, before it a hundred times a second. Streams that
//! we must reset because the peer broke the protocol are bounded alike; see CVE-2025-8671. Both are bounded by their
//! share, because a connection may carry the streams of many: one bad user is no reason to cut off the others.

use super::abuse::{Abuse, Allowance};
use super::frames::{Frame, kind};

/// What a HEADERS frame earns, in either direction: the windows, a PING and the reset of its stream.
const PER_HEADERS: u64 = 4;
/// What a DATA frame earns: `WINDOW_UPDATE`s of stream and connection, and a PING that measures.
const PER_DATA: u64 = 3;
/// What each KiB of DATA earns beside.
const BYTES_PER_FRAME: u64 = 1 << 10;
/// Bytes that a `WINDOW_UPDATE` must give back to cost nothing.
const LEAST_STEP: u32 = 256;
/// Windows in which a byte of DATA counts: that of its stream and that of the connection.
const WINDOWS: u64 = 2;
/// The most that is saved up, in seconds of the allowance. Windows are updated late, not hours later.
const SAVED_SECONDS: u64 = 10;
/// Resets and errors are counted over this time, halved after each.
const WINDOW_MILLIS: u64 = 10_000;

/// The account of one downstream connection.
#[derive(Debug)]
pub(super) struct Ledger {
    allowance: Allowance,
    balance: u64,
    /// Bytes that were sent and whose windows the peer has not given back.
    unreturned: u64,
    second: u64,
    window: u64,
    opened: u32,
    early_resets: u32,
    errors: u32,
    last_opened: u32,
    /// Streams whose last frame was sent, and those of them that the `h2` crate answered by itself.
    ended: u64,
    by_library: u64,
    /// Those, and the ones that we refused for their heads.
    refused: u64,
    /// Streams that have no head of an answer yet, in the order in which they were opened.
    unanswered: Vec<u32>,
}

impl Ledger {
    pub(super) fn new(allowance: Allowance) -> Self {
        Self {
            allowance,
            balance: u64::from(allowance.per_second),
            unreturned: 0,
            second: 0,
            window: 0,
            opened: 0,
            early_resets: 0,
            errors: 0,
            last_opened: 0,
            ended: 0,
            by_library: 0,
            refused: 0,
            unanswered: Vec::new(),
        }
    }

    /// Lets time pass; called before frames are entered.
    pub(super) fn at(&mut self, clock_millis: u64) {
        let second = clock_millis / 1_000;
        if self.second != second {
            self.second = second;
            self.balance = self.balance.max(u64::from(self.allowance.per_second));
        }
        let window = clock_millis / WINDOW_MILLIS;
        if self.window != window {
            self.window = window;
            self.opened /= 2;
            self.early_resets /= 2;
            self.errors /= 2;
        }
    }

    /// Enters a frame from the peer. Returns why the peer must be cut, if it must.
    pub(super) fn received(&mut self, frame: Frame) -> Option<Abuse> {
        match frame.kind {
            kind::HEADERS => self.opens(frame.stream),
            kind::DATA if 0 < frame.length => self.earn_data(frame.length),
            // An end without bytes moves a stream on, once.
            kind::DATA if frame.ends_stream() => {}
            kind::RST_STREAM => {
                if self.forget(frame.stream) {
                    self.early_resets = self.early_resets.saturating_add(1);
                }
                return self.charge().or_else(|| self.judge_resets());
            }
            kind::WINDOW_UPDATE => return self.gives_back(frame.number),
            _control => return self.charge(),
        }
        None
    }

    /// Enters a frame to the peer. Returns why the peer must be cut, if it must.
    pub(super) fn sent(&mut self, frame: Frame) -> Option<Abuse> {
        match frame.kind {
            kind::HEADERS => {
                self.earn(PER_HEADERS);
                // An interim answer counts as well: whoever asks for one has waited for the upstream.
                self.forget(frame.stream);
            }
            kind::DATA => {
                self.earn_data(frame.length);
                let bytes = u64::from(frame.length).saturating_mul(WINDOWS);
                self.unreturned = self.unreturned.saturating_add(bytes);
            }
            kind::RST_STREAM => {
                self.forget(frame.stream);
                if is_fault_of_peer(frame.number) {
                    self.errors = self.errors.saturating_add(1);
                }
            }
            _control => {}
        }
        if frame.ends_stream() {
            self.ended = self.ended.saturating_add(1);
        }
        self.judge_errors()
    }

    /// Compares with the streams that were `accepted`, i.e. handed to us: the `h2` crate answers heads that are far too
    /// large with a 431 of its own, after it has decoded them. Those count as errors of the peer, and so do the `faults`, the
    /// heads that we refused ourselves for their size.
    pub(super) fn judge_served(&mut self, accepted: u64, faults: u64) -> Option<Abuse> {
        let by_library = self.ended.saturating_sub(accepted);
        self.by_library = self.by_library.max(by_library);
        let refused = self.by_library.saturating_add(faults);
        let new = refused.saturating_sub(self.refused);
        self.refused = refused;
        self.errors = self
            .errors
            .saturating_add(u32::try_from(new).unwrap_or(u32::MAX));
        self.judge_errors()
    }

    fn opens(&mut self, stream: u32) {
        // Trailers are HEADERS too; they open nothing.
        if self.last_opened < stream {
            self.last_opened = stream;
            self.opened = self.opened.saturating_add(1);
            self.unanswered.push(stream);
            self.earn(PER_HEADERS);
        }
    }

    fn gives_back(&mut self, bytes: u32) -> Option<Abuse> {
        match self.unreturned.checked_sub(u64::from(bytes)) {
            Some(left) if LEAST_STEP <= bytes => {
                self.unreturned = left;
                None
            }
            Some(_) | None => self.charge(),
        }
    }

    fn forget(&mut self, stream: u32) -> bool {
        match self.unanswered.binary_search(&stream) {
            Ok(position) => {
                self.unanswered.remove(position);
                true
            }
            Err(_answered) => false,
        }
    }

    fn earn_data(&mut self, length: u32) {
        self.earn(PER_DATA.saturating_add(u64::from(length) / BYTES_PER_FRAME));
    }

    fn earn(&mut self, frames: u64) {
        let most = u64::from(self.allowance.per_second).saturating_mul(SAVED_SECONDS);
        self.balance = self.balance.saturating_add(frames).min(most);
    }

    fn charge(&mut self) -> Option<Abuse> {
        match self.balance.checked_sub(1) {
            Some(left) => {
                self.balance = left;
                None
            }
            None => Some(Abuse::ControlFrames),
        }
    }

    fn judge_resets(&self) -> Option<Abuse> {
        let is_many = self.allowance.early_resets < self.early_resets;
        (is_many && self.is_most(self.early_resets)).then_some(Abuse::Resets)
    }

    fn judge_errors(&self) -> Option<Abuse> {
        let is_many = self.allowance.errors < self.errors;
        (is_many && self.is_most(self.errors)).then_some(Abuse::StreamErrors)
    }

    /// Whether so many are more than half of the streams of late.
    fn is_most(&self, streams: u32) -> bool {
        self.opened < streams.saturating_mul(2)
    }
}

/// Whether we reset a stream with `code` because the peer broke the protocol. `STREAM_CLOSED` is not among
/// them: what arrives after we ended a stream was sent before the peer could know.
fn is_fault_of_peer(code: u32) -> bool {
    let fault = [
        h2::Reason::PROTOCOL_ERROR,
        h2::Reason::FLOW_CONTROL_ERROR,
        h2::Reason::FRAME_SIZE_ERROR,
        h2::Reason::COMPRESSION_ERROR,
    ];
    fault.iter().any(|reason| u32::from(*reason) == code)
}

#[cfg(test)]
mod tests {
    use super::super::frames::flag;
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, length: u32) -> Frame {
        Frame {
            kind,
            flags,
            length,
            stream,
            number: 0,
        }
    }

    const PING: u8 = 6;

    fn stranger() -> Ledger {
        Ledger::new(Allowance::of_stranger(10))
    }

    #[test]
    fn pings_that_nothing_was_paid_for_end_with_the_allowance() {
        let mut ledger = stranger();
        for _ in 0..10 {
            assert_eq!(ledger.received(frame(PING, 0, 0, 8)), None);
        }
        let eleventh = ledger.received(frame(PING, 0, 0, 8));
        assert_eq!(eleventh, Some(Abuse::ControlFrames));
    }

    #[test]
    fn the_allowance_comes_again_each_second() {
        let mut ledger = stranger();
        for second in 0..5 {
            ledger.at(second * 1_000);
            for _ in 0..10 {
                assert_eq!(ledger.received(frame(PING, 0, 0, 8)), None);
            }
        }
    }

    #[test]
    fn a_call_pays_for_the_windows_that_grpc_updates() {
        let mut ledger = stranger();
        for call in 0..10_000 {
            let stream = call * 2 + 1;
            assert_eq!(ledger.received(frame(kind::HEADERS, 4, stream, 30)), None);
            assert_eq!(ledger.received(frame(kind::DATA, 1, stream, 15)), None);
            assert_eq!(ledger.received(frame(kind::WINDOW_UPDATE, 0, 0, 4)), None);
            assert_eq!(
                ledger.received(frame(kind::WINDOW_UPDATE, 0, stream, 4)),
                None
            );
            assert_eq!(ledger.sent(frame(kind::HEADERS, 5, stream, 9)), None);
        }
    }

    #[test]
    fn a_message_to_the_peer_pays_for_its_windows() {
        let mut ledger = stranger();
        for _ in 0..10_000 {
            assert_eq!(ledger.sent(frame(kind::DATA, 0, 1, 10)), None);
            assert_eq!(ledger.received(frame(kind::WINDOW_UPDATE, 0, 0, 4)), None);
            assert_eq!(ledger.received(frame(kind::WINDOW_UPDATE, 0, 1, 4)), None);
        }
    }

    fn update(bytes: u32) -> Frame {
        Frame {
            number: bytes,
            ..frame(kind::WINDOW_UPDATE, 0, 0, 4)
        }
    }

    #[test]
    fn windows_are_given_back_in_steps_of_any_honest_size() {
        for step in [256, 512, 1_024, 40_000] {
            let mut ledger = stranger();
            // What is on its way when the first step comes: a large window, full.
            for _ in 0..1_000 {
                assert_eq!(ledger.sent(frame(kind::DATA, 0, 1, 16 << 10)), None);
            }
            for _ in 0..1_000 * (32 << 10) / step {
                assert_eq!(ledger.received(update(step)), None, "{step} bytes");
            }
        }
    }

    #[test]
    fn windows_that_nothing_was_sent_for_are_control_frames() {
        for (sent, step) in [(0, 1 << 20), (1 << 20, 1), (1_000, 256)] {
            let mut ledger = stranger();
            ledger.sent(frame(kind::DATA, 0, 1, sent));
            let cut = (0..2_000).find_map(|_| ledger.received(update(step)));
            assert_eq!(cut, Some(Abuse::ControlFrames), "{step} for {sent}");
        }
    }

    #[test]
    fn empty_data_is_a_control_frame() {
        let mut ledger = stranger();
        let cut = (0..11).find_map(|_| ledger.received(frame(kind::DATA, 0, 1, 0)));
        assert_eq!(cut, Some(Abuse::ControlFrames));
    }

    #[test]
    fn who_resets_most_of_what_it_opens_is_cut() {
        let mut ledger = Ledger::new(Allowance::of_stranger(1_000));
        let cut = (0..2_001).find_map(|call| {
            let stream = call * 2 + 1;
            ledger.received(frame(kind::HEADERS, 5, stream, 30));
            ledger.received(frame(kind::RST_STREAM, 0, stream, 4))
        });
        assert_eq!(cut, Some(Abuse::Resets));
    }

    #[test]
    fn who_changes_its_mind_a_hundred_times_a_second_is_not_cut() {
        let mut ledger = Ledger::new(Allowance::of_stranger(1_000));
        for call in 0..6_000 {
            ledger.at(u64::from(call) * 10);
            let stream = call * 2 + 1;
            assert_eq!(ledger.received(frame(kind::HEADERS, 5, stream, 30)), None);
            assert_eq!(ledger.received(frame(kind::RST_STREAM, 0, stream, 4)), None);
        }
    }

    #[test]
    fn a_reset_after_the_answer_is_no_early_one() {
        let mut ledger = Ledger::new(Allowance::of_stranger(1_000));
        for call in 0..5_000 {
            let stream = call * 2 + 1;
            assert_eq!(ledger.received(frame(kind::HEADERS, 4, stream, 30)), None);
            // The first message of many, or the first part of a video.
            assert_eq!(ledger.sent(frame(kind::HEADERS, 4, stream, 9)), None);
            assert_eq!(ledger.sent(frame(kind::DATA, 0, stream, 9)), None);
            assert_eq!(ledger.received(frame(kind::RST_STREAM, 0, stream, 4)), None);
        }
    }

    #[test]
    fn a_peer_of_the_mesh_may_reset_what_timed_out_for_its_clients() {
        let mut ledger = Ledger::new(Allowance::of_peer(1_000));
        for call in 0..20_000 {
            let stream = call * 2 + 1;
            assert_eq!(ledger.received(frame(kind::HEADERS, 5, stream, 30)), None);
            assert_eq!(ledger.received(frame(kind::RST_STREAM, 0, stream, 4)), None);
        }
    }

    #[test]
    fn answers_that_nobody_asked_us_for_are_errors_of_the_peer() {
        let mut ledger = stranger();
        let answer = frame(kind::HEADERS, flag::END_STREAM, 1, 9);
        for accepted in 1..1_000 {
            assert_eq!(ledger.sent(answer), None);
            assert_eq!(ledger.judge_served(accepted, 0), None);
        }
        let cut = (0..200).find_map(|_| {
            ledger.sent(answer);
            ledger.judge_served(999, 0)
        });
        assert_eq!(cut, Some(Abuse::StreamErrors));
    }

    #[test]
    fn errors_of_a_few_do_not_count_against_the_others() {
        let mut ledger = stranger();
        let bad = |stream| Frame {
            number: u32::from(h2::Reason::PROTOCOL_ERROR),
            ..frame(kind::RST_STREAM, 0, stream, 4)
        };
        for call in 0..1_000 {
            let stream = call * 2 + 1;
            ledger.received(frame(kind::HEADERS, 5, stream, 30));
            if call % 5 == 0 {
                assert_eq!(ledger.sent(bad(stream)), None, "call {call}");
            }
        }
        // From then on nothing but errors: it is cut once they are the most.
        let cut = (1_000_u32..2_000).find(|call| {
            let stream = call * 2 + 1;
            ledger.received(frame(kind::HEADERS, 5, stream, 30));
            ledger.sent(bad(stream)) == Some(Abuse::StreamErrors)
        });
        assert_eq!(cut, Some(1_600));
    }

    #[test]
    fn errors_are_counted_per_time_and_not_per_life() {
        let mut ledger = stranger();
        let error = Frame {
            number: u32::from(h2::Reason::PROTOCOL_ERROR),
            ..frame(kind::RST_STREAM, 0, 1, 4)
        };
        for window in 0..50 {
            ledger.at(window * WINDOW_MILLIS);
            for _ in 0..50 {
                assert_eq!(ledger.sent(error), None);
            }
        }
        let cut = (0..101).find_map(|_| ledger.sent(error));
        assert_eq!(cut, Some(Abuse::StreamErrors));
    }
}
