//! A body that goes out on a stream: as fast as the peer's windows let it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use h2::SendStream;
use http_body::Body;

/// How a body that was not sent to its end stopped.
#[derive(Debug)]
pub(crate) enum Ended<E> {
    /// The peer reset the stream.
    Reset,
    /// The connection is gone.
    Gone,
    /// The body itself failed. The stream is still open: the caller says how it ends.
    Body(E),
}

/// Sends `body` and the end of the stream.
///
/// Waits for the peer's windows and for the body, without a limit of its own; dropping the future leaves the
/// stream unfinished, and dropping `stream` then resets it.
///
/// # Errors
///
/// [`Ended`], when the end was not sent.
pub(crate) async fn pump<B>(
    mut body: Pin<&mut B>,
    stream: &mut SendStream<Bytes>,
) -> Result<(), Ended<B::Error>>
where
    B: Body<Data = Bytes>,
{
    loop {
        let frame = poll_fn(|context| {
            // Asked first, so that a reset is heard while the body is silent.
            if let Some(ended) = reset(stream, context) {
                return Poll::Ready(Err(ended));
            }
            body.as_mut().poll_frame(context).map(Ok)
        });
        match frame.await? {
            None => return send(stream, Bytes::new(), true),
            Some(Err(error)) => return Err(Ended::Body(error)),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(bytes) => {
                    let is_last = body.is_end_stream();
                    data(stream, bytes, is_last).await?;
                    if is_last {
                        return Ok(());
                    }
                }
                Err(frame) => {
                    if let Ok(trailers) = frame.into_trailers() {
                        return stream.send_trailers(trailers).map_err(|_gone| Ended::Gone);
                    }
                }
            },
        }
    }
}

/// Sends `bytes` once there is room for the first of them; h2 holds the rest until the windows open.
async fn data<E>(
    stream: &mut SendStream<Bytes>,
    bytes: Bytes,
    is_last: bool,
) -> Result<(), Ended<E>> {
    if !bytes.is_empty() {
        // One byte is claimed, not all of them: what is claimed is taken from the connection's window, and
        // other streams may need it.
        stream.reserve_capacity(1);
        poll_fn(|context| {
            if let Some(ended) = reset(stream, context) {
                return Poll::Ready(Err(ended));
            }
            loop {
                if 0 < stream.capacity() {
                    return Poll::Ready(Ok(()));
                }
                match std::task::ready!(stream.poll_capacity(context)) {
                    Some(Ok(_more)) => {}
                    Some(Err(_)) | None => return Poll::Ready(Err(Ended::Gone)),
                }
            }
        })
        .await?;
    }
    send(stream, bytes, is_last)
}

fn send<E>(stream: &mut SendStream<Bytes>, bytes: Bytes, is_last: bool) -> Result<(), Ended<E>> {
    stream
        .send_data(bytes, is_last)
        .map_err(|_gone| Ended::Gone)
}

fn reset<E>(
    stream: &mut SendStream<Bytes>,
    context: &mut std::task::Context<'_>,
) -> Option<Ended<E>> {
    match stream.poll_reset(context) {
        Poll::Pending => None,
        Poll::Ready(Ok(_reason)) => Some(Ended::Reset),
        Poll::Ready(Err(_)) => Some(Ended::Gone),
    }
}
