//! Takes off what concerned the last hop and puts on what the next one should know.
//!
//! At the edge, `X-Forwarded-*`, `X-Request-Id`, `Forwarded` and our own headers are those of a stranger: they go, unless
//! the listener trusts a number of proxies in front. Between proxies of the mesh they pass. What becomes of trace context
//! is the listener's to say. Framing headers never pass: they are made anew from the body.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use weft_snapshot::Reason;
use weft_snapshot::canonical;
use weft_snapshot::head::{is_trace_name, is_trusted_name};
use weft_snapshot::settings::{Role, Tracing};

use super::head::Survey;
use super::target::{Asked, named_port};
use crate::worker::Link;

pub(super) const DEADLINE: HeaderName = HeaderName::from_static("x-weft-deadline-ms");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Makes the headers of a request ready to be forwarded.
pub(super) fn prepare(
    link: &Link,
    asked: &Asked<'_>,
    survey: &Survey,
    parts: &mut Parts,
) -> Result<(), Reason> {
    let headers = &mut parts.headers;
    if survey.has_hop_headers {
        strip_hop(headers, &survey.nominated);
        if survey.accepts_trailers {
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
        }
    }
    trace(asked.listener.heads.tracing, survey, headers);
    match asked.listener.role {
        Role::Edge => edge(link, asked, survey, headers)?,
        Role::Outbound => {
            // The app is not a proxy of the mesh; it may pass a request id on, but no deadline.
            if survey.has_trusted_headers {
                strip(headers, |name| name.starts_with("x-weft-"));
            }
            identify(headers);
        }
        Role::Inbound => {
            if survey.has_trusted_headers && link.identity().is_none() {
                strip(headers, |name| name.starts_with("x-weft-"));
            }
            identify(headers);
        }
    }
    Ok(())
}

/// Removes what concerns one hop only (RFC 9110, 7.6.1), requests and responses alike.
pub(super) fn strip_hop(headers: &mut HeaderMap, nominated: &[HeaderName]) {
    for name in nominated {
        headers.remove(name);
    }
    for name in [
        header::CONNECTION,
        header::TE,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        KEEP_ALIVE,
        PROXY_CONNECTION,
    ] {
        headers.remove(name);
    }
}

fn edge(
    link: &Link,
    asked: &Asked<'_>,
    survey: &Survey,
    headers: &mut HeaderMap,
) -> Result<(), Reason> {
    let hops = usize::from(asked.listener.trusted_hops);
    if survey.has_trusted_headers {
        if hops == 0 {
            strip(headers, is_trusted_name);
        } else {
            strip(headers, |name| {
                name.starts_with("x-weft-")
                    || matches!(name, "forwarded" | "x-real-ip" | "x-forwarded-client-cert")
            });
        }
    }
    let address = link.address_header();
    let chain = match trusted_chain(headers, hops) {
        Some(chain) => {
            let address = address.to_str().unwrap_or("unknown");
            let chain = format!("{chain}, {address}");
            HeaderValue::try_from(chain).map_err(|_| Reason::BadForwardedFor)?
        }
        None => address,
    };
    headers.insert(FORWARDED_FOR, chain);
    if !headers.contains_key(FORWARDED_PROTO) {
        let scheme = if link.encrypted.get() {
            "https"
        } else {
            "http"
        };
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
    }
    if !headers.contains_key(FORWARDED_HOST) && !asked.received.is_empty() {
        headers.insert(FORWARDED_HOST, asked.received.clone());
    }
    identify(headers);
    Ok(())
}

/// Keeps, removes or begins the trace of a request.
fn trace(tracing: Tracing, survey: &Survey, headers: &mut HeaderMap) {
    if tracing == Tracing::Keep {
        return;
    }
    if survey.has_trace_headers {
        strip(headers, is_trace_name);
    }
    if tracing == Tracing::Restart {
        headers.insert(TRACEPARENT, traceparent());
    }
}

/// A trace that begins here: version 00, random ids, sampled (W3C Trace Context, 2.2). The flag is set because services
/// mostly sample what their caller samples: without it no request would ever be traced behind a proxy that reports no
/// spans itself. Those that trace a share of requests take it from the trace id, which is random.
fn traceparent() -> HeaderValue {
    // An id of zeros only is none.
    let (trace, parent) = (fastrand::u128(1..), fastrand::u64(1..));
    HeaderValue::try_from(format!("00-{trace:032x}-{parent:016x}-01"))
        .unwrap_or(HeaderValue::from_static("00"))
}

/// The scheme that the client spoke: to this proxy, or to the first of the trusted ones in front.
pub(super) fn client_scheme(link: &Link, asked: &Asked<'_>, headers: &HeaderMap) -> &'static str {
    let hops = usize::from(asked.listener.trusted_hops);
    let said = if asked.listener.role == Role::Edge {
        entries(headers, &FORWARDED_PROTO, hops).first().copied()
    } else {
        None
    };
    match said {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
        Some(scheme) if scheme.eq_ignore_ascii_case("http") => "http",
        Some(_) | None if link.encrypted.get() => "https",
        Some(_) | None => "http",
    }
}

/// The host that the client asked for, and its port with a colon, as the first of the trusted proxies in front saw them;
/// none where nobody is trusted or nothing was said that is a host.
pub(super) fn client_host(asked: &Asked<'_>, headers: &HeaderMap) -> Option<(String, String)> {
    let hops = usize::from(asked.listener.trusted_hops);
    if hops == 0 || asked.listener.role != Role::Edge {
        return None;
    }
    let said = entries(headers, &FORWARDED_HOST, hops).first().copied()?;
    let host = canonical::host(said).ok()?.into_owned();
    Some((host, named_port(said).to_owned()))
}

/// What the trusted proxies in front said about where the request came from: as many entries as there are
/// proxies, from the right. Entries further left are the client's own claim.
fn trusted_chain(headers: &HeaderMap, hops: usize) -> Option<String> {
    let trusted = entries(headers, &FORWARDED_FOR, hops);
    (!trusted.is_empty()).then(|| trusted.join(", "))
}

/// The last entries of a list header, as many as there are trusted proxies.
fn entries<'h>(headers: &'h HeaderMap, name: &HeaderName, hops: usize) -> Vec<&'h str> {
    if hops == 0 {
        return Vec::new();
    }
    let values = headers.get_all(name).into_iter();
    let texts = values.map(|value| value.to_str().unwrap_or(""));
    let entries = texts.flat_map(|text| text.split(',')).map(str::trim);
    let mut entries: Vec<&str> = entries.filter(|entry| !entry.is_empty()).collect();
    entries.split_off(entries.len().saturating_sub(hops))
}

/// Gives the request an id when it has none.
fn identify(headers: &mut HeaderMap) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if headers.contains_key(REQUEST_ID) {
        return;
    }
    let mut random = fastrand::u128(..);
    let mut id = [0_u8; 32];
    for slot in &mut id {
        let digit = usize::try_from(random & 15).unwrap_or(0);
        *slot = DIGITS.get(digit).copied().unwrap_or(b'0');
        random >>= 4;
    }
    if let Ok(value) = HeaderValue::from_bytes(&id) {
        headers.insert(REQUEST_ID, value);
    }
}

/// The id of the request, as text.
pub(super) fn request_id(headers: &HeaderMap) -> &str {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
}

fn strip(headers: &mut HeaderMap, concerns: impl Fn(&str) -> bool) {
    let names: Vec<HeaderName> = headers
        .keys()
        .filter(|name| concerns(name.as_str()))
        .cloned()
        .collect();
    for name in names {
        headers.remove(name);
    }
}
