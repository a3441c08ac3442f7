//! Bodies that nobody reads: the answer is seen, the connection lives or its close is announced.
#![cfg(test)]

mod data_support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use data_support::{
    Origin, Proxy, all_paths, cluster, eventually, everything_to, forward, header, plan, read_head,
    read_response, respond, route, status,
};
use weft_snapshot::plan::NodePlan;
use weft_snapshot::settings::{Role, UpstreamProtocol};

fn refusing() -> NodePlan {
    let nowhere = "127.0.0.1:1".parse().unwrap();
    let routes = vec![route("all/0", all_paths(), respond(403, "no"))];
    let clusters = vec![cluster("app", &[nowhere], UpstreamProtocol::Http1)];
    plan(Role::Edge, routes, clusters)
}

/// Writes `bytes` of a body in pieces, and says how many were taken.
fn upload(stream: &mut TcpStream, bytes: usize) -> usize {
    let piece = vec![b'x'; 64 << 10];
    let mut sent = 0;
    while sent < bytes {
        match stream.write(&piece[..piece.len().min(bytes - sent)]) {
            Ok(count) => sent += count,
            Err(_cut) => break,
        }
    }
    sent
}

#[test]
fn a_hundred_refused_posts_on_one_connection_are_all_answered() {
    let proxy = Proxy::start(&refusing());
    let mut client = proxy.connect();
    for number in 0..100 {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n";
        client.write_all(head.as_bytes()).unwrap();
        assert_eq!(upload(&mut client, 20_000), 20_000, "request {number}");
        let answer = read_response(&mut client);
        assert_eq!(status(&answer), 403, "request {number}: {answer}");
        assert_eq!(header(&answer, "connection"), None, "request {number}");
    }
    assert_eq!(proxy.counters().connections_accepted.value(), 1);
}

#[test]
fn a_long_refused_upload_is_told_and_read_until_its_end() {
    let proxy = Proxy::start(&refusing());
    for framing in ["Content-Length: 40000000", "Transfer-Encoding: chunked"] {
        let mut client = proxy.connect();
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n2625A00\r\n");
        client.write_all(head.as_bytes()).unwrap();
        // A client that does not read before it has sent everything.
        assert_eq!(upload(&mut client, 40_000_000), 40_000_000, "{framing}");
        let answer = read_head(&mut client);
        assert_eq!(status(&answer), 403, "{framing}: {answer}");
        assert_eq!(header(&answer, "connection"), Some("close"), "{framing}");
    }
}

#[test]
fn a_refused_upload_that_trickles_is_not_waited_for() {
    let proxy = Proxy::start(&refusing());
    let mut client = proxy.connect();
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40000000\r\n\r\n";
    client.write_all(head.as_bytes()).unwrap();
    assert_eq!(status(&read_head(&mut client)), 403);
    client
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let mut scratch = [0; 1024];
    eventually("it is closed", || {
        let mut client = &client;
        let _closed = client.write(b"x");
        !matches!(client.read(&mut scratch.clone()), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
            && proxy.counters().connections_open.value() == 0
    });
    let _unread = client.read(&mut scratch);
}

/// An origin that answers `status` to the head of an upload and closes: what it did not read resets the connection.
fn rejecting(status: &'static str) -> Origin {
    Origin::start(move |_number, stream| {
        if stream.read_until(b"\r\n\r\n").is_some() {
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nno");
            let _gone = stream.stream.write_all(answer.as_bytes());
        }
    })
}

#[test]
fn an_origin_that_answers_an_upload_at_once_and_closes_is_heard() {
    for early in ["413 Payload Too Large", "401 Unauthorized"] {
        let origin = rejecting(early);
        let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
        for number in 0..8 {
            let mut client = proxy.connect();
            let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n";
            client.write_all(head.as_bytes()).unwrap();
            upload(&mut client, 20_000_000);
            let answer = read_response(&mut client);
            assert_eq!(
                status(&answer).to_string(),
                early.split(' ').next().unwrap(),
                "upload {number}: {answer}"
            );
        }
    }
}

#[test]
fn an_upload_after_an_early_answer_ends_with_the_deadline() {
    let origin = Origin::start(|_number, stream| {
        if stream.read_until(b"\r\n\r\n").is_some() {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nno";
            stream.stream.write_all(answer).unwrap();
            let mut scratch = [0; 1024];
            while 0 < stream.stream.read(&mut scratch).unwrap_or(0) {}
        }
    });
    let mut outcome = forward(&[1_000_000]);
    outcome.timeouts.request = Some(400);
    let proxy = Proxy::start(&everything_to(origin.address, outcome));
    let mut client = proxy.connect();
    client
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx")
        .unwrap();
    assert_eq!(status(&read_head(&mut client)), 200);
    eventually("request and connections end", || {
        let counters = proxy.counters();
        counters.requests_running.value() == 0 && counters.upstream_open.value() == 0
    });
}

#[test]
fn the_expectation_is_the_origins_to_meet() {
    let origin = Origin::start(|_number, stream| {
        while let Some(head) = stream.read_until(b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&head).into_owned();
            if head.contains("/refused") {
                let answer = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
                stream.stream.write_all(answer).unwrap();
                return;
            }
            if header(&head, "expect") == Some("100-continue") {
                let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
                stream.stream.write_all(interim).unwrap();
            }
            stream.read_until(b"body").unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            stream.stream.write_all(answer).unwrap();
        }
    });
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
        )
    };
    let mut client = proxy.connect();
    client.write_all(head("/taken").as_bytes()).unwrap();
    assert_eq!(status(&read_head(&mut client)), 100);
    client.write_all(b"body").unwrap();
    assert_eq!(status(&read_response(&mut client)), 200);

    client.write_all(head("/refused").as_bytes()).unwrap();
    let answer = read_head(&mut client);
    assert_eq!(status(&answer), 401, "no 100 before the refusal");
    assert_eq!(header(&answer, "connection"), Some("close"));
}

#[test]
fn an_origin_that_never_asks_for_the_body_gets_it_after_a_moment() {
    let origin = Origin::saying("ok");
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let mut client = proxy.connect();
    let head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    client.write_all(head.as_bytes()).unwrap();
    assert_eq!(status(&read_head(&mut client)), 100);
    client.write_all(b"body").unwrap();
    assert_eq!(status(&read_response(&mut client)), 200);
}
