//! Checks the head of a request: what no client of good faith sends ends here, with 400 and a close.
//!
//! hyper has parsed the head and `worker::scan` has seen its raw form. What both leave is checked here:
//! transfer codings, hosts, header names, what `Connection` names, and counts.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Version};
use weft_snapshot::Reason;
use weft_snapshot::canonical::{Field, field};
use weft_snapshot::head::{self, Fate, is_grpc, is_trace_name, is_trusted_name};
use weft_snapshot::settings::{HeadLimits, HeadRules};

use crate::shared::Limits;
use crate::worker::Link;

/// What one look at all headers found.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent finding"
)]
pub(super) struct Survey {
    /// There are headers that concern this hop only.
    pub(super) has_hop_headers: bool,
    /// There are headers that only a trusted proxy may set.
    pub(super) has_trusted_headers: bool,
    /// There are headers with trace context.
    pub(super) has_trace_headers: bool,
    /// There are headers with an underscore in their name.
    pub(super) has_underscores: bool,
    /// The client accepts trailers.
    pub(super) accepts_trailers: bool,
    /// The request is a gRPC call.
    pub(super) is_grpc: bool,
    /// The client asks for another protocol, whichever.
    pub(super) upgrades: bool,
    /// The client asks for a WebSocket.
    pub(super) wants_websocket: bool,
    /// The client waits for a 100 before it sends its body.
    pub(super) expects_continue: bool,
    /// The length that the client announced.
    pub(super) length: Option<u64>,
    /// Headers that `Connection` names, beside the well-known ones.
    pub(super) nominated: Vec<HeaderName>,
    hosts: u32,
    lengths: u32,
    codings: u32,
    cookies: u32,
    connections: bool,
}

/// How large a head may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    target: usize,
    pub(crate) bytes: usize,
    pub(crate) fields: usize,
}

impl Room {
    /// What the peer of `link` may send.
    pub(crate) fn of(link: &Link) -> Self {
        let limits = &link.worker.shared.limits;
        match link.identity() {
            Some(_proxy) => Self::of_peer(limits),
            None => Self::of_client(limits),
        }
    }

    fn of_client(limits: &Limits) -> Self {
        Self {
            target: limits.target_bytes,
            bytes: limits.head_bytes,
            fields: limits.head_fields,
        }
    }

    /// A proxy of the mesh took a head within the limits and added what a proxy adds: addresses, an id, a deadline, a trace,
    /// what a route sets. What one proxy takes the next must not refuse; and HTTP/2 counts 32 bytes more for a field, where
    /// HTTP/1 has 4.
    fn of_peer(limits: &Limits) -> Self {
        const TARGET: usize = 1 << 10;
        const BYTES: usize = 8 << 10;
        const FIELDS: usize = 28;
        Self {
            target: limits.target_bytes.saturating_add(TARGET),
            bytes: limits.head_bytes.saturating_add(BYTES),
            fields: limits.head_fields.saturating_add(FIELDS),
        }
    }
}

/// Looks at every header once.
///
/// # Errors
///
/// The first thing that is wrong.
pub(super) fn check(room: &Room, parts: &mut Parts) -> Result<Survey, Reason> {
    if room.fields < parts.headers.len() && room.fields < whole_fields(&parts.headers) {
        return Err(Reason::TooManyFields);
    }
    let target = parts
        .uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if room.target < target {
        return Err(Reason::TargetTooLong);
    }
    head::admit_method(parts.method.as_str())?;
    // RFC 9113, 8.3.1: a request has a scheme; the `h2` crate takes an empty one for none.
    if parts.version == Version::HTTP_2
        && parts.uri.authority().is_some()
        && parts
            .uri
            .scheme()
            .is_none_or(|scheme| scheme.as_str().is_empty())
    {
        return Err(Reason::BadScheme);
    }
    if parts.version == Version::HTTP_2 && room.bytes < list_size(&parts.headers) {
        return Err(Reason::HeadTooLarge);
    }
    let mut survey = Survey::default();
    for (name, value) in &parts.headers {
        survey.note(name, value.as_bytes())?;
    }
    if 1 < survey.hosts {
        return Err(Reason::RepeatedHost);
    }
    if 1 < survey.lengths || (0 < survey.lengths && 0 < survey.codings) {
        return Err(Reason::AmbiguousFraming);
    }
    if 1 < survey.codings || (0 < survey.codings && parts.version != Version::HTTP_11) {
        return Err(Reason::AmbiguousFraming);
    }
    if survey.connections {
        survey.nominated = nominated(&parts.headers)?;
    }
    if 1 < survey.cookies {
        join_cookies(&mut parts.headers)?;
    }
    survey.wants_websocket = survey.upgrades && wants_websocket(parts);
    Ok(survey)
}

/// The number of fields when the crumbs of a cookie are together: clients of HTTP/2 send each by itself (RFC 9113, 8.2.3). How many
/// those may be is bounded by the size of the head.
fn whole_fields(headers: &HeaderMap) -> usize {
    let crumbs = headers.get_all(header::COOKIE).iter().count();
    headers.len().saturating_sub(crumbs.saturating_sub(1))
}

/// The size of a header list as HTTP/2 counts it (RFC 9113, 6.5.2).
fn list_size(headers: &HeaderMap) -> usize {
    let size = |(name, value): (&HeaderName, &HeaderValue)| {
        name.as_str()
            .len()
            .saturating_add(value.len())
            .saturating_add(32)
    };
    headers.iter().map(size).fold(0, usize::saturating_add)
}

impl Survey {
    fn note(&mut self, name: &HeaderName, value: &[u8]) -> Result<(), Reason> {
        match *name {
            header::HOST => self.hosts += 1,
            header::CONTENT_LENGTH => {
                self.lengths += 1;
                self.length = Some(content_length(value)?);
            }
            header::TRANSFER_ENCODING => {
                self.codings += 1;
                self.has_hop_headers = true;
                if let Some(reason) = head::unserved_coding(value) {
                    return Err(reason);
                }
            }
            header::CONNECTION => {
                self.connections = true;
                self.has_hop_headers = true;
            }
            header::TE => {
                self.has_hop_headers = true;
                self.accepts_trailers |= has_token(value, "trailers");
            }
            header::UPGRADE => {
                self.has_hop_headers = true;
                self.upgrades = true;
            }
            header::EXPECT => {
                if let Some(reason) = head::unserved_expectation(value) {
                    return Err(reason);
                }
                self.expects_continue = true;
            }
            header::CONTENT_TYPE => self.is_grpc = is_grpc(value),
            header::COOKIE => self.cookies += 1,
            header::FORWARDED => self.has_trusted_headers = true,
            _ => self.note_other(name.as_str()),
        }
        Ok(())
    }

    fn note_other(&mut self, name: &str) {
        // What becomes of them is the listener's to say, which is not known yet.
        self.has_underscores |= name.as_bytes().contains(&b'_');
        self.has_trace_headers |= is_trace_name(name);
        self.has_hop_headers |= matches!(name, "keep-alive" | "proxy-connection");
        self.has_trusted_headers |= is_trusted_name(name);
    }
}

/// Puts the crumbs of a cookie together: what is matched, logged and forwarded is one field, as everything but HTTP/2
/// has to see it (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) -> Result<(), Reason> {
    let crumbs = headers.get_all(header::COOKIE).into_iter();
    let Field::Value(joined) = field("cookie", crumbs.map(HeaderValue::as_bytes)) else {
        return Ok(());
    };
    let joined = HeaderValue::from_bytes(&joined);
    let joined = joined.map_err(|_not_a_value| Reason::BadCookie)?;
    headers.insert(header::COOKIE, joined);
    Ok(())
}

/// Refuses a head that the listener does not take; nothing of it has been matched yet.
///
/// # Errors
///
/// 414 or 431 beyond its limits, 400 for an underscore where it refuses those.
pub(super) fn admit(rules: HeadRules, survey: &Survey, parts: &Parts) -> Result<(), Reason> {
    // The proxy's own limits, which are the largest, were kept already.
    if rules.limits != HeadLimits::MOST {
        let target = parts.uri.path_and_query();
        let target = target.map_or(0, |target| target.as_str().len());
        let fields = parts.headers.iter();
        let fields = fields.map(|(name, value)| name.as_str().len() + value.len());
        if let Some(excess) = rules.limits.excess(target, fields) {
            return Err(excess.reason());
        }
    }
    let refuses = |name: &HeaderName| rules.fate(name.as_str(), survey.is_grpc) == Fate::Refused;
    if survey.has_underscores && parts.headers.keys().any(refuses) {
        return Err(Reason::UnderscoreInHeaderName);
    }
    Ok(())
}

/// Leaves out the headers that the listener does not keep for their underscore. Returns how many fields those were.
pub(super) fn drop_underscores(rules: HeadRules, survey: &Survey, headers: &mut HeaderMap) -> u32 {
    if !survey.has_underscores {
        return 0;
    }
    let dropped: Vec<HeaderName> = headers
        .keys()
        .filter(|name| rules.fate(name.as_str(), survey.is_grpc) != Fate::Kept)
        .cloned()
        .collect();
    let before = headers.len();
    for name in dropped {
        headers.remove(name);
    }
    u32::try_from(before.saturating_sub(headers.len())).unwrap_or(u32::MAX)
}

/// Whether a request is a gRPC call.
pub(super) fn is_grpc_call(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| is_grpc(value.as_bytes()))
}

fn content_length(value: &[u8]) -> Result<u64, Reason> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    is_number
        .then(|| std::str::from_utf8(value).ok()?.parse().ok())
        .flatten()
        .ok_or(Reason::BadContentLength)
}

fn has_token(value: &[u8], wanted: &str) -> bool {
    value
        .split(|byte| *byte == b',')
        .any(|token| token.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes()))
}

/// The headers that `Connection` names. It may not name what we rely on: a client could make us drop what
/// the next hop decides by.
pub(super) fn nominated(headers: &HeaderMap) -> Result<Vec<HeaderName>, Reason> {
    let mut names = Vec::new();
    for value in headers.get_all(header::CONNECTION) {
        for name in head::nominated(value.as_bytes())? {
            let name = HeaderName::from_bytes(name);
            names.push(name.map_err(|_invalid| Reason::BadConnectionHeader)?);
        }
    }
    Ok(names)
}

/// Whether `Connection` says that this is the last message.
pub(super) fn closes(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONNECTION).iter();
    values.any(|value| has_token(value.as_bytes(), "close"))
}

fn wants_websocket(parts: &Parts) -> bool {
    let is_named = parts
        .headers
        .get_all(header::CONNECTION)
        .iter()
        .any(|value| has_token(value.as_bytes(), "upgrade"));
    let mut upgrades = parts.headers.get_all(header::UPGRADE).iter();
    let is_websocket = upgrades
        .next()
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    is_named
        && is_websocket
        && upgrades.next().is_none()
        && parts.method == Method::GET
        && parts.version == Version::HTTP_11
}
