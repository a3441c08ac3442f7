//! Clients that leave: the access log says that it was they who left, whenever and however they do.
#![cfg(test)]

mod data_support;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use data_support::{Origin, Proxy, everything_to, forward, read_until_quiet};
use weft_snapshot::Reason;

/// An origin that works for as long as it is waited for, and says when it has begun.
fn working() -> (Origin, Receiver<()>) {
    let (begun, begins) = channel();
    let origin = Origin::start(move |_number, stream| {
        if stream.read_until(b"\r\n\r\n").is_some() {
            begun.send(()).unwrap();
            let mut scratch = [0; 1024];
            while 0 < stream.stream.read(&mut scratch).unwrap_or(0) {}
        }
    });
    (origin, begins)
}

/// A name, and what a client does then.
type Way = (&'static str, fn(TcpStream));

/// How clients leave.
const WAYS: [Way; 3] = [
    ("close", drop),
    ("half-close", half_close),
    ("reset", reset),
];

fn reset(stream: TcpStream) {
    let linger = Some(Duration::ZERO);
    socket2::SockRef::from(&stream).set_linger(linger).unwrap();
    drop(stream);
}

fn half_close(stream: TcpStream) {
    stream.shutdown(Shutdown::Write).unwrap();
    let mut stream = stream;
    let _answer = read_until_quiet(&mut stream);
}

#[test]
fn a_client_that_leaves_before_the_answer_is_gone() {
    let (origin, begins) = working();
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    for (how, leave) in WAYS {
        let mut client = proxy.connect();
        write!(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        begins.recv().unwrap();
        leave(client);
        let entry = proxy.entry();
        assert_eq!(
            (entry.status, entry.reason),
            (0, Some(Reason::ClientGone)),
            "{how}"
        );
    }
}

#[test]
fn a_client_that_leaves_in_the_middle_of_its_upload_is_gone() {
    let (origin, begins) = working();
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    for framing in [
        "Content-Length: 100\r\n\r\nabc",
        "Transfer-Encoding: chunked\r\n\r\n64\r\nabc",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ] {
        for (how, leave) in WAYS {
            let mut client = proxy.connect();
            write!(client, "POST / HTTP/1.1\r\nHost: a\r\n{framing}").unwrap();
            begins.recv().unwrap();
            leave(client);
            let entry = proxy.entry();
            let seen = (entry.status, entry.reason);
            assert_eq!(seen, (0, Some(Reason::ClientGone)), "{how}, {framing}");
        }
    }
}

#[test]
fn a_malformed_body_is_the_clients_mistake() {
    let (origin, begins) = working();
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let mut client = proxy.connect();
    write!(
        client,
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    )
    .unwrap();
    begins.recv().unwrap();
    client.write_all(b"no size\r\n").unwrap();
    let entry = proxy.entry();
    assert_eq!((entry.status, entry.reason), (400, Some(Reason::BadBody)));
}

#[tokio::test]
async fn a_stream_that_is_taken_back_is_gone() {
    let (origin, begins) = working();
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let socket = tokio::net::TcpStream::connect(proxy.address).await.unwrap();
    let (mut client, connection) = h2::client::handshake(socket).await.unwrap();
    let driving = tokio::spawn(connection);
    let request = http::Request::get("http://a/").body(()).unwrap();
    let (answer, mut stream) = client.send_request(request, true).unwrap();
    tokio::task::spawn_blocking(move || begins.recv().unwrap())
        .await
        .unwrap();
    stream.send_reset(h2::Reason::CANCEL);
    drop(answer);
    let entry = tokio::task::spawn_blocking(move || proxy.entry())
        .await
        .unwrap();
    assert_eq!((entry.status, entry.reason), (0, Some(Reason::ClientGone)));
    driving.abort();
}
