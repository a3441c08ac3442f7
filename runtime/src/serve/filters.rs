//! What a route changes: headers, and what may stand in trailers.
//!
//! A server may merge trailers into the headers (RFC 9110, 6.5.1), so what policy keeps out of the headers is kept out of
//! the trailers too.

use http::Response;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use weft_snapshot::head::{is_trace_name, is_trusted_name, reads_as_a_proxys};
use weft_snapshot::policy::HeaderChanges;
use weft_snapshot::settings::UpstreamProtocol;
use weft_snapshot::view::OutcomeView;

use super::body::Content;
use super::forward::Plan;

/// Applies header changes in the order remove, set, add. The compiler has checked names and values; what is
/// none is left out.
pub(super) fn change(headers: &mut HeaderMap, changes: &HeaderChanges) {
    if changes.is_empty() {
        return;
    }
    for name in &changes.remove {
        headers.remove(name);
    }
    for (name, value) in &changes.set {
        if let Some((name, value)) = field(name, value) {
            headers.insert(name, value);
        }
    }
    for (name, value) in &changes.add {
        if let Some((name, value)) = field(name, value) {
            headers.append(name, value);
        }
    }
}

/// Applies the changes of a route to a response of the upstream, its trailers included.
pub(super) fn change_response(
    mut response: Response<Content>,
    outcome: &OutcomeView<'_>,
) -> Response<Content> {
    let changes = &outcome.policy().response_headers;
    change(response.headers_mut(), changes);
    if let Content::Upstream(upstream) = response.body_mut() {
        upstream.trailers = Trailers::of_response(changes);
    }
    response
}

/// What becomes of the trailers of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Trailers {
    /// They are left out.
    Dropped,
    /// They pass, without what no trailer may say.
    Passed {
        /// Names that the route removes, sets or adds: they are not the sender's to say.
        changed: Vec<HeaderName>,
        /// Whether names with an underscore pass.
        keeps_underscores: bool,
    },
}

impl Trailers {
    /// Of a request: they pass where the route says so, and for gRPC towards HTTP/2. Others would surprise a server that
    /// takes none, and one that answers with an error and closes takes requests of others with it.
    /// Where they do not, `headers` announce none.
    pub(super) fn of_request(
        plan: &Plan<'_>,
        protocol: UpstreamProtocol,
        headers: &mut HeaderMap,
    ) -> Self {
        let is_grpc = plan.survey.is_grpc;
        if plan.outcome.policy().trailers || (is_grpc && protocol == UpstreamProtocol::Http2) {
            let keeps_underscores = plan.asked.listener.heads.underscores.keeps(is_grpc);
            return Self::passed(&plan.outcome.policy().request_headers, keeps_underscores);
        }
        headers.remove(header::TRAILER);
        Self::Dropped
    }

    /// Of a response: they pass.
    fn of_response(changes: &HeaderChanges) -> Self {
        Self::passed(changes, true)
    }

    fn passed(changes: &HeaderChanges, keeps_underscores: bool) -> Self {
        let written = changes.set.iter().chain(&changes.add);
        let names = changes.remove.iter().chain(written.map(|(name, _)| name));
        let names = names.filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok());
        Self::Passed {
            changed: names.collect(),
            keeps_underscores,
        }
    }
}

/// Leaves in `trailers` what may pass.
pub(super) fn trailers(policy: &Trailers, trailers: &mut HeaderMap) {
    let Trailers::Passed {
        changed,
        keeps_underscores,
    } = policy
    else {
        trailers.clear();
        return;
    };
    let is_refused = |name: &HeaderName| {
        let text = name.as_str();
        let has_underscore = text.as_bytes().contains(&b'_');
        changed.contains(name)
            || is_never_a_trailer(name)
            || is_trusted_name(text)
            || is_trace_name(text)
            || (has_underscore && (!keeps_underscores || reads_as_a_proxys(text)))
    };
    let refused: Vec<HeaderName> = trailers
        .keys()
        .filter(|name| is_refused(name))
        .cloned()
        .collect();
    for name in refused {
        trailers.remove(name);
    }
}

/// Names with which no client of good faith ends a request: a server that merges them would read another message.
pub(super) fn is_framing(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONTENT_LENGTH | header::TRANSFER_ENCODING | header::HOST
    )
}

/// Names that would change how a message is framed, routed, authenticated, handled or read, which comes too late in a
/// trailer (RFC 9110, 6.5.1), and those of one hop.
fn is_never_a_trailer(name: &HeaderName) -> bool {
    let is_known = matches!(
        *name,
        header::CONNECTION
            | header::TE
            | header::TRAILER
            | header::UPGRADE
            | header::MAX_FORWARDS
            | header::EXPECT
            | header::RANGE
            | header::IF_MATCH
            | header::IF_NONE_MATCH
            | header::IF_MODIFIED_SINCE
            | header::IF_UNMODIFIED_SINCE
            | header::IF_RANGE
            | header::CACHE_CONTROL
            | header::PRAGMA
            | header::AUTHORIZATION
            | header::PROXY_AUTHORIZATION
            | header::PROXY_AUTHENTICATE
            | header::WWW_AUTHENTICATE
            | header::COOKIE
            | header::SET_COOKIE
            | header::AGE
            | header::EXPIRES
            | header::DATE
            | header::LOCATION
            | header::RETRY_AFTER
            | header::VARY
            | header::WARNING
            | header::CONTENT_ENCODING
            | header::CONTENT_TYPE
            | header::CONTENT_RANGE
    );
    let is_other = matches!(
        name.as_str(),
        "keep-alive" | "proxy-connection" | "grpc-timeout"
    );
    is_framing(name) || is_known || is_other
}

fn field(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((
        HeaderName::from_bytes(name.as_bytes()).ok()?,
        HeaderValue::from_str(value).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(changed: &[&'static str], keeps_underscores: bool) -> Trailers {
        Trailers::Passed {
            changed: changed
                .iter()
                .map(|name| HeaderName::from_static(name))
                .collect(),
            keeps_underscores,
        }
    }

    fn left(policy: &Trailers, names: &[&'static str]) -> Vec<String> {
        let mut map = HeaderMap::new();
        for name in names {
            map.append(*name, HeaderValue::from_static("1"));
            map.append(*name, HeaderValue::from_static("2"));
        }
        trailers(policy, &mut map);
        let mut left: Vec<String> = map.keys().map(ToString::to_string).collect();
        left.sort();
        left
    }

    #[test]
    fn what_is_not_said_to_pass_is_left_out() {
        assert!(left(&Trailers::Dropped, &["x-checksum", "grpc-status"]).is_empty());
    }

    #[test]
    fn what_policy_keeps_out_of_headers_stays_out_of_trailers() {
        let policy = passed(&["x-user-id", "x-tenant"], true);
        let names = [
            "x-user-id",
            "x-tenant",
            "x-forwarded-for",
            "forwarded",
            "x-real-ip",
            "x-request-id",
            "x-weft-deadline-ms",
            "traceparent",
            "baggage",
            "b3",
            "x-b3-traceid",
            "x_forwarded_for",
            "x-checksum",
        ];
        assert_eq!(left(&policy, &names), ["x-checksum"]);
    }

    #[test]
    fn what_frames_routes_or_authenticates_never_passes() {
        let policy = passed(&[], true);
        let names = [
            "transfer-encoding",
            "content-length",
            "host",
            "connection",
            "keep-alive",
            "proxy-connection",
            "te",
            "upgrade",
            "trailer",
            "authorization",
            "cookie",
            "set-cookie",
            "content-type",
            "content-encoding",
            "cache-control",
            "expect",
        ];
        assert!(left(&policy, &names).is_empty());
    }

    #[test]
    fn status_and_metadata_of_grpc_pass() {
        let names = ["grpc-status", "grpc-message", "x_meta", "etag"];
        assert_eq!(
            left(&passed(&[], true), &names),
            ["etag", "grpc-message", "grpc-status", "x_meta"]
        );
        assert_eq!(
            left(&passed(&[], false), &names),
            ["etag", "grpc-message", "grpc-status"]
        );
    }
}
