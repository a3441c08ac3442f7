//! How often a request is tried, and when it is not tried again.
#![cfg(test)]

mod data_support;

use std::io::Write;
use std::time::Instant;

use data_support::{
    Origin, Proxy, all_paths, cluster, everything_to, forward, plan, read_response, route, status,
};
use weft_snapshot::plan::Outcome;
use weft_snapshot::settings::{Role, UpstreamProtocol};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn forwarding() -> Outcome {
    let mut outcome = forward(&[1_000_000]);
    outcome.timeouts.backend_request = Some(2_000);
    outcome
}

/// Fails `failures` times with `response`, then says `ok`.
fn failing(failures: usize, response: &'static str) -> Origin {
    Origin::start(move |number, stream| {
        if stream.read_request().is_none() {
            return;
        }
        let answer = if number < failures {
            response
        } else {
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
        };
        let _gone = stream.stream.write_all(answer.as_bytes());
    })
}

const UNAVAILABLE: &str =
    "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

fn retrying(attempts: u8) -> Outcome {
    let mut outcome = forwarding();
    outcome.policy.retry.attempts = attempts;
    outcome
}

#[test]
fn statuses_and_resets_are_retried_when_the_route_says_so() {
    let mut on_status = retrying(3);
    on_status.policy.retry.on_statuses = vec![503];
    let mut on_5xx = retrying(3);
    on_5xx.policy.retry.on_5xx = true;
    let mut on_reset = retrying(3);
    on_reset.policy.retry.on_reset = true;
    for (outcome, failure) in [
        (on_status, UNAVAILABLE),
        (on_5xx, UNAVAILABLE),
        (on_reset, ""),
    ] {
        let origin = failing(2, failure);
        let proxy = Proxy::start(&everything_to(origin.address, outcome));
        let answer = proxy.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
        assert_eq!(status(&answer), 200, "{answer}");
        assert_eq!(origin.received().matches("\r\n\r\nbody").count(), 3);
        assert_eq!(proxy.entry().attempts, 3);
    }
}

#[test]
fn timed_out_tries_are_retried_when_the_route_says_so() {
    let origin = Origin::start(|number, stream| {
        while stream.read_request().is_some() {
            if 0 < number {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                stream.stream.write_all(answer).unwrap();
            }
        }
    });
    let mut outcome = retrying(2);
    outcome.timeouts.backend_request = Some(150);
    outcome.policy.retry.on_backend_timeout = true;
    let proxy = Proxy::start(&everything_to(origin.address, outcome));
    assert_eq!(status(&proxy.send(GET)), 200);
}

#[test]
fn a_post_is_never_sent_twice_unless_it_is_said_to_be_idempotent() {
    let mut outcome = retrying(3);
    outcome.policy.retry.on_5xx = true;
    outcome.policy.retry.on_reset = true;
    outcome.policy.retry.on_backend_timeout = true;
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    for failure in [UNAVAILABLE, ""] {
        let origin = failing(9, failure);
        let proxy = Proxy::start(&everything_to(origin.address, outcome.clone()));
        assert!(500 <= status(&proxy.send(post)));
        assert_eq!(origin.received().matches("POST").count(), 1);
    }
    outcome.policy.retry.idempotent = true;
    let origin = failing(1, UNAVAILABLE);
    let proxy = Proxy::start(&everything_to(origin.address, outcome));
    assert_eq!(status(&proxy.send(post)), 200);
}

#[test]
fn nothing_is_retried_that_the_route_does_not_name() {
    for failure in [UNAVAILABLE, ""] {
        let origin = failing(9, failure);
        let proxy = Proxy::start(&everything_to(origin.address, retrying(5)));
        assert!(500 <= status(&proxy.send(GET)));
        assert_eq!(origin.connections(), 1);
    }
}

#[test]
fn a_body_beyond_the_buffer_is_not_sent_again() {
    let mut outcome = retrying(3);
    outcome.policy.retry.on_5xx = true;
    let origin = failing(9, UNAVAILABLE);
    let proxy = Proxy::start(&everything_to(origin.address, outcome));
    let body = "x".repeat(100 << 10);
    let request = format!(
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(status(&proxy.send(&request)), 503);
    assert_eq!(origin.connections(), 1);
}

#[test]
fn retries_keep_to_the_budget() {
    let mut outcome = retrying(2);
    outcome.policy.retry.on_5xx = true;
    outcome.policy.retry.budget = Some(100_000);
    let origin = failing(usize::MAX, UNAVAILABLE);
    let proxy = Proxy::start(&everything_to(origin.address, outcome));
    let mut client = proxy.connect();
    let began = Instant::now();
    for _ in 0..100 {
        client.write_all(GET.as_bytes()).unwrap();
        assert_eq!(status(&read_response(&mut client)), 503);
    }
    // The clock of the worker is that of its sweep, so a second more may have been earned.
    let seconds = began.elapsed().as_secs() + 1;
    let retries = proxy.counters().retries.value();
    assert!(
        (19..=10 + 10 * (1 + seconds)).contains(&retries),
        "{retries} retries: a tenth of 100, and 10 a second for {seconds} s"
    );
    assert_eq!(proxy.counters().retries_over_budget.value(), 100 - retries);
}

#[test]
fn without_a_budget_every_request_is_tried_again() {
    let mut outcome = retrying(2);
    outcome.policy.retry.on_5xx = true;
    outcome.policy.retry.budget = None;
    let origin = failing(usize::MAX, UNAVAILABLE);
    let proxy = Proxy::start(&everything_to(origin.address, outcome));
    let mut client = proxy.connect();
    for _ in 0..100 {
        client.write_all(GET.as_bytes()).unwrap();
        assert_eq!(status(&read_response(&mut client)), 503);
    }
    assert_eq!(proxy.counters().retries.value(), 100);
    assert_eq!(proxy.counters().retries_over_budget.value(), 0);
}

#[test]
fn retry_after_beyond_the_deadline_means_no_retry() {
    let mut outcome = retrying(2);
    outcome.policy.retry.on_5xx = true;
    outcome.timeouts.request = Some(1_000);
    let origin = failing(
        9,
        "HTTP/1.1 503 Busy\r\nretry-after: 60\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    );
    let proxy = Proxy::start(&everything_to(origin.address, outcome));
    assert_eq!(status(&proxy.send(GET)), 503);
    assert_eq!(origin.connections(), 1);
}

#[test]
fn websocket_handshakes_follow_the_policy() {
    let app = Origin::start(|_number, stream| {
        if stream.read_request().is_some() {
            let head = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
            stream.stream.write_all(head.as_bytes()).unwrap();
            stream.read_until(b"never");
        }
    });
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = closed.local_addr().unwrap();
    drop(closed);
    let ask = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    for (attempts, wanted) in [(1, [101, 503]), (2, [101, 101])] {
        let mut outcome = retrying(attempts);
        outcome.policy.websocket = true;
        outcome.policy.retry.on_connect_failure = true;
        let routes = vec![route("all/0", all_paths(), outcome)];
        let endpoints = [app.address, dead];
        let clusters = vec![cluster("app", &endpoints, UpstreamProtocol::Http1)];
        let proxy = Proxy::start(&plan(Role::Edge, routes, clusters));
        let mut statuses = [(); 2].map(|()| status(&proxy.send(ask)));
        statuses.sort_unstable();
        assert_eq!(statuses, wanted, "{attempts} attempts");
    }
}
