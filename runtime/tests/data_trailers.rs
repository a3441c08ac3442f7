//! Trailers: what passes, in either version, and what policy keeps out of them as it does out of headers.
#![cfg(test)]

mod data_support;

use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use data_support::{
    Origin, Proxy, all_paths, cluster, connect, everything_to, forward, header, plan, read_head,
    route, status,
};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use weft_snapshot::plan::{HeaderChanges, NodePlan};
use weft_snapshot::settings::{Role, UpstreamProtocol};

/// A plan with one cluster that is changed by `edit`.
fn edited(origin: &Origin, edit: impl Fn(&mut NodePlan)) -> NodePlan {
    let mut plan = everything_to(origin.address, forward(&[1_000_000]));
    edit(&mut plan);
    plan
}

const TRAILED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\
    Trailer: x-checksum, x-user-id, x-forwarded-for, x_user\r\n\r\n3\r\nabc\r\n0\r\n\
    x-checksum: 900150983cd2\r\nx-user-id: admin\r\nx-forwarded-for: 6.6.6.6\r\nx_user: admin\r\n\r\n";

#[test]
fn trailers_of_requests_stay_here_unless_the_rule_passes_them() {
    let origin = Origin::saying("done");
    let proxy = Proxy::start(&edited(&origin, |_plan| {}));
    assert_eq!(status(&proxy.send(TRAILED)), 200);
    let received = origin.received();
    assert!(received.ends_with("abc\r\n0\r\n\r\n"), "{received}");
    assert!(header(&received, "trailer").is_none(), "{received}");
}

#[test]
fn what_policy_keeps_out_of_headers_does_not_come_as_a_trailer() {
    let origin = Origin::saying("done");
    let plan = edited(&origin, |plan| {
        let outcome = &mut plan.tables[0].hosts[0].routes[0].outcome;
        outcome.policy.trailers = true;
        outcome.policy.request_headers = HeaderChanges {
            remove: vec!["x-user-id".to_owned()],
            ..HeaderChanges::default()
        };
    });
    let proxy = Proxy::start(&plan);
    assert_eq!(status(&proxy.send(TRAILED)), 200);
    let received = origin.received();
    let (_, body) = received.split_once("\r\n\r\n").unwrap();
    assert_eq!(
        body.to_ascii_lowercase(),
        "3\r\nabc\r\n0\r\nx-checksum: 900150983cd2\r\n\r\n"
    );
}

#[test]
fn trailers_of_responses_keep_to_the_changes_of_the_rule() {
    let origin = Origin::answering(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum, x-secret\r\n\r\n\
         2\r\nok\r\n0\r\nx-sum: 1\r\nx-secret: 2\r\n\r\n",
    );
    let plan = edited(&origin, |plan| {
        let outcome = &mut plan.tables[0].hosts[0].routes[0].outcome;
        outcome.policy.response_headers.remove = vec!["x-secret".to_owned()];
    });
    let proxy = Proxy::start(&plan);
    let answer = proxy.send("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n");
    assert_eq!(status(&answer), 200, "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(body.contains("x-sum: 1"), "{answer}");
    assert!(!body.contains("x-secret"), "{answer}");
}

#[test]
fn a_client_that_sends_trailers_does_not_disturb_the_next() {
    let origin = Origin::saying("done");
    let proxy = Proxy::start(&edited(&origin, |_plan| {}));
    let mut client = connect(proxy.address);
    for _ in 0..3 {
        client.write_all(TRAILED.as_bytes()).unwrap();
        let head = read_head(&mut client);
        assert_eq!(status(&head), 200, "{head}");
        let mut body = [0; 4];
        std::io::Read::read_exact(&mut client, &mut body).unwrap();
        assert_eq!(&body, b"done");
    }
    assert_eq!(origin.connections(), 1);
}

// ---- HTTP/2 ----

/// A body that ends with trailers.
struct Trailed(std::array::IntoIter<Frame<Bytes>, 2>);

impl hyper::body::Body for Trailed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

/// An HTTP/2 origin that keeps the trailers of its requests.
async fn keeping(seen: Arc<Mutex<Option<HeaderMap>>>) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            let service = service_fn(move |request: Request<Incoming>| {
                let seen = Arc::clone(&seen);
                async move {
                    let whole = request.into_body().collect().await.unwrap();
                    *seen.lock().unwrap() = whole.trailers().cloned();
                    Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
                }
            });
            let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    address
}

/// The names of the trailers that arrive of a request with `content_type`, in order.
async fn arriving(content_type: &str, passes: bool) -> Vec<String> {
    let seen = Arc::new(Mutex::new(None));
    let origin = keeping(Arc::clone(&seen)).await;
    let mut outcome = forward(&[1_000_000]);
    outcome.policy.trailers = passes;
    outcome.policy.request_headers.set = vec![("x-tenant".to_owned(), "shop".to_owned())];
    let plan = plan(
        Role::Edge,
        vec![route("all/0", all_paths(), outcome)],
        vec![cluster("app", &[origin], UpstreamProtocol::Http2)],
    );
    let proxy = Proxy::start(&plan);
    let stream = tokio::net::TcpStream::connect(proxy.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let names = [
        "x-checksum",
        "x-tenant",
        "x-forwarded-for",
        "x-weft-deadline-ms",
        "traceparent",
        "authorization",
    ];
    let trailers = names.map(|name| (name.parse().unwrap(), "1".parse().unwrap()));
    let frames = [
        Frame::data(Bytes::from_static(b"abc")),
        Frame::trailers(HeaderMap::from_iter(trailers)),
    ];
    let request = Request::builder()
        .method("POST")
        .uri("http://shop.example/a")
        .header("content-type", content_type)
        .body(Trailed(frames.into_iter()))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let arrived = seen.lock().unwrap().take().unwrap_or_default();
    arrived.keys().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_of_grpc_arrives_and_what_policy_sets_does_not() {
    assert_eq!(arriving("application/grpc", false).await, ["x-checksum"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_requests_need_a_rule_that_lets_their_trailers_pass() {
    assert!(arriving("text/plain", false).await.is_empty());
    assert_eq!(arriving("text/plain", true).await, ["x-checksum"]);
}
