//! What the proxy says itself: a status, the reason in `x-weft-reason`, and a line of text. gRPC calls get
//! the same as a gRPC status.

use std::rc::Rc;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use super::ProxyError;
use super::body::Content;
use super::meter::Meter;
use crate::worker::Link;

const REASON: HeaderName = HeaderName::from_static("x-weft-reason");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const METHODS: HeaderValue =
    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

/// Turns an error into an answer.
pub(super) fn answer(link: &Rc<Link>, meter: &mut Meter, error: &ProxyError) -> Response<Content> {
    let (status, reason) = error.verdict();
    meter.reason = reason;
    meter.closes |= error.closes();
    if meter.route().is_none() {
        link.worker.counters.requests_refused.add(1);
    }
    meter.is_own_answer = true;
    // A few bytes of compressed head can stand for very many, which are decoded before they are refused.
    if matches!(error, ProxyError::HeadTooLarge | ProxyError::TooManyFields) {
        link.note_fault();
    }
    let mut response = Response::new(Content::Empty);
    response
        .headers_mut()
        .insert(REASON, HeaderValue::from_static(reason));
    if meter.is_grpc {
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(GRPC_STATUS, HeaderValue::from_static(grpc_status(status)));
        headers.insert(GRPC_MESSAGE, HeaderValue::from_static(reason));
        meter.note_grpc_status(headers);
        return response;
    }
    *response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, METHODS);
    }
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    let body = Bytes::from(format!("{status}: {reason}\n"));
    if meter.is_head() {
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    } else {
        *response.body_mut() = Content::Whole(body);
    }
    response
}

/// The gRPC status for an HTTP status, after the mapping of the gRPC documentation; time-outs are told apart.
fn grpc_status(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "13",
        401 => "16",
        403 => "7",
        404 => "12",
        413 => "8",
        504 => "4",
        429 | 502 | 503 => "14",
        _ => "2",
    }
}
