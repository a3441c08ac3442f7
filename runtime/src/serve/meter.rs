//! What is counted and logged of one request, from its head to the last byte of the response.
//!
//! A meter lives as long as the request: in [`super::serve`], then in the response body. Dropping it, for
//! whatever reason, is the end of the request.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::header::{CONNECTION, HeaderName, HeaderValue};
use http::{Method, Request, Response, Version};
use hyper::body::Incoming;
use tokio::time::Instant;
use weft_snapshot::settings::Listener;
use weft_snapshot::view::Route;

use super::body::{Body, Content};
use super::forwarding;
use super::request_body::Source;
use crate::shared::AccessEntry;
use crate::worker::{Link, RouteState, View};

const SNAPSHOT: HeaderName = HeaderName::from_static("x-weft-snapshot");

/// The measure of one request.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent finding"
)]
pub(super) struct Meter {
    pub(super) started: Instant,
    pub(super) reason: &'static str,
    pub(super) tries: u32,
    pub(super) cluster: Option<u32>,
    pub(super) upstream: Option<SocketAddr>,
    pub(super) source: Option<Rc<Source>>,
    pub(super) sent: u64,
    pub(super) is_grpc: bool,
    /// The connection closes after the response.
    pub(super) closes: bool,
    link: Rc<Link>,
    view: Rc<View>,
    route: Option<(u32, Rc<RouteState>)>,
    status: u16,
    is_head: bool,
    is_http2: bool,
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
        request: &Request<Incoming>,
    ) -> Box<Self> {
        link.begin();
        link.worker.counters.requests_running.add(1);
        let draft = link.worker.sink.wants().then(|| Draft::of(request));
        Box::new(Self {
            started: Instant::now(),
            reason: "",
            tries: 0,
            cluster: None,
            upstream: None,
            source: None,
            sent: 0,
            is_grpc: false,
            closes: false,
            link: Rc::clone(link),
            view: Rc::clone(view),
            route: None,
            status: 0,
            is_head: *request.method() == Method::HEAD,
            is_http2: request.version() == Version::HTTP_2,
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

    pub(super) fn note_request_id(&mut self, headers: &http::HeaderMap) {
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

    pub(super) fn is_head(&self) -> bool {
        self.is_head
    }

    pub(super) fn is_http2(&self) -> bool {
        self.is_http2
    }

    pub(super) fn link(&self) -> &Rc<Link> {
        &self.link
    }

    /// Puts the last headers on the response and goes on with its body.
    pub(super) fn attach(mut self: Box<Self>, mut response: Response<Content>) -> Response<Body> {
        self.status = response.status().as_u16();
        if let Some(generation) = &self.view.active.generation_header {
            response.headers_mut().insert(SNAPSHOT, generation.clone());
        }
        let ends = self.closes || self.link.is_draining();
        if ends && !self.is_http2 && self.status != 101 {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(draft) = &mut self.draft {
            draft.head_micros = whole_micros(self.started);
        }
        response.map(|content| Body::new(content, self))
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
            protocol: if self.is_http2 { "HTTP/2" } else { "HTTP/1.1" },
            status: self.status,
            reason: self.reason,
            route: self.route.as_ref().map(|(index, _)| *index),
            cluster: self.cluster,
            upstream: self.upstream,
            attempts: self.tries,
            received: self.source.as_ref().map_or(0, |source| source.received()),
            sent: self.sent,
            peer: self.link.peer,
            peer_identity: self.link.identity().cloned(),
            request_id: draft.request_id,
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let micros = whole_micros(self.started);
        let counters = &self.link.worker.counters;
        counters.requests_running.subtract(1);
        if let Some((_, state)) = &self.route {
            let class = match self.status {
                100..=599 => usize::from(self.status / 100).saturating_sub(1),
                _gone => 5,
            };
            if let Some(count) = state.counters.by_class.get(class) {
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
        self.link.end();
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
