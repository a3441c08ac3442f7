//! What the proxy says itself: a status, the reason in `x-weft-reason`, and a line of text. gRPC calls get
//! the same as a gRPC status.

use std::rc::Rc;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use weft_snapshot::Reason;

use super::body::Content;
use super::meter::Meter;
use crate::worker::Link;

const REASON: HeaderName = HeaderName::from_static("x-weft-reason");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const METHODS: HeaderValue =
    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

/// Answers with a reason.
pub(super) fn answer(link: &Rc<Link>, meter: &mut Meter, reason: Reason) -> Response<Content> {
    let name = reason.name();
    meter.reason = Some(reason);
    meter.closes |= reason.closes();
    if meter.route().is_none() {
        link.worker.counters.requests_refused.add(1);
    }
    meter.is_own_answer = true;
    // A few bytes of compressed head can stand for very many, which are decoded before they are refused.
    if matches!(reason, Reason::HeadTooLarge | Reason::TooManyFields) {
        link.note_fault();
    }
    let mut response = Response::new(Content::Empty);
    response
        .headers_mut()
        .insert(REASON, HeaderValue::from_static(name));
    if meter.is_grpc {
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        let status = reason.grpc_status().number();
        headers.insert(GRPC_STATUS, HeaderValue::from_static(status));
        headers.insert(GRPC_MESSAGE, HeaderValue::from_static(name));
        meter.note_grpc_status(headers);
        return response;
    }
    // Every reason that reaches a client has one; a test holds the table to that.
    let status = StatusCode::from_u16(reason.status()).unwrap_or(StatusCode::BAD_REQUEST);
    *response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, METHODS);
    }
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    let body = Bytes::from(format!("{status}: {name}\n"));
    if meter.is_head() {
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    } else {
        *response.body_mut() = Content::Whole(body);
    }
    response
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use weft_snapshot::Reason;
    use weft_snapshot::reason::Sender;

    #[test]
    fn every_reason_that_a_client_sees_has_a_status() {
        for reason in Reason::ALL {
            let is_answer = StatusCode::from_u16(reason.status())
                .is_ok_and(|status| status.is_client_error() || status.is_server_error());
            assert!(is_answer || reason.sender() == Sender::Log, "{reason}");
        }
    }
}
