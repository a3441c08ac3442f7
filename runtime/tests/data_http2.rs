//! HTTP/2 in both directions: gRPC shapes, refusals, floods.
#![cfg(test)]

mod data_support;

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use data_support::{
    Origin, PATIENCE, Proxy, all_paths, cluster, connect, eventually, everything_to, forward, plan,
    route,
};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::time::timeout;
use weft_snapshot::plan::{NodePlan, Outcome};
use weft_snapshot::settings::{Role, UpstreamProtocol};

type Sender = hyper::client::conn::http2::SendRequest<Full<Bytes>>;

async fn client(address: SocketAddr) -> Sender {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let io = TokioIo::new(stream);
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

fn request(method: &str, path: &str, body: &'static str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(format!("http://shop.example{path}"))
        .body(Full::from(body))
        .unwrap()
}

/// An HTTP/2 origin that echoes the body, says what it was asked, and ends with trailers as gRPC does.
async fn echo() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|request: Request<Incoming>| async move {
                let seen = request.headers().clone();
                let authority = request.uri().authority().map(ToString::to_string);
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let trailers =
                    HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]);
                let frames = [Frame::data(body), Frame::trailers(trailers)];
                let mut response = Response::new(Frames(frames.into_iter()));
                let headers = response.headers_mut();
                headers.insert("content-type", "application/grpc".parse().unwrap());
                let timeout = seen.get("grpc-timeout").cloned();
                headers.insert(
                    "x-seen-timeout",
                    timeout.unwrap_or(HeaderValue::from_static("")),
                );
                let authority = authority.unwrap_or_default();
                headers.insert("x-seen-authority", authority.parse().unwrap());
                Ok::<_, Infallible>(response)
            });
            let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    address
}

struct Frames(std::array::IntoIter<Frame<Bytes>, 2>);

impl hyper::body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

fn to_http2(address: SocketAddr, outcome: Outcome) -> NodePlan {
    let routes = vec![route("all/0", all_paths(), outcome)];
    plan(
        Role::Edge,
        routes,
        vec![cluster("app", &[address], UpstreamProtocol::Http2)],
    )
}

#[tokio::test]
async fn a_grpc_call_passes_with_its_trailers_and_its_deadline() {
    let mut outcome = forward(&[1_000_000]);
    outcome.timeouts.request = Some(5_000);
    let proxy = Proxy::start(&to_http2(echo().await, outcome));
    let mut sender = client(proxy.address).await;
    let mut call = request("POST", "/shop.Orders/Get", "\0\0\0\0\x05hello");
    call.headers_mut()
        .insert("content-type", "application/grpc+proto".parse().unwrap());
    call.headers_mut().insert("te", "trailers".parse().unwrap());
    call.headers_mut()
        .insert("grpc-timeout", "2S".parse().unwrap());
    let response = timeout(PATIENCE, sender.send_request(call))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(response.status(), 200);
    let left = response.headers()["x-seen-timeout"]
        .to_str()
        .unwrap()
        .to_owned();
    let left: u32 = left.trim_end_matches('m').parse().unwrap();
    assert!(1_000 < left && left <= 2_000, "{left} ms");
    assert_eq!(response.headers()["x-seen-authority"], "shop.example");
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(body.to_bytes(), "\0\0\0\0\x05hello");
}

#[tokio::test]
async fn refusals_of_grpc_calls_are_grpc_statuses() {
    let dead = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let proxy = Proxy::start(&to_http2(dead, forward(&[1_000_000])));
    let mut sender = client(proxy.address).await;
    let mut call = request("POST", "/shop.Orders/Get", "");
    call.headers_mut()
        .insert("content-type", "application/grpc".parse().unwrap());
    let response = timeout(PATIENCE, sender.send_request(call))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["grpc-status"], "14");
    assert_eq!(response.headers()["x-weft-reason"], "connect-failure");
}

#[tokio::test]
async fn http2_requests_reach_http1_origins_in_plain_form() {
    let origin = Origin::saying("hello");
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let mut sender = client(proxy.address).await;
    for _ in 0..20 {
        let post = request("POST", "/a//b?c=d", "body");
        let response = timeout(PATIENCE, sender.send_request(post))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            response.into_body().collect().await.unwrap().to_bytes(),
            "hello"
        );
    }
    let received = origin.received();
    assert!(
        received.starts_with("POST /a/b?c=d HTTP/1.1\r\n"),
        "{received}"
    );
    assert_eq!(
        data_support::header(&received, "host"),
        Some("shop.example")
    );
    assert_eq!(data_support::header(&received, "content-length"), Some("4"));
}

#[tokio::test]
async fn many_streams_share_one_upstream_connection() {
    let proxy = Proxy::start(&to_http2(echo().await, forward(&[1_000_000])));
    let sender = client(proxy.address).await;
    let calls = (0..50).map(|_| {
        let mut sender = sender.clone();
        tokio::spawn(async move {
            let response = sender
                .send_request(request("POST", "/", "x"))
                .await
                .unwrap();
            response.into_body().collect().await.unwrap().to_bytes()
        })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(timeout(PATIENCE, call).await.unwrap().unwrap(), "x");
    }
    assert_eq!(proxy.counters().upstream_opened.value(), 1);
}

/// An origin that refuses the first `refusals` streams, by hand of h2.
async fn refusing(refusals: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    if counted.fetch_add(1, Ordering::Relaxed) < refusals {
                        respond.send_reset(h2::Reason::REFUSED_STREAM);
                    } else {
                        respond.send_response(Response::new(()), true).unwrap();
                    }
                }
            });
        }
    });
    (address, seen)
}

#[tokio::test]
async fn a_refused_stream_is_tried_again_also_for_a_post() {
    let (address, seen) = refusing(1).await;
    let mut outcome = forward(&[1_000_000]);
    outcome.policy.retry.attempts = 2;
    outcome.policy.retry.on_refused_stream = true;
    let proxy = Proxy::start(&to_http2(address, outcome));
    let answer = tokio::task::spawn_blocking(move || {
        let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
        (proxy.send(request), proxy)
    });
    let (answer, _proxy) = answer.await.unwrap();
    assert_eq!(data_support::status(&answer), 200, "{answer}");
    assert_eq!(seen.load(Ordering::Relaxed), 2);
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

#[test]
fn floods_of_control_frames_are_cut() {
    let proxy = Proxy::start(&everything_to(
        Origin::saying("x").address,
        forward(&[1_000_000]),
    ));
    for (name, flood) in [
        ("ping", frame(6, 0, 0, &[0; 8])),
        ("settings", frame(4, 0, 0, &[])),
        ("priority", frame(2, 0, 1, &[0, 0, 0, 0, 1])),
        ("window update", frame(8, 0, 0, &[0, 0, 0, 1])),
        ("unknown", frame(99, 0, 0, &[1, 2, 3])),
    ] {
        let mut stream = connect(proxy.address);
        stream.write_all(PREFACE).unwrap();
        stream.write_all(&frame(4, 0, 0, &[])).unwrap();
        let burst: Vec<u8> = std::iter::repeat_n(flood, 100).flatten().collect();
        let mut sent = 0;
        stream.set_nonblocking(true).unwrap();
        let mut scratch = [0; 4096];
        let cut = loop {
            match stream.write(&burst) {
                Ok(_) => sent += 1,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_cut) => break true,
            }
            if matches!(stream.read(&mut scratch), Ok(0)) {
                break true;
            }
            if 5_000 < sent {
                break false;
            }
        };
        assert!(cut, "{name}: {sent} bursts of 100 frames were taken");
    }
    eventually("all are closed", || {
        proxy.counters().connections_open.value() == 0
    });
    let answer = proxy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(data_support::status(&answer), 200);
    assert_eq!(proxy.counters().panics.value(), 0);
}

#[tokio::test]
async fn a_stream_whose_client_reads_nothing_ends_after_its_deadline() {
    let origin = Origin::start(|_number, stream| {
        if stream.read_request().is_some() {
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n";
            stream.stream.write_all(head).unwrap();
            let chunk = vec![b'x'; 1 << 16];
            while stream.stream.write_all(&chunk).is_ok() {}
        }
    });
    let mut outcome = forward(&[1_000_000]);
    outcome.timeouts.request = Some(300);
    let proxy = Proxy::start(&everything_to(origin.address, outcome));
    let mut sender = client(proxy.address).await;
    let get = sender.send_request(request("GET", "/", ""));
    let response = timeout(PATIENCE, get).await.unwrap().unwrap();
    // The response is held and never read: no window is given back.
    tokio::task::spawn_blocking(move || {
        eventually("it ends", || proxy.counters().requests_running.value() == 0);
        drop(proxy);
    })
    .await
    .unwrap();
    drop(response);
}

#[tokio::test]
async fn a_drain_says_goodbye_and_finishes_what_runs() {
    let origin = Origin::start(|_number, stream| {
        while stream.read_request().is_some() {
            std::thread::park_timeout(Duration::from_millis(300));
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            if stream.stream.write_all(answer).is_err() {
                return;
            }
        }
    });
    let mut proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let mut sender = client(proxy.address).await;
    let running = sender.send_request(request("GET", "/", ""));
    let mut plain = proxy.connect();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let running = tokio::spawn(running);
    while proxy.counters().requests_running.value() < 2 {
        tokio::task::yield_now().await;
    }
    proxy
        .shared
        .phase
        .send_replace(weft_runtime::shared::Phase::Draining);
    let response = timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "ok"
    );
    let answer = data_support::read_until_quiet(&mut plain);
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
    assert_eq!(data_support::header(&answer, "connection"), Some("close"));
    assert!(
        proxy.fleet.take().unwrap().join(PATIENCE),
        "the worker ends by itself"
    );
}
