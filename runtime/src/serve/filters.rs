//! What a route changes: headers, path and host.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use weft_snapshot::view::HeaderChanges;

/// Applies header changes in the order remove, set, add. The compiler has checked names and values; what is
/// none is left out.
pub(super) fn change(headers: &mut HeaderMap, changes: &HeaderChanges<'_>) {
    if changes.is_empty() {
        return;
    }
    for name in changes.remove() {
        headers.remove(name);
    }
    for (name, value) in changes.set() {
        if let Some((name, value)) = field(name, value) {
            headers.insert(name, value);
        }
    }
    for (name, value) in changes.add() {
        if let Some((name, value)) = field(name, value) {
            headers.append(name, value);
        }
    }
}

fn field(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((
        HeaderName::from_bytes(name.as_bytes()).ok()?,
        HeaderValue::from_str(value).ok()?,
    ))
}
