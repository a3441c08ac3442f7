//! What HTTP/2 bounds, honest clients and full upstreams never notice.
#![cfg(test)]

mod data_support;

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use data_support::http2::{client, origin, to_http2};
use data_support::{Origin, PATIENCE, Proxy, everything_to, forward, respond, status};
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream};
use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

fn get() -> Request<()> {
    let request = Request::builder().uri("http://shop.example/x");
    request.body(()).unwrap()
}

async fn answer(call: ResponseFuture) -> Response<RecvStream> {
    timeout(PATIENCE, call).await.unwrap().unwrap()
}

/// Sends `request` when there is room for it; none when the connection has been cut.
async fn ask(sender: &mut SendRequest<Bytes>, request: Request<()>) -> Option<ResponseFuture> {
    *sender = sender.clone().ready().await.ok()?;
    Some(sender.send_request(request, true).ok()?.0)
}

#[tokio::test]
async fn a_first_burst_keeps_to_the_streams_that_an_upstream_allows() {
    for most in [1, 5] {
        let address = origin(most, |_number, _request, mut respond| {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                respond.send_response(Response::new(()), true).unwrap();
            });
        })
        .await;
        let proxy = Proxy::start(&to_http2(address, forward(&[1_000_000])));
        let mut sender = client(proxy.address).await;
        let mut calls = Vec::new();
        for _ in 0..60 {
            calls.push(ask(&mut sender, get()).await.unwrap());
        }
        for call in calls {
            assert_eq!(answer(call).await.status(), 200, "{most} at once");
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_before_the_settings_of_an_upstream() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = Proxy::start(&to_http2(address, forward(&[1_000_000])));
    let mut sender = client(proxy.address).await;
    let call = ask(&mut sender, get()).await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut early = Vec::new();
    let silence = Duration::from_millis(200);
    while let Ok(Ok(1..)) = timeout(silence, stream.read_buf(&mut early)).await {}
    // The preface, and frames of the connection itself alone.
    let mut frames = &early[24..];
    while !frames.is_empty() {
        assert_eq!(frames[5..9], [0; 4], "a frame of a stream: {frames:?}");
        let length = usize::from(u16::from_be_bytes([frames[1], frames[2]]));
        frames = &frames[9 + length..];
    }
    stream
        .write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0])
        .await
        .unwrap();
    // The acknowledgement, and then the request.
    let mut late = [0; 19];
    timeout(PATIENCE, stream.read_exact(&mut late))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((late[3], late[4]), (4, 1), "{late:?}");
    assert_eq!(late[12], 1, "{late:?}");
    drop(call);
}

#[tokio::test]
async fn an_upstream_that_wants_calm_is_full_and_may_have_seen_the_request() {
    for (method, wanted) in [("GET", 200), ("POST", 503)] {
        let address = origin(100, |number, _request, mut respond| {
            if number == 0 {
                respond.send_reset(Reason::ENHANCE_YOUR_CALM);
            } else {
                respond.send_response(Response::new(()), true).unwrap();
            }
        })
        .await;
        let mut outcome = forward(&[1_000_000]);
        outcome.policy.retry.attempts = 2;
        outcome.policy.retry.on_refused_stream = true;
        let proxy = Proxy::start(&to_http2(address, outcome));
        let asked = tokio::task::spawn_blocking(move || {
            let request = format!("{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
            (proxy.send(&request), proxy.entry().reason)
        });
        let (answer, reason) = asked.await.unwrap();
        let refused = (wanted != 200).then_some(weft_snapshot::Reason::RefusedStream);
        assert_eq!((status(&answer), reason), (wanted, refused), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_watches_and_cancels_is_not_cut() {
    let address = origin(1_000, |_number, _request, mut respond| {
        let mut stream = respond.send_response(Response::new(()), false).unwrap();
        stream
            .send_data(Bytes::from_static(b"first"), false)
            .unwrap();
        tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            drop(stream);
        });
    })
    .await;
    let proxy = Proxy::start(&to_http2(address, forward(&[1_000_000])));
    let mut sender = client(proxy.address).await;
    let live = ask(&mut sender, get()).await.unwrap();
    let mut live = answer(live).await.into_body();
    for number in 0..2_500 {
        let call = ask(&mut sender, get()).await;
        assert!(call.is_some(), "cut after {number} calls");
        let mut body = answer(call.unwrap()).await.into_body();
        let first = timeout(PATIENCE, body.data()).await.unwrap();
        assert_eq!(first.unwrap().unwrap(), "first");
    }
    let first = timeout(PATIENCE, live.data()).await.unwrap();
    assert_eq!(first.unwrap().unwrap(), "first");
}

#[tokio::test]
async fn one_bad_user_of_a_front_proxy_does_not_end_its_connection() {
    let address = origin(1_000, |_number, _request, mut respond| {
        respond.send_response(Response::new(()), true).unwrap();
    })
    .await;
    let proxy = Proxy::start(&to_http2(address, forward(&[1_000_000])));
    let mut sender = client(proxy.address).await;
    // Two fifths of what it carries is refused by the parser.
    for number in 0..500 {
        let is_bad = number % 5 < 2;
        let mut request = get();
        if is_bad {
            let large = "x".repeat(70 << 10).parse().unwrap();
            request.headers_mut().insert("x-large", large);
        }
        let call = ask(&mut sender, request).await;
        assert!(call.is_some(), "cut after {number} requests");
        let wanted = if is_bad { 431 } else { 200 };
        assert_eq!(answer(call.unwrap()).await.status(), wanted, "{number}");
    }
}

/// Uploads in pieces, with an expectation that it does not wait for, as curl does; false when the upload is reset in its midst.
async fn uploads_in_spite_of_a_refusal(sender: &mut SendRequest<Bytes>, status: u16) -> bool {
    let mut request = get();
    *request.method_mut() = http::Method::PUT;
    let headers = request.headers_mut();
    headers.insert("expect", "100-continue".parse().unwrap());
    headers.insert("content-length", "300000".parse().unwrap());
    *sender = sender.clone().ready().await.unwrap();
    let (call, mut stream) = sender.send_request(request, false).unwrap();
    let response = answer(call).await;
    assert_eq!(response.status(), status);
    for part in 1..=30 {
        stream.reserve_capacity(10_000);
        while stream.capacity() < 10_000 {
            let more = std::future::poll_fn(|context| stream.poll_capacity(context));
            let Ok(Some(Ok(_more))) = timeout(Duration::from_secs(2), more).await else {
                return false;
            };
        }
        let bytes = Bytes::from_static(&[b'x'; 10_000]);
        if stream.send_data(bytes, part == 30).is_err() {
            return false;
        }
    }
    let reset = std::future::poll_fn(|context| stream.poll_reset(context));
    let reset = timeout(Duration::from_millis(20), reset).await;
    !matches!(reset, Ok(Ok(_reason)))
}

#[tokio::test]
async fn a_refused_upload_that_expects_a_100_is_read_on_as_every_other() {
    // By a rule, and by an origin that never reads the body.
    let local = everything_to("127.0.0.1:1".parse().unwrap(), respond(403, "no"));
    let early = Origin::start(|_number, stream| {
        stream.read_until(b"\r\n\r\n");
        let answer = b"HTTP/1.1 401 No\r\ncontent-length: 4\r\nconnection: close\r\n\r\nauth";
        stream.stream.write_all(answer).unwrap();
    });
    let remote = everything_to(early.address, forward(&[1_000_000]));
    for (plan, status) in [(local, 403), (remote, 401)] {
        let proxy = Proxy::start(&plan);
        let mut sender = client(proxy.address).await;
        for number in 0..3 {
            let is_read = uploads_in_spite_of_a_refusal(&mut sender, status).await;
            assert!(is_read, "upload {number} that gets {status}");
        }
    }
}

#[tokio::test]
async fn the_crumbs_of_a_cookie_are_one_field() {
    let origin = Origin::saying("x");
    let mut plan = everything_to(origin.address, forward(&[1_000_000]));
    for listener in &mut plan.settings.listeners {
        listener.heads.limits.fields = 40;
    }
    let proxy = Proxy::start(&plan);
    let mut sender = client(proxy.address).await;
    for (others, wanted) in [(0, 200), (30, 200), (41, 431), (101, 431)] {
        let mut request = get();
        for number in 0..180 {
            let crumb = format!("c{number}=v").parse().unwrap();
            request.headers_mut().append("cookie", crumb);
        }
        for number in 0..others {
            let name = http::HeaderName::try_from(format!("x-{number}")).unwrap();
            request.headers_mut().insert(name, "y".parse().unwrap());
        }
        let call = ask(&mut sender, request).await.unwrap();
        assert_eq!(answer(call).await.status(), wanted, "{others} others");
    }
    let received = origin.received();
    assert!(
        received.contains("cookie: c0=v; c1=v; c2=v; "),
        "{received}"
    );
}
