//! How streams of HTTP/2 end: with an answer, with a reason, and without taking others along.
#![cfg(test)]

mod data_support;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use data_support::http2::{client, origin, to_http2};
use data_support::{
    Origin, PATIENCE, Proxy, all_paths, cluster, everything_to, forward, plan, respond, route,
    status,
};
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, Response};
use tokio::time::timeout;
use weft_snapshot::settings::{Role, UpstreamProtocol};

fn call(content_type: &str) -> Request<()> {
    Request::builder()
        .method("POST")
        .uri("http://shop.example/shop.Orders/Get")
        .header("content-type", content_type)
        .body(())
        .unwrap()
}

async fn trailers(mut body: RecvStream) -> Option<HeaderMap> {
    while let Some(bytes) = body.data().await {
        let bytes = bytes.unwrap();
        body.flow_control().release_capacity(bytes.len()).unwrap();
    }
    body.trailers().await.unwrap()
}

#[tokio::test]
async fn a_deadline_in_mid_stream_ends_a_grpc_call_with_its_own_status() {
    let address = origin(100, |_number, _request, mut respond| {
        let mut stream = respond.send_response(Response::new(()), false).unwrap();
        stream
            .send_data(Bytes::from_static(b"\0\0\0\0\x01x"), false)
            .unwrap();
        tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            drop(stream);
        });
    })
    .await;
    let mut outcome = forward(&[1_000_000]);
    outcome.timeouts.request = Some(300);
    let proxy = Proxy::start(&to_http2(address, outcome));
    let mut sender = client(proxy.address).await;
    let (response, _) = sender.send_request(call("application/grpc"), true).unwrap();
    let response = timeout(PATIENCE, response).await.unwrap().unwrap();
    let trailers = timeout(PATIENCE, trailers(response.into_body()));
    assert_eq!(trailers.await.unwrap().unwrap()["grpc-status"], "4");
    let entry = proxy.entry();
    assert_eq!(
        (entry.grpc_status, entry.reason),
        (Some(4), Some(weft_snapshot::Reason::RequestTimeout))
    );
}

#[tokio::test]
async fn silence_ends_a_grpc_call_alike_before_its_answer_and_in_its_middle() {
    for begins in [false, true] {
        let address = origin(100, move |_number, _request, mut respond| {
            tokio::spawn(async move {
                let stream = begins.then(|| respond.send_response(Response::new(()), false));
                tokio::time::sleep(PATIENCE).await;
                drop((stream, respond));
            });
        })
        .await;
        let mut outcome = forward(&[1_000_000]);
        outcome.timeouts.idle = Some(300);
        let proxy = Proxy::start(&to_http2(address, outcome));
        let mut sender = client(proxy.address).await;
        let (response, _) = sender.send_request(call("application/grpc"), true).unwrap();
        let response = timeout(PATIENCE, response).await.unwrap().unwrap();
        let ended = if begins {
            let trailers = timeout(PATIENCE, trailers(response.into_body()));
            trailers.await.unwrap().unwrap()
        } else {
            response.headers().clone()
        };
        assert_eq!(ended["grpc-status"], "14", "UNAVAILABLE; begins: {begins}");
        assert_eq!(ended["grpc-message"], "idle-timeout");
    }
}

#[tokio::test]
async fn failed_grpc_calls_are_counted_as_failed() {
    let address = origin(100, |number, _request, mut respond| {
        let mut head = Response::new(());
        let status = ["0", "13", "5"][number % 3].parse().unwrap();
        head.headers_mut().insert("grpc-status", status);
        respond.send_response(head, true).unwrap();
    })
    .await;
    let proxy = Proxy::start(&to_http2(address, forward(&[1_000_000])));
    let mut sender = client(proxy.address).await;
    for wanted in [0, 13, 5] {
        let (response, _) = sender.send_request(call("application/grpc"), true).unwrap();
        timeout(PATIENCE, response).await.unwrap().unwrap();
        assert_eq!(proxy.entry().grpc_status, Some(wanted));
    }
    let route = proxy.counters().route("all/0");
    let classes: Vec<u64> = route
        .by_class
        .iter()
        .map(weft_runtime::shared::Count::value)
        .collect();
    assert_eq!(classes, [0, 1, 0, 1, 1, 0]);
}

#[tokio::test]
async fn refusals_before_routing_reach_grpc_clients_as_grpc() {
    let proxy = Proxy::start(&everything_to(
        Origin::saying("x").address,
        forward(&[1_000_000]),
    ));
    let mut sender = client(proxy.address).await;
    let long = format!("http://shop.example/{}", "x".repeat(9_000));
    let mut fields = call("application/grpc");
    for number in 0..101 {
        let name = http::HeaderName::try_from(format!("x-{number}")).unwrap();
        fields.headers_mut().insert(name, "y".parse().unwrap());
    }
    let mut large = call("application/grpc");
    let value = "x".repeat(70 << 10).parse().unwrap();
    large.headers_mut().insert("x-large", value);
    let mut target = call("application/grpc");
    *target.uri_mut() = long.parse().unwrap();
    for (request, reason) in [
        (fields, "too-many-fields"),
        (large, "head-too-large"),
        (target, "target-too-long"),
    ] {
        let (response, _) = sender.send_request(request, true).unwrap();
        let response = timeout(PATIENCE, response).await.unwrap().unwrap();
        assert_eq!(response.status(), 200, "{reason}");
        assert!(response.headers().contains_key("grpc-status"), "{reason}");
        assert_eq!(response.headers()["grpc-message"], reason);
    }
}

#[tokio::test]
async fn who_sends_nothing_but_heads_that_are_too_large_is_cut() {
    let proxy = Proxy::start(&everything_to(
        Origin::saying("x").address,
        forward(&[1_000_000]),
    ));
    let mut sender = client(proxy.address).await;
    for number in 0..300 {
        let mut large = call("text/plain");
        let value = "x".repeat(70 << 10).parse().unwrap();
        large.headers_mut().insert("x-large", value);
        let Ok(ready) = sender.ready().await else {
            assert!(100 <= number, "cut after {number} requests");
            break;
        };
        sender = ready;
        let (response, _) = sender.send_request(large, true).unwrap();
        if let Ok(response) = timeout(PATIENCE, response).await.unwrap() {
            assert_eq!(response.status(), 431);
        }
        assert!(number < 299, "never cut");
    }
    let cut = &proxy.counters().connections_cut;
    let cut: Vec<u64> = cut.iter().map(weft_runtime::shared::Count::value).collect();
    assert_eq!(cut, [0, 0, 1, 0, 0], "for errors of streams");
    // Beside it, a client whose heads are large and within the bound is served as often as it asks.
    let mut honest = client(proxy.address).await;
    for _ in 0..150 {
        let mut large = call("text/plain");
        let value = "x".repeat(20 << 10).parse().unwrap();
        large.headers_mut().insert("x-large", value);
        honest = honest.ready().await.unwrap();
        let (response, _) = honest.send_request(large, true).unwrap();
        let response = timeout(PATIENCE, response).await.unwrap().unwrap();
        assert_eq!(response.status(), 200);
    }
}

#[tokio::test]
async fn a_stream_reset_without_error_before_its_end_is_a_cut_answer() {
    let address = origin(100, |_number, _request, mut respond| {
        let mut stream = respond.send_response(Response::new(()), false).unwrap();
        stream
            .send_data(Bytes::from_static(b"half"), false)
            .unwrap();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            stream.send_reset(Reason::NO_ERROR);
        });
    })
    .await;
    let proxy = Proxy::start(&to_http2(address, forward(&[1_000_000])));
    let answer = tokio::task::spawn_blocking(move || {
        let answer = proxy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        (answer, proxy.entry().reason)
    });
    let (answer, reason) = answer.await.unwrap();
    assert!(
        !answer.ends_with("0\r\n\r\n"),
        "no end is made up: {answer}"
    );
    assert_eq!(reason, Some(weft_snapshot::Reason::UpstreamReset));
}

/// An origin whose first connection says GOAWAY with `reason` instead of taking its second stream.
async fn leaving(reason: Reason) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut is_first = true;
        while let Ok((mut stream, _)) = listener.accept().await {
            if !std::mem::take(&mut is_first) {
                tokio::spawn(async move {
                    let mut connection = h2::server::handshake(stream).await.unwrap();
                    while let Some(Ok((_, mut respond))) = connection.accept().await {
                        respond.send_response(Response::new(()), true).unwrap();
                    }
                });
                continue;
            }
            tokio::spawn(async move {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                let code = u32::from(reason).to_be_bytes();
                let mut goodbye = vec![0, 0, 0, 4, 0, 0, 0, 0, 0];
                goodbye.extend([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
                goodbye.extend(code);
                let mut scratch = [0; 1024];
                let (settings, goodbye) = goodbye.split_at(9);
                stream.write_all(settings).await.unwrap();
                // Until the body, before which everything else comes.
                let mut seen = Vec::new();
                while !seen.windows(4).any(|word| word == b"body") {
                    let count = stream.read(&mut scratch).await.unwrap();
                    seen.extend_from_slice(&scratch[..count]);
                }
                stream.write_all(goodbye).await.unwrap();
                while 0 < stream.read(&mut scratch).await.unwrap_or(0) {}
            });
        }
    });
    address
}

#[tokio::test]
async fn what_a_goodbye_leaves_unprocessed_is_repeated_whatever_its_code() {
    for reason in [
        Reason::NO_ERROR,
        Reason::ENHANCE_YOUR_CALM,
        Reason::INTERNAL_ERROR,
    ] {
        let address = leaving(reason).await;
        let proxy = Proxy::start(&to_http2(address, forward(&[1_000_000])));
        let answer = tokio::task::spawn_blocking(move || {
            proxy.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
        });
        assert_eq!(status(&answer.await.unwrap()), 200, "{reason:?}");
    }
}

#[tokio::test]
async fn an_upstream_that_allows_no_streams_is_full_and_not_dead() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut builder = h2::server::Builder::new();
                builder.max_concurrent_streams(0);
                let mut connection = builder.handshake::<_, Bytes>(stream).await.unwrap();
                while connection.accept().await.is_some() {}
            });
        }
    });
    let mut outcome = forward(&[1_000_000]);
    outcome.timeouts.connect = Some(300);
    let proxy = Proxy::start(&to_http2(address, outcome));
    let asked = tokio::task::spawn_blocking(move || {
        let answers = [(); 3].map(|()| proxy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        (answers, proxy)
    });
    let (answers, _proxy) = asked.await.unwrap();
    for answer in answers {
        assert_eq!(status(&answer), 503, "{answer}");
        let reason = data_support::header(&answer, "x-weft-reason");
        assert_eq!(reason, Some("overloaded"));
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_connection_on_which_much_is_reset_is_left_for_a_new_one() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut unanswered = Vec::new();
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok(stream)) = connection.accept().await {
                    unanswered.push(stream);
                }
            });
        }
    });
    let mut outcome = forward(&[1_000_000]);
    outcome.timeouts.backend_request = Some(20);
    let proxy = Proxy::start(&to_http2(address, outcome));
    let mut sender = client(proxy.address).await;
    for _ in 0..4 {
        let mut calls = Vec::new();
        for _ in 0..50 {
            sender = sender.ready().await.unwrap();
            calls.push(sender.send_request(call("text/plain"), true).unwrap().0);
        }
        for call in calls {
            let response = timeout(PATIENCE, call).await.unwrap().unwrap();
            assert_eq!(response.status(), 504);
        }
    }
    assert_eq!(connections.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn an_early_answer_waits_for_the_end_of_a_whole_body() {
    let plan = {
        let nowhere = "127.0.0.1:1".parse().unwrap();
        let routes = vec![route("all/0", all_paths(), respond(403, "no"))];
        let clusters = vec![cluster("app", &[nowhere], UpstreamProtocol::Http1)];
        plan(Role::Edge, routes, clusters)
    };
    let proxy = Proxy::start(&plan);
    let mut sender = client(proxy.address).await;
    for number in 0..300 {
        sender = sender.ready().await.unwrap();
        let (response, mut stream) = sender.send_request(call("text/plain"), false).unwrap();
        stream
            .send_data(Bytes::from_static(b"whole"), false)
            .unwrap();
        let response = timeout(PATIENCE, response).await.unwrap().unwrap();
        assert_eq!(response.status(), 403);
        // As node does: the end comes in a frame of its own, after the answer.
        stream.send_data(Bytes::new(), true).unwrap();
        let body = trailers(response.into_body());
        timeout(PATIENCE, body).await.unwrap();
        let reset = std::future::poll_fn(|context| stream.poll_reset(context));
        let reset = timeout(Duration::from_millis(5), reset).await;
        assert!(!matches!(reset, Ok(Ok(_))), "call {number}: {reset:?}");
    }
}

#[tokio::test]
async fn a_client_that_expects_a_100_gets_it_over_http2() {
    let origin = Origin::start(|_number, stream| {
        while let Some(head) = stream.read_until(b"\r\n\r\n") {
            assert!(String::from_utf8_lossy(&head).contains("100-continue"));
            let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
            stream.stream.write_all(interim).unwrap();
            stream.read_until(b"body").unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            stream.stream.write_all(answer).unwrap();
        }
    });
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let mut sender = client(proxy.address).await;
    let mut request = call("text/plain");
    let headers = request.headers_mut();
    headers.insert("expect", "100-continue".parse().unwrap());
    headers.insert("content-length", "4".parse().unwrap());
    let (mut response, mut stream) = sender.send_request(request, false).unwrap();
    let interim = std::future::poll_fn(|context| response.poll_informational(context));
    let interim = timeout(PATIENCE, interim).await.unwrap().unwrap().unwrap();
    assert_eq!(interim.status(), 100);
    stream.send_data(Bytes::from_static(b"body"), true).unwrap();
    let response = timeout(PATIENCE, response).await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_reader_that_reads_nothing_disturbs_no_other_stream() {
    let address = origin(100, |_number, _request, mut respond| {
        let mut stream = respond.send_response(Response::new(()), false).unwrap();
        tokio::spawn(async move {
            for _ in 0..20_000 {
                stream.reserve_capacity(10);
                let room = std::future::poll_fn(|context| stream.poll_capacity(context));
                if !matches!(room.await, Some(Ok(_))) {
                    return;
                }
                if stream
                    .send_data(Bytes::from_static(b"0123456789"), false)
                    .is_err()
                {
                    return;
                }
            }
            let _end = stream.send_data(Bytes::new(), true);
        });
    })
    .await;
    let proxy = Proxy::start(&to_http2(address, forward(&[1_000_000])));
    let mut slow = client(proxy.address).await;
    let (unread, _) = slow.send_request(call("text/plain"), true).unwrap();
    let unread = timeout(PATIENCE, unread).await.unwrap().unwrap();
    for _ in 0..3 {
        let mut quick = client(proxy.address).await;
        let (response, _) = quick.send_request(call("text/plain"), true).unwrap();
        let mut body = timeout(PATIENCE, response)
            .await
            .unwrap()
            .unwrap()
            .into_body();
        let mut bytes = 0;
        while let Some(piece) = timeout(PATIENCE, body.data()).await.unwrap() {
            let piece = piece.unwrap();
            bytes += piece.len();
            body.flow_control().release_capacity(piece.len()).unwrap();
        }
        assert_eq!(bytes, 200_000);
    }
    assert_eq!(proxy.counters().upstream_opened.value(), 1);
    drop(unread);
}
