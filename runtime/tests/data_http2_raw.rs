//! How connections of HTTP/2 end: raw bytes that are refused, trickle, flood or say nothing.
#![cfg(test)]

mod data_support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use data_support::{Origin, Proxy, connect, eventually, everything_to, forward};
use h2::Reason;
use weft_runtime::shared::Limits;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
const PING: &[u8] = &[0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

/// The frames that come, up to the one that `is_last` picks or the end of the connection.
fn frames(stream: &mut TcpStream, is_last: impl Fn(u8, &[u8]) -> bool) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    let mut head = [0; 9];
    while stream.read_exact(&mut head).is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        if stream.read_exact(&mut payload).is_err() {
            break;
        }
        let is_over = is_last(head[3], &payload);
        found.push((head[3], payload));
        if is_over {
            break;
        }
    }
    found
}

/// The error code of the GOAWAY that ends the connection; none when it ends without one.
fn goodbye(stream: &mut TcpStream) -> Option<u32> {
    let frames = frames(stream, |_kind, _payload| false);
    let goodbye = frames.iter().rev().find(|(kind, _)| *kind == 7)?;
    Some(u32::from_be_bytes(goodbye.1[4..8].try_into().unwrap()))
}

#[test]
fn an_empty_scheme_is_refused() {
    let origin = Origin::saying("x");
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    for (scheme, wanted) in [(&[0x86][..], 0x88), (&[0x06, 0][..], 0x8c)] {
        let block = [&[0x82, 0x84][..], scheme, &[0x01, 1, b'a']].concat();
        let length = u8::try_from(block.len()).unwrap();
        let head = [0, 0, length, 1, 5, 0, 0, 0, 1];
        let mut stream = connect(proxy.address);
        stream
            .write_all(&[PREFACE, SETTINGS, &head, &block].concat())
            .unwrap();
        let answer = frames(&mut stream, |kind, _payload| kind == 1);
        let status = answer.last().map(|(_, payload)| payload[0]);
        assert_eq!(status, Some(wanted), "{scheme:?}");
    }
}

fn short() -> Limits {
    Limits {
        handshake: Duration::from_millis(300),
        head_time: Duration::from_millis(300),
        keep_alive: Duration::from_millis(300),
        ..Limits::default()
    }
}

#[test]
fn a_flood_is_told_why_it_is_cut() {
    let origin = Origin::saying("x");
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let mut stream = connect(proxy.address);
    let mut flood = [PREFACE, SETTINGS].concat();
    for _ in 0..5_000 {
        flood.extend_from_slice(PING);
    }
    let _cut = stream.write_all(&flood);
    assert_eq!(
        goodbye(&mut stream),
        Some(u32::from(Reason::ENHANCE_YOUR_CALM))
    );
    let cut: u64 = proxy
        .counters()
        .connections_cut
        .iter()
        .map(weft_runtime::shared::Count::value)
        .sum();
    assert_eq!(cut, 1);
}

/// A client that reads 4 MB and gives back the windows of stream and connection whenever `step` bytes have come: how much it
/// got before the end of the stream or of the connection.
fn downloaded_in_steps(step: usize) -> usize {
    const BYTES: usize = 4_000_000;
    let origin = Origin::saying(&"x".repeat(BYTES));
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let mut stream = connect(proxy.address);
    let block = [0x82, 0x84, 0x86, 0x01, 1, b'a'];
    let head = [0, 0, 6, 1, 5, 0, 0, 0, 1];
    stream
        .write_all(&[PREFACE, SETTINGS, &head, &block].concat())
        .unwrap();
    let (mut got, mut owed) = (0, 0);
    while got < BYTES {
        let data = frames(&mut stream, |kind, _payload| kind == 0 || kind == 7);
        let Some((0, payload)) = data.last() else {
            break;
        };
        got += payload.len();
        owed += payload.len();
        let mut given = Vec::new();
        while step <= owed {
            owed -= step;
            for number in [0, 1] {
                given.extend_from_slice(&[0, 0, 4, 8, 0, 0, 0, 0, number]);
                given.extend_from_slice(&u32::try_from(step).unwrap().to_be_bytes());
            }
        }
        if stream.write_all(&given).is_err() {
            break;
        }
    }
    got
}

#[test]
fn windows_may_be_given_back_in_small_steps_and_not_byte_by_byte() {
    assert_eq!(downloaded_in_steps(1_024), 4_000_000);
    assert_eq!(downloaded_in_steps(512), 4_000_000);
    assert!(downloaded_in_steps(1) < 4_000_000);
}

#[test]
fn what_does_not_begin_with_the_preface_gets_a_goodbye() {
    let origin = Origin::saying("x");
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let mut stream = connect(proxy.address);
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")
        .unwrap();
    assert_eq!(
        goodbye(&mut stream),
        Some(u32::from(Reason::PROTOCOL_ERROR))
    );
}

#[test]
fn idle_connections_end_although_their_peers_stay() {
    let origin = Origin::saying("x");
    let plan = everything_to(origin.address, forward(&[1_000_000]));
    let proxy = Proxy::start_with(&plan, short(), None);
    let silent = connect(proxy.address);
    let mut preface_only = connect(proxy.address);
    preface_only.write_all(PREFACE).unwrap();
    let mut settled = connect(proxy.address);
    settled.write_all(&[PREFACE, SETTINGS].concat()).unwrap();
    let mut pinging = connect(proxy.address);
    pinging.write_all(&[PREFACE, SETTINGS].concat()).unwrap();
    eventually("all are open", || {
        proxy.counters().connections_open.value() == 4
    });
    let began = Instant::now();
    eventually("they end, the one that pings as well", || {
        let _closed = (&pinging).write_all(PING);
        proxy.counters().connections_open.value() == 0
    });
    assert!(
        began.elapsed() < Duration::from_secs(9),
        "{:?}",
        began.elapsed()
    );
    drop((silent, preface_only, settled));
}

#[test]
fn a_header_block_is_bounded_by_the_time_of_a_head() {
    let origin = Origin::saying("x");
    let limits = Limits {
        keep_alive: Duration::from_mins(5),
        ..short()
    };
    let plan = everything_to(origin.address, forward(&[1_000_000]));
    let proxy = Proxy::start_with(&plan, limits, None);
    let headers_without_end: &[u8] = &[0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82];
    let empty_continuation: &[u8] = &[0, 0, 1, 9, 0, 0, 0, 0, 1, 0x84];
    let half_a_frame: &[u8] = &[0, 0, 8, 6, 0, 0];
    let half_a_payload: &[u8] = &[0, 0, 8, 1, 4, 0, 0, 0, 1, 0x82];
    for begun in [headers_without_end, half_a_frame, half_a_payload] {
        let mut stream = connect(proxy.address);
        stream
            .write_all(&[PREFACE, SETTINGS, begun].concat())
            .unwrap();
        let code = goodbye(&mut stream);
        assert_eq!(
            code,
            Some(u32::from(Reason::ENHANCE_YOUR_CALM)),
            "{begun:?}"
        );
    }
    let mut trickling = connect(proxy.address);
    trickling
        .write_all(&[PREFACE, SETTINGS, headers_without_end].concat())
        .unwrap();
    let began = Instant::now();
    eventually("a block that trickles ends too", || {
        let _closed = (&trickling).write_all(empty_continuation);
        std::thread::park_timeout(Duration::from_millis(100));
        proxy.counters().connections_open.value() == 0
    });
    assert!(began.elapsed() < Duration::from_secs(5));
}
