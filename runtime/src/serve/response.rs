//! What an upstream may answer. hyper has parsed it; what it accepts and a client must not see ends here.

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
pub(super) use http::response::Parts;

use weft_snapshot::Reason;

use super::forwarding::strip_hop;
use super::head;

/// Checks a response to a request that asked for no upgrade.
///
/// # Errors
///
/// The reason for a 502.
pub(super) fn check(parts: &Parts) -> Result<(), Reason> {
    let status = parts.status.as_u16();
    if status == 101 {
        return Err(Reason::UnaskedUpgrade);
    }
    if !(200..=599).contains(&status) {
        return Err(Reason::BadStatus);
    }
    check_framing(&parts.headers)
}

fn check_framing(headers: &HeaderMap) -> Result<(), Reason> {
    const AMBIGUOUS: Reason = Reason::AmbiguousResponseFraming;
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let length = lengths.next();
    let is_number = |value: &[u8]| !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    if lengths.next().is_some() || length.is_some_and(|value| !is_number(value.as_bytes())) {
        return Err(AMBIGUOUS);
    }
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else {
        return Ok(());
    };
    let is_plain = coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    if length.is_some() || codings.next().is_some() || !is_plain {
        return Err(AMBIGUOUS);
    }
    Ok(())
}

/// Takes off what concerned the hop to the upstream.
pub(super) fn strip(headers: &mut HeaderMap) {
    let is_hop = |name: &header::HeaderName| {
        matches!(
            *name,
            header::CONNECTION | header::TRANSFER_ENCODING | header::UPGRADE | header::TE
        ) || matches!(name.as_str(), "keep-alive" | "proxy-connection")
    };
    if !headers.keys().any(is_hop) {
        return;
    }
    // An upstream that names what it must not is answered by leaving that in place.
    let nominated = head::nominated(headers).unwrap_or_default();
    strip_hop(headers, &nominated);
}

/// The protocol that a 426 asks for, which it has to name to a client of HTTP/1.1 (RFC 9110, 15.5.22).
pub(super) fn asked_upgrade(parts: &Parts) -> Option<HeaderValue> {
    let is_asking = parts.status == StatusCode::UPGRADE_REQUIRED;
    is_asking.then(|| parts.headers.get(header::UPGRADE).cloned())?
}

/// Names the protocol that is asked for.
pub(super) fn ask_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(header::UPGRADE, protocol);
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
}
