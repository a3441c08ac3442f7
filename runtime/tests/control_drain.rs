//! The way out: not ready, then the last requests, then the end.
#![cfg(test)]

#[path = "common/delivery.rs"]
mod delivery;
#[path = "common/load.rs"]
mod load;
#[path = "common/process.rs"]
mod process;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use delivery::{Dist, bundle, get, until};
use load::was_closed;
use process::Process;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: a.example\r\n\r\n";

/// A snapshot with the routes of the load, and where its listener will be.
fn delivered() -> (Dist, SocketAddr) {
    let dist = Dist::new();
    dist.publish(&bundle(&load::plan(dist.port, load::origin())), 1);
    let address = SocketAddr::from(([127, 0, 0, 1], dist.port));
    (dist, address)
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    let patience = Some(Duration::from_secs(10));
    stream.set_read_timeout(patience).unwrap();
    stream
}

/// One answer on a connection that may stay open.
fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(REQUEST).unwrap();
    answer(stream)
}

fn answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"here") && stream.read(&mut byte).unwrap_or(0) == 1 {
        answer.push(byte[0]);
    }
    String::from_utf8(answer).unwrap()
}

fn says_close(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 200 ") && answer.contains("\r\nconnection: close\r\n")
}

#[test]
fn an_idle_connection_is_kept_until_its_next_request() {
    let (dist, address) = delivered();
    let mut process = Process::ready(&dist, &["--drain-time", "20s"]);
    let mut asked_before = connect(address);
    assert!(!says_close(&ask(&mut asked_before)));
    let mut never_asked = connect(address);

    process.signal("-TERM");
    until("it takes no more connections", || {
        TcpStream::connect(address).is_err()
    });
    // Twice as long as idle connections had before.
    std::thread::park_timeout(Duration::from_secs(2));
    assert!(!process.has_ended());

    for stream in [&mut asked_before, &mut never_asked] {
        assert!(!was_closed(stream));
        let answer = ask(stream);
        assert!(says_close(&answer), "{answer}");
    }
    assert_eq!(process.ended().code(), Some(0));
    assert!(
        process.log().contains("closed_connections=0"),
        "{}",
        process.log()
    );
}

#[test]
fn a_kept_connection_of_http_1_0_is_told_close_and_nothing_else() {
    let (dist, address) = delivered();
    let process = Process::ready(&dist, &["--drain-time", "20s"]);
    let mut kept = connect(address);
    let mut said = || {
        kept.write_all(b"GET / HTTP/1.0\r\nhost: a.example\r\nconnection: keep-alive\r\n\r\n")
            .unwrap();
        answer(&mut kept).to_ascii_lowercase()
    };
    assert!(said().contains("\r\nconnection: keep-alive\r\n"));
    process.signal("-TERM");
    until("it takes no more connections", || {
        TcpStream::connect(address).is_err()
    });

    let last = said();

    assert!(last.contains("\r\nconnection: close\r\n"), "{last}");
    assert!(!last.contains("keep-alive"), "{last}");
}

#[test]
fn connections_that_never_ask_again_are_closed_at_the_end() {
    let (dist, address) = delivered();
    let mut process = Process::ready(&dist, &["--drain-time", "2s"]);
    let mut idle = connect(address);
    ask(&mut idle);
    let began = Instant::now();

    process.signal("-TERM");
    until("it is closed", || was_closed(&idle));

    assert!(Duration::from_secs(1) < began.elapsed());
    assert_eq!(idle.read(&mut [0]).unwrap(), 0, "without a word");
    assert_eq!(process.ended().code(), Some(0));
}

#[test]
fn a_drain_ends_when_nothing_is_open() {
    let (dist, address) = delivered();
    let mut process = Process::ready(&dist, &["--drain-time", "1h"]);
    let mut idle = connect(address);
    ask(&mut idle);

    process.signal("-TERM");
    process.until_said("draining");
    drop(idle);

    assert_eq!(process.ended().code(), Some(0));
}

#[test]
fn a_delay_is_not_ready_but_serves() {
    let (dist, address) = delivered();
    let mut process = Process::ready(&dist, &["--drain-delay", "2s"]);
    let began = Instant::now();
    process.signal("-TERM");
    until("it is not ready", || process.readiness().0 == 503);
    assert!(process.readiness().1.contains("\"phase\": \"draining\""));

    let mut served = 0;
    while began.elapsed() < Duration::from_millis(1_500) {
        assert_eq!(get(address, "/").unwrap(), (200, "here".to_owned()));
        served += 1;
    }

    assert!(10 < served);
    assert!(!process.has_ended());
    let mut kept = connect(address);
    assert!(!says_close(&ask(&mut kept)), "the delay changes no answer");
    drop(kept);
    assert_eq!(process.ended().code(), Some(0));
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_second_signal_ends_the_delay_and_a_third_one_all() {
    let (dist, address) = delivered();
    let mut process = Process::ready(&dist, &["--drain-delay", "1h", "--drain-time", "1h"]);
    let mut idle = connect(address);
    ask(&mut idle);

    process.signal("-TERM");
    process.until_said("not ready");
    assert_eq!(get(address, "/").unwrap().0, 200);
    process.signal("-TERM");
    until("it takes no more connections", || {
        TcpStream::connect(address).is_err()
    });
    assert!(!process.has_ended() && !was_closed(&idle));
    process.signal("-TERM");

    assert_eq!(process.ended().code(), Some(0));
    assert!(
        process.log().contains("closed_connections=1"),
        "{}",
        process.log()
    );
}

#[test]
fn a_signal_after_drain_of_the_admin_endpoint_is_no_second_one() {
    let (dist, address) = delivered();
    let admin = SocketAddr::from(([127, 0, 0, 1], delivery::free_port()));
    let arguments = ["--admin", &admin.to_string(), "--drain-time", "1h"];
    let mut process = Process::ready(&dist, &arguments);
    let mut idle = connect(address);
    ask(&mut idle);

    for _twice in 0..2 {
        assert_eq!(
            delivery::call_admin(admin, "POST /drain", delivery::CHANGES)
                .unwrap()
                .0,
            202
        );
    }
    process.signal("-TERM");
    until("it takes no more connections", || {
        TcpStream::connect(address).is_err()
    });

    assert!(!process.has_ended());
    assert!(says_close(&ask(&mut idle)));
    assert_eq!(process.ended().code(), Some(0));
}

#[test]
fn a_tunnel_outlives_the_start_of_a_drain() {
    let (dist, address) = delivered();
    let mut process = Process::ready(&dist, &["--drain-time", "1h"]);
    let mut tunnel = load::open_tunnel(address).unwrap();
    process.signal("-TERM");
    process.until_said("draining");
    until("it takes no more connections", || {
        TcpStream::connect(address).is_err()
    });

    let until_then = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until_then {
        tunnel.write_all(b"still").unwrap();
        let mut heard = [0; 5];
        tunnel.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"still");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    assert!(!process.has_ended());

    drop(tunnel);
    assert_eq!(process.ended().code(), Some(0));
    assert!(process.log().contains("cut_tunnels=0"), "{}", process.log());
}

#[test]
fn what_the_end_of_a_drain_cuts_is_said() {
    let (dist, address) = delivered();
    let mut process = Process::ready(&dist, &["--drain-time", "1s"]);
    let mut tunnel = load::open_tunnel(address).unwrap();

    process.signal("-TERM");

    assert_eq!(tunnel.read(&mut [0]).unwrap_or(0), 0);
    assert_eq!(process.ended().code(), Some(0));
    assert!(process.log().contains("cut_tunnels=1"), "{}", process.log());
}
