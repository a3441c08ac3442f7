//! What upstreams do wrong, and how long they may take.
#![cfg(test)]

mod data_support;

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use data_support::{
    Origin, Proxy, eventually, everything_to, exchange, forward, header, read_head, read_response,
    status,
};
use weft_snapshot::Reason;
use weft_snapshot::plan::Outcome;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn forwarding() -> Outcome {
    let mut outcome = forward(&[1_000_000]);
    outcome.timeouts.backend_request = Some(2_000);
    outcome
}

/// Responses that must become a 502: a name, and what the origin sends before it closes.
const WRONG: &[(&str, &str)] = &[
    ("nothing", ""),
    ("garbage", "\x16\x03\x01garbage\r\n\r\n"),
    ("half a status line", "HTTP/1.1 20"),
    ("half a head", "HTTP/1.1 200 OK\r\ncontent-le"),
    (
        "unasked 101",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ),
    (
        "status 099",
        "HTTP/1.1 099 Low\r\ncontent-length: 0\r\n\r\n",
    ),
    (
        "status 600",
        "HTTP/1.1 600 High\r\ncontent-length: 0\r\n\r\n",
    ),
    (
        "status 999",
        "HTTP/1.1 999 High\r\ncontent-length: 0\r\n\r\n",
    ),
    (
        "status of letters",
        "HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n",
    ),
    (
        "status of four digits",
        "HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n",
    ),
    (
        "unknown version",
        "HTTP/3.7 200 OK\r\ncontent-length: 0\r\n\r\n",
    ),
    ("HTTP/0.9", "hello"),
    (
        "two lengths",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    ),
    (
        "two equal lengths",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\na",
    ),
    (
        "list of lengths",
        "HTTP/1.1 200 OK\r\ncontent-length: 1, 1\r\n\r\na",
    ),
    (
        "negative length",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    ),
    (
        "signed length",
        "HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\na",
    ),
    (
        "length of letters",
        "HTTP/1.1 200 OK\r\ncontent-length: abc\r\n\r\n",
    ),
    (
        "length and coding",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "coding twice",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "unknown coding",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nabc",
    ),
    (
        "coding in HTTP/1.0",
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "space before colon",
        "HTTP/1.1 200 OK\r\ncontent-length : 0\r\n\r\n",
    ),
    (
        "NUL in value",
        "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n",
    ),
    (
        "bare CR in value",
        "HTTP/1.1 200 OK\r\nx: a\rb\r\ncontent-length: 0\r\n\r\n",
    ),
    (
        "folded header",
        "HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 0\r\n\r\n",
    ),
    (
        "no colon",
        "HTTP/1.1 200 OK\r\nx\r\ncontent-length: 0\r\n\r\n",
    ),
];

#[test]
fn wrong_responses_become_502() {
    assert!(20 <= WRONG.len());
    let mut wrong = Vec::new();
    for (name, response) in WRONG {
        let origin = Origin::start(move |_number, stream| {
            if stream.read_request().is_some() {
                let _gone = stream.stream.write_all(response.as_bytes());
            }
        });
        let proxy = Proxy::start(&everything_to(origin.address, forwarding()));
        let answer = proxy.send(GET);
        if status(&answer) != 502 || header(&answer, "x-weft-reason").is_none() {
            wrong.push(format!("{name}: {answer:?}"));
        }
        if origin.connections() != 1 {
            wrong.push(format!("{name}: {} connections", origin.connections()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_body_that_breaks_off_is_never_made_complete() {
    for response in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
    ] {
        let origin = Origin::start(move |_number, stream| {
            if stream.read_request().is_some() {
                stream.stream.write_all(response.as_bytes()).unwrap();
            }
        });
        let proxy = Proxy::start(&everything_to(origin.address, forwarding()));
        let mut client = proxy.connect();
        client.write_all(GET.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _reset = client.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
        assert_eq!(proxy.entry().reason, Some(Reason::UpstreamReset));
    }
}

#[test]
fn bodies_that_a_response_must_not_have_do_not_bleed() {
    for response in [
        "HTTP/1.1 204 No Content\r\n\r\nGET-LOST",
        "HTTP/1.1 304 Not Modified\r\ncontent-length: 8\r\n\r\nGET-LOST",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nGET-LOST",
    ] {
        let origin = Origin::answering(response);
        let proxy = Proxy::start(&everything_to(origin.address, forwarding()));
        let answer = exchange(proxy.connect(), format!("{GET}{GET}").as_bytes());
        assert!(!answer.contains("GET-LOST"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 2, "{answer}");
    }
}

#[test]
fn a_flood_of_interim_responses_is_cut() {
    let origin = Origin::start(|_number, stream| {
        if stream.read_request().is_some() {
            let interim = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(1_000);
            while stream.stream.write_all(interim.as_bytes()).is_ok() {}
        }
    });
    let proxy = Proxy::start(&everything_to(origin.address, forwarding()));
    let answer = proxy.send(GET);
    assert_eq!(status(&answer), 502, "{answer}");
}

#[test]
fn interim_responses_are_dropped_and_the_final_one_passes() {
    let origin = Origin::answering(
        "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
    );
    let proxy = Proxy::start(&everything_to(origin.address, forwarding()));
    let answer = proxy.send(GET);
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("\r\n\r\na"),
        "{answer}"
    );
}

fn silent() -> Origin {
    Origin::start(|_number, stream| while stream.read_request().is_some() {})
}

fn timed(outcome: Outcome, origin: &Origin) -> (String, Duration) {
    let proxy = Proxy::start(&everything_to(origin.address, outcome));
    let mut client = proxy.connect();
    let start = Instant::now();
    client.write_all(GET.as_bytes()).unwrap();
    (read_head(&mut client), start.elapsed())
}

fn reason_of(head: &str) -> (u16, Option<&str>) {
    (status(head), header(head, "x-weft-reason"))
}

#[test]
fn a_silent_upstream_ends_with_504_after_request_or_backend_request() {
    let mut outcome = forward(&[1_000_000]);
    outcome.timeouts.request = Some(150);
    let (answer, took) = timed(outcome, &silent());
    assert_eq!(reason_of(&answer), (504, Some("request-timeout")));
    assert!(
        Duration::from_millis(150) <= took && took < Duration::from_secs(2),
        "{took:?}"
    );
    let mut outcome = forward(&[1_000_000]);
    outcome.timeouts.request = Some(5_000);
    outcome.timeouts.backend_request = Some(150);
    let (answer, took) = timed(outcome, &silent());
    assert_eq!(reason_of(&answer), (504, Some("backend-timeout")));
    assert!(
        Duration::from_millis(150) <= took && took < Duration::from_secs(2),
        "{took:?}"
    );
}

#[test]
fn a_response_that_stops_is_cut_after_idle_or_request() {
    for (idle, request, reason) in [
        (Some(150), None, Reason::IdleTimeout),
        (None, Some(150), Reason::RequestTimeout),
    ] {
        let origin = Origin::start(|_number, stream| {
            if stream.read_request().is_some() {
                let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc";
                stream.stream.write_all(half).unwrap();
                let _until_closed = stream.read_request();
            }
        });
        let mut outcome = forward(&[1_000_000]);
        outcome.timeouts.idle = idle;
        outcome.timeouts.request = request;
        let proxy = Proxy::start(&everything_to(origin.address, outcome));
        let mut client = proxy.connect();
        client.write_all(GET.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _reset = client.read_to_end(&mut answer);
        assert!(answer.ends_with(b"abc"));
        assert_eq!(proxy.entry().reason, Some(reason));
    }
}

#[test]
fn a_client_that_stops_sending_gets_408() {
    let origin = silent();
    let mut outcome = forward(&[1_000_000]);
    outcome.timeouts.idle = Some(150);
    let proxy = Proxy::start(&everything_to(origin.address, outcome));
    let mut client = proxy.connect();
    client
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
        .unwrap();
    let answer = read_head(&mut client);
    assert_eq!(reason_of(&answer), (408, Some("body-timeout")));
}

#[test]
fn a_refused_connection_is_503() {
    let dead = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let proxy = Proxy::start(&everything_to(dead, forwarding()));
    assert_eq!(reason_of(&proxy.send(GET)), (503, Some("connect-failure")));
}

#[test]
fn a_connection_that_is_not_made_in_time_is_504() {
    // A listener whose queue is full does not answer.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(
            &"127.0.0.1:0"
                .parse::<std::net::SocketAddr>()
                .unwrap()
                .into(),
        )
        .unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let queued: Vec<_> = (0..4)
        .map(|_| std::net::TcpStream::connect_timeout(&address, Duration::from_millis(50)))
        .collect();
    let mut outcome = forward(&[1_000_000]);
    outcome.timeouts.connect = Some(150);
    let proxy = Proxy::start(&everything_to(address, outcome));
    assert_eq!(reason_of(&proxy.send(GET)), (504, Some("connect-timeout")));
    drop(queued);
}

#[test]
fn a_pooled_connection_that_was_closed_is_not_an_error() {
    let origin = Origin::start(|_number, stream| {
        if stream.read_request().is_some() {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            stream.stream.write_all(answer).unwrap();
        }
    });
    let proxy = Proxy::start(&everything_to(origin.address, forwarding()));
    let mut client = proxy.connect();
    for _ in 0..10 {
        client
            .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        assert_eq!(status(&read_response(&mut client)), 200);
        eventually("the close is seen", || {
            proxy.counters().upstream_open.value() == 0
        });
    }
}

#[test]
fn a_slow_reader_holds_the_upstream_back() {
    let (told, taken) = std::sync::mpsc::channel();
    let origin = Origin::start(move |_number, stream| {
        if stream.read_request().is_none() {
            return;
        }
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n";
        stream.stream.write_all(head).unwrap();
        let limit = Some(Duration::from_millis(500));
        stream.stream.set_write_timeout(limit).unwrap();
        let chunk = vec![b'x'; 64 << 10];
        let mut total = 0_usize;
        while let Ok(count) = stream.stream.write(&chunk) {
            total += count;
        }
        told.send(total).unwrap();
    });
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let mut client = proxy.connect();
    client.write_all(GET.as_bytes()).unwrap();
    assert_eq!(status(&read_head(&mut client)), 200);
    let total = taken.recv_timeout(data_support::PATIENCE).unwrap();
    // What fits into sockets, and nothing near the whole.
    assert!(total < 64 << 20, "{total} bytes taken");
}

#[test]
fn a_client_that_leaves_ends_its_request_upstream() {
    let origin = silent();
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let mut client = proxy.connect();
    client.write_all(GET.as_bytes()).unwrap();
    eventually("it runs", || origin.connections() == 1);
    drop(client);
    eventually("it ends", || proxy.counters().upstream_open.value() == 0);
    assert_eq!(proxy.counters().requests_running.value(), 0);
}

#[test]
fn a_response_that_is_cut_behind_its_head_shows_the_head() {
    let origin = Origin::start(|_number, stream| {
        if stream.read_request().is_some() {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n";
            stream.stream.write_all(answer).unwrap();
        }
    });
    let proxy = Proxy::start(&everything_to(origin.address, forwarding()));
    for _ in 0..20 {
        let mut client = proxy.connect();
        client.write_all(GET.as_bytes()).unwrap();
        let head = read_head(&mut client);
        assert_eq!(status(&head), 200, "{head:?}");
        assert_eq!(client.read(&mut [0; 16]).unwrap_or(0), 0, "and no more");
    }
}
