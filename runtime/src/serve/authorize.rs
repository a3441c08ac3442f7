//! Who may call what: the access rules of a sidecar, by verified identity, method and path.

use http::request::Parts;
use weft_snapshot::Access;
use weft_snapshot::settings::{ListenerSecurity, Role};

use super::ProxyError;
use super::target::Asked;
use crate::worker::{Link, View};

/// Enforces the access rules at inbound listeners.
///
/// An inbound listener without TLS cannot verify anybody, so a mesh that disables mTLS has no access rules
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
    let (slice, method) = (&view.active.slice, parts.method.as_str());
    match slice.authorize(identity, method, asked.path(parts)) {
        Access::Admitted(_) => Ok(()),
        Access::Refused(_) => Err(ProxyError::NotAllowed),
    }
}
