//! The bytes of canonical paths, one segment at a time, but for the empty segments that a listener may keep.
//!
//! `weft_snapshot::canonical::path` says which paths there are; this is the same language as a small
//! automaton, so that walks over regular expressions never leave it. A test holds the two together.

use weft_snapshot::settings::PathRules;

/// How far a segment has been read.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Segment {
    /// Nothing yet.
    Start,
    /// `.`, which is no segment.
    Dot,
    /// `..`, which is none either.
    DotDot,
    /// A whole segment, which may go on.
    Whole,
    /// `%`.
    Percent,
    /// `%` and this hexadecimal digit.
    Digit(u8),
}

/// Every byte that may stand in a segment, those that people like to read first.
pub(super) const BYTES: &[u8] =
    b"xabcdefghijklmnopqrstuvwyz0123456789-_ABCDEFGHIJKLMNOPQRSTUVWXYZ.~!$&'()*+,;=:@%";

impl Segment {
    /// The state after a byte; none if no canonical segment goes on like that.
    pub(super) fn next(self, byte: u8, rules: PathRules) -> Option<Self> {
        match self {
            Self::Percent => match byte {
                b'0'..=b'9' => Some(Self::Digit(byte - b'0')),
                b'A'..=b'F' => Some(Self::Digit(byte - b'A' + 10)),
                _ => None,
            },
            Self::Digit(high) => {
                let low = match byte {
                    b'0'..=b'9' => byte - b'0',
                    b'A'..=b'F' => byte - b'A' + 10,
                    _ => return None,
                };
                stays_escaped(high * 16 + low, rules).then_some(Self::Whole)
            }
            Self::Start | Self::Dot | Self::DotDot | Self::Whole => match (byte, self) {
                (b'%', _) => Some(Self::Percent),
                (b'.', Self::Start) => Some(Self::Dot),
                (b'.', Self::Dot) => Some(Self::DotDot),
                (byte, _) => BYTES.contains(&byte).then_some(Self::Whole),
            },
        }
    }
}

/// Whether a byte is written as `%HH` in a canonical path, instead of plain or not at all.
fn stays_escaped(byte: u8, rules: PathRules) -> bool {
    match byte {
        b'/' => rules.keep_escaped_slashes,
        0..=0x1F | 0x7F | b'\\' | b'-' | b'.' | b'_' | b'~' => false,
        byte => !byte.is_ascii_alphanumeric(),
    }
}

#[cfg(test)]
mod tests {
    use weft_snapshot::canonical;

    use super::*;

    fn is_segment(text: &str, rules: PathRules) -> bool {
        let start = Some(Segment::Start);
        let end = text
            .bytes()
            .fold(start, |state, byte| state?.next(byte, rules));
        end == Some(Segment::Whole)
    }

    #[test]
    fn segments_are_those_that_canonicalisation_leaves_alone() {
        for rules in [false, true] {
            let rules = PathRules {
                keep_escaped_slashes: rules,
                ..PathRules::default()
            };
            let mut texts: Vec<String> = vec![".".into(), "..".into(), "...".into(), ".a".into()];
            for byte in 0..=255_u8 {
                texts.push(format!("%{byte:02X}"));
                texts.push(format!("a%{byte:02x}"));
                if byte.is_ascii() && byte != b'/' && byte != b'?' {
                    texts.push(format!("a{}", char::from(byte)));
                }
            }
            for text in texts {
                let path = format!("/{text}");
                let stays = canonical::path(&path, rules).is_ok_and(|found| found == path);
                assert_eq!(is_segment(&text, rules), stays, "{path}");
            }
        }
    }
}
