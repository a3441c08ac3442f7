//! Sends a request up, as often as the route allows, until there is a response for the client.

use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use http::header::{
    CONTENT_LENGTH, EXPECT, HeaderMap, HeaderValue, RETRY_AFTER, TRANSFER_ENCODING,
};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use tokio::time::Instant;
use weft_snapshot::Reason;
use weft_snapshot::repeat::Seen;
use weft_snapshot::settings::{UpstreamProtocol, UpstreamSecurity};
use weft_snapshot::view::{Backends, OutcomeView};

use super::address;
use super::body::{Content, FromUpstream};
use super::deadline::{self, Deadlines};
use super::filters::{self, Trailers};
use super::head::{self, Survey};
use super::meter::Meter;
use super::request_body::{BodySource, Bounds, Hold};
use super::target::Asked;
use super::{Incoming, RequestBody, response, upgrade};
use crate::upstream::{self, ConnectionLimits, Failure, Lease, Retries, Reuse, Trouble};
use crate::worker::{ClusterState, Link, View};

/// What was decided about a request that is forwarded.
pub(super) struct Plan<'v> {
    pub(super) asked: Asked<'v>,
    pub(super) outcome: OutcomeView<'v>,
    pub(super) backends: Backends<'v>,
    pub(super) survey: Survey,
}

/// Forwards a request.
///
/// # Errors
///
/// What the client is told instead of a response.
pub(super) async fn forward(
    link: &Rc<Link>,
    view: &Rc<View>,
    meter: &mut Meter,
    plan: Plan<'_>,
    mut parts: Parts,
) -> Result<Response<Content>, Reason> {
    meter.note_request_id(&parts.headers);
    let cluster = choose(link, view, meter, &plan)?;
    let (timeouts, policy) = (plan.outcome.timeouts(), plan.outcome.policy());
    let deadlines = Deadlines::new(link, meter.started, timeouts, &plan.survey, &parts.headers);
    let retries = Retries::new(&policy.retry, &parts.method);
    let most = policy.max_body;
    if most.is_some_and(|most| plan.survey.length.is_some_and(|length| most < length)) {
        return Err(Reason::BodyTooLarge);
    }
    let is_upgrade = plan.survey.wants_websocket && policy.websocket;
    let protocol = if is_upgrade {
        UpstreamProtocol::Http1
    } else {
        cluster.cluster.settings.protocol
    };
    address::write(link, &plan, &mut parts, protocol, &cluster)?;
    let body = meter.unread.take().unwrap_or(Incoming::Empty);
    frame(&plan.survey, &mut parts, &body, protocol);
    filters::change(&mut parts.headers, &policy.request_headers);
    if body.is_end_stream() {
        // There is nothing to be asked for.
        if plan.survey.expects_continue {
            parts.headers.remove(EXPECT);
        }
    } else {
        let trailers = Trailers::of_request(&plan, protocol, &mut parts.headers);
        let may_repeat = retries.may_need_copy(protocol == UpstreamProtocol::Http2);
        let kept = if may_repeat {
            link.worker.shared.limits.retry_buffer
        } else {
            0
        };
        let bounds = Bounds {
            most,
            kept,
            idle: deadlines.idle,
            ends: deadlines.request,
        };
        let expects_continue = plan.survey.expects_continue;
        let hold = expects_continue.then(|| Hold::new(meter.control()));
        meter.source = Some(BodySource::new(body, bounds, hold, trailers, link));
    }
    let mut tries = Tries {
        link,
        meter,
        cluster,
        deadlines,
        retries,
        survey: &plan.survey,
    };
    let way = if is_upgrade {
        upgrade::ask(&mut parts.headers);
        Way::Upgrade
    } else {
        Way::Plain
    };
    let response = tries.respond(parts, protocol, way).await?;
    Ok(filters::change_response(response, &plan.outcome))
}

fn choose(
    link: &Link,
    view: &View,
    meter: &mut Meter,
    plan: &Plan<'_>,
) -> Result<Rc<ClusterState>, Reason> {
    let mut backends = plan.backends.clone();
    let position = if backends.len() == 1 {
        backends
            .next()
            .filter(|only| 0 < only.share)
            .map(|only| only.cluster)
    } else {
        meter
            .route()
            .and_then(|route| route.split.borrow_mut().next(backends))
    };
    let position = position.ok_or(Reason::NoBackend)?;
    meter.cluster = Some(position);
    view.cluster(&link.worker, position)
        .ok_or(Reason::NoBackend)
}

/// Writes how long the body is; nothing of how the client framed it is copied.
fn frame(survey: &Survey, parts: &mut Parts, body: &Incoming, protocol: UpstreamProtocol) {
    if let Some(length) = survey.length {
        // The value that came is kept where it is what we would write.
        let has_odd_form = parts
            .headers
            .get(CONTENT_LENGTH)
            .is_some_and(|value| 1 < value.len() && value.as_bytes().first() == Some(&b'0'));
        if has_odd_form {
            parts
                .headers
                .insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        return;
    }
    let has_no_body = body.is_end_stream();
    // Servers may ask for a length where a method means something by its body (RFC 9110, 8.6); HTTP/2 needs none.
    let means_a_body = matches!(parts.method, Method::POST | Method::PUT | Method::PATCH);
    if has_no_body && means_a_body && protocol == UpstreamProtocol::Http1 {
        parts
            .headers
            .insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        return;
    }
    // hyper takes a GET of unknown length for one without a body, unless it is told.
    let is_unknown = !has_no_body && body.size_hint().exact().is_none();
    let needs_telling = matches!(parts.method, Method::GET | Method::HEAD);
    if is_unknown && needs_telling && protocol == UpstreamProtocol::Http1 {
        parts
            .headers
            .insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// The tries of one request.
pub(super) struct Tries<'t> {
    pub(super) link: &'t Rc<Link>,
    pub(super) meter: &'t mut Meter,
    pub(super) cluster: Rc<ClusterState>,
    pub(super) deadlines: Deadlines,
    pub(super) survey: &'t Survey,
    retries: Retries<'t>,
}

/// How a request goes up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    Plain,
    /// Over a connection of its own that may become a tunnel.
    Upgrade,
}

/// How one try went.
type Tried = Result<(Response<Incoming>, Lease), Failure>;

impl Tries<'_> {
    async fn respond(
        &mut self,
        mut head: Parts,
        protocol: UpstreamProtocol,
        way: Way,
    ) -> Result<Response<Content>, Reason> {
        let is_http2 = protocol == UpstreamProtocol::Http2;
        let mut connection = self.first_connection();
        // What is never tried again pays for nobody: its budget has no effect.
        if self.retries.has_several_tries() {
            self.cluster.budget.earn(self.retries.budget());
        }
        let mut now = self.meter.started;
        loop {
            self.begin_try();
            let ends = self.deadlines.of_try(now);
            self.announce(&mut head.headers, ends, now);
            let source = self.meter.source.clone();
            let is_replayable = source.as_ref().is_none_or(|source| source.is_replayable());
            let mut copy =
                (self.retries.may_need_copy(is_http2) && is_replayable).then(|| head.clone());
            let body = source
                .as_ref()
                .map_or(RequestBody::Empty, BodySource::take_turn);
            let limits = ConnectionLimits {
                connection,
                connect: self.deadlines.connect,
                keep_alive: self.cluster.cluster.settings.keep_alive_millis.into(),
            };
            let tried = self
                .once(Request::from_parts(head, body), limits, ends, way)
                .await;
            let (again, wait) = match tried {
                Ok((response, lease)) => match self
                    .after_farewell(&response, &lease, &mut copy, &mut connection)
                    .or_else(|| self.after_response(&response, copy))
                {
                    Some(again) => {
                        if response.body().is_end_stream() {
                            lease.give_back(&self.link.worker);
                        }
                        again
                    }
                    None => return self.accept(response, Some(lease), ends),
                },
                Err(failure) => match self.after_end_of_connection(&failure, &mut copy) {
                    Some(again) => {
                        connection = Reuse::Fresh;
                        again
                    }
                    None => self.after_failure(failure, copy)?,
                },
            };
            self.link.worker.counters.retries.add(1);
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            head = again;
            now = Instant::now();
        }
    }

    /// A body that is longer than what is kept of it cannot be sent again. Where that could be wanted, it does not go over a
    /// connection that has been idle for long enough to be at its end.
    fn first_connection(&self) -> Reuse {
        let is_long = |source: &Rc<BodySource>| source.outgrows_what_is_kept();
        if self.retries.may_repeat() && self.meter.source.as_ref().is_some_and(is_long) {
            Reuse::Recent
        } else {
            Reuse::Any
        }
    }

    pub(super) fn begin_try(&mut self) {
        self.retries.begin_try();
        self.meter.tries = self.retries.tries();
    }

    pub(super) fn announce(&self, headers: &mut HeaderMap, ends: Option<Instant>, now: Instant) {
        let to_mesh_peer = matches!(
            self.cluster.cluster.settings.security,
            UpstreamSecurity::Mtls { .. }
        );
        deadline::announce(headers, ends, now, self.survey, to_mesh_peer);
    }

    /// One try, until `ends`.
    async fn once(
        &mut self,
        request: Request<RequestBody>,
        limits: ConnectionLimits,
        ends: Option<Instant>,
        way: Way,
    ) -> Tried {
        let worker = &self.link.worker;
        let Some(endpoint) = upstream::pick(worker, &self.cluster) else {
            return Err(Failure::Sent(Trouble::NoEndpoint));
        };
        self.meter.upstream = Some(endpoint.address);
        // In one place: each wait that took it by value would keep room for a copy.
        let mut sending = pin!(async {
            match way {
                Way::Plain => upstream::send(worker, &endpoint, request, limits).await,
                // Rare, and large: it would make the future of every request as large.
                Way::Upgrade => {
                    Box::pin(upstream::send_upgrade(worker, &endpoint, request, limits)).await
                }
            }
        });
        match ends {
            None => self.unless_silent(sending).await,
            Some(ends) => match tokio::time::timeout_at(ends, sending.as_mut()).await {
                Ok(sent) => sent,
                Err(_elapsed) => Err(Failure::Sent(Trouble::BackendTimeout)),
            },
        }
    }

    /// Waits for `sending` as long as the body moves, or for the route's `idle`. Where nothing else bounds the
    /// wait for a response head, silence does.
    async fn unless_silent<T>(
        &self,
        mut sending: Pin<&mut impl Future<Output = Result<T, Failure>>>,
    ) -> Result<T, Failure> {
        let Some(idle) = self.deadlines.idle else {
            return sending.await;
        };
        let began = Instant::now();
        loop {
            let source = self.meter.source.as_ref();
            let moved = source.map_or(began, |source| source.moved().max(began));
            let Some(until) = moved.checked_add(idle) else {
                return sending.await;
            };
            let waits_for_client = source.is_some_and(|source| source.waits_for_client());
            let until = if waits_for_client {
                Instant::now() + idle
            } else if until <= Instant::now() {
                return Err(Failure::Sent(Trouble::Silent));
            } else {
                until
            };
            if let Ok(sent) = tokio::time::timeout_at(until, sending.as_mut()).await {
                return sent;
            }
        }
    }

    /// Takes the head of `copy` for a free repeat after a connection at its end, when there is one.
    fn after_end_of_connection(
        &mut self,
        failure: &Failure,
        copy: &mut Option<Parts>,
    ) -> Option<(Parts, Duration)> {
        let Failure::Sent(trouble) = failure else {
            return None;
        };
        let can_repeat = copy.is_some() && self.is_still_replayable();
        if !can_repeat || !self.retries.take_free(*trouble) {
            return None;
        }
        self.meter.count_trouble(*trouble);
        copy.take().map(|head| (head, Duration::ZERO))
    }

    /// Takes the head of `copy` for a free repeat after the 408 that some servers write on a connection that was idle for
    /// too long: it meets the next request there, and is not about it.
    fn after_farewell(
        &mut self,
        response: &Response<Incoming>,
        lease: &Lease,
        copy: &mut Option<Parts>,
        connection: &mut Reuse,
    ) -> Option<(Parts, Duration)> {
        let is_farewell = response.status() == StatusCode::REQUEST_TIMEOUT
            && lease.was_idle()
            && head::closes(response.headers());
        let can_repeat = is_farewell && copy.is_some() && self.is_still_replayable();
        if !can_repeat || !self.retries.take_free(Trouble::Stale) {
            return None;
        }
        self.meter.count_trouble(Trouble::Stale);
        *connection = Reuse::Fresh;
        copy.take().map(|head| (head, Duration::ZERO))
    }

    /// The head for another try after a response whose status the route wants to try again.
    fn after_response(
        &self,
        response: &Response<Incoming>,
        copy: Option<Parts>,
    ) -> Option<(Parts, Duration)> {
        let copy = copy.filter(|_| self.retries.wants_after_status(response.status().as_u16()))?;
        self.is_still_replayable().then_some(())?;
        let asked = response.headers().get(RETRY_AFTER).and_then(|value| {
            upstream::retry_after(value.as_bytes(), self.link.worker.unix_seconds())
        });
        Some((copy, self.afford(asked)?))
    }

    /// The head for another try after a failure, or what the client is told.
    fn after_failure(
        &mut self,
        failure: Failure,
        copy: Option<Parts>,
    ) -> Result<(Parts, Duration), Reason> {
        let (head, trouble, sent) = match failure {
            Failure::Unsent(unsent) => {
                let head = unsent.request.into_parts().0;
                (Some(head), unsent.trouble, Seen::No)
            }
            Failure::Sent(trouble) => (copy, trouble, Seen::Perhaps),
        };
        let source = self.meter.source.as_ref();
        if let Some(reason) = source.and_then(|source| source.failure()) {
            return Err(reason);
        }
        self.meter.note_trouble(trouble);
        let told = if trouble == Trouble::BackendTimeout && self.deadlines.is_over(Instant::now()) {
            Reason::RequestTimeout
        } else {
            trouble.reason()
        };
        let is_wanted = self.retries.wants(trouble, sent) && told != Reason::RequestTimeout;
        // Nothing was read from the body for a request that was not sent.
        let has_body = sent == Seen::No || self.is_still_replayable();
        let head = head.filter(|_| is_wanted && has_body).ok_or(told)?;
        let wait = self.afford(None).ok_or(told)?;
        Ok((head, wait))
    }

    fn is_still_replayable(&self) -> bool {
        self.meter
            .source
            .as_ref()
            .is_none_or(|source| source.is_replayable())
    }

    /// The wait before the next try, when there is time and budget for it.
    fn afford(&self, asked: Option<Duration>) -> Option<Duration> {
        let wait = self.retries.wait(asked);
        let comes_too_late = Instant::now()
            .checked_add(wait)
            .is_none_or(|then| self.deadlines.is_over(then));
        if comes_too_late {
            return None;
        }
        let now = self.link.worker.clock();
        if !self.cluster.budget.spend(self.retries.budget(), now) {
            self.link.worker.counters.retries_over_budget.add(1);
            return None;
        }
        Some(wait)
    }

    /// Whether an HTTP/1.1 upstream could write a body where there is none, as several do after HEAD and 204: its
    /// bytes would be taken for the next response, so that the connection is given to nobody else.
    fn may_be_followed_by_a_body(&self, parts: &response::Parts, lease: &Lease) -> bool {
        let declares_content = || {
            let length = parts.headers.get(CONTENT_LENGTH);
            length.is_some_and(|length| length.as_bytes() != b"0")
                || parts.headers.contains_key(TRANSFER_ENCODING)
        };
        let is_exclusive = matches!(lease, Lease::Exclusive { .. });
        let has_content_at_204 = || parts.status == StatusCode::NO_CONTENT && declares_content();
        is_exclusive && (self.meter.is_head() || has_content_at_204())
    }

    /// Makes the upstream's response the client's.
    pub(super) fn accept(
        &mut self,
        response: Response<Incoming>,
        lease: Option<Lease>,
        ends: Option<Instant>,
    ) -> Result<Response<Content>, Reason> {
        let (mut parts, incoming) = response.into_parts();
        if parts.status == StatusCode::SWITCHING_PROTOCOLS
            && let Some(Lease::Tunnel(tunnel)) = lease
        {
            let idle = self.deadlines.idle.map_or(0, super::whole_millis);
            self.link.write_idle_millis.set(idle);
            return upgrade::switched(&self.link.tunnel, parts, tunnel);
        }
        response::check(&parts)?;
        let upgrade = response::asked_upgrade(&parts).filter(|_| !self.meter.is_http2());
        response::strip(&mut parts.headers);
        if let Some(protocol) = upgrade {
            response::ask_upgrade(&mut parts.headers, protocol);
        }
        parts.version = Version::HTTP_11;
        self.meter.note_grpc_status(&parts.headers);
        let has_no_body = self.meter.is_head() || matches!(parts.status.as_u16(), 204 | 304);
        let lease = lease.filter(|lease| !self.may_be_followed_by_a_body(&parts, lease));
        if parts.status.as_u16() == 204 {
            parts.headers.remove(CONTENT_LENGTH);
        }
        let content = if incoming.is_end_stream() {
            if let Some(lease) = lease {
                lease.give_back(&self.link.worker);
            }
            Content::Empty
        } else if has_no_body {
            Content::Empty
        } else {
            let idle = self.deadlines.idle;
            Content::Upstream(Box::new(FromUpstream::new(incoming, lease, ends, idle)))
        };
        Ok(Response::from_parts(parts, content))
    }
}
