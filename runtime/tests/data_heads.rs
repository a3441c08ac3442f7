//! Heads that are right and rare, in both directions.
#![cfg(test)]

mod data_support;

use data_support::{Origin, Proxy, everything_to, forward, header, outcome, status};
use weft_snapshot::plan::Action;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn through(origin: &Origin) -> Proxy {
    Proxy::start(&everything_to(origin.address, forward(&[1_000_000])))
}

#[test]
fn an_answer_of_a_higher_minor_version_is_read_as_1_1() {
    for version in ["1.1", "1.2", "1.9"] {
        let origin = Origin::answering(&format!(
            "HTTP/{version} 200 OK\r\ncontent-length: 4\r\n\r\nHTTP"
        ));
        let proxy = through(&origin);
        for _ in 0..2 {
            let answer = proxy.send(GET);
            assert!(answer.starts_with("HTTP/1.1 200 "), "{version}: {answer}");
            assert!(answer.ends_with("HTTP"), "{version}: {answer}");
        }
    }
}

#[test]
fn a_426_says_what_it_asks_for() {
    let origin = Origin::answering(
        "HTTP/1.1 426 Upgrade Required\r\nupgrade: HTTP/2.0\r\nconnection: upgrade\r\ncontent-length: 0\r\n\r\n",
    );
    let answer = through(&origin).send(GET);
    assert_eq!(status(&answer), 426);
    assert_eq!(header(&answer, "upgrade"), Some("HTTP/2.0"), "{answer}");
    assert_eq!(header(&answer, "connection"), Some("upgrade"), "{answer}");
}

#[test]
fn other_answers_offer_no_upgrade() {
    let origin = Origin::answering(
        "HTTP/1.1 200 OK\r\nupgrade: h2c\r\nconnection: upgrade\r\ncontent-length: 0\r\n\r\n",
    );
    let answer = through(&origin).send(GET);
    assert_eq!(header(&answer, "upgrade"), None, "{answer}");
}

#[test]
fn a_method_that_means_a_body_says_that_it_has_none() {
    let origin = Origin::saying("done");
    let proxy = through(&origin);
    for (method, length) in [
        ("POST", Some("0")),
        ("PUT", Some("0")),
        ("PATCH", Some("0")),
        ("GET", None),
        ("DELETE", None),
    ] {
        let request = format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(status(&proxy.send(&request)), 200);
        let received = origin.received();
        assert_eq!(header(&received, "content-length"), length, "{received}");
        origin.forget();
    }
}

#[test]
fn a_redirect_follows_the_host_that_trusted_proxies_saw() {
    let redirect = outcome(Action::Redirect {
        status: 301,
        scheme: None,
        host: None,
        port: None,
        path: None,
    });
    for (hops, said, expected) in [
        (1, "shop.example", "https://shop.example/x"),
        (
            1,
            "evil.test, Shop.Example:8443",
            "https://shop.example:8443/x",
        ),
        (1, "", "https://inner.test/x"),
        (1, "no host", "https://inner.test/x"),
        (0, "evil.test", "http://inner.test/x"),
    ] {
        let mut plan = everything_to("127.0.0.1:1".parse().unwrap(), redirect.clone());
        plan.settings.clusters.clear();
        plan.settings.listeners[0].trusted_hops = hops;
        let proxy = Proxy::start(&plan);
        let answer = proxy.send(&format!(
            "GET /x HTTP/1.1\r\nHost: inner.test\r\nX-Forwarded-Host: {said}\r\nX-Forwarded-Proto: https\r\n\r\n"
        ));
        assert_eq!(header(&answer, "location"), Some(expected), "{hops} {said}");
    }
}
