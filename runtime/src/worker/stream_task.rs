//! One HTTP/2 stream: a request in, an answer out, and a clean end.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body as _;

use super::link::StreamControl;
use super::{Link, spawn_guarded};
use crate::http2::{Ended, Received, insert_date, pump};
use crate::serve::{self, Body, BodyError, Incoming};

/// Serves one stream in a task of its own.
pub(super) fn start(link: &Rc<Link>, request: Request<RecvStream>, respond: SendResponse<Bytes>) {
    let counters = Arc::clone(&link.worker.counters);
    let link = Rc::clone(link);
    let control = Rc::new(StreamControl::default());
    spawn_guarded(counters, async move {
        let mut serving = pin!(serve_stream(&link, &control, request, respond));
        // Flow control is waited for without asking the body, so no limit in the body would be seen.
        poll_fn(|context| {
            if control.is_cut(context.waker()) {
                return Poll::Ready(());
            }
            serving.as_mut().poll(context)
        })
        .await;
    });
}

async fn serve_stream(
    link: &Rc<Link>,
    control: &Rc<StreamControl>,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) {
    let (parts, stream) = request.into_parts();
    let length = announced(&parts.headers);
    let received = Incoming::Http2(Received::new(stream, length));
    let request = Request::from_parts(parts, received);
    let serving = serve::serve(Rc::clone(link), Some(Rc::clone(control)), request);
    let Some(response) = answered(control, &mut respond, Box::pin(serving)).await else {
        return;
    };
    let (mut head, body) = response.into_parts();
    insert_date(&mut head.headers, link.worker.unix_seconds());
    let is_empty = body.is_end_stream();
    if let Some(length) = body.size_hint().exact().filter(|_| !is_empty) {
        head.headers
            .entry(CONTENT_LENGTH)
            .or_insert_with(|| length.into());
    }
    let head = Response::from_parts(head, ());
    match respond.send_response(head, is_empty) {
        Ok(mut stream) if !is_empty => send(body, &mut stream).await,
        Ok(_) => {}
        // The stream is gone, or the head is none that HTTP/2 has.
        Err(_) => respond.send_reset(Reason::INTERNAL_ERROR),
    }
}

/// The answer of `serving`; none when the client reset the stream before. A 100 is sent when it is asked for.
async fn answered(
    control: &StreamControl,
    respond: &mut SendResponse<Bytes>,
    mut serving: impl Future<Output = Response<Body>> + Unpin,
) -> Option<Response<Body>> {
    poll_fn(|context| {
        if let Poll::Ready(response) = Pin::new(&mut serving).poll(context) {
            return Poll::Ready(Some(response));
        }
        if control.takes_continue() {
            let mut interim = Response::new(());
            *interim.status_mut() = StatusCode::CONTINUE;
            // A stream that is gone is seen below.
            let _gone = respond.send_informational(interim);
        }
        respond.poll_reset(context).map(|_reset_or_gone| None)
    })
    .await
}

async fn send(body: Body, stream: &mut h2::SendStream<Bytes>) {
    let mut body = pin!(body);
    match pump(body.as_mut(), stream).await {
        Ok(()) | Err(Ended::Reset | Ended::Gone) => {}
        Err(Ended::Body(BodyError::Deadline | BodyError::Idle)) => {
            stream.send_reset(Reason::CANCEL);
        }
        Err(Ended::Body(BodyError::Broken)) => stream.send_reset(Reason::INTERNAL_ERROR),
    }
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    // h2 holds the client to it, and refuses what is no number.
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
