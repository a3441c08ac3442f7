//! Finds the route: canonical host, the listener that owns it, canonical path, and the decision.

use std::borrow::Cow;
use std::rc::Rc;

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use weft_snapshot::choice::{hears_nameless, listener_of};
use weft_snapshot::head::Fate;
use weft_snapshot::settings::{HeadRules, Listener, service_of};
use weft_snapshot::view::Route;
use weft_snapshot::{Headers, Reason, Request, canonical};

use super::head::{self, Survey};
use super::meter::Meter;
use crate::shared::ActivePort;
use crate::worker::{Link, View};

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Asked<'v> {
    /// `gateway/<name>` or `service/<name>`.
    node: &'v str,
    pub(super) listener: &'v Listener,
    pub(super) route: Route<'v>,
    /// The canonical host; empty when the request names none.
    host: HeaderValue,
    /// The host as it was received, with its port: what the upstream is to see (RFC 9110, 7.2).
    pub(super) received: HeaderValue,
    /// The port that the client named, with its colon; empty without.
    pub(super) named_port: String,
    /// The canonical path when it is not the one that was sent.
    pub(super) path: Option<String>,
}

impl Asked<'_> {
    /// The canonical path.
    pub(super) fn path<'a>(&'a self, parts: &'a Parts) -> &'a str {
        self.path.as_deref().unwrap_or_else(|| parts.uri.path())
    }

    /// The host that is sent to a cluster: that of the request. One that names none goes out under the name
    /// of the service, the default that RFC 9112, 3.3 lets a server have; HTTP/1.1 needs one.
    ///
    /// # Errors
    ///
    /// When the name of the service is no value of a header.
    pub(super) fn host_for(&self, cluster: &str) -> Result<HeaderValue, Reason> {
        if !self.received.is_empty() {
            return Ok(self.received.clone());
        }
        let service = service_of(cluster, self.node);
        HeaderValue::from_str(service).map_err(|_not_a_value| Reason::BadRewrite)
    }

    /// The canonical host as text.
    pub(super) fn host(&self) -> &str {
        // Made from text, so it is text.
        self.host.to_str().unwrap_or("")
    }
}

/// The headers as rules see them: without those that the listener does not keep.
struct RequestHeaders<'h> {
    headers: &'h HeaderMap,
    /// Of the listener, and whether the request is a gRPC call; none where every header is kept.
    rules: Option<(HeadRules, bool)>,
}

impl Headers for RequestHeaders<'_> {
    fn values<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        let is_kept = self
            .rules
            .is_none_or(|(rules, is_grpc)| rules.fate(name, is_grpc) == Fate::Kept);
        let values = self.headers.get_all(name).into_iter();
        values.filter(move |_| is_kept).map(HeaderValue::as_bytes)
    }
}

/// Finds the route of a request.
///
/// # Errors
///
/// When the request has no canonical form, or nothing serves it.
pub(super) fn resolve<'v>(
    link: &Link,
    view: &'v Rc<View>,
    meter: &mut Meter,
    survey: &Survey,
    parts: &Parts,
) -> Result<Asked<'v>, Reason> {
    let raw = raw_host(parts)?;
    let canonical_host = match raw {
        "" => Cow::Borrowed(""),
        raw => canonical::host(raw)?,
    };
    meter.note_host(&canonical_host);
    let port = view.active.port(link.port).ok_or(Reason::UnknownHost)?;
    let listener = listener_of(&port.listeners, &canonical_host).ok_or(Reason::UnknownHost)?;
    check_server_name(link, port, listener)?;
    head::admit(listener.heads, survey, parts)?;
    let path = canonical::path(parts.uri.path(), listener.path)?;
    meter.note_path(&path, listener);
    let request = Request {
        method: parts.method.as_str(),
        host: &canonical_host,
        path: &path,
        query: parts.uri.query(),
        headers: &RequestHeaders {
            headers: &parts.headers,
            rules: survey
                .has_underscores
                .then_some((listener.heads, survey.is_grpc)),
        },
    };
    let decided = view.active.slice.decide(listener.table, &request);
    let route = decided
        .map_err(|_repeated| Reason::RepeatedHeader)?
        .ok_or(Reason::NoRoute)?;
    meter.note_route(view, &route);
    let named_port = named_port(raw).to_owned();
    let path = match path {
        Cow::Borrowed(same) if same.len() == parts.uri.path().len() => None,
        other @ (Cow::Borrowed(_) | Cow::Owned(_)) => Some(other.into_owned()),
    };
    let received = host_value(parts, raw.strip_suffix(':').unwrap_or(raw))?;
    let host = if received.as_bytes() == canonical_host.as_bytes() {
        received.clone()
    } else {
        host_value(parts, &canonical_host)?
    };
    Ok(Asked {
        node: &view.active.slice.settings().node,
        listener,
        route,
        host,
        received,
        named_port,
        path,
    })
}

/// The host as sent: of the target when it names one, else of the Host header; both must agree. Empty for a request of
/// HTTP/1.0 that names none, which belongs to the host `*` (RFC 9112, 3.3: the authority is empty).
fn raw_host(parts: &Parts) -> Result<&str, Reason> {
    const MISSING: Reason = Reason::MissingHost;
    const BAD: Reason = Reason::BadHost;
    let header = match parts.headers.get(header::HOST) {
        Some(value) if value.is_empty() => return Err(BAD),
        Some(value) => Some(value.to_str().map_err(|_not_text| BAD)?),
        None => None,
    };
    let is_old = parts.version == http::Version::HTTP_10;
    match (parts.uri.authority(), header) {
        (Some(target), Some(header)) if !target.as_str().eq_ignore_ascii_case(header) => {
            Err(Reason::TwoHosts)
        }
        // RFC 9112, 3.2: a request in HTTP/1.1 has a Host, also when the target names one.
        (Some(_), None) if parts.version != http::Version::HTTP_2 && !is_old => Err(MISSING),
        (Some(target), _) => Ok(target.as_str()),
        (None, Some(header)) => Ok(header),
        (None, None) if is_old => Ok(""),
        (None, None) => Err(MISSING),
    }
}

/// The port that an authority names, with its colon; empty without.
pub(super) fn named_port(raw: &str) -> &str {
    let Some(colon) = raw.rfind(':') else {
        return "";
    };
    let (_, port) = raw.split_at(colon);
    let is_port = 1 < port.len() && port.bytes().skip(1).all(|byte| byte.is_ascii_digit());
    if is_port { port } else { "" }
}

/// A host as a header value: the one that came when it is the same.
fn host_value(parts: &Parts, host: &str) -> Result<HeaderValue, Reason> {
    match parts.headers.get(header::HOST) {
        Some(value) if value.as_bytes() == host.as_bytes() => Ok(value.clone()),
        Some(_) | None => HeaderValue::from_str(host).map_err(|_not_a_value| Reason::BadHost),
    }
}

/// Refuses a request for one host on a connection that was made for another with a different TLS policy.
fn check_server_name(link: &Link, port: &ActivePort, listener: &Listener) -> Result<(), Reason> {
    let Some(first) = port.listeners.first() else {
        return Ok(());
    };
    let is_uniform = port
        .listeners
        .iter()
        .all(|other| other.security == first.security);
    if is_uniform || !link.encrypted.get() {
        return Ok(());
    }
    let is_met = match link.server_name.get() {
        Some(name) => listener_of(&port.listeners, name)
            .is_some_and(|named| named.security == listener.security),
        None => hears_nameless(&port.listeners.iter(), listener),
    };
    if is_met {
        Ok(())
    } else {
        Err(Reason::Misdirected)
    }
}

#[cfg(test)]
mod tests {
    use super::named_port;

    #[test]
    fn only_digits_after_the_last_colon_are_a_port() {
        assert_eq!(named_port("a.example:8080"), ":8080");
        assert_eq!(named_port("[::1]:80"), ":80");
        assert_eq!(named_port("[::1]"), "");
        assert_eq!(named_port("a.example"), "");
        assert_eq!(named_port("a.example:"), "");
    }
}
