//! Connections at their end, and upstreams that say nothing.
#![cfg(test)]

mod data_support;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use data_support::{
    Origin, Proxy, all_paths, cluster, everything_to, forward, plan, read_response, route, status,
};
use weft_snapshot::settings::{Role, UpstreamProtocol};

/// An origin that closes each connection when the second request on it has arrived, without a byte of an answer: the
/// worst moment of an idle close.
fn closing_late() -> Origin {
    Origin::start(|_number, stream| {
        if stream.read_request().is_some() {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            stream.stream.write_all(answer).unwrap();
            stream.read_request();
        }
    })
}

#[test]
fn idempotent_requests_survive_the_close_of_a_kept_connection() {
    let origin = closing_late();
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let mut client = proxy.connect();
    for number in 0..60 {
        let method = ["GET", "PUT", "DELETE", "OPTIONS"][number % 4];
        let request = format!("{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
        client.write_all(request.as_bytes()).unwrap();
        let answer = read_response(&mut client);
        assert_eq!(status(&answer), 200, "{method} {number}: {answer}");
    }
    assert_eq!(proxy.counters().retries_over_budget.value(), 0);
}

#[test]
fn a_body_too_long_to_be_kept_meets_no_connection_at_its_end() {
    let origin = closing_late();
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let long = "x".repeat(100_000);
    for number in 0..3 {
        let mut client = proxy.connect();
        write!(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert_eq!(status(&read_response(&mut client)), 200);
        // What servers wait at least before they close a connection that is idle.
        std::thread::park_timeout(std::time::Duration::from_millis(1_200));
        let length = long.len();
        write!(
            client,
            "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{long}"
        )
        .unwrap();
        let answer = read_response(&mut client);
        assert_eq!(status(&answer), 200, "{number}: {answer}");
    }
}

/// An origin that says 408 on every connection that it has served once, and closes: at the worst moment, when the next
/// request is on its way.
fn timing_out() -> Origin {
    Origin::start(|_number, stream| {
        if stream.read_request().is_some() {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            stream.stream.write_all(answer).unwrap();
            stream.read_request();
            let late =
                b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            let _gone = stream.stream.write_all(late);
        }
    })
}

#[test]
fn a_408_that_was_meant_for_an_idle_connection_is_nobodys_answer() {
    let origin = timing_out();
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let mut client = proxy.connect();
    for number in 0..10 {
        write!(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let answer = read_response(&mut client);
        assert_eq!(status(&answer), 200, "{number}: {answer}");
    }
    write!(
        client,
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
    )
    .unwrap();
    let answer = read_response(&mut client);
    assert_eq!(status(&answer), 408, "a POST is not repeated: {answer}");
}

#[test]
fn a_408_to_the_first_request_is_passed_on() {
    let origin = Origin::answering(
        "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
    );
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let answer = proxy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(status(&answer), 408, "{answer}");
    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_post_that_met_a_close_is_not_sent_twice() {
    let origin = closing_late();
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let mut client = proxy.connect();
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    client.write_all(post.as_bytes()).unwrap();
    assert_eq!(status(&read_response(&mut client)), 200);
    client.write_all(post.as_bytes()).unwrap();
    assert_eq!(status(&read_response(&mut client)), 502);
    assert_eq!(origin.received().matches("POST").count(), 2);
}

#[test]
fn a_request_that_a_new_connection_loses_is_not_repeated() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    let origin = Origin::start(move |_number, stream| {
        counted.fetch_add(1, Ordering::Relaxed);
        stream.read_request();
    });
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    assert_eq!(
        status(&proxy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
        502
    );
    assert_eq!(seen.load(Ordering::Relaxed), 1);
}

#[test]
fn silence_ends_a_wait_that_nothing_else_bounds() {
    let origin = Origin::start(|_number, stream| {
        stream.read_request();
        std::thread::park_timeout(data_support::PATIENCE);
    });
    let mut outcome = forward(&[1_000_000]);
    outcome.timeouts.idle = Some(300);
    let proxy = Proxy::start(&everything_to(origin.address, outcome));
    let answer = proxy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(status(&answer), 504, "{answer}");
    assert_eq!(
        data_support::header(&answer, "x-weft-reason"),
        Some("idle-timeout")
    );
}

#[test]
fn a_body_after_head_or_204_never_becomes_the_next_answer() {
    for (request, wrong) in [
        (
            "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 25\r\n\r\nHTTP/1.1 299 Smuggled\r\n\r\n",
        ),
        (
            "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n",
            "HTTP/1.1 204 No Content\r\ncontent-length: 25\r\n\r\nHTTP/1.1 299 Smuggled\r\n\r\n",
        ),
    ] {
        let origin = Origin::start(move |_number, stream| {
            while let Some(request) = stream.read_request() {
                let answer = if request.starts_with("GET") {
                    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
                } else {
                    wrong
                };
                if stream.stream.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
        });
        let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
        for _ in 0..5 {
            proxy.send(request);
            let answer = proxy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(status(&answer), 200, "{request}: {answer}");
        }
    }
}

#[test]
fn too_many_response_fields_and_no_http2_have_reasons_of_their_own() {
    let fields: Vec<String> = (0..120)
        .map(|number| format!("x-{number}: y\r\n"))
        .collect();
    let fields = fields.concat();
    let origin = Origin::answering(&format!(
        "HTTP/1.1 200 OK\r\n{fields}content-length: 0\r\n\r\n"
    ));
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let answer = proxy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let reason = |answer: &str| data_support::header(answer, "x-weft-reason").map(str::to_owned);
    assert_eq!(
        (status(&answer), reason(&answer).as_deref()),
        (502, Some("response-head-too-large"))
    );

    let origin = Origin::start(|_number, stream| {
        stream.read_until(b"SM\r\n\r\n");
        let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        let _gone = stream.stream.write_all(answer);
        stream.read_until(b"never");
    });
    let routes = vec![route("all/0", all_paths(), forward(&[1_000_000]))];
    let clusters = vec![cluster("app", &[origin.address], UpstreamProtocol::Http2)];
    let proxy = Proxy::start(&plan(Role::Edge, routes, clusters));
    let answer = proxy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(
        (status(&answer), reason(&answer).as_deref()),
        (502, Some("not-http2"))
    );
}
