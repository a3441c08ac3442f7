//! What becomes of the head of a request around the decision: which methods are never forwarded, which names only a proxy
//! may set, which names are those of a trace, and what a listener does with underscores and with heads beyond its limits.
//!
//! The proxy and the compiler ask here alike, so that what `why` says of a request is what happens to it.

use crate::Reason;
use crate::settings::{HeadLimits, HeadRules, Underscores};

/// Whether only a proxy may set the header: clients are believed to it only where a listener trusts who is in front.
pub fn is_trusted_name(name: &str) -> bool {
    name.starts_with("x-forwarded-")
        || name.starts_with("x-weft-")
        || matches!(name, "forwarded" | "x-request-id" | "x-real-ip")
}

/// Whether the proxy forwards requests with this method. CONNECT would make a tunnel of it, and TRACE hand headers that it
/// added back to whoever asks; no rule, permission or test ever meets them.
pub fn is_forwarded(method: &str) -> bool {
    !matches!(method, "CONNECT" | "TRACE")
}

/// The gate for methods: the first thing about a request, after the proxy's own limits of a head, that a proxy asks.
///
/// # Errors
///
/// [`Reason::MethodRefused`] for a method that [is not forwarded](is_forwarded).
pub fn admit_method(method: &str) -> Result<(), Reason> {
    if is_forwarded(method) {
        Ok(())
    } else {
        Err(Reason::MethodRefused)
    }
}

/// Whether the header carries trace context: W3C Trace Context and Baggage, and B3 in both of its forms.
pub fn is_trace_name(name: &str) -> bool {
    matches!(name, "traceparent" | "tracestate" | "baggage" | "b3") || name.starts_with("x-b3-")
}

/// Whether a content type is that of gRPC; `application/grpc-web` is plain HTTP.
pub fn is_grpc(content_type: &[u8]) -> bool {
    content_type
        .strip_prefix(b"application/grpc")
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}

/// Why a header (its name in lower case) keeps a request from being served, if it does.
pub fn unserved(name: &str, value: &[u8]) -> Option<Reason> {
    match name {
        "expect" => unserved_expectation(value),
        "transfer-encoding" => unserved_coding(value),
        "connection" => nominated(value).err(),
        _ => None,
    }
}

/// The names that a value of `Connection` makes headers of this hop alone (RFC 9110, 7.6.1), as they are written; what every proxy
/// knows (`close`, `keep-alive`, `upgrade`, `te`) is left out.
///
/// # Errors
///
/// [`Reason::BadConnectionHeader`] for what is no name, and [`Reason::NominatedHeader`] for one that the next hop decides by: whoever
/// could take it away would have the next hop decide without it.
pub fn nominated(value: &[u8]) -> Result<Vec<&[u8]>, Reason> {
    let is_usual = |token: &[u8]| {
        let usual = [&b""[..], b"close", b"keep-alive", b"upgrade", b"te"];
        usual.iter().any(|one| token.eq_ignore_ascii_case(one))
    };
    let tokens = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let named = tokens.filter(|token| !is_usual(token)).map(|token| {
        let name = str::from_utf8(token).unwrap_or_default();
        let name = name.to_ascii_lowercase();
        if !crate::policy::is_header_name(&name) {
            return Err(Reason::BadConnectionHeader);
        }
        let decides = matches!(
            name.as_str(),
            "host"
                | "content-length"
                | "transfer-encoding"
                | "content-type"
                | "authorization"
                | "cookie"
        );
        if decides || is_trusted_name(&name) || is_trace_name(&name) {
            return Err(Reason::NominatedHeader);
        }
        Ok(token)
    });
    named.collect()
}

/// Why nobody serves a request with this `Expect`; none for `100-continue` (RFC 9110, 10.1.1).
pub fn unserved_expectation(value: &[u8]) -> Option<Reason> {
    (!value.eq_ignore_ascii_case(b"100-continue")).then_some(Reason::UnknownExpectation)
}

/// Why nobody serves a request with this transfer coding; none for `chunked`. One that ends in `chunked`, once, frames the body
/// well but has a coding inside that we do not know: 501 (RFC 9112, 6.1). Where `chunked` stands elsewhere the end of the body
/// is anybody's guess.
pub fn unserved_coding(value: &[u8]) -> Option<Reason> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return None;
    }
    let codings: Vec<&[u8]> = value
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .collect();
    let is_chunked = |coding: &&[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let names_it = |coding: &[u8]| {
        let lower = coding.to_ascii_lowercase();
        lower.windows(7).any(|word| word == b"chunked")
    };
    Some(match codings.split_last() {
        Some((last, others)) => {
            let others_are_plain = others
                .iter()
                .all(|coding| !coding.is_empty() && !names_it(coding) && is_known_token(coding));
            let is_inner = is_chunked(last) && !others.is_empty() && others_are_plain;
            if is_inner || !names_it(value) {
                Reason::UnknownTransferCoding
            } else {
                Reason::AmbiguousFraming
            }
        }
        None => Reason::UnknownTransferCoding,
    })
}

/// Registered codings, but for `identity`, which is none any more and meant "no coding" (RFC 9112, 7).
fn is_known_token(coding: &[u8]) -> bool {
    let known: [&[u8]; 5] = [b"gzip", b"x-gzip", b"deflate", b"compress", b"x-compress"];
    known.iter().any(|known| coding.eq_ignore_ascii_case(known))
}

/// What becomes of one header of a request before it is matched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It is a header like others.
    Kept,
    /// It is left out.
    Dropped,
    /// The request is answered for it with [`Reason::UnderscoreInHeaderName`].
    Refused,
}

impl HeadRules {
    /// What becomes of a header by its name, in lower case.
    pub fn fate(&self, name: &str, is_grpc: bool) -> Fate {
        if !name.as_bytes().contains(&b'_') {
            return Fate::Kept;
        }
        if self.underscores == Underscores::Refuse || reads_as_framing(name) {
            return Fate::Refused;
        }
        if !self.underscores.keeps(is_grpc) || reads_as_a_proxys(name) {
            return Fate::Dropped;
        }
        Fate::Kept
    }
}

/// Whether a server that turns `-` into `_` would read a name with an underscore as one that a proxy sets or frames the
/// message with.
pub fn reads_as_a_proxys(name: &str) -> bool {
    is_trusted_name(&name.replace('_', "-")) || reads_as_framing(name)
}

/// No client of good faith sends these: they are how requests are smuggled past a proxy.
fn reads_as_framing(name: &str) -> bool {
    matches!(name, "content_length" | "transfer_encoding")
}

/// Which limit of heads a request exceeds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Excess {
    /// Its target: 414.
    Target,
    /// The number of its fields: 431.
    Fields,
    /// All of it: 431.
    Head,
}

impl Excess {
    /// The reason, as `x-weft-reason` gives it.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Target => Reason::TargetTooLong,
            Self::Fields => Reason::TooManyFields,
            Self::Head => Reason::HeadTooLarge,
        }
    }
}

impl HeadLimits {
    /// What separates the name of a field from its value and from the next field in HTTP/1.1: `: ` and the end of a line.
    const SEPARATORS: usize = 4;

    /// The limit that a head with this target and these fields exceeds, if it does. Fields are the lengths of name and
    /// value together.
    pub fn excess(&self, target: usize, fields: impl Iterator<Item = usize>) -> Option<Excess> {
        let most = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        if most(self.target_bytes) < target {
            return Some(Excess::Target);
        }
        let (mut count, mut bytes) = (0_usize, target);
        for length in fields {
            count += 1;
            bytes = bytes.saturating_add(length.saturating_add(Self::SEPARATORS));
        }
        if most(self.fields) < count {
            Some(Excess::Fields)
        } else if most(self.head_bytes) < bytes {
            Some(Excess::Head)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(underscores: Underscores) -> HeadRules {
        HeadRules {
            underscores,
            ..HeadRules::MESH
        }
    }

    #[test]
    fn what_nobody_serves_has_a_status() {
        let status = |name, value: &str| unserved(name, value.as_bytes()).map(Reason::status);
        assert_eq!(status("expect", "100-Continue"), None);
        assert_eq!(status("expect", "foo"), Some(417));
        assert_eq!(status("transfer-encoding", "chunked"), None);
        assert_eq!(status("transfer-encoding", "gzip, chunked"), Some(501));
        assert_eq!(status("transfer-encoding", "chunked, gzip"), Some(400));
        assert_eq!(status("accept", "foo"), None);
    }

    #[test]
    fn underscores_are_metadata_of_grpc_and_a_trap_elsewhere() {
        let standard = rules(Underscores::DropUnlessGrpc);
        assert_eq!(standard.fate("x-user", false), Fate::Kept);
        assert_eq!(standard.fate("x_user", false), Fate::Dropped);
        assert_eq!(standard.fate("x_user", true), Fate::Kept);
        assert_eq!(rules(Underscores::Drop).fate("x_user", true), Fate::Dropped);
        assert_eq!(
            rules(Underscores::Refuse).fate("x_user", true),
            Fate::Refused
        );
    }

    #[test]
    fn what_reads_like_a_proxys_word_is_never_kept() {
        let keep = rules(Underscores::Keep);
        assert_eq!(keep.fate("x_user", false), Fate::Kept);
        for name in ["x_forwarded_for", "x-forwarded_proto", "x_weft_deadline_ms"] {
            assert_eq!(keep.fate(name, true), Fate::Dropped, "{name}");
        }
        assert_eq!(keep.fate("content_length", true), Fate::Refused);
    }

    #[test]
    fn the_first_limit_that_is_exceeded_is_named() {
        let limits = HeadLimits {
            head_bytes: 100,
            fields: 3,
            target_bytes: 10,
        };
        let excess = |target, fields: &[usize]| limits.excess(target, fields.iter().copied());
        assert_eq!(excess(10, &[6, 6, 6]), None);
        assert_eq!(excess(11, &[]), Some(Excess::Target));
        assert_eq!(excess(1, &[1, 1, 1, 1]), Some(Excess::Fields));
        assert_eq!(excess(10, &[40, 42]), None);
        assert_eq!(excess(10, &[40, 43]), Some(Excess::Head));
    }

    #[test]
    fn grpc_is_told_by_its_whole_type() {
        for content_type in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc;a=b",
        ] {
            assert!(is_grpc(content_type.as_bytes()), "{content_type}");
        }
        for content_type in ["application/grpc-web", "application/grpcx", "text/plain"] {
            assert!(!is_grpc(content_type.as_bytes()), "{content_type}");
        }
    }
}
