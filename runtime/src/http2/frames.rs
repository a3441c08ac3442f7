//! Finds the frames in the bytes of one direction of an HTTP/2 connection (RFC 9113, 4.1).
//!
//! Bytes come in pieces of any size. Nothing is kept of a payload but the number that a `RST_STREAM` or a
//! `WINDOW_UPDATE` is, and nothing is judged: the `h2` crate parses the same bytes, this only counts.

/// Types of frames (RFC 9113, 6).
pub(super) mod kind {
    pub(in crate::http2) const DATA: u8 = 0;
    pub(in crate::http2) const HEADERS: u8 = 1;
    pub(in crate::http2) const RST_STREAM: u8 = 3;
    pub(in crate::http2) const WINDOW_UPDATE: u8 = 8;
    pub(in crate::http2) const CONTINUATION: u8 = 9;
}

/// Flags of frames (RFC 9113, 6.1 and 6.2).
pub(super) mod flag {
    pub(in crate::http2) const END_STREAM: u8 = 1;
    pub(in crate::http2) const END_HEADERS: u8 = 4;
}

const PREFACE: usize = 24;

/// One frame: its head, and the number that it carries, where that is all it carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// Bytes of the payload.
    pub(super) length: u32,
    pub(super) stream: u32,
    /// The error code of a `RST_STREAM`, the bytes of a `WINDOW_UPDATE`; 0 otherwise.
    pub(super) number: u32,
}

impl Frame {
    /// Bytes of the payload, when it is that of DATA.
    pub(super) fn data_bytes(&self) -> usize {
        match self.kind {
            kind::DATA => usize::try_from(self.length).unwrap_or(usize::MAX),
            _other => 0,
        }
    }

    pub(super) fn ends_stream(&self) -> bool {
        matches!(self.kind, kind::DATA | kind::HEADERS) && self.flags & flag::END_STREAM != 0
    }
}

/// Where one direction of a connection stands.
#[derive(Debug)]
pub(super) struct Frames {
    preface_left: usize,
    head: [u8; 9],
    head_length: usize,
    payload_left: usize,
    number: u32,
    in_block: bool,
}

impl Frames {
    /// The direction from the client, which begins with the preface (RFC 9113, 3.4).
    pub(super) fn of_client() -> Self {
        Self::after(PREFACE)
    }

    /// The direction from the server, which begins with a frame.
    pub(super) fn of_server() -> Self {
        Self::after(0)
    }

    fn after(preface_left: usize) -> Self {
        Self {
            preface_left,
            head: [0; 9],
            head_length: 0,
            payload_left: 0,
            number: 0,
            in_block: false,
        }
    }

    /// Whether something is begun that only the peer can finish and that blocks all others: a preface, the
    /// head of a frame, a header block, the payload of anything but DATA.
    pub(super) fn is_unfinished(&self) -> bool {
        let in_head = 0 < self.head_length && self.head_length < self.head.len();
        let in_payload = self.head_length == self.head.len() && self.kind() != kind::DATA;
        let in_preface = 0 < self.preface_left;
        in_preface || in_head || in_payload || self.in_block
    }

    /// Tells `each` every frame that is whole with `bytes`.
    pub(super) fn read(&mut self, mut bytes: &[u8], mut each: impl FnMut(Frame)) {
        let skipped = self.preface_left.min(bytes.len());
        self.preface_left -= skipped;
        bytes = bytes.get(skipped..).unwrap_or(&[]);
        while !bytes.is_empty() {
            if self.head_length < self.head.len() {
                bytes = self.take_head(bytes);
            } else {
                bytes = self.take_payload(bytes);
            }
            if self.head_length == self.head.len() && self.payload_left == 0 {
                let frame = self.frame();
                self.in_block = self.is_within_block(&frame);
                self.head_length = 0;
                each(frame);
            }
        }
    }

    fn take_head<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let wanted = self.head.len().saturating_sub(self.head_length);
        let (taken, rest) = bytes
            .split_at_checked(wanted.min(bytes.len()))
            .unwrap_or((bytes, &[]));
        let end = self.head_length.saturating_add(taken.len());
        if let Some(slot) = self.head.get_mut(self.head_length..end) {
            slot.copy_from_slice(taken);
        }
        self.head_length = end;
        if self.head_length == self.head.len() {
            let [first, second, third, ..] = self.head;
            let length = u32::from_be_bytes([0, first, second, third]);
            self.payload_left = usize::try_from(length).unwrap_or(usize::MAX);
            self.number = 0;
        }
        rest
    }

    fn take_payload<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let (taken, rest) = bytes
            .split_at_checked(self.payload_left.min(bytes.len()))
            .unwrap_or((bytes, &[]));
        if matches!(self.kind(), kind::RST_STREAM | kind::WINDOW_UPDATE) {
            for byte in taken {
                self.number = (self.number << 8) | u32::from(*byte);
            }
        }
        self.payload_left -= taken.len();
        rest
    }

    fn kind(&self) -> u8 {
        let [_, _, _, kind, ..] = self.head;
        kind
    }

    fn frame(&self) -> Frame {
        let [a, b, c, kind, flags, stream @ ..] = self.head;
        Frame {
            kind,
            flags,
            length: u32::from_be_bytes([0, a, b, c]),
            // The highest bit is reserved and ignored.
            stream: u32::from_be_bytes(stream) & 0x7fff_ffff,
            number: self.number,
        }
    }

    fn is_within_block(&self, frame: &Frame) -> bool {
        match frame.kind {
            kind::HEADERS | kind::CONTINUATION => frame.flags & flag::END_HEADERS == 0,
            _other => self.in_block,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The bytes of a frame.
    pub(in crate::http2) fn bytes(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("small").to_be_bytes();
        let mut bytes = vec![length[1], length[2], length[3], kind, flags];
        bytes.extend_from_slice(&stream.to_be_bytes());
        bytes.extend_from_slice(payload);
        bytes
    }

    fn found(input: &[u8], size: usize) -> Vec<Frame> {
        let mut frames = Frames::of_client();
        let mut found = Vec::new();
        for piece in input.chunks(size) {
            frames.read(piece, |frame| found.push(frame));
        }
        found
    }

    #[test]
    fn frames_are_found_in_pieces_of_any_size() {
        let mut input = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        input.extend(bytes(4, 0, 0, &[]));
        input.extend(bytes(kind::RST_STREAM, 0, 5, &[0, 0, 0, 8]));
        input.extend(bytes(kind::WINDOW_UPDATE, 0, 0, &[0, 0, 2, 1]));
        input.extend(bytes(kind::DATA, flag::END_STREAM, 7, b"hello"));
        let whole = found(&input, input.len());
        assert_eq!(whole.len(), 4);
        assert_eq!((whole[1].stream, whole[1].number), (5, 8));
        assert_eq!((whole[2].stream, whole[2].number), (0, 513));
        assert_eq!((whole[3].length, whole[3].ends_stream()), (5, true));
        for size in 1..input.len() {
            assert_eq!(found(&input, size), whole, "pieces of {size} bytes");
        }
    }

    #[test]
    fn a_header_block_is_unfinished_until_its_last_frame() {
        let mut frames = Frames::of_server();
        let whole = |frames: &mut Frames, kind, flags| {
            frames.read(&bytes(kind, flags, 1, b"x"), |_frame| {});
            !frames.is_unfinished()
        };
        assert!(!whole(&mut frames, kind::HEADERS, 0));
        assert!(!whole(&mut frames, kind::CONTINUATION, 0));
        assert!(whole(&mut frames, kind::CONTINUATION, flag::END_HEADERS));
        frames.read(&[0, 0], |_frame| {});
        assert!(frames.is_unfinished(), "half the head of a frame");
    }

    #[test]
    fn data_that_trickles_is_not_unfinished() {
        let mut frames = Frames::of_server();
        let data = bytes(kind::DATA, 0, 1, b"hello");
        frames.read(&data[..11], |_frame| {});
        assert!(!frames.is_unfinished());
    }
}
