//! Path patterns: parsing, and which of two takes fewer paths.
//!
//! A pattern is a set of canonical paths (see `weft_snapshot::canonical`), so its literal text is made
//! canonical here and text that no canonical path has is refused. Structural patterns are compared
//! segment by segment, exactly; [`super::languages`] compares regular expressions.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use weft_snapshot::plan::{PathPattern, Segment};

use crate::meant;

/// The largest number of segments of a pattern.
pub const MAX_SEGMENTS: usize = 64;

/// Why a text is not a path pattern.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PathError {
    /// What is wrong, as the middle of a sentence.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// How two sets relate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Relation {
    /// They have nothing in common.
    Disjoint,
    /// They are the same.
    Equal,
    /// The left one is a proper part of the right one.
    Narrower,
    /// The right one is a proper part of the left one.
    Wider,
    /// They have something in common, and each has something of its own.
    Overlapping,
}

impl Relation {
    /// The relation of two sets that are not disjoint, by what each has of its own.
    pub fn of_overlapping(left_has_own: bool, right_has_own: bool) -> Self {
        match (left_has_own, right_has_own) {
            (false, false) => Self::Equal,
            (false, true) => Self::Narrower,
            (true, false) => Self::Wider,
            (true, true) => Self::Overlapping,
        }
    }

    /// The relation of the right one to the left one.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Narrower => Self::Wider,
            Self::Wider => Self::Narrower,
            Self::Disjoint | Self::Equal | Self::Overlapping => self,
        }
    }

    /// The relation of the products of sets that relate like `self` and like `other`.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self == Self::Disjoint || other == Self::Disjoint {
            return Self::Disjoint;
        }
        let has_own = |relation| {
            let left = matches!(relation, Self::Wider | Self::Overlapping);
            let right = matches!(relation, Self::Narrower | Self::Overlapping);
            (left, right)
        };
        let ((left, right), (other_left, other_right)) = (has_own(self), has_own(other));
        Self::of_overlapping(left || other_left, right || other_right)
    }
}

/// The pattern of all paths: `/**`.
pub fn all_paths() -> PathPattern {
    PathPattern::Segments {
        segments: Vec::new(),
        rest: true,
    }
}

/// Reads `/a`, `/a/{id}` or `/a/**`.
///
/// # Errors
///
/// A [`PathError`] for text that is no pattern, or one that could never match.
pub fn parse(text: &str) -> Result<PathPattern, PathError> {
    let pattern = parse_repeating(text)?;
    if let PathPattern::Segments { segments, .. } = &pattern {
        let mut names = BTreeSet::new();
        for segment in segments {
            if let Segment::Any { name } = segment
                && !names.insert(name)
            {
                return Err(wrong(format!("has two segments named `{{{name}}}`"))
                    .helped("give each segment a name of its own"));
            }
        }
    }
    Ok(pattern)
}

/// Reads a pattern in which a name may stand twice, as in the new path of a rewrite.
///
/// # Errors
///
/// Those of [`parse`], but for repeated names.
pub fn parse_repeating(text: &str) -> Result<PathPattern, PathError> {
    let Some(below) = text.strip_prefix('/') else {
        return Err(wrong("does not start with `/`").helped(meant::path(text)));
    };
    let mut parts: Vec<&str> = below.split('/').collect();
    let rest = parts.last() == Some(&"**");
    if rest {
        parts.pop();
    }
    if MAX_SEGMENTS < parts.len() {
        return Err(wrong(format!("has more than {MAX_SEGMENTS} segments")));
    }
    let last = parts.len().saturating_sub(1);
    // As long as it is: a mesh has a hundred thousand paths, and most have a segment or two.
    let mut segments = Vec::with_capacity(parts.len());
    for (position, part) in parts.iter().enumerate() {
        segments.push(match *part {
            "" if rest || position < last => {
                return Err(wrong("has an empty segment: requests have `//` merged")
                    .or_write(meant::merged(text)));
            }
            part => segment(part)?,
        });
    }
    Ok(PathPattern::Segments { segments, rest })
}

fn segment(part: &str) -> Result<Segment, PathError> {
    let inside = part
        .strip_prefix('{')
        .and_then(|part| part.strip_suffix('}'));
    if let Some(name) = inside {
        if !is_segment_name(name) {
            return Err(wrong(format!(
                "names a segment `{{{name}}}`; names have letters, digits, `_` and `-`"
            ))
            .helped(meant::segment_name(name)));
        }
        return Ok(Segment::Any {
            name: name.to_owned(),
        });
    }
    match part {
        "." | ".." => Err(wrong(format!(
            "has the segment `{part}`, which requests never have"
        ))
        .helped("write the path that it leads to")),
        "**" => Err(wrong("has a `**` that is not its last segment")
            .helped("use `{name}` for one segment, or `/**` at the end for all below")),
        "*" => Err(wrong("has the segment `*`").helped(
            "write `{name}` for one free segment, or `/**` at the end for all that is below",
        )),
        part if part.contains(['{', '}', '*']) => Err(wrong(format!(
            "has the segment `{part}`, free only in part"
        ))
        .helped("make the whole segment free, as `{name}`, or use `{regex: …}`")),
        part => canonical_literal(part).map(|text| Segment::Literal { text }),
    }
}

/// Whether a text can name a free segment.
pub fn is_segment_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Makes the text of one segment canonical: unreserved bytes plain, all others as sent, `%HH` in upper case.
///
/// # Errors
///
/// A [`PathError`] for text that no canonical path has.
pub fn canonical_literal(part: &str) -> Result<String, PathError> {
    let mut text = String::with_capacity(part.len());
    let mut bytes = part.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (Some(high), Some(low)) = (digit(bytes.next()), digit(bytes.next())) else {
                    return Err(wrong("has a `%` without two hexadecimal digits")
                        .helped("write `%25` for a percent sign"));
                };
                push_escaped(&mut text, u8::try_from(high * 16 + low).unwrap_or(u8::MAX))?;
            }
            b'?' | b'#' => {
                return Err(wrong(format!(
                    "has a `{}`; a path ends before it",
                    char::from(byte)
                ))
                .helped(if byte == b'?' {
                    "match parameters with `query`"
                } else {
                    "leave it out: what stands behind a `#` is never sent"
                }));
            }
            b'\\' => {
                return Err(wrong("has a `\\`, which requests never have").helped(
                    "write `/` between segments, and an expression as `path: {regex: …}`",
                ));
            }
            0x00..=0x1F | 0x7F => return Err(wrong("has a control character")),
            // Bytes that a client must escape.
            b' ' | b'"' | b'<' | b'>' | b'^' | b'`' | b'|' | 0x80.. => {
                push_hexadecimal(&mut text, byte);
            }
            byte => text.push(char::from(byte)),
        }
    }
    if text == "." || text == ".." {
        return Err(wrong(format!(
            "has the segment `{text}`, which requests never have"
        )));
    }
    Ok(text)
}

fn push_escaped(text: &mut String, byte: u8) -> Result<(), PathError> {
    match byte {
        b'/' => Err(wrong("has an escaped slash, `%2F`").helped("use `{regex: …}`")),
        b'\\' => Err(wrong("has an escaped backslash, which requests never have")),
        0x00..=0x1F | 0x7F => Err(wrong(
            "has an escaped control character, which requests never have",
        )),
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
            text.push(char::from(byte));
            Ok(())
        }
        byte => {
            push_hexadecimal(text, byte);
            Ok(())
        }
    }
}

fn push_hexadecimal(text: &mut String, byte: u8) {
    use std::fmt::Write as _;
    // Writing to a string cannot fail.
    let _ = write!(text, "%{byte:02X}");
}

fn wrong(message: impl Into<String>) -> PathError {
    PathError {
        message: message.into(),
        help: None,
    }
}

impl PathError {
    fn helped(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn or_write(self, text: impl std::fmt::Display) -> Self {
        self.helped(format!("write `{text}`"))
    }
}

/// The pattern as a person writes it.
pub fn written(pattern: &PathPattern) -> String {
    match pattern {
        PathPattern::Regex { regex } => format!("{{regex: {regex}}}"),
        PathPattern::Segments { segments, rest } => {
            let mut text = String::new();
            for segment in segments {
                text.push('/');
                match segment {
                    Segment::Literal { text: literal } => text.push_str(literal),
                    Segment::Any { name } => {
                        text.push('{');
                        text.push_str(name);
                        text.push('}');
                    }
                }
            }
            if *rest {
                text.push_str("/**");
            }
            text
        }
    }
}

/// The segments of a pattern, and whether anything below them is meant too.
#[derive(Clone, Copy, Debug)]
pub struct Structure<'path> {
    segments: &'path [Segment],
    rest: bool,
}

impl<'path> Structure<'path> {
    /// Of segments with or without a final `/**`.
    pub fn new(segments: &'path [Segment], rest: bool) -> Self {
        Self { segments, rest }
    }
}

/// How the paths of two structural patterns relate.
pub fn relate(left: Structure<'_>, right: Structure<'_>) -> Relation {
    let (left, left_rest) = (left.segments, left.rest);
    let (right, right_rest) = (right.segments, right.rest);
    let (mut left_has_own, mut right_has_own) = (false, false);
    for pair in left.iter().zip(right) {
        match pair {
            (Segment::Literal { text }, Segment::Literal { text: other }) => {
                if text != other {
                    return Relation::Disjoint;
                }
            }
            (Segment::Any { .. }, Segment::Any { .. }) => {}
            (Segment::Any { .. }, Segment::Literal { text }) => {
                if text.is_empty() {
                    return Relation::Disjoint;
                }
                left_has_own = true;
            }
            (Segment::Literal { text }, Segment::Any { .. }) => {
                if text.is_empty() {
                    return Relation::Disjoint;
                }
                right_has_own = true;
            }
        }
    }
    match left.len().cmp(&right.len()) {
        Ordering::Less if !left_rest => return Relation::Disjoint,
        Ordering::Less => left_has_own = true,
        Ordering::Greater if !right_rest => return Relation::Disjoint,
        Ordering::Greater => right_has_own = true,
        Ordering::Equal => {
            left_has_own |= left_rest && !right_rest;
            right_has_own |= right_rest && !left_rest;
        }
    }
    Relation::of_overlapping(left_has_own, right_has_own)
}

/// A path that both structural patterns match, if they overlap.
pub fn common_path(left: &[Segment], right: &[Segment]) -> String {
    let (longer, shorter) = if left.len() < right.len() {
        (right, left)
    } else {
        (left, right)
    };
    let mut path = String::new();
    for (position, segment) in longer.iter().enumerate() {
        path.push('/');
        match (segment, shorter.get(position)) {
            (Segment::Literal { text }, _) | (_, Some(Segment::Literal { text })) => {
                path.push_str(text);
            }
            (Segment::Any { name }, _) => path.push_str(name),
        }
    }
    if path.is_empty() {
        path.push('/');
    }
    path
}

/// Text for a message: in one line, at most 100 symbols.
pub fn shown(text: &str) -> String {
    let plain = |symbol: char| {
        if symbol.is_control() {
            '\u{FFFD}'
        } else {
            symbol
        }
    };
    text.chars().take(100).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(left: &str, right: &str) -> Relation {
        let parts = |text: &str| match parse(text).unwrap() {
            PathPattern::Segments { segments, rest } => (segments, rest),
            PathPattern::Regex { .. } => panic!("a regex"),
        };
        let (left, right) = (parts(left), parts(right));
        relate(
            Structure::new(&left.0, left.1),
            Structure::new(&right.0, right.1),
        )
    }

    #[test]
    fn a_pattern_is_read_back_as_it_was_written() {
        for text in [
            "/",
            "/**",
            "/a",
            "/a/",
            "/a/**",
            "/a/{id}",
            "/a/{x}/b/**",
            "/a/{x}/",
        ] {
            assert_eq!(written(&parse(text).unwrap()), text);
        }
    }

    #[test]
    fn literals_become_canonical() {
        assert_eq!(written(&parse("/%61%2d%3a").unwrap()), "/a-%3A");
        assert_eq!(written(&parse("/ü b").unwrap()), "/%C3%BC%20b");
    }

    #[test]
    fn patterns_that_never_match_are_refused() {
        for text in [
            "a",
            "/a//b",
            "//",
            "/a/../b",
            "/%2e%2e/a",
            "/a%2Fb",
            "/a?x=1",
            "/a\\b",
            "/a\nb",
            "/%zz",
            "/%00",
            "/**/a",
            "/a*",
            "/*",
            "/{a}/{a}",
            "/{}",
            "/a{b}",
            "//**",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"/a".repeat(65)).is_err());
        assert!(parse(&"/a".repeat(64)).is_ok());
    }

    #[test]
    fn narrower_means_fewer_paths() {
        use Relation::{Disjoint, Equal, Narrower, Overlapping, Wider};
        for (left, right, expected) in [
            ("/a", "/a", Equal),
            ("/a/{x}", "/a/{y}", Equal),
            ("/a", "/a/**", Narrower),
            ("/a/", "/a/**", Narrower),
            ("/a/", "/a", Disjoint),
            ("/a/", "/a/{x}", Disjoint),
            ("/**", "/", Wider),
            ("/a/b", "/a/{x}", Narrower),
            ("/a/{x}/**", "/a/{x}", Wider),
            ("/ab", "/a/**", Disjoint),
            ("/a/{x}", "/{y}/b", Overlapping),
            ("/{x}", "/a/**", Overlapping),
            ("/{x}/b", "/a/**", Overlapping),
            ("/{x}/**", "/a/**", Wider),
            ("/a/b/c", "/a/b", Disjoint),
        ] {
            assert_eq!(relation(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn products_combine() {
        use Relation::{Disjoint, Equal, Narrower, Overlapping, Wider};
        assert_eq!(Equal.and(Narrower), Narrower);
        assert_eq!(Narrower.and(Wider), Overlapping);
        assert_eq!(Overlapping.and(Equal), Overlapping);
        assert_eq!(Wider.and(Disjoint), Disjoint);
    }
}
