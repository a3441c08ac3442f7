//! Requests that ended before there was a request to serve: the parser refused the head, or the head
//! did not come in time.
//!
//! hyper writes the answer to a head that it refuses by itself, without a word of ours in it; what is left
//! to us is to count such a request and to give it a line in the access log.

use std::rc::Rc;
use std::sync::Arc;

use weft_snapshot::Reason;

use super::meter::unix_micros;
use crate::shared::AccessEntry;
use crate::worker::Link;

/// The parser refused a head, with `error`.
pub(crate) fn refused_by_parser(link: &Rc<Link>, error: &hyper::Error) {
    let reason = if error.is_parse_version_h2() {
        // Met by a close without an answer.
        Reason::UnknownVersion
    } else if !error.is_parse_too_large() {
        Reason::MalformedRequest
    } else if error.to_string().contains("URI") {
        // The two kinds of "too large" are told apart by nothing else.
        Reason::TargetTooLong
    } else {
        Reason::HeadTooLarge
    };
    note(link, reason);
}

/// The head did not come in time.
pub(crate) fn head_timeout(link: &Rc<Link>) {
    note(link, Reason::HeadTimeout);
}

fn note(link: &Rc<Link>, reason: Reason) {
    let counters = &link.worker.counters;
    counters.requests_refused.add(1);
    if !link.worker.sink.wants() {
        return;
    }
    let entry = AccessEntry {
        active: Arc::clone(&link.view().active),
        start_unix_micros: unix_micros(),
        duration_micros: 0,
        head_micros: 0,
        listener: String::new(),
        method: String::new(),
        host: String::new(),
        path: String::new(),
        protocol: "HTTP/1.1",
        grpc_status: None,
        status: reason.status(),
        reason: Some(reason),
        upstream_failure: None,
        upstream_failure_detail: "",
        route: None,
        cluster: None,
        upstream: None,
        attempts: 0,
        received: 0,
        sent: 0,
        peer: link.peer,
        peer_identity: link.identity().cloned(),
        request_id: String::new(),
        dropped_fields: 0,
    };
    if !link.worker.sink.record(entry) {
        counters.access_log_dropped.add(1);
    }
}
