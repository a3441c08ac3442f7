//! WebSocket: the one upgrade that passes, where a route says so.
//!
//! Nothing of the new protocol goes up before the upstream said 101 to a request that asked for it; hyper
//! holds what the client sends early.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

use super::body::Content;
use super::forward::Tries;
use super::{ProxyError, RequestBody};
use crate::upstream::{self, Failure, Limits, Trouble};
use crate::worker::{Link, Stream};

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// How long the two halves of a tunnel may take to meet.
const MEETING: Duration = Duration::from_secs(5);

/// Asks the upstream for the upgrade, once.
pub(super) async fn upgrade(
    tries: &mut Tries<'_>,
    mut head: Parts,
) -> Result<Response<Content>, ProxyError> {
    tries.begin_try();
    let worker = Rc::clone(&tries.link.worker);
    let now = tries.meter.started;
    let ends = tries.deadlines.of_try(now);
    tries.announce(&mut head.headers, ends, now);
    head.headers
        .insert(CONNECTION, HeaderValue::from_static("upgrade"));
    head.headers.insert(UPGRADE, WEBSOCKET);
    let endpoint =
        upstream::pick(&worker, &tries.cluster).ok_or(ProxyError::Upstream(Trouble::NoEndpoint))?;
    tries.meter.upstream = Some(endpoint.address);
    let limits = Limits {
        connect: tries.deadlines.connect,
    };
    let request = Request::from_parts(head, RequestBody::Empty);
    let sending = upstream::send_upgrade(&worker, &endpoint, request, limits);
    let sent = match ends {
        None => sending.await,
        Some(ends) => timeout_at(ends, sending)
            .await
            .unwrap_or(Err(Failure::Sent(Trouble::BackendTimeout))),
    };
    let (response, tunnel) = sent.map_err(|failure| match failure {
        Failure::Unsent(unsent) => ProxyError::Upstream(unsent.trouble),
        Failure::Sent(trouble) => ProxyError::Upstream(trouble),
    })?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return tries.accept(response, None, ends);
    }
    let idle = tries.deadlines.idle.map_or(0, super::whole_millis);
    tries.link.write_idle_millis.set(idle);
    switched(&tries.link.tunnel, response, tunnel)
}

fn switched(
    place: &std::cell::RefCell<Option<oneshot::Receiver<(Stream, Bytes)>>>,
    response: Response<Incoming>,
    tunnel: oneshot::Receiver<(Stream, Bytes)>,
) -> Result<Response<Content>, ProxyError> {
    let (mut parts, _no_body) = response.into_parts();
    let chosen = parts
        .headers
        .get(UPGRADE)
        .map(|value| value.as_bytes().to_ascii_lowercase());
    if chosen.as_deref() != Some(b"websocket") {
        return Err(ProxyError::BadResponse("unasked-upgrade"));
    }
    super::response::strip(&mut parts.headers);
    parts.headers.remove(http::header::CONTENT_LENGTH);
    parts
        .headers
        .insert(CONNECTION, HeaderValue::from_static("upgrade"));
    parts.headers.insert(UPGRADE, WEBSOCKET);
    *place.borrow_mut() = Some(tunnel);
    Ok(Response::from_parts(parts, Content::Empty))
}

/// Carries bytes in both directions until one side ends, both are silent for the route's `idle`, or the
/// connection is cut.
pub(crate) async fn tunnel<C>(
    link: &Rc<Link>,
    upstream: oneshot::Receiver<(Stream, Bytes)>,
    client: C,
    early: Bytes,
) where
    C: AsyncRead + AsyncWrite + Unpin,
{
    let Ok(Ok((upstream, answered))) = timeout(MEETING, upstream).await else {
        return;
    };
    let idle = match link.write_idle_millis.get() {
        0 => Duration::from_hours(365 * 24),
        millis => Duration::from_millis(millis),
    };
    let moved = Cell::new(Instant::now());
    let (client_reads, client_writes) = tokio::io::split(client);
    let (upstream_reads, upstream_writes) = tokio::io::split(upstream);
    let up = pump(client_reads, upstream_writes, early, &moved, idle);
    let down = pump(upstream_reads, client_writes, answered, &moved, idle);
    let mut both = pin!(async {
        tokio::join!(up, down);
    });
    std::future::poll_fn(|context| {
        if link.is_cut(context.waker()) {
            return Poll::Ready(());
        }
        both.as_mut().poll(context)
    })
    .await;
}

async fn pump<R: AsyncRead, W: AsyncWrite>(
    mut reads: ReadHalf<R>,
    mut writes: WriteHalf<W>,
    first: Bytes,
    moved: &Cell<Instant>,
    idle: Duration,
) {
    if writes.write_all(&first).await.is_err() {
        return;
    }
    let mut buffer = vec![0; 16 << 10];
    loop {
        let ends = moved.get() + idle;
        let read = match timeout_at(ends, reads.read(&mut buffer)).await {
            Err(_silent) if ends < moved.get() + idle => continue,
            Err(_silent) => break,
            Ok(Err(_) | Ok(0)) => break,
            Ok(Ok(read)) => read,
        };
        moved.set(Instant::now());
        let bytes = buffer.get(..read).unwrap_or(&[]);
        let written = timeout(idle, async {
            writes.write_all(bytes).await?;
            writes.flush().await
        });
        if !matches!(written.await, Ok(Ok(()))) {
            break;
        }
    }
    // Half a close passes on; the other direction goes on until it ends itself or is silent.
    let _gone = writes.shutdown().await;
}
