//! Takes off what concerned the last hop and puts on what the next one should know.
//!
//! At the edge, `X-Forwarded-*`, `X-Request-Id`, `Forwarded`, trace context and our own headers are those of
//! a stranger: they go, unless the listener trusts a number of proxies in front. Between proxies of the
//! mesh they pass. Framing headers never pass: they are made anew from the body.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use weft_snapshot::settings::Role;

use super::ProxyError;
use super::head::{self, Survey};
use super::target::Asked;
use crate::worker::Link;

pub(super) const DEADLINE: HeaderName = HeaderName::from_static("x-weft-deadline-ms");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Makes the headers of a request ready to be forwarded.
pub(super) fn prepare(
    link: &Link,
    asked: &Asked<'_>,
    survey: &Survey,
    parts: &mut Parts,
) -> Result<(), ProxyError> {
    let headers = &mut parts.headers;
    if survey.has_hop_headers {
        strip_hop(headers, &survey.nominated);
        if survey.accepts_trailers {
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
        }
    }
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
) -> Result<(), ProxyError> {
    let hops = usize::from(asked.listener.trusted_hops);
    if survey.has_trusted_headers {
        if hops == 0 {
            strip(headers, head::is_trusted_name);
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
            HeaderValue::try_from(chain).map_err(|_| ProxyError::Malformed("bad-forwarded-for"))?
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
    if !headers.contains_key(FORWARDED_HOST) {
        let host = if asked.named_port.is_empty() {
            asked.host.clone()
        } else {
            let named = format!("{}{}", asked.host(), asked.named_port);
            HeaderValue::try_from(named).map_err(|_| ProxyError::Malformed("bad-host"))?
        };
        headers.insert(FORWARDED_HOST, host);
    }
    identify(headers);
    Ok(())
}

/// What the trusted proxies in front said about where the request came from: as many entries as there are
/// proxies, from the right. Entries further left are the client's own claim.
fn trusted_chain(headers: &HeaderMap, hops: usize) -> Option<String> {
    if hops == 0 {
        return None;
    }
    let mut entries: Vec<&str> = Vec::new();
    for value in headers.get_all(FORWARDED_FOR) {
        let entry = value.to_str().unwrap_or("").split(',').map(str::trim);
        entries.extend(entry.filter(|entry| !entry.is_empty()));
    }
    let first = entries.len().saturating_sub(hops);
    let trusted = entries.get(first..).filter(|trusted| !trusted.is_empty())?;
    Some(trusted.join(", "))
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
