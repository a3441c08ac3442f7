//! Clients that speak HTTP/1.0: what they are told about their connection is one thing, and true.
#![cfg(test)]

mod data_support;

use std::io::Write;

use data_support::{
    Origin, Proxy, everything_to, forward, header, read_head, read_response, status,
};

const KEPT: &str = "HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n";

/// All that an answer says about the connection.
fn connection(answer: &str) -> Vec<String> {
    let lines = answer.lines().map(str::to_ascii_lowercase);
    let lines = lines.filter_map(|line| line.strip_prefix("connection:").map(str::to_owned));
    let values: Vec<String> = lines.collect();
    let tokens = values.iter().flat_map(|value| value.split(','));
    tokens.map(|token| token.trim().to_owned()).collect()
}

#[test]
fn a_kept_connection_is_kept_until_an_answer_says_close_and_nothing_else() {
    let origin = Origin::saying("here");
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let mut client = proxy.connect();
    for _ in 0..2 {
        write!(client, "GET / {KEPT}").unwrap();
        let answer = read_response(&mut client);
        assert_eq!(status(&answer), 200, "{answer}");
        assert_eq!(connection(&answer), ["keep-alive"]);
    }
    write!(client, "GET /%00 {KEPT}").unwrap();
    let answer = read_response(&mut client);
    assert_eq!(status(&answer), 400, "{answer}");
    assert_eq!(connection(&answer), ["close"]);
}

#[test]
fn a_body_that_ends_with_the_connection_is_announced_so() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhere\r\n0\r\n\r\n";
    let origin = Origin::answering(chunked);
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let answer = proxy.send(&format!("GET / {KEPT}"));
    assert_eq!(connection(&answer), ["close"]);
    assert!(answer.ends_with("\r\n\r\nhere"), "{answer}");
    let mut client = proxy.connect();
    write!(client, "HEAD / {KEPT}").unwrap();
    let answer = read_head(&mut client);
    assert_eq!(
        header(&answer, "connection"),
        Some("keep-alive"),
        "{answer}"
    );
}
