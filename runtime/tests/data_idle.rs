//! Requests that come at the moment when an idle connection is closed, and heads that come in pieces.
#![cfg(test)]
#![expect(clippy::print_stdout, reason = "the figures are for people")]

mod data_support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use data_support::{Origin, Proxy, everything_to, forward, read_head, read_response, status};
use weft_runtime::shared::Limits;

/// What became of a request at the moment of the close.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Answered,
    /// The client saw the close before it sent.
    ClosedBefore,
    /// Closed within a millisecond of the request: nobody can tell which came first.
    AtOnce,
    /// Closed although the request had been there for a while.
    Lost,
}

fn post_at(mut stream: TcpStream, at: Instant) -> Outcome {
    std::thread::park_timeout(at.saturating_duration_since(Instant::now()));
    stream.set_nonblocking(true).unwrap();
    let is_open = stream
        .peek(&mut [0])
        .is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    stream.set_nonblocking(false).unwrap();
    if !is_open {
        return Outcome::ClosedBefore;
    }
    let sent = stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    let since = Instant::now();
    let mut answer = [0; 12];
    if sent.is_ok() && stream.read_exact(&mut answer).is_ok() {
        assert_eq!(&answer, b"HTTP/1.1 200");
        return Outcome::Answered;
    }
    if since.elapsed() < Duration::from_millis(1) {
        Outcome::AtOnce
    } else {
        Outcome::Lost
    }
}

#[test]
fn requests_at_the_moment_of_an_idle_close_are_answered() {
    let keep_alive = Duration::from_millis(200);
    let limits = Limits {
        keep_alive,
        ..Limits::default()
    };
    let origin = Origin::saying("here");
    let plan = everything_to(origin.address, forward(&[1_000_000]));
    let proxy = Proxy::start_with(&plan, limits, None);
    let mut outcomes = Vec::new();
    for _round in 0..10 {
        let idle: Vec<TcpStream> = (0..64)
            .map(|_| {
                let mut stream = proxy.connect();
                stream
                    .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    .unwrap();
                assert_eq!(status(&read_response(&mut stream)), 200);
                stream
            })
            .collect();
        let about = Instant::now() + keep_alive.saturating_sub(Duration::from_millis(30));
        let clients = (0..).zip(idle).map(|(number, stream)| {
            let at = about + Duration::from_millis(2) * number;
            std::thread::spawn(move || post_at(stream, at))
        });
        let clients: Vec<_> = clients.collect();
        outcomes.extend(clients.into_iter().map(|client| client.join().unwrap()));
    }
    let count = |wanted| outcomes.iter().filter(|it| **it == wanted).count();
    let figures = [
        Outcome::Answered,
        Outcome::ClosedBefore,
        Outcome::AtOnce,
        Outcome::Lost,
    ]
    .map(|it| (it, count(it)));
    println!("{figures:?}");
    assert_eq!(count(Outcome::Lost), 0, "{figures:?}");
    assert!(count(Outcome::AtOnce) < 10, "{figures:?}");
    // Else the moment was missed.
    assert!(0 < count(Outcome::Answered), "{figures:?}");
    assert!(0 < count(Outcome::ClosedBefore), "{figures:?}");
}

#[test]
fn the_next_head_may_come_in_pieces_while_a_request_is_served() {
    let limits = Limits {
        head_time: Duration::from_millis(300),
        ..Limits::default()
    };
    let origin = Origin::start(|_number, stream| {
        while stream.read_request().is_some() {
            // Longer than a head may take.
            std::thread::park_timeout(Duration::from_secs(1));
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            stream.stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let plan = everything_to(origin.address, forward(&[1_000_000]));
    let proxy = Proxy::start_with(&plan, limits, None);
    let mut client = proxy.connect();
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT")
        .unwrap();
    assert_eq!(status(&read_response(&mut client)), 200);
    client.write_all(b"TP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(status(&read_response(&mut client)), 200);

    // A piece that is never finished is told, but not before there was time for it.
    client.write_all(b"GET / HT").unwrap();
    assert_eq!(status(&read_head(&mut client)), 408);
}

#[test]
fn an_idle_connection_is_never_told_that_it_was_too_slow() {
    let limits = Limits {
        head_time: Duration::from_millis(100),
        handshake: Duration::from_millis(300),
        keep_alive: Duration::from_millis(300),
        ..Limits::default()
    };
    let origin = Origin::saying("here");
    let plan = everything_to(origin.address, forward(&[1_000_000]));
    let proxy = Proxy::start_with(&plan, limits, None);
    let mut silent = proxy.connect();
    let mut asked = proxy.connect();
    asked
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    assert_eq!(status(&read_response(&mut asked)), 200);
    // Some clients end a body with a blank line too many.
    asked.write_all(b"\r\n").unwrap();

    assert_eq!(read_head(&mut silent), "");
    assert_eq!(read_head(&mut asked), "");
}
