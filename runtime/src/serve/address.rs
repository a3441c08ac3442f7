//! Where a request goes: path and query, the host that the upstream sees, and the form of the target.
//!
//! The host is that of the rule if it rewrites it, else that of the service, else as it was received, port included
//! (RFC 9110, 7.2): applications make absolute URLs of it and compare it with `Origin`.

use http::Version;
use http::header::{CONNECTION, HOST, HeaderValue};
use http::request::Parts;
use http::uri::{PathAndQuery, Scheme, Uri};
use weft_snapshot::Reason;
use weft_snapshot::settings::{UpstreamProtocol, UpstreamSecurity};

use super::forward::Plan;
use crate::worker::{ClusterState, Link};

/// Writes where the request goes.
///
/// # Errors
///
/// [`Reason::BadRewrite`] where that is no target or no host.
pub(super) fn write(
    link: &Link,
    plan: &Plan<'_>,
    parts: &mut Parts,
    protocol: UpstreamProtocol,
    cluster: &ClusterState,
) -> Result<(), Reason> {
    let changed = match plan.outcome.path() {
        Some(rewrite) => Some(rewrite.apply(plan.asked.path(parts))),
        None => plan.asked.path.clone(),
    };
    let target = match changed {
        None => parts.uri.path_and_query().cloned(),
        Some(path) => {
            let target = match parts.uri.query() {
                Some(query) => format!("{path}?{query}"),
                None => path,
            };
            Some(PathAndQuery::try_from(target).map_err(|_refused| Reason::BadRewrite)?)
        }
    };
    let target = target.unwrap_or(PathAndQuery::from_static("/"));
    let host = match plan.outcome.host() {
        Some(host) => HeaderValue::from_str(host).map_err(|_refused| Reason::BadRewrite)?,
        None => match &cluster.cluster.settings.host {
            Some(host) => HeaderValue::from_str(host).map_err(|_refused| Reason::BadRewrite)?,
            None => plan.asked.host_for(&cluster.cluster.settings.name)?,
        },
    };
    parts.extensions.clear();
    match protocol {
        UpstreamProtocol::Http1 => {
            parts.version = Version::HTTP_11;
            parts.uri = Uri::from(target);
            if parts.headers.get(HOST) != Some(&host) {
                parts.headers.insert(HOST, host);
            }
            if cluster.cluster.settings.keep_alive_millis == 0 {
                // RFC 9112, 9.6: the upstream need not wait for another request.
                let close = HeaderValue::from_static("close");
                parts.headers.insert(CONNECTION, close);
            }
        }
        UpstreamProtocol::Http2 => {
            parts.version = Version::HTTP_2;
            parts.headers.remove(HOST);
            let host = host.to_str().map_err(|_refused| Reason::BadRewrite)?;
            let mut uri = http::uri::Parts::default();
            uri.scheme = Some(match cluster.cluster.settings.security {
                UpstreamSecurity::Plaintext => Scheme::HTTP,
                UpstreamSecurity::Mtls { identity: _ }
                | UpstreamSecurity::Tls { name: _, roots: _ } => Scheme::HTTPS,
            });
            uri.authority = Some(link.authority(host).ok_or(Reason::BadRewrite)?);
            uri.path_and_query = Some(target);
            parts.uri = Uri::from_parts(uri).map_err(|_refused| Reason::BadRewrite)?;
        }
    }
    Ok(())
}
