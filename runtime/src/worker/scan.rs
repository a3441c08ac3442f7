//! Follows HTTP/1 framing in the bytes of a connection, beside hyper's parser.
//!
//! hyper accepts shapes that we refuse and hides that it saw them: a bare LF at the end of a line, two
//! `Content-Length` lines, `Content-Length` beside `Transfer-Encoding` (it drops the first). This scan
//! finds them and replaces the LF that ends the wrong line by a NUL, which no parser accepts: hyper then
//! answers 400 and closes. It decides nothing else, so a disagreement with hyper can refuse, never admit.

use super::raw_target::RawTarget;

/// Longest part of a line that is kept when a line comes in pieces; no name or length we look for is longer.
const KEPT: usize = 64;

/// The framing of one connection.
#[derive(Debug, Default)]
pub(super) struct Scan {
    state: ScanState,
    kept: Vec<u8>,
    last: u8,
    version: Version,
    target: RawTarget,
    /// Where in the bytes of the last read something is to be escaped.
    raw: Vec<usize>,
    head: Head,
}

/// How much of the version in a request line was seen: a matcher for what follows the target.
#[derive(Debug, Default)]
struct Version(usize);

impl Version {
    const NAME: &[u8] = b" HTTP/1.";

    /// Reads a minor version above 1 as 1, which is the highest that we speak (RFC 9110, 2.5). Only hyper's parser needs
    /// this: it knows of no other.
    fn lower(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                return;
            }
            if self.0 == Self::NAME.len() && (b'2'..=b'9').contains(byte) {
                *byte = b'1';
            }
            let is_next = Self::NAME.get(self.0) == Some(byte);
            self.0 = if is_next {
                self.0 + 1
            } else {
                usize::from(*byte == b' ')
            };
        }
    }
}

#[derive(Debug, Default)]
enum ScanState {
    #[default]
    Head,
    Sized(u64),
    ChunkSize,
    ChunkBytes(u64),
    ChunkEnd,
    Trailer,
    Off,
}

#[derive(Debug, Default)]
struct Head {
    lines: u32,
    length: Option<u64>,
    chunked: bool,
    wrong: bool,
    upgrade: bool,
}

impl Scan {
    /// Whether the bytes so far end in the middle of a request head.
    pub(super) fn is_in_head(&self) -> bool {
        matches!(self.state, ScanState::Head) && (0 < self.head.lines || !self.kept.is_empty())
    }

    /// Looks at the next bytes of the connection.
    pub(super) fn read(&mut self, bytes: &mut [u8]) {
        let length = bytes.len();
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = match &mut self.state {
                ScanState::Off => return,
                ScanState::Sized(left) | ScanState::ChunkBytes(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left = left.saturating_sub(u64::try_from(taken).unwrap_or(u64::MAX));
                    self.leave_bytes();
                    taken
                }
                ScanState::Head
                | ScanState::ChunkSize
                | ScanState::ChunkEnd
                | ScanState::Trailer => {
                    let at = length.saturating_sub(rest.len());
                    self.line(rest, at)
                }
            };
            rest = rest
                .split_at_mut_checked(taken)
                .map_or(&mut [], |(_taken, rest)| rest);
        }
    }

    /// The places of the bytes of the last read that are to be escaped before they are parsed; mostly none.
    pub(super) fn take_raw(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.raw)
    }

    fn leave_bytes(&mut self) {
        match self.state {
            ScanState::Sized(0) => self.begin_head(),
            ScanState::ChunkBytes(0) => self.state = ScanState::ChunkEnd,
            ScanState::Head
            | ScanState::Sized(_)
            | ScanState::ChunkSize
            | ScanState::ChunkBytes(_)
            | ScanState::ChunkEnd
            | ScanState::Trailer
            | ScanState::Off => {}
        }
    }

    fn begin_head(&mut self) {
        self.state = ScanState::Head;
        self.version = Version::default();
        self.head = Head::default();
    }

    /// Takes bytes up to the end of the line, or all of them when it does not end here; the first lies at `at`.
    fn line(&mut self, bytes: &mut [u8], at: usize) -> usize {
        let is_request_line = matches!(self.state, ScanState::Head) && self.head.lines == 0;
        if is_request_line && !(self.kept.is_empty() && is_plain(bytes)) {
            self.version.lower(bytes);
            self.target.read(bytes, at, &mut self.raw);
        }
        if matches!(self.state, ScanState::ChunkSize) {
            spoil_extension(bytes);
        }
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
            let room = KEPT.saturating_sub(self.kept.len()).min(bytes.len());
            self.kept
                .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            self.last = bytes.last().copied().unwrap_or(self.last);
            return bytes.len();
        };
        let text = bytes.get(..end).unwrap_or(&[]);
        let ends_in_return = text.last().copied().unwrap_or(self.last) == b'\r';
        let refused = if self.kept.is_empty() {
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            self.whole_line(text, ends_in_return)
        } else {
            let mut kept = std::mem::take(&mut self.kept);
            let room = KEPT.saturating_sub(kept.len()).min(text.len());
            kept.extend_from_slice(text.get(..room).unwrap_or(text));
            let whole = kept.strip_suffix(b"\r").unwrap_or(&kept);
            self.whole_line(whole, ends_in_return)
        };
        self.last = 0;
        if refused && let Some(end) = bytes.get_mut(end) {
            *end = 0;
        }
        end + 1
    }

    /// Looks at one line without its end. Returns whether it is refused.
    fn whole_line(&mut self, line: &[u8], ends_in_return: bool) -> bool {
        match self.state {
            ScanState::Head => self.head_line(line, ends_in_return),
            ScanState::ChunkSize => {
                let digits = line
                    .iter()
                    .take_while(|byte| byte.is_ascii_hexdigit())
                    .count();
                let digits = line.get(..digits);
                let size = digits.and_then(|digits| std::str::from_utf8(digits).ok());
                self.state = match size.and_then(|text| u64::from_str_radix(text, 16).ok()) {
                    Some(0) if ends_in_return => ScanState::Trailer,
                    Some(size) if ends_in_return => ScanState::ChunkBytes(size),
                    Some(_) | None => ScanState::Off,
                };
                // hyper refuses a bare LF here itself, and would take a NUL for an extension.
                false
            }
            ScanState::ChunkEnd => {
                self.state = ScanState::ChunkSize;
                !line.is_empty() || !ends_in_return
            }
            ScanState::Trailer => {
                if line.is_empty() && ends_in_return {
                    self.begin_head();
                }
                !ends_in_return
            }
            ScanState::Sized(_) | ScanState::ChunkBytes(_) | ScanState::Off => false,
        }
    }

    fn head_line(&mut self, line: &[u8], ends_in_return: bool) -> bool {
        if !ends_in_return {
            self.state = ScanState::Off;
            return true;
        }
        if line.is_empty() {
            // Blank lines before a request line are allowed (RFC 9112, 2.2).
            return 0 < self.head.lines && self.end_head();
        }
        self.head.lines = self.head.lines.saturating_add(1);
        if self.head.lines == 1 {
            return false;
        }
        match line.first().map(u8::to_ascii_lowercase) {
            Some(b'c') => {
                if let Some(value) = value_of(line, b"content-length:") {
                    let is_number = value.iter().all(u8::is_ascii_digit);
                    let text = std::str::from_utf8(value).ok().filter(|_| is_number);
                    let length = text.and_then(|text| text.parse().ok());
                    self.head.wrong |= self.head.length.is_some() || length.is_none();
                    self.head.length = length.or(Some(0));
                }
            }
            Some(b't') => {
                self.head.chunked |= value_of(line, b"transfer-encoding:").is_some();
            }
            Some(b'u') => self.head.upgrade |= value_of(line, b"upgrade:").is_some(),
            Some(_) | None => {}
        }
        false
    }

    fn end_head(&mut self) -> bool {
        let head = std::mem::take(&mut self.head);
        if head.wrong || (head.chunked && head.length.is_some()) {
            self.state = ScanState::Off;
            return true;
        }
        self.state = match head.length {
            // What follows may be another protocol; the connection ends with this request otherwise.
            _ if head.upgrade => ScanState::Off,
            _ if head.chunked => ScanState::ChunkSize,
            Some(length) if 0 < length => ScanState::Sized(length),
            Some(_) | None => ScanState::Head,
        };
        false
    }
}

/// Whether `bytes` begin with a whole request line in which nothing is to be changed, as nearly all do.
fn is_plain(bytes: &[u8]) -> bool {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return false;
    };
    let line = bytes.get(..end).unwrap_or(bytes);
    line.ends_with(b" HTTP/1.1\r")
        && !line
            .iter()
            .any(|byte| matches!(byte, b'<' | b'>' | b'`' | b'"'))
}

/// Makes a control byte in the size or the extension of a chunk one that hyper refuses there: it takes every other
/// byte for a part of the extension (RFC 9112, 7.1.1 has tokens and quoted strings).
fn spoil_extension(bytes: &mut [u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let length = bytes.len();
    let line = bytes.get_mut(..end.unwrap_or(length));
    for byte in line.into_iter().flatten() {
        if byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r') {
            *byte = b'\n';
        }
    }
}

/// The value of a header line when its name is `name` (lower case, with the colon).
fn value_of<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `input` in pieces of every size and says whether a byte was replaced.
    fn is_refused(input: &str) -> bool {
        let whole = feed(input, input.len());
        for size in 1..input.len() {
            assert_eq!(
                feed(input, size),
                whole,
                "pieces of {size} bytes of {input:?}"
            );
        }
        whole
    }

    fn feed(input: &str, size: usize) -> bool {
        let mut scan = Scan::default();
        let mut bytes = input.as_bytes().to_vec();
        for piece in bytes.chunks_mut(size) {
            scan.read(piece);
        }
        bytes != input.as_bytes()
    }

    #[test]
    fn plain_requests_pass() {
        assert!(!is_refused(
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
        ));
        assert!(!is_refused(
            "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na\nbGET / HTTP/1.1\r\n\r\n"
        ));
    }

    #[test]
    fn chunked_bodies_are_skipped_whole() {
        let body = "5;x=y\r\na\nb\nc\r\n0\r\nTrailer: x\r\n\r\n";
        let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(!is_refused(&format!("{head}{body}{head}{body}")));
        assert!(is_refused(&format!("{head}{body}GET / HTTP/1.1\n\r\n")));
    }

    #[test]
    fn a_bare_line_feed_is_refused() {
        assert!(is_refused("GET / HTTP/1.1\nHost: a\r\n\r\n"));
        assert!(is_refused("GET / HTTP/1.1\r\nHost: a\n\r\n"));
        assert!(is_refused("GET / HTTP/1.1\r\nHost: a\r\n\n"));
    }

    #[test]
    fn two_lengths_and_length_beside_coding_are_refused() {
        let head = "POST / HTTP/1.1\r\nHost: a\r\n";
        assert!(is_refused(&format!(
            "{head}Content-Length: 1\r\ncontent-length: 1\r\n\r\na"
        )));
        assert!(is_refused(&format!(
            "{head}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        )));
        assert!(is_refused(&format!(
            "{head}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"
        )));
        assert!(is_refused(&format!("{head}Content-Length: +1\r\n\r\na")));
    }

    #[test]
    fn a_control_byte_in_a_chunk_extension_is_refused() {
        let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(is_refused(&format!("{head}1;a\0b\r\nx\r\n0\r\n\r\n")));
        assert!(!is_refused(&format!(
            "{head}1;a=\"b c\"\t\r\nx\r\n0\r\n\r\n"
        )));
    }

    #[test]
    fn a_higher_minor_version_is_read_as_1_1() {
        for size in 1..30 {
            let mut scan = Scan::default();
            let mut bytes = b"GET / HTTP/1.2\r\nHost: a\r\n\r\nGET /1.2 HTTP/1.7\r\n".to_vec();
            for piece in bytes.chunks_mut(size) {
                scan.read(piece);
            }
            let text = String::from_utf8(bytes).expect("text");
            assert!(text.starts_with("GET / HTTP/1.1\r\n"), "{text}");
            assert!(text.ends_with("GET /1.2 HTTP/1.1\r\n"), "{text}");
        }
    }

    #[test]
    fn bytes_after_an_upgrade_are_left_alone() {
        assert!(!is_refused(
            "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n\n\n\n"
        ));
    }
}
