//! Counts the HTTP/2 control frames that a peer sends, which h2 answers without a bound.
//!
//! PING, SETTINGS, PRIORITY, `WINDOW_UPDATE`, `RST_STREAM`, unknown types, CONTINUATION and empty DATA cost
//! the sender nothing. A connection may send a number of them per second, and more while it is sent data,
//! because a busy receiver has windows to update. Over that it is cut.

/// Bytes sent to the peer that earn it one more control frame.
const BYTES_PER_FRAME: u64 = 1 << 10;

const PREFACE: usize = 24;

/// The frames of one connection.
#[derive(Debug)]
pub(super) struct Frames {
    preface_left: usize,
    head: [u8; 9],
    head_length: usize,
    payload_left: u32,
    per_second: u64,
    second: u64,
    seen: u64,
    sent: u64,
}

impl Frames {
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            preface_left: PREFACE,
            head: [0; 9],
            head_length: 0,
            payload_left: 0,
            per_second: u64::from(per_second),
            second: 0,
            seen: 0,
            sent: 0,
        }
    }

    /// Notes bytes sent to the peer.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.sent = self
            .sent
            .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Looks at bytes from the peer. Returns whether it is still within its budget.
    pub(super) fn read(&mut self, mut bytes: &[u8], clock_millis: u64) -> bool {
        if self.second != clock_millis / 1_000 {
            self.second = clock_millis / 1_000;
            self.seen = 0;
            self.sent = 0;
        }
        let skipped = self.preface_left.min(bytes.len());
        self.preface_left -= skipped;
        bytes = bytes.get(skipped..).unwrap_or(&[]);
        while !bytes.is_empty() {
            let skipped = usize::try_from(self.payload_left)
                .unwrap_or(usize::MAX)
                .min(bytes.len());
            self.payload_left -= u32::try_from(skipped).unwrap_or(self.payload_left);
            bytes = bytes.get(skipped..).unwrap_or(&[]);
            let wanted = self
                .head
                .len()
                .saturating_sub(self.head_length)
                .min(bytes.len());
            let (head, rest) = bytes.split_at_checked(wanted).unwrap_or((bytes, &[]));
            if let Some(slot) = self
                .head
                .get_mut(self.head_length..self.head_length + head.len())
            {
                slot.copy_from_slice(head);
            }
            self.head_length += head.len();
            bytes = rest;
            if self.head_length == self.head.len() {
                self.frame();
            }
        }
        self.seen <= self.per_second.saturating_add(self.sent / BYTES_PER_FRAME)
    }

    fn frame(&mut self) {
        const DATA: u8 = 0;
        const HEADERS: u8 = 1;
        const END_STREAM: u8 = 1;
        let [first, second, third, kind, flags, ..] = self.head;
        self.head_length = 0;
        self.payload_left = u32::from_be_bytes([0, first, second, third]);
        let is_paid_for = match kind {
            HEADERS => true,
            DATA => 0 < self.payload_left || flags & END_STREAM != 0,
            _control => false,
        };
        if !is_paid_for {
            self.seen = self.seen.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).expect("small").to_be_bytes();
        let mut bytes = vec![length[1], length[2], length[3], kind, 0, 0, 0, 0, 0];
        bytes.resize(9 + payload, 7);
        bytes
    }

    fn within(frames: &mut Frames, bytes: &[u8], size: usize) -> bool {
        bytes.chunks(size).all(|piece| frames.read(piece, 0))
    }

    #[test]
    fn control_frames_over_the_budget_are_seen_in_any_pieces() {
        let pings: Vec<u8> = std::iter::repeat_n(frame(6, 8), 11).flatten().collect();
        for size in [1, 5, 9, 17, 400] {
            let mut frames = Frames::new(10);
            assert!(frames.read(&[0; PREFACE], 0));
            assert!(!within(&mut frames, &pings, size));
        }
    }

    #[test]
    fn data_and_requests_cost_nothing() {
        let mut frames = Frames::new(1);
        assert!(frames.read(&[0; PREFACE], 0));
        for _ in 0..100 {
            assert!(frames.read(&frame(1, 20), 0));
            assert!(frames.read(&frame(0, 20), 0));
        }
    }

    #[test]
    fn empty_data_is_counted() {
        let mut frames = Frames::new(1);
        assert!(frames.read(&[0; PREFACE], 0));
        assert!(frames.read(&frame(0, 0), 0));
        assert!(!frames.read(&frame(0, 0), 0));
    }

    #[test]
    fn a_receiver_of_data_may_update_its_windows() {
        let mut frames = Frames::new(1);
        assert!(frames.read(&[0; PREFACE], 0));
        frames.wrote(100 << 10);
        for _ in 0..100 {
            assert!(frames.read(&frame(8, 4), 0));
        }
    }
}
