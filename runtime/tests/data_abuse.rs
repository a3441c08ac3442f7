//! What no client of good faith sends: refused with a close, or forwarded in one unambiguous form.
#![cfg(test)]

mod data_support;

use std::io::Write;

use data_support::{Origin, Proxy, everything_to, forward, header, read_head, status};
use weft_runtime::shared::Limits;
use weft_snapshot::Reason;

/// Requests that are refused: a name, and the bytes. Each is followed by a request for `/smuggled`.
const REFUSED: &[(&str, &str)] = &[
    (
        "length and coding",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "coding and length",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    ),
    (
        "coding twice in one line",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "coding in two lines",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "identity and chunked",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "empty element before chunked",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: , chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked then identity",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    ),
    (
        "unknown coding",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
    ),
    (
        "identity",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
    ),
    (
        "xchunked",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "quoted chunked",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked with parameter",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;x=1\r\n\r\n0\r\n\r\n",
    ),
    (
        "empty coding",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n",
    ),
    (
        "vertical tab before chunked",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "coding in HTTP/1.0",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "space before colon of coding",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "tab before colon of coding",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "folded coding",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "two equal lengths",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "two lengths",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n",
    ),
    (
        "list of lengths",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 0\r\n\r\n",
    ),
    (
        "signed length",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n",
    ),
    (
        "negative length",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    ),
    (
        "hexadecimal length",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x0\r\n\r\n",
    ),
    (
        "empty length",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
    ),
    (
        "length with underscore",
        "POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\n\r\n",
    ),
    (
        "length too large",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    ),
    (
        "length with inner space",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 0\r\n\r\n",
    ),
    (
        "length with point",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1.0\r\n\r\n",
    ),
    ("no host", "GET / HTTP/1.1\r\n\r\n"),
    (
        "an empty host in HTTP/1.0",
        "GET / HTTP/1.0\r\nHost:\r\n\r\n",
    ),
    ("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    (
        "two equal hosts",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    ),
    ("empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    ("host with space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    ("host with slash", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    ("host with userinfo", "GET / HTTP/1.1\r\nHost: x@a\r\n\r\n"),
    ("host with comma", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"),
    ("host with query", "GET / HTTP/1.1\r\nHost: a?x\r\n\r\n"),
    (
        "host with a word for a port",
        "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
    ),
    (
        "target and host differ",
        "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    (
        "absolute target without host",
        "GET http://b/ HTTP/1.1\r\n\r\n",
    ),
    (
        "target with userinfo",
        "GET http://x@a/ HTTP/1.1\r\nHost: x@a\r\n\r\n",
    ),
    (
        "bare LF after request line",
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
    ),
    (
        "bare LF after header",
        "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    ),
    ("bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
    (
        "bare CR in value",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    ),
    (
        "NUL in value",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    ),
    ("NUL in name", "GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n"),
    ("NUL in target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
    (
        "folded value",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    ),
    (
        "first header folded",
        "GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n",
    ),
    (
        "space before colon",
        "GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n",
    ),
    (
        "space in name",
        "GET / HTTP/1.1\r\nHost: a\r\nX y: b\r\n\r\n",
    ),
    ("empty name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"),
    ("no colon", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"),
    (
        "bracket in name",
        "GET / HTTP/1.1\r\nHost: a\r\nX[]: b\r\n\r\n",
    ),
    (
        "coding with underscore",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "two spaces in request line",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    ("tab in request line", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("no version", "GET /\r\nHost: a\r\n\r\n"),
    ("version 2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
    ("version in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n"),
    ("method with bracket", "GE[T / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"),
    ("TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("relative target", "GET a HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("backslash target", "GET \\a HTTP/1.1\r\nHost: a\r\n\r\n"),
    (
        "nominated host",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: host\r\n\r\n",
    ),
    (
        "nominated length",
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: content-length\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "nominated authorization",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, Authorization\r\n\r\n",
    ),
    (
        "nominated cookie",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: cookie\r\n\r\n",
    ),
    (
        "nominated forwarding",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: x-forwarded-for\r\n\r\n",
    ),
    (
        "nominated own header",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: x-weft-deadline-ms\r\n\r\n",
    ),
    (
        "unknown expectation",
        "GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n",
    ),
    (
        "chunk size not hexadecimal",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\ng\r\n\r\n",
    ),
    (
        "chunk size with prefix",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
    ),
    (
        "chunk size with sign",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n",
    ),
    (
        "chunk size empty",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\n\r\n",
    ),
    (
        "chunk size too large",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\na\r\n0\r\n\r\n",
    ),
    (
        "chunk size ended by LF",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
    ),
    (
        "chunk without its end",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    ),
    (
        "LF in chunk extension",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x\ny\r\na\r\n0\r\n\r\n",
    ),
    (
        "NUL in chunk extension",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x\0y\r\na\r\n0\r\n\r\n",
    ),
    (
        "coding inside of chunked",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "framing in trailers",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n",
    ),
    (
        "host in trailers",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: b\r\n\r\n",
    ),
    ("garbage", "\x16\x03\x01\x02\r\n\r\n"),
];

const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn malformed_requests_are_refused_and_the_connection_closed() {
    let origin = Origin::saying("reached");
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    assert!(60 <= REFUSED.len());
    let mut wrong = Vec::new();
    for (name, request) in REFUSED {
        let answer = proxy.send(&format!("{request}{SMUGGLED}"));
        let is_refused = matches!(
            status(&answer),
            400 | 405 | 408 | 413 | 414 | 417 | 431 | 501
        );
        let is_single = answer.matches("HTTP/1.1 ").count() <= 1;
        // A version that is not ours may be met by a close without a word.
        let is_silent = answer.is_empty() && name.starts_with("version");
        if !(is_silent || is_refused && is_single) {
            wrong.push(format!("{name}: {answer:?}"));
        }
        let received = origin.received();
        if received.contains("smuggled") || received.contains("\r\n\r\n0\r\n\r\nGET") {
            wrong.push(format!("{name} reached the origin: {received:?}"));
        }
        origin.forget();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(proxy.counters().panics.value(), 0);
    assert_eq!(
        status(&proxy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
        200,
        "it lives"
    );
}

#[test]
fn odd_but_lawful_requests_pass_in_one_form() {
    let origin = Origin::saying("reached");
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    for (request, expected) in [
        (
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\n",
        ),
        (
            "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\n",
        ),
        (
            "GET http://A/x HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /x HTTP/1.1\r\nhost: A\r\n",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0003\r\n\r\nabc",
            "content-length: 3\r\n",
        ),
        (
            "GET /a/../b//c?d=%2f HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /b/c?d=%2f HTTP/1.1\r\n",
        ),
        (
            "POST / HTTP/1.1\r\nhOST: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
            "POST /",
        ),
    ] {
        let answer = proxy.send(request);
        assert!(answer.contains("200 OK"), "{request:?}: {answer}");
        let received = origin.received();
        assert!(received.contains(expected), "{request:?}: {received}");
        origin.forget();
    }
}

#[test]
fn what_is_refused_for_a_reason_of_its_own_has_its_own_status() {
    let origin = Origin::saying("reached");
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let head = "POST / HTTP/1.1\r\nHost: a\r\n";
    for (field, wanted) in [
        ("Expect: foo", (417, "unknown-expectation")),
        (
            "Transfer-Encoding: gzip, chunked",
            (501, "unknown-transfer-coding"),
        ),
    ] {
        let answer = proxy.send(&format!("{head}{field}\r\n\r\n"));
        let reason = header(&answer, "x-weft-reason").unwrap_or("none");
        assert_eq!((status(&answer), reason), wanted, "{field}");
    }
    let old = proxy.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    assert_eq!(status(&old), 200);
    let spoken = std::iter::repeat_with(|| proxy.entry().protocol).nth(2);
    assert_eq!(spoken, Some("HTTP/1.0"));
}

#[test]
fn heads_are_bounded_in_bytes_fields_and_target() {
    let origin = Origin::saying("reached");
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let target = "x".repeat(9 << 10);
    let answer = proxy.send(&format!("GET /{target} HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_eq!(status(&answer), 414);
    let fields: Vec<String> = (0..101)
        .map(|number| format!("x-{number}: y\r\n"))
        .collect();
    let fields = fields.concat();
    let answer = proxy.send(&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
    assert_eq!(status(&answer), 431);
    let value = "x".repeat(70 << 10);
    let answer = proxy.send(&format!("GET / HTTP/1.1\r\nHost: a\r\nx: {value}\r\n\r\n"));
    assert_eq!(status(&answer), 431);
    assert_eq!(origin.received(), "");
}

#[test]
fn bodies_are_bounded_announced_or_not() {
    let origin = Origin::saying("reached");
    let mut outcome = forward(&[1_000_000]);
    outcome.policy.max_body = Some(10);
    let proxy = Proxy::start(&everything_to(origin.address, outcome));
    let head = "POST / HTTP/1.1\r\nHost: a\r\n";
    let answer = proxy.send(&format!("{head}Content-Length: 11\r\n\r\n01234567890"));
    assert_eq!(
        (status(&answer), header(&answer, "connection")),
        (413, Some("close"))
    );
    let answer = proxy.send(&format!(
        "{head}Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n"
    ));
    assert_eq!(status(&answer), 413, "{answer}");
    let answer = proxy.send(&format!("{head}Content-Length: 10\r\n\r\n0123456789"));
    assert_eq!(status(&answer), 200, "{answer}");
}

#[test]
fn a_part_of_a_body_that_is_too_large_is_never_sent_as_the_whole() {
    let origin = Origin::saying("reached");
    let mut outcome = forward(&[1_000_000]);
    outcome.policy.max_body = Some(10);
    let proxy = Proxy::start(&everything_to(origin.address, outcome));
    // The body that is cut ends a connection that was kept, as one ends which its server had closed.
    assert_eq!(
        status(&proxy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
        200
    );
    origin.forget();
    let answer = proxy.send(
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n6\r\n567890\r\n0\r\n\r\n",
    );
    assert_eq!(status(&answer), 413, "{answer}");
    assert_eq!(origin.connections(), 1, "it is not tried again");
    assert!(!origin.received().contains("\r\n0\r\n\r\n"));
}

#[test]
fn a_slow_head_gets_408_and_an_idle_connection_is_closed() {
    let origin = Origin::saying("reached");
    let limits = Limits {
        head_time: std::time::Duration::from_millis(200),
        keep_alive: std::time::Duration::from_millis(400),
        ..Limits::default()
    };
    let plan = everything_to(origin.address, forward(&[1_000_000]));
    let proxy = Proxy::start_with(&plan, limits, None);
    let mut slow = proxy.connect();
    slow.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    let answer = read_head(&mut slow);
    assert_eq!(
        (status(&answer), header(&answer, "connection")),
        (408, Some("close"))
    );
    let mut idle = proxy.connect();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    assert_eq!(status(&data_support::read_response(&mut idle)), 200);
    assert_eq!(read_head(&mut idle), "", "closed without a word");
    let mut silent = proxy.connect();
    assert_eq!(read_head(&mut silent), "");
}

#[test]
fn what_the_parser_refuses_has_a_line_in_the_access_log() {
    let origin = Origin::saying("reached");
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let long = "x".repeat(70 << 10);
    for (request, wanted) in [
        (
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n".to_owned(),
            (400, Some(Reason::MalformedRequest)),
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n"),
            (431, Some(Reason::HeadTooLarge)),
        ),
    ] {
        let answer = proxy.send(&request);
        let entry = proxy.entry();
        assert_eq!((entry.status, entry.reason), wanted);
        assert_eq!(status(&answer), wanted.0);
    }
}
