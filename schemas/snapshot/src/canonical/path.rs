//! The canonical path: percent-encoding normalised, dot segments resolved, slashes as the listener says.

use std::borrow::Cow;

use super::Refusal;
use crate::settings::{PathRules, Slashes};

/// Splits a request target in origin form into its path and its query, at the first `?`.
pub fn split_target(target: &str) -> (&str, Option<&str>) {
    match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

/// The canonical form of a path without its query.
///
/// `%HH` of an unreserved byte is decoded, any other is written in upper case, and bytes that should
/// have been escaped (``"<>[]^`{|}``) are; dot segments are resolved, a final one leaving a trailing slash. Empty
/// segments are merged before that, or are segments like others where `rules` keep them
/// (RFC 3986 section 5.2.4: `/a//../b` is `/b` where they are merged and `/a/b` where they are kept). A path that
/// is canonical already is returned as it is, without copying, unless slashes are kept.
///
/// # Errors
///
/// [`Refusal::BadPath`] for control bytes, blanks, bytes beyond ASCII, `\`, `%5C`, `%00` and other
/// encoded control bytes, a `%` without two hex digits, `#`, or a path that does not start with `/`;
/// [`Refusal::EscapedSlash`] for `%2F` unless `rules` keep it; [`Refusal::ClimbingPath`] for a `..` above
/// `/`; [`Refusal::UnnormalizedPath`] for empty and dot segments where `rules` refuse them.
pub fn path(raw: &str, rules: PathRules) -> Result<Cow<'_, str>, Refusal> {
    if !raw.starts_with('/') {
        return Err(Refusal::BadPath);
    }
    if is_canonical(raw) {
        return Ok(Cow::Borrowed(raw));
    }
    let decoded = decode(raw, rules)?;
    resolve(&decoded, rules).map(Cow::Owned)
}

/// Whether nothing about `raw` needs a closer look: plain bytes, no `%`, no empty or dot segment.
fn is_canonical(raw: &str) -> bool {
    let mut before = 0_u8;
    for byte in raw.bytes() {
        // A dot right behind a slash may start a dot segment, and is rare enough to be looked at.
        let is_suspect = before == b'/' && (byte == b'/' || byte == b'.');
        if is_suspect || !is_path_byte(byte) {
            return false;
        }
        before = byte;
    }
    true
}

/// Bytes that a path may hold as they are: `pchar` of RFC 3986 section 3.3, and the slash.
fn is_path_byte(byte: u8) -> bool {
    const TABLE: [bool; 256] = {
        let allowed =
            b"-._~!$&'()*+,;=:@/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut table = [false; 256];
        let mut rest: &[u8] = allowed;
        while let [byte, behind @ ..] = rest {
            #[expect(
                clippy::as_conversions,
                clippy::indexing_slicing,
                reason = "a byte indexes 256 entries, at compile time"
            )]
            {
                table[*byte as usize] = true;
            }
            rest = behind;
        }
        table
    };
    TABLE.get(usize::from(byte)).copied().unwrap_or(false)
}

/// Bytes that RFC 3986 forbids but clients send; their canonical form is escaped.
fn is_tolerated(byte: u8) -> bool {
    b"\"<>[]^`{|}".contains(&byte)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn decode(raw: &str, rules: PathRules) -> Result<String, Refusal> {
    let mut decoded = String::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            if is_path_byte(byte) {
                decoded.push(char::from(byte));
            } else if is_tolerated(byte) {
                push_escaped(&mut decoded, byte);
            } else {
                return Err(Refusal::BadPath);
            }
            continue;
        }
        let value = hex(bytes.next())? * 16 + hex(bytes.next())?;
        match value {
            b'\\' | 0..=0x1f | 0x7f => return Err(Refusal::BadPath),
            b'/' if !rules.keep_escaped_slashes => return Err(Refusal::EscapedSlash),
            value if is_unreserved(value) => decoded.push(char::from(value)),
            value => push_escaped(&mut decoded, value),
        }
    }
    Ok(decoded)
}

fn hex(digit: Option<u8>) -> Result<u8, Refusal> {
    match digit {
        Some(digit @ b'0'..=b'9') => Ok(digit - b'0'),
        Some(digit @ b'a'..=b'f') => Ok(digit - b'a' + 10),
        Some(digit @ b'A'..=b'F') => Ok(digit - b'A' + 10),
        _ => Err(Refusal::BadPath),
    }
}

fn push_escaped(decoded: &mut String, byte: u8) {
    decoded.extend(escaped(byte).map(char::from));
}

/// A byte as `%HH`, in upper case.
pub fn escaped(byte: u8) -> [u8; 3] {
    let digit = |nibble: u8| match nibble {
        0..=9 => b'0' + nibble,
        nibble => b'A' + (nibble - 10),
    };
    [b'%', digit(byte >> 4), digit(byte & 15)]
}

fn resolve(decoded: &str, rules: PathRules) -> Result<String, Refusal> {
    let mut kept: Vec<&str> = Vec::new();
    let mut ends_open = false;
    let mut segments = decoded.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            // A slash at the end is no empty segment between two others.
            "" if is_last => {}
            "" => match rules.slashes {
                Slashes::Merge => {}
                Slashes::Keep => kept.push(segment),
                Slashes::Refuse => return Err(Refusal::UnnormalizedPath),
            },
            "." | ".." if rules.refuse_dot_segments => return Err(Refusal::UnnormalizedPath),
            "." => {}
            ".." => {
                kept.pop().ok_or(Refusal::ClimbingPath)?;
            }
            plain => kept.push(plain),
        }
        ends_open = is_last && matches!(segment, "" | "." | "..");
    }
    let mut resolved = String::with_capacity(decoded.len());
    for segment in &kept {
        resolved.push('/');
        resolved.push_str(segment);
    }
    if ends_open || kept.is_empty() {
        resolved.push('/');
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(raw: &str) -> Result<String, Refusal> {
        path(raw, PathRules::default()).map(Cow::into_owned)
    }

    #[test]
    fn many_spellings_have_one_form() {
        for spelling in [
            "/admin",
            "/%61dmin",
            "//admin",
            "/./admin",
            "/x/../admin",
            "/%2e/admin",
            "/x/%2E%2e/admin",
            "///./admin",
            "/x/y/../../admin",
            "/x//../admin",
        ] {
            assert_eq!(merged(spelling).as_deref(), Ok("/admin"), "{spelling}");
        }
    }

    #[test]
    fn a_trailing_slash_is_kept_and_final_dots_leave_one() {
        for (raw, canonical) in [
            ("/", "/"),
            ("/a/", "/a/"),
            ("/a//", "/a/"),
            ("/a/.", "/a/"),
            ("/a/b/..", "/a/"),
            ("/a/..", "/"),
            ("//", "/"),
        ] {
            assert_eq!(merged(raw).as_deref(), Ok(canonical), "{raw}");
        }
    }

    #[test]
    fn reserved_bytes_stay_encoded_in_upper_case() {
        assert_eq!(merged("/a%3ab%3f%23%25").as_deref(), Ok("/a%3Ab%3F%23%25"));
    }

    #[test]
    fn what_a_path_may_not_hold_raw_is_escaped() {
        assert_eq!(merged("/a|{b}\"").as_deref(), Ok("/a%7C%7Bb%7D%22"));
        assert_eq!(merged("/<a>[^`]").as_deref(), Ok("/%3Ca%3E%5B%5E%60%5D"));
        assert_eq!(merged("/a%7c"), merged("/a|"));
    }

    #[test]
    fn double_encoding_stays_what_it_is() {
        assert_eq!(
            merged("/%252e%252e/admin").as_deref(),
            Ok("/%252e%252e/admin")
        );
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        for raw in [
            "", "a", "*", "/%", "/%4", "/%zz", "/%00", "/a\\b", "/%5c", "/%5C", "/a b", "/\u{7f}",
            "/ä", "/%0a", "/a#b",
        ] {
            assert_eq!(merged(raw), Err(Refusal::BadPath), "{raw:?}");
        }
        for raw in ["/..", "/a/../..", "/%2e%2e/a", "/./../a"] {
            assert_eq!(merged(raw), Err(Refusal::ClimbingPath), "{raw}");
        }
        assert_eq!(merged("/a%2fb"), Err(Refusal::EscapedSlash));
    }

    #[test]
    fn an_escaped_slash_is_kept_where_the_listener_says_so() {
        let keep = PathRules {
            keep_escaped_slashes: true,
            ..PathRules::default()
        };
        assert_eq!(path("/a%2fb", keep).as_deref(), Ok("/a%2Fb"));
        assert_eq!(path("/a%2f..%2fb", keep).as_deref(), Ok("/a%2F..%2Fb"));
    }

    #[test]
    fn what_is_refused_is_neither_merged_nor_resolved() {
        let rules = |refuse_dot_segments, slashes| PathRules {
            keep_escaped_slashes: false,
            refuse_dot_segments,
            slashes,
        };
        let is_refused = |raw, rules| path(raw, rules) == Err(Refusal::UnnormalizedPath);
        for raw in ["//a", "/a//b", "/a//", "//"] {
            assert!(is_refused(raw, rules(false, Slashes::Refuse)), "{raw}");
            assert!(!is_refused(raw, rules(true, Slashes::Merge)), "{raw}");
        }
        for raw in ["/./a", "/a/..", "/a/%2e", "/.."] {
            assert!(is_refused(raw, rules(true, Slashes::Merge)), "{raw}");
            assert!(!is_refused(raw, rules(false, Slashes::Refuse)), "{raw}");
        }
        let both = rules(true, Slashes::Refuse);
        assert_eq!(path("/a/", both).as_deref(), Ok("/a/"));
    }

    #[test]
    fn kept_slashes_are_empty_segments() {
        let keep = PathRules {
            slashes: Slashes::Keep,
            ..PathRules::default()
        };
        for (raw, canonical) in [
            ("//", "//"),
            ("/a//b", "/a//b"),
            ("//a///", "//a///"),
            ("/a//../b", "/a/b"),
            ("/a//..", "/a/"),
            ("//.", "//"),
            ("/.//a", "//a"),
            ("//..", "/"),
            ("/%2e//%61", "//a"),
            ("/", "/"),
        ] {
            assert_eq!(path(raw, keep).as_deref(), Ok(canonical), "{raw}");
        }
        assert_eq!(path("//../..", keep), Err(Refusal::ClimbingPath));
    }

    #[test]
    fn a_hidden_file_is_no_dot_segment() {
        assert_eq!(merged("/.well-known/x").as_deref(), Ok("/.well-known/x"));
        assert_eq!(merged("/..a/...").as_deref(), Ok("/..a/..."));
    }

    proptest::proptest! {
        #[test]
        fn canonicalising_twice_changes_nothing(raw in "/[a./%2eEfF5cC:~<^` -]{0,24}", rules in 0_u8..12) {
            let rules = PathRules {
                keep_escaped_slashes: rules & 1 == 1,
                refuse_dot_segments: rules & 2 == 2,
                slashes: [Slashes::Merge, Slashes::Keep, Slashes::Refuse][usize::from(rules / 4)],
            };
            if let Ok(once) = path(&raw, rules) {
                proptest::prop_assert_eq!(path(&once, rules), Ok(once.clone()));
            }
        }

        #[test]
        fn merging_what_was_kept_is_merging(raw in "/[a./%2eb]{0,16}") {
            let keep = PathRules { slashes: Slashes::Keep, ..PathRules::default() };
            // Without `..` it does not matter when slashes are merged.
            if let (false, Ok(kept)) = (raw.contains("..") || raw.contains("%2"), path(&raw, keep)) {
                proptest::prop_assert_eq!(merged(&kept), merged(&raw));
            }
        }
    }
}
