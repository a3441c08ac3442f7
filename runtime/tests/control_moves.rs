//! A listener moves to another port: who came to the old one is answered, by the last snapshot that had it.
#![cfg(test)]

#[path = "common/delivery.rs"]
mod delivery;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use delivery::{Dist, bundle, free_port, get, plan, until};
use weft_runtime::control::Proxy;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// A proxy that serves `here.` at the port of `dist`, and a client of it.
fn started() -> (Dist, Proxy, TcpStream) {
    let dist = Dist::new();
    dist.deliver("here.", 1);
    let proxy = Proxy::start(dist.settings()).unwrap();
    let client = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], dist.port))).unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    (dist, proxy, client)
}

/// Waits until connections to the port of `dist` are accepted, which those before are by then.
fn serves(dist: &Dist) {
    until("it serves", || !dist.answer().is_empty());
}

/// Moves the listener to another port, where it answers `there.`, and waits until nobody listens at the old one.
fn moves(dist: &Dist) {
    let other = free_port();
    dist.publish(&bundle(&plan(other, "there.")), 2);
    let address = SocketAddr::from(([127, 0, 0, 1], other));
    until("the listener is there", || {
        get(address, "/").is_ok_and(|(_status, it)| it == "there.")
    });
    let old = SocketAddr::from(([127, 0, 0, 1], dist.port));
    until("the listener is gone", || TcpStream::connect(old).is_err());
}

/// The listener is back at its first port, and answers `back.`
fn returns(dist: &Dist) {
    dist.deliver("back.", 3);
    until("the listener is back", || dist.answer() == "back.");
}

fn answer(client: &mut TcpStream) -> String {
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

fn assert_is_last_answer_from_here(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nhere."), "{answer}");
}

#[test]
fn a_request_that_began_before_its_listener_moved_is_answered() {
    let (dist, _proxy, mut client) = started();
    client.write_all(b"GET / HTTP/1.1\r\nhost: a.ex").unwrap();
    serves(&dist);
    moves(&dist);
    client.write_all(b"ample\r\n\r\n").unwrap();
    assert_is_last_answer_from_here(&answer(&mut client));
}

#[test]
fn the_first_request_of_a_connection_may_come_after_its_listener_moved() {
    let (dist, _proxy, mut client) = started();
    serves(&dist);
    moves(&dist);
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: a.example\r\n\r\n")
        .unwrap();
    assert_is_last_answer_from_here(&answer(&mut client));
}

#[test]
fn a_connection_keeps_its_listener_when_another_one_comes_to_its_port() {
    let (dist, _proxy, mut client) = started();
    client.write_all(b"GET / HTTP/1.1\r\nhost: a.ex").unwrap();
    serves(&dist);
    moves(&dist);
    returns(&dist);
    client.write_all(b"ample\r\n\r\n").unwrap();
    assert_is_last_answer_from_here(&answer(&mut client));
}

#[test]
fn an_idle_connection_is_closed_when_its_listener_moves() {
    let (dist, _proxy, mut client) = started();
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: a.example\r\n\r\n")
        .unwrap();
    serves(&dist);
    moves(&dist);
    let answer = answer(&mut client);
    assert!(answer.ends_with("\r\n\r\nhere."), "{answer}");
}

#[test]
fn a_stream_that_began_before_its_listener_moved_is_answered() {
    let (dist, _proxy, mut client) = started();
    // GET https://a.example/ of HPACK's static table, in two frames.
    let (begin, rest) = (&[0x82, 0x84, 0x87, 0x41, 9][..], b"a.example");
    let headers = [&[0, 0, 5, 1, 1, 0, 0, 0, 1], begin].concat();
    let continuation = [&[0, 0, 9, 9, 4, 0, 0, 0, 1], &rest[..]].concat();
    client
        .write_all(&[PREFACE, SETTINGS, &headers].concat())
        .unwrap();
    serves(&dist);
    moves(&dist);
    client.write_all(&continuation).unwrap();

    let mut told = false;
    let mut head = [0; 9];
    let mut status = None;
    loop {
        client.read_exact(&mut head).unwrap();
        let mut payload = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
        client.read_exact(&mut payload).unwrap();
        match head[3] {
            0 => {
                assert_eq!(payload, b"here.");
                break;
            }
            1 => status = payload.first().copied(),
            7 => told = true,
            _other => {}
        }
    }
    // `:status: 200` of the static table.
    assert_eq!((status, told), (Some(0x88), true));
}
