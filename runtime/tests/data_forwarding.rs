//! What is forwarded, and how: framing, headers, paths, shares, rewrites, local answers.
#![cfg(test)]

mod data_support;

use std::io::Write;

use data_support::{
    Origin, Proxy, below, cluster, connect, everything_to, forward, header, plan, read_response,
    respond, route, status,
};
use weft_snapshot::plan::{Action, PathRewrite, RewritePart};
use weft_snapshot::settings::{Role, UpstreamProtocol};

#[test]
fn a_request_reaches_the_origin_and_its_answer_the_client() {
    let origin = Origin::saying("hello");
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let answer = proxy.send("GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\n\r\n");
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
    let received = origin.received();
    assert!(
        received.starts_with("GET /a?b=c HTTP/1.1\r\nhost: shop.example\r\n"),
        "{received}"
    );
    assert_eq!(header(&received, "x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(header(&received, "x-forwarded-proto"), Some("http"));
    assert_eq!(header(&received, "x-forwarded-host"), Some("shop.example"));
    assert_eq!(header(&received, "x-request-id").map(str::len), Some(32));
    let entry = proxy.entry();
    assert_eq!(
        (entry.status, entry.reason, entry.sent, entry.attempts),
        (200, None, 5, 1)
    );
}

#[test]
fn connections_are_kept_and_reused() {
    let origin = Origin::saying("hello");
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let mut client = proxy.connect();
    for _ in 0..50 {
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        assert!(read_response(&mut client).ends_with("hello"));
    }
    assert_eq!(origin.connections(), 1);
    assert_eq!(proxy.counters().upstream_reused.value(), 49);
    assert_eq!(proxy.counters().connections_accepted.value(), 1);
}

#[test]
fn chunked_bodies_and_trailers_are_framed_anew() {
    let origin = Origin::saying("done");
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let body = "3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n";
    let answer = proxy.send(&format!("{head}{body}"));
    assert_eq!(status(&answer), 200, "{answer}");
    let received = origin.received();
    assert_eq!(header(&received, "transfer-encoding"), Some("chunked"));
    assert!(!received.contains("ext"), "{received}");
    assert!(received.ends_with("0\r\n\r\n"), "{received}");
}

#[test]
fn a_get_with_a_body_keeps_it() {
    let origin = Origin::saying("done");
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let head = "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(
        status(&proxy.send(&format!("{head}3\r\nabc\r\n0\r\n\r\n"))),
        200
    );
    assert!(origin.received().contains("abc"), "{}", origin.received());
}

#[test]
fn client_sent_identity_and_hop_headers_do_not_pass() {
    let origin = Origin::saying("done");
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let request = "GET / HTTP/1.1\r\nHost: Shop.Example.:8080\r\nX-Forwarded-For: 6.6.6.6\r\n\
        X-Forwarded-Prefix: /x\r\nForwarded: for=6.6.6.6\r\nX-Forwarded-Client-Cert: evil\r\n\
        X-Weft-Deadline-Ms: 1\r\nX-Request-Id: mine\r\nKeep-Alive: 5\r\nConnection: x-drop\r\n\
        X-Drop: 1\r\nTE: trailers, gzip\r\n\r\n";
    assert_eq!(status(&proxy.send(request)), 200);
    let received = origin.received();
    assert_eq!(header(&received, "host"), Some("Shop.Example.:8080"));
    assert_eq!(header(&received, "x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(
        header(&received, "x-forwarded-host"),
        Some("Shop.Example.:8080")
    );
    assert_eq!(header(&received, "te"), Some("trailers"));
    for gone in [
        "6.6.6.6",
        "evil",
        "mine",
        "x-drop",
        "keep-alive",
        "connection",
        "x-weft",
    ] {
        assert!(!received.contains(gone), "{gone} in {received}");
    }
}

#[test]
fn as_many_forwarded_entries_as_hops_are_trusted() {
    let origin = Origin::saying("done");
    let mut plan = everything_to(origin.address, forward(&[1_000_000]));
    plan.settings.listeners[0].trusted_hops = 1;
    let proxy = Proxy::start(&plan);
    let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6, 7.7.7.7\r\n\
        X-Forwarded-Proto: https\r\nX-Request-Id: theirs\r\n\r\n";
    assert_eq!(status(&proxy.send(request)), 200);
    let received = origin.received();
    assert_eq!(
        header(&received, "x-forwarded-for"),
        Some("7.7.7.7, 127.0.0.1")
    );
    assert_eq!(header(&received, "x-forwarded-proto"), Some("https"));
    assert_eq!(header(&received, "x-request-id"), Some("theirs"));
}

#[test]
fn shares_are_exact() {
    let (one, two) = (Origin::saying("one"), Origin::saying("two"));
    let clusters = vec![
        cluster("a", &[one.address], UpstreamProtocol::Http1),
        cluster("b", &[two.address], UpstreamProtocol::Http1),
    ];
    let routes = vec![route(
        "r/0",
        data_support::all_paths(),
        forward(&[900_000, 100_000]),
    )];
    let proxy = Proxy::start(&plan(Role::Edge, routes, clusters));
    let mut client = proxy.connect();
    let mut twos = 0;
    for _ in 0..100 {
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        twos += usize::from(read_response(&mut client).ends_with("two"));
    }
    assert_eq!(twos, 10);
}

#[test]
fn endpoints_take_turns_and_a_dead_one_is_passed_over() {
    let (one, two) = (Origin::saying("one"), Origin::saying("two"));
    let dead = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut outcome = forward(&[1_000_000]);
    outcome.policy.retry.attempts = 2;
    outcome.policy.retry.on_connect_failure = true;
    let addresses = [one.address, dead, two.address];
    let routes = vec![route("r/0", data_support::all_paths(), outcome)];
    let clusters = vec![cluster("a", &addresses, UpstreamProtocol::Http1)];
    let proxy = Proxy::start(&plan(Role::Edge, routes, clusters));
    let mut client = proxy.connect();
    let mut ones = 0;
    for _ in 0..40 {
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        let answer = read_response(&mut client);
        assert_eq!(status(&answer), 200, "{answer}");
        ones += usize::from(answer.ends_with("one"));
    }
    assert!((18..=22).contains(&ones), "{ones} of 40");
    let retries = proxy.counters().retries.value();
    assert!(retries <= 2, "{retries} retries");
}

#[test]
fn routes_answer_redirect_and_rewrite() {
    let origin = Origin::saying("done");
    let redirect = data_support::outcome(Action::Redirect {
        status: 308,
        scheme: Some("https".to_owned()),
        host: None,
        port: None,
        path: None,
    });
    let mut rewritten = forward(&[1_000_000]);
    rewritten.path = Some(PathRewrite {
        parts: vec![RewritePart::Literal {
            text: "v2".to_owned(),
        }],
        rest_from: Some(1),
    });
    rewritten.host = Some("inner.example".to_owned());
    rewritten.policy.request_headers.set = vec![("x-set".to_owned(), "1".to_owned())];
    rewritten.policy.response_headers.add = vec![("x-added".to_owned(), "2".to_owned())];
    let routes = vec![
        route("r/0", below("fixed"), respond(418, "tea")),
        route("r/1", below("old"), redirect),
        route("r/2", below("v1"), rewritten),
    ];
    let clusters = vec![cluster("app", &[origin.address], UpstreamProtocol::Http1)];
    let proxy = Proxy::start(&plan(Role::Edge, routes, clusters));
    let answer = proxy.send("GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(
        answer.starts_with("HTTP/1.1 418") && answer.ends_with("\r\n\r\ntea"),
        "{answer}"
    );
    let answer = proxy.send("GET /old/x?y=1 HTTP/1.1\r\nHost: a:8080\r\n\r\n");
    assert_eq!(header(&answer, "location"), Some("https://a/old/x?y=1"));
    let answer = proxy.send("GET /v1/x?y=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(header(&answer, "x-added"), Some("2"));
    let received = origin.received();
    assert!(
        received.starts_with("GET /v2/x?y=1 HTTP/1.1\r\n"),
        "{received}"
    );
    assert_eq!(header(&received, "host"), Some("inner.example"));
    assert_eq!(header(&received, "x-set"), Some("1"));
    let answer = proxy.send("GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(
        (status(&answer), header(&answer, "x-weft-reason")),
        (404, Some("no-route"))
    );
}

#[test]
fn heads_and_empty_statuses_have_no_body() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
    let proxy = Proxy::start(&everything_to(origin.address, forward(&[1_000_000])));
    let mut client = proxy.connect();
    for _ in 0..3 {
        client
            .write_all(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        let head = data_support::read_head(&mut client);
        assert_eq!(
            (status(&head), header(&head, "content-length")),
            (200, Some("5"))
        );
    }
    let answer = proxy.send("HEAD /%2F HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}

#[test]
fn a_swap_changes_the_next_request_and_closes_nothing() {
    let origin = Origin::saying("done");
    let mut plan = everything_to(origin.address, forward(&[1_000_000]));
    plan.settings.snapshot_header = true;
    let proxy = Proxy::start(&plan);
    let mut client = connect(proxy.address);
    for generation in 1..20 {
        proxy.swap(&plan, generation);
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        let answer = read_response(&mut client);
        assert_eq!(
            header(&answer, "x-weft-snapshot"),
            Some(generation.to_string().as_str())
        );
    }
    assert_eq!(origin.connections(), 1);
}
