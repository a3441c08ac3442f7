//! What several lines of one header mean.
//!
//! A header that its definition calls a list has one value however many lines it comes in (RFC 9110 section
//! 5.3). `cookie` fields may be split into crumbs by HTTP/2 (RFC 9113 section 8.2.3). Every other header, those
//! of unknown names included, has one line; when there are several, no value can be told, and what asks for
//! one has no answer.

use std::borrow::Cow;

/// What several lines of one header mean.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lines {
    /// They are one value, joined with this text.
    Joined(&'static str),
    /// They mean nothing: the header has one line.
    Single,
}

/// What a request says of one header.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Field<'h> {
    /// There is no line of it.
    Absent,
    /// It has this value.
    Value(Cow<'h, [u8]>),
    /// It came in several lines and may have one only.
    Repeated,
}

/// The headers of requests that are lists, sorted, each with the section that says so.
pub const LISTS: [(&str, &str); 42] = [
    ("a-im", "RFC 3229 section 10.5.3"),
    ("accept", "RFC 9110 section 12.5.1"),
    ("accept-charset", "RFC 9110 section 12.5.2"),
    ("accept-encoding", "RFC 9110 section 12.5.3"),
    ("accept-language", "RFC 9110 section 12.5.4"),
    ("accept-signature", "RFC 9421 section 5.1"),
    ("access-control-request-headers", "Fetch standard"),
    ("allow", "RFC 9110 section 10.2.1"),
    ("alpn", "RFC 7639 section 2.1"),
    ("baggage", "W3C Baggage"),
    ("cache-control", "RFC 9111 section 5.2"),
    ("cdn-loop", "RFC 8586 section 2"),
    ("client-cert-chain", "RFC 9440 section 2.3"),
    ("connection", "RFC 9110 section 7.6.1"),
    ("content-digest", "RFC 9530 section 2"),
    ("content-encoding", "RFC 9110 section 8.4"),
    ("content-language", "RFC 9110 section 8.5"),
    ("dav", "RFC 4918 section 10.1"),
    ("expect", "RFC 9110 section 10.1.1"),
    ("forwarded", "RFC 7239 section 4"),
    ("grpc-accept-encoding", "gRPC over HTTP/2, requests"),
    ("if-match", "RFC 9110 section 13.1.1"),
    ("if-none-match", "RFC 9110 section 13.1.2"),
    ("link", "RFC 8288 section 3"),
    ("pragma", "RFC 7234 section 5.4"),
    ("prefer", "RFC 7240 section 2"),
    ("priority", "RFC 9218 section 5"),
    ("repr-digest", "RFC 9530 section 3"),
    ("sec-websocket-extensions", "RFC 6455 section 11.3.2"),
    ("sec-websocket-protocol", "RFC 6455 section 11.3.4"),
    ("signature", "RFC 9421 section 4.2"),
    ("signature-input", "RFC 9421 section 4.1"),
    ("te", "RFC 9110 section 10.1.4"),
    ("tracestate", "W3C Trace Context section 3.3"),
    ("trailer", "RFC 9110 section 6.6.2"),
    ("upgrade", "RFC 9110 section 7.8"),
    ("vary", "RFC 9110 section 12.5.5"),
    ("via", "RFC 9110 section 7.6.3"),
    ("want-content-digest", "RFC 9530 section 4"),
    ("want-repr-digest", "RFC 9530 section 4"),
    ("warning", "RFC 7234 section 5.5"),
    ("x-forwarded-for", "custom: each proxy adds an address"),
];

/// What several lines of the header `name` (lower case) mean.
pub fn lines(name: &str) -> Lines {
    if name == "cookie" {
        return Lines::Joined("; ");
    }
    match LISTS.binary_search_by(|(known, _)| (*known).cmp(name)) {
        Ok(_) => Lines::Joined(", "),
        Err(_) => Lines::Single,
    }
}

/// What the header `name` (lower case) says by its lines in order.
pub fn field<'h>(name: &str, mut values: impl Iterator<Item = &'h [u8]>) -> Field<'h> {
    let Some(first) = values.next() else {
        return Field::Absent;
    };
    // What the name means matters for the rare second line only.
    let Some(second) = values.next() else {
        return Field::Value(Cow::Borrowed(first));
    };
    match lines(name) {
        Lines::Single => Field::Repeated,
        Lines::Joined(between) => {
            let all = [first, second].into_iter().chain(values);
            let mut joined = Vec::new();
            if name == "cookie" {
                // A line that ends in `;`, as some clients write it, or is empty would make an empty pair.
                let crumbs = all.map(without_end).filter(|crumb| !crumb.is_empty());
                join(&mut joined, between, crumbs);
            } else {
                join(&mut joined, between, all);
            }
            Field::Value(Cow::Owned(joined))
        }
    }
}

fn join<'v>(joined: &mut Vec<u8>, between: &str, values: impl Iterator<Item = &'v [u8]>) {
    for (value, number) in values.zip(0_usize..) {
        if 0 < number {
            joined.extend_from_slice(between.as_bytes());
        }
        joined.extend_from_slice(value);
    }
}

/// A line of a cookie without blanks and `;` at its end.
fn without_end(value: &[u8]) -> &[u8] {
    let mut rest = value.trim_ascii();
    while let [before @ .., b';'] = rest {
        rest = before.trim_ascii_end();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'h>(name: &str, values: &[&'h str]) -> Field<'h> {
        field(name, values.iter().map(|value| value.as_bytes()))
    }

    fn value(text: &str) -> Field<'_> {
        Field::Value(Cow::Borrowed(text.as_bytes()))
    }

    #[test]
    fn lists_and_cookies_are_joined() {
        assert_eq!(
            of("accept-language", &["de", "en;q=0.5"]),
            value("de, en;q=0.5")
        );
        assert_eq!(of("cookie", &["a=1", "b=2", "c=3"]), value("a=1; b=2; c=3"));
        assert_eq!(
            of("cookie", &["a=1", "b=2;", "", "c=3; "]),
            value("a=1; b=2; c=3")
        );
        assert_eq!(of("cookie", &["a=1;"]), value("a=1;"));
        assert_eq!(of("accept", &["a", "", "b;"]), value("a, , b;"));
    }

    #[test]
    fn a_single_header_that_is_repeated_has_no_value() {
        assert_eq!(of("x-beta", &["1", "1"]), Field::Repeated);
        assert_eq!(of("authorization", &["a", "b"]), Field::Repeated);
        assert_eq!(of("range", &["bytes=0-1", "bytes=2-3"]), Field::Repeated);
        assert_eq!(of("x-beta", &["1"]), value("1"));
        assert_eq!(of("x-beta", &[]), Field::Absent);
    }

    #[test]
    fn the_table_is_sorted_and_in_lower_case() {
        assert!(LISTS.is_sorted_by(|(one, _), (other, _)| one < other));
        assert!(
            LISTS
                .iter()
                .all(|(name, _)| *name == name.to_ascii_lowercase())
        );
    }
}
