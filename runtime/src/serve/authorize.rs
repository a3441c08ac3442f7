//! Who may call what: the access rules of a sidecar, by verified identity, method and path.

use http::request::Parts;
use weft_snapshot::Reason;

use super::target::Asked;
use crate::worker::{Link, View};

/// Enforces the access rules at inbound listeners.
///
/// # Errors
///
/// When the peer is unknown or not allowed.
pub(super) fn authorize(
    link: &Link,
    view: &View,
    asked: &Asked<'_>,
    parts: &Parts,
) -> Result<(), Reason> {
    let identity = link.identity().map(AsRef::as_ref);
    let call = (parts.method.as_str(), asked.path(parts));
    let access = view.active.slice.admit(asked.listener, identity, call);
    access.refusal().map_or(Ok(()), Err)
}
