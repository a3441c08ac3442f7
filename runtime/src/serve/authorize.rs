//! Who may call what: the allow rules of a sidecar, by verified identity, method and path.

use http::request::Parts;
use weft_snapshot::settings::{ListenerSecurity, Role};

use super::ProxyError;
use super::target::Asked;
use crate::worker::{Link, View};

/// Enforces the allow rules at inbound listeners.
///
/// An inbound listener without TLS cannot verify anybody, so a mesh that disables mTLS has no allow rules
/// in force. A permissive listener serves plaintext peers only what needs no identity, which is nothing.
///
/// # Errors
///
/// When the peer is unknown or not allowed.
pub(super) fn authorize(
    link: &Link,
    view: &View,
    asked: &Asked<'_>,
    parts: &Parts,
) -> Result<(), ProxyError> {
    match asked.listener.role {
        Role::Edge | Role::Outbound => return Ok(()),
        Role::Inbound => {}
    }
    let Some(identity) = link.identity() else {
        return match asked.listener.security {
            ListenerSecurity::Plaintext => Ok(()),
            ListenerSecurity::Tls { certificate: _ }
            | ListenerSecurity::Mtls
            | ListenerSecurity::Permissive {
                until_unix_seconds: _,
            } => Err(ProxyError::NoIdentity),
        };
    };
    let rule = view
        .active
        .slice
        .authorize(identity, parts.method.as_str(), asked.path(parts));
    rule.map(|_position| ()).ok_or(ProxyError::NotAllowed)
}
