//! Escapes the bytes of request targets that the `http` crate refuses and every other server takes.
//!
//! `http::Uri` 1.5 accepts neither `<`, `>` and a backtick in a path nor `"`, `<` and `>` in a query, so hyper answers 400 before any
//! code of ours sees the request. `weft_snapshot::canonical` says what these bytes mean: the same as their escapes. Here
//! they are found in request lines as they pass, and replaced before the parser sees them. Only HTTP/1 needs it; targets
//! of HTTP/2 lie in compressed heads, and the `h2` crate resets such a stream.

use weft_snapshot::canonical::escaped;

/// How far a request line was read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum RequestLinePart {
    #[default]
    Method,
    Path,
    Query,
    Version,
}

/// Finds such bytes in request lines, which may come in pieces.
#[derive(Debug, Default)]
pub(super) struct RawTarget(RequestLinePart);

impl RawTarget {
    /// Reads the next bytes of the line, of which the first lies at `at`; appends the places of what is to be escaped.
    pub(super) fn read(&mut self, bytes: &[u8], at: usize, found: &mut Vec<usize>) {
        for (byte, place) in bytes.iter().zip(at..) {
            match (self.0, byte) {
                (_, b'\n') => {
                    self.0 = RequestLinePart::Method;
                    return;
                }
                (RequestLinePart::Method, b' ') => self.0 = RequestLinePart::Path,
                (RequestLinePart::Path | RequestLinePart::Query, b' ') => {
                    self.0 = RequestLinePart::Version;
                }
                (RequestLinePart::Path, b'?') => self.0 = RequestLinePart::Query,
                (RequestLinePart::Path, b'<' | b'>' | b'`')
                | (RequestLinePart::Query, b'"' | b'<' | b'>') => {
                    found.push(place);
                }
                (
                    RequestLinePart::Method
                    | RequestLinePart::Path
                    | RequestLinePart::Query
                    | RequestLinePart::Version,
                    _,
                ) => {}
            }
        }
    }
}

/// The bytes with those at `places`, which ascend, escaped.
pub(super) fn with_escapes(bytes: &[u8], places: &[usize]) -> Vec<u8> {
    let mut written = Vec::with_capacity(bytes.len() + 2 * places.len());
    let mut places = places.iter().peekable();
    for (at, byte) in bytes.iter().enumerate() {
        if places.next_if(|place| **place == at).is_some() {
            written.extend(escaped(*byte));
        } else {
            written.push(*byte);
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_targets_are_escaped_and_no_others() {
        let line = b"GET` /<a>`^?q=\"<b>`\" HTTP/1.1<\r\nX: <>\r\n";
        let mut found = Vec::new();
        RawTarget::default().read(line, 0, &mut found);
        let written = with_escapes(line, &found);
        let expected = b"GET` /%3Ca%3E%60^?q=%22%3Cb%3E`%22 HTTP/1.1<\r\nX: <>\r\n";
        assert_eq!(written, expected);
    }

    #[test]
    fn a_line_may_come_in_pieces() {
        let (mut target, mut found) = (RawTarget::default(), Vec::new());
        for (piece, at) in [(&b"GET /a"[..], 0), (b"?<", 10), (b"> HTTP", 20)] {
            target.read(piece, at, &mut found);
        }
        assert_eq!(found, [11, 20]);
        // The next line begins anew.
        target.read(b"/1.1<\r\n", 30, &mut found);
        target.read(b"GET /< HTTP/1.1\r\n", 40, &mut found);
        assert_eq!(found, [11, 20, 45]);
    }
}
