//! What is counted and logged of one request, from its head to the last byte of the response.
//!
//! A meter lives as long as the request: in [`super::serve`], then in the response body. Dropping it, for
//! whatever reason, is the end of the request.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::header::{CONNECTION, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response, Version};
use tokio::time::Instant;
use weft_snapshot::Reason;
use weft_snapshot::settings::Listener;
use weft_snapshot::view::Route;

use super::body::{Body, Content};
use super::request_body::BodySource;
use super::rest::{Rest, SHORT};
use super::{Incoming, forwarding, head};
use crate::shared::{AccessEntry, Example, Place};
use crate::upstream::Trouble;
use crate::worker::{Link, RouteState, StreamControl, View};

const SNAPSHOT: HeaderName = HeaderName::from_static("x-weft-snapshot");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// The measure of one request.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent finding"
)]
pub(super) struct Meter {
    pub(super) started: Instant,
    /// Why the proxy answers itself, or cut an answer; none as long as all goes well.
    pub(super) reason: Option<Reason>,
    /// The last try that failed, whatever came of the next.
    pub(super) trouble: Option<Trouble>,
    pub(super) tries: u32,
    pub(super) cluster: Option<u32>,
    /// Its place among those that may run at one time, given back when it ends.
    pub(super) place: Option<Place>,
    pub(super) upstream: Option<SocketAddr>,
    pub(super) source: Option<Rc<BodySource>>,
    /// The body of the request, until it is forwarded.
    pub(super) unread: Option<Incoming>,
    pub(super) expects_continue: bool,
    /// The proxy answers although the request was forwarded.
    pub(super) is_own_answer: bool,
    pub(super) sent: u64,
    pub(super) is_grpc: bool,
    grpc_status: Option<u32>,
    control: Option<Rc<StreamControl>>,
    /// Header fields that the listener left out.
    dropped_fields: u32,
    /// The connection closes after the response.
    pub(super) closes: bool,
    link: Rc<Link>,
    view: Rc<View>,
    route: Option<(u32, Rc<RouteState>)>,
    status: u16,
    is_head: bool,
    version: Version,
    draft: Option<Box<Draft>>,
}

/// What only the access log wants to know.
#[derive(Debug)]
struct Draft {
    start_unix_micros: u64,
    head_micros: u64,
    method: String,
    host: String,
    path: String,
    listener: String,
    request_id: String,
}

impl Meter {
    /// The head of `request` was read.
    pub(super) fn begin(
        link: &Rc<Link>,
        view: &Rc<View>,
        control: Option<Rc<StreamControl>>,
        request: &Request<Incoming>,
    ) -> Box<Self> {
        link.begin();
        // What an earlier request left was read, or there would be no head after it.
        link.leaves_unread.set(false);
        link.worker.counters.requests_running.add(1);
        let draft = link.worker.sink.wants().then(|| Draft::of(request));
        Box::new(Self {
            started: Instant::now(),
            reason: None,
            trouble: None,
            tries: 0,
            cluster: None,
            place: None,
            upstream: None,
            source: None,
            unread: None,
            expects_continue: false,
            is_own_answer: false,
            sent: 0,
            // Known before anything is refused, so that a refusal is told in the client's own way.
            is_grpc: head::is_grpc_call(request.headers()),
            grpc_status: None,
            control,
            dropped_fields: 0,
            closes: false,
            link: Rc::clone(link),
            view: Rc::clone(view),
            route: None,
            status: 0,
            is_head: *request.method() == Method::HEAD,
            version: request.version(),
            draft,
        })
    }

    pub(super) fn note_host(&mut self, host: &str) {
        if let Some(draft) = &mut self.draft {
            host.clone_into(&mut draft.host);
        }
    }

    pub(super) fn note_path(&mut self, path: &str, listener: &Listener) {
        if let Some(draft) = &mut self.draft {
            draft.path = cut(path, 1 << 10);
            draft.listener.clone_from(&listener.name);
        }
    }

    /// Says that the listener left out some header fields.
    pub(super) fn note_dropped(&mut self, fields: u32) {
        if 0 < fields {
            self.dropped_fields = fields;
            let counters = &self.link.worker.counters;
            counters.fields_dropped.add(fields.into());
        }
    }

    pub(super) fn note_request_id(&mut self, headers: &HeaderMap) {
        if let Some(draft) = &mut self.draft {
            draft.request_id = cut(forwarding::request_id(headers), 128);
        }
    }

    pub(super) fn note_route(&mut self, view: &Rc<View>, route: &Route<'_>) {
        self.route = Some((route.index(), view.route(&self.link.worker, route)));
    }

    /// The worker's state of the route, once there is one.
    pub(super) fn route(&self) -> Option<&Rc<RouteState>> {
        self.route.as_ref().map(|(_, state)| state)
    }

    /// A try failed, and that is no news: counted, and kept for the access log.
    pub(super) fn count_trouble(&mut self, trouble: Trouble) {
        self.trouble = Some(trouble);
        let counters = &self.link.worker.counters;
        counters.upstream_failures.0.count(trouble.reason().name());
    }

    /// A try failed: counted, kept for the access log, and shown in the proxy's own log now and then.
    pub(super) fn note_trouble(&mut self, trouble: Trouble) {
        let failures = &self.link.worker.counters.upstream_failures.0;
        let address = self.upstream;
        let clusters = &self.view.active.clusters;
        let cluster = self
            .cluster
            .and_then(|at| clusters.get(usize::try_from(at).ok()?));
        let name = cluster.map_or("", |cluster| cluster.settings.name.as_str());
        failures.explain(trouble.reason().name(), || Example {
            address,
            name: Some(name.to_owned()),
            alert: "",
            said: trouble.detail().to_owned(),
        });
        failures.name(trouble.reason().name(), address, || name.to_owned());
        self.count_trouble(trouble);
    }

    pub(super) fn is_head(&self) -> bool {
        self.is_head
    }

    pub(super) fn is_http2(&self) -> bool {
        self.version == Version::HTTP_2
    }

    /// The control of the stream, over HTTP/2.
    pub(super) fn control(&self) -> Option<&Rc<StreamControl>> {
        self.control.as_ref()
    }

    /// Notes how a gRPC call ended: from trailers, or from a head that is all there is.
    pub(super) fn note_grpc_status(&mut self, headers: &HeaderMap) {
        if !self.is_grpc {
            return;
        }
        let status = headers
            .get(GRPC_STATUS)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok());
        self.grpc_status = status.or(self.grpc_status);
    }

    pub(super) fn link(&self) -> &Rc<Link> {
        &self.link
    }

    /// Puts the last headers on the response and goes on with its body.
    pub(super) fn attach(mut self: Box<Self>, mut response: Response<Content>) -> Response<Body> {
        // An answer to a client that left is written for nobody.
        let has_client = self.reason != Some(Reason::ClientGone);
        self.status = if has_client {
            response.status().as_u16()
        } else {
            0
        };
        if let Some(generation) = &self.view.active.generation_header {
            response.headers_mut().insert(SNAPSHOT, generation.clone());
        }
        if self.leaves_rest() {
            self.closes = true;
            self.link.leaves_unread.set(true);
        }
        let ends = self.closes || self.link.is_draining() || self.ends_with_close(&response);
        if ends && !self.is_http2() && self.status != 101 {
            response
                .headers_mut()
                .append(CONNECTION, HeaderValue::from_static("close"));
            if self.version == Version::HTTP_10 {
                // hyper writes `keep-alive` beside our `close` on an answer of 1.1 to a request of 1.0 that asked for it.
                *response.version_mut() = Version::HTTP_10;
            }
        }
        if let Some(draft) = &mut self.draft {
            draft.head_micros = whole_micros(self.started);
        }
        response.map(|content| Body::new(content, self))
    }

    /// Whether nothing but a close can say where the body ends: HTTP/1.0 has no chunks.
    fn ends_with_close(&self, response: &Response<Content>) -> bool {
        self.version == Version::HTTP_10 && response.body().length().is_none()
    }

    /// Whether a body is left unread on HTTP/1, so that the connection cannot serve on.
    fn leaves_rest(&self) -> bool {
        if self.is_http2() {
            return false;
        }
        if let Some(source) = &self.source {
            // After an answer of the upstream the upload goes on, and its rest is read afterwards.
            return !source.has_ended() && (self.is_own_answer || source.is_held());
        }
        let Some(unread) = &self.unread else {
            return false;
        };
        let is_short = http_body::Body::size_hint(unread)
            .exact()
            .is_some_and(|length| length <= SHORT);
        let has_ended = http_body::Body::is_end_stream(unread);
        // Reading would ask for the body that the client holds back.
        !has_ended && (self.closes || self.expects_continue || !is_short)
    }

    /// The rest of the request body, when it is to be read on. Over HTTP/2 also of one whose client expects a 100: many say so and
    /// send at once.
    fn take_rest(&mut self) -> Option<Rest> {
        let unread = self.unread.take().map(Rest::Unread);
        let rest = unread.or_else(|| self.source.take().map(Rest::Source))?;
        let is_left = self.closes && !self.is_http2();
        (!rest.has_ended() && !is_left).then_some(rest)
    }

    /// The class of the outcome among the counters: of the status, and for gRPC of its own status.
    fn class(&self) -> usize {
        let of_http = match self.status {
            100..=599 => usize::from(self.status / 100).saturating_sub(1),
            _gone => 5,
        };
        if !self.is_grpc || self.status != 200 || self.reason == Some(Reason::ClientGone) {
            return of_http;
        }
        match self.grpc_status {
            Some(0) => 1,
            // What the caller asked for wrongly, or gave up: CANCELLED, INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS,
            // PERMISSION_DENIED, FAILED_PRECONDITION, OUT_OF_RANGE, UNAUTHENTICATED.
            Some(1 | 3 | 5 | 6 | 7 | 9 | 11 | 16) => 3,
            // Everything else, and a call that ended without a word, is a failure of the callee.
            Some(_) | None => 4,
        }
    }

    fn entry(&self, draft: Draft, duration_micros: u64) -> AccessEntry {
        AccessEntry {
            active: Arc::clone(&self.view.active),
            start_unix_micros: draft.start_unix_micros,
            duration_micros,
            head_micros: draft.head_micros,
            listener: draft.listener,
            method: draft.method,
            host: draft.host,
            path: draft.path,
            protocol: protocol(self.version),
            grpc_status: self.grpc_status,
            status: self.status,
            reason: if self.link.is_shed() {
                Some(Reason::OverloadedMemory)
            } else {
                self.reason
            },
            upstream_failure: self.trouble.map(Trouble::reason),
            upstream_failure_detail: self.trouble.map_or("", Trouble::detail),
            route: self.route.as_ref().map(|(index, _)| *index),
            cluster: self.cluster,
            upstream: self.upstream,
            attempts: self.tries,
            received: self.source.as_ref().map_or(0, |source| source.received()),
            sent: self.sent,
            peer: self.link.peer,
            peer_identity: self.link.identity().cloned(),
            request_id: draft.request_id,
            dropped_fields: self.dropped_fields,
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let micros = whole_micros(self.started);
        // Nothing was answered and we did not cut it: whoever asked does not wait any more.
        if self.status == 0 && self.reason.is_none() && !self.link.is_to_be_cut() {
            self.reason = Some(Reason::ClientGone);
        }
        let counters = &self.link.worker.counters;
        counters.requests_running.subtract(1);
        if let Some((_, state)) = &self.route {
            if let Some(count) = state.counters.by_class.get(self.class()) {
                count.add(1);
            }
            state.counters.durations.observe(micros);
            state.counters.attempts.add(u64::from(self.tries));
        }
        if let Some(draft) = self.draft.take()
            && !self.link.worker.sink.record(self.entry(*draft, micros))
        {
            counters.access_log_dropped.add(1);
        }
        let is_early = self
            .source
            .as_ref()
            .is_some_and(|source| !source.has_ended());
        let is_http2 = self.is_http2();
        if let Some(rest) = self.take_rest() {
            if !is_http2 {
                // Should it not end in time, the client still has to see the answer.
                self.link.leaves_unread.set(true);
            }
            rest.read_on(Arc::clone(&self.link.worker.counters), is_http2);
        } else if is_early {
            self.link.ends_early();
        }
        self.link.end();
    }
}

/// The version that was spoken, for the log.
fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_10 => "HTTP/1.0",
        _other => "HTTP/1.1",
    }
}

impl Draft {
    fn of(request: &Request<Incoming>) -> Box<Self> {
        let host = request.headers().get(http::header::HOST);
        let host = host.and_then(|host| host.to_str().ok()).unwrap_or("");
        Box::new(Self {
            start_unix_micros: unix_micros(),
            head_micros: 0,
            method: request.method().as_str().to_owned(),
            host: cut(host, 255),
            path: cut(request.uri().path(), 1 << 10),
            listener: String::new(),
            request_id: String::new(),
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the access log is where wall-clock time enters"
)]
pub(super) fn unix_micros() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

fn whole_micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// At most `most` bytes of `text`, at a boundary of characters.
fn cut(text: &str, most: usize) -> String {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("").to_owned()
}
