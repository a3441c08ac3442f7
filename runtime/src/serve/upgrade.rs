//! WebSocket: the one upgrade that passes, where a route says so.
//!
//! Nothing of the new protocol goes up before the upstream said 101 to a request that asked for it; hyper
//! holds what the client sends early.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header::HeaderMap;
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::response::Parts;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

use weft_snapshot::Reason;

use super::body::Content;
use crate::worker::{Link, Tunnel};

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// How long the two halves of a tunnel may take to meet.
const MEETING: Duration = Duration::from_secs(5);

/// Makes of `headers` those of a request for a WebSocket.
pub(super) fn ask(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, WEBSOCKET);
}

/// Answers with the upstream's 101; the connection that `tunnel` brings waits in `place`.
pub(super) fn switched(
    place: &RefCell<Option<oneshot::Receiver<Tunnel>>>,
    mut parts: Parts,
    tunnel: oneshot::Receiver<Tunnel>,
) -> Result<Response<Content>, Reason> {
    let chosen = parts
        .headers
        .get(UPGRADE)
        .map(|value| value.as_bytes().to_ascii_lowercase());
    if chosen.as_deref() != Some(b"websocket") {
        return Err(Reason::UnaskedUpgrade);
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
    upstream: oneshot::Receiver<Tunnel>,
    client: C,
    early: Bytes,
) where
    C: AsyncRead + AsyncWrite + Unpin,
{
    let _running = OpenTunnel::begin(link);
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

/// An open tunnel is running work, for the limits of its connection and for a drain.
struct OpenTunnel<'l>(&'l Link);

impl<'l> OpenTunnel<'l> {
    fn begin(link: &'l Link) -> Self {
        link.begin();
        link.worker.counters.tunnels_open.add(1);
        Self(link)
    }
}

impl Drop for OpenTunnel<'_> {
    fn drop(&mut self) {
        self.0.worker.counters.tunnels_open.subtract(1);
        self.0.end();
    }
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
