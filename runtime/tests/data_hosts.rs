//! What requests mean on the wire: without a host, with an empty port, with bytes that no target may hold, with a header in
//! several lines.
#![cfg(test)]

mod data_support;

use data_support::{
    Origin, Proxy, all_paths, cluster, forward, header, outcome, plan, route, status,
};
use weft_snapshot::plan::{Action, Condition, HostPlan, NodePlan, ValueTest};
use weft_snapshot::settings::{Role, UpstreamProtocol};

/// A gateway with a route for `x.example` to the cluster `named`, and one for `*` to `any@v2`.
fn two_hosts(named: &Origin, any: &Origin) -> NodePlan {
    let clusters = vec![
        cluster("named", &[named.address], UpstreamProtocol::Http1),
        cluster("any@v2", &[any.address], UpstreamProtocol::Http1),
    ];
    let to_any = vec![route("any/0", all_paths(), forward(&[0, 1_000_000]))];
    let mut plan = plan(Role::Edge, to_any, clusters);
    plan.tables[0].hosts.push(HostPlan {
        host: "x.example".to_owned(),
        routes: vec![route("named/0", all_paths(), forward(&[1_000_000, 0]))],
    });
    plan
}

#[test]
fn a_request_of_the_old_version_without_a_host_belongs_to_the_host_star() {
    let (named, any) = (Origin::saying("named"), Origin::saying("any"));
    let proxy = Proxy::start(&two_hosts(&named, &any));
    // What HAProxy's `option httpchk` sends.
    let answer = proxy.send("OPTIONS / HTTP/1.0\r\n\r\n");
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(answer.ends_with("any"), "{answer}");
    let received = any.received();
    // RFC 9112, 3.2: HTTP/1.1 has a Host; it is that of the service.
    assert_eq!(header(&received, "host"), Some("any"), "{received}");
    assert_eq!(header(&received, "x-forwarded-host"), None, "{received}");
    let answer = proxy.send("GET /a HTTP/1.0\r\nHost: x.example\r\n\r\n");
    assert!(answer.ends_with("named"), "{answer}");
    let answer = proxy.send("GET http://x.example/a HTTP/1.0\r\n\r\n");
    assert!(answer.ends_with("named"), "{answer}");
    // Whoever speaks HTTP/1.1 names a host (RFC 9112, 3.2).
    for refused in [
        "GET /a HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
        "GET /a HTTP/1.0\r\nHost:\r\n\r\n",
        "GET http://x.example/a HTTP/1.1\r\nConnection: close\r\n\r\n",
    ] {
        let answer = proxy.send(refused);
        assert_eq!(status(&answer), 400, "{refused}{answer}");
    }
}

#[test]
fn without_a_host_star_nothing_takes_a_request_without_a_host() {
    let origin = Origin::saying("reached");
    let mut plan = two_hosts(&origin, &origin);
    plan.tables[0].hosts.remove(0);
    let proxy = Proxy::start(&plan);
    let answer = proxy.send("GET /a HTTP/1.0\r\n\r\n");
    assert_eq!(status(&answer), 404, "{answer}");
    assert_eq!(origin.received(), "");
}

#[test]
fn a_redirect_of_a_request_without_a_host_stays_on_the_server() {
    let redirect = outcome(Action::Redirect {
        status: 308,
        scheme: None,
        host: None,
        port: None,
        path: None,
    });
    let mut plan = plan(
        Role::Edge,
        vec![route("r/0", all_paths(), redirect)],
        Vec::new(),
    );
    plan.settings.listeners[0].path.slashes = weft_snapshot::settings::Slashes::Keep;
    let proxy = Proxy::start(&plan);
    let answer = proxy.send("GET /a?b HTTP/1.0\r\n\r\n");
    assert_eq!(header(&answer, "location"), Some("/a?b"), "{answer}");
    // Two slashes at the start would name another server.
    let answer = proxy.send("GET //evil.example/a HTTP/1.0\r\n\r\n");
    assert_eq!(
        header(&answer, "location"),
        Some("/.//evil.example/a"),
        "{answer}"
    );
}

#[test]
fn a_port_may_be_empty() {
    let (named, any) = (Origin::saying("named"), Origin::saying("any"));
    let proxy = Proxy::start(&two_hosts(&named, &any));
    let close = "Connection: close\r\n\r\n";
    let answer = proxy.send(&format!("GET / HTTP/1.1\r\nHost: X.example:\r\n{close}"));
    assert!(answer.ends_with("named"), "{answer}");
    let answer = proxy.send(&format!("GET / HTTP/1.1\r\nHost: x.example:x\r\n{close}"));
    assert_eq!(status(&answer), 400, "{answer}");
}

#[test]
fn bytes_that_no_target_may_hold_are_taken_and_escaped() {
    let origin = Origin::saying("taken");
    let clusters = vec![cluster("s", &[origin.address], UpstreamProtocol::Http1)];
    let mut denied = route(
        "no/0",
        data_support::below("%3Cno%3E"),
        forward(&[1_000_000]),
    );
    denied.outcome = data_support::respond(403, "denied");
    let routes = vec![denied, route("all/0", all_paths(), forward(&[1_000_000]))];
    let proxy = Proxy::start(&plan(Role::Edge, routes, clusters));
    // Two requests in one piece, then one in pieces of a byte.
    let first = "GET /a<b>^`\"?q=<c>\"`{}|^ HTTP/1.1\r\nHost: a\r\n\r\n";
    let second = "GET /<d> HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = proxy.send(&format!("{first}{second}"));
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
    let received = origin.received();
    for target in ["/a%3Cb%3E%5E%60%22?q=%3Cc%3E%22`{}|^", "/%3Cd%3E"] {
        let line = format!("GET {target} HTTP/1.1\r\n");
        assert!(received.contains(&line), "{line}{received}");
    }
    let mut stream = proxy.connect();
    for byte in second.as_bytes() {
        std::io::Write::write_all(&mut stream, &[*byte]).unwrap();
    }
    let answer = data_support::read_until_quiet(&mut stream);
    assert_eq!(status(&answer), 200, "{answer}");
    // A rule sees through the spelling.
    for spelling in ["/<no>", "/%3cno%3e", "/%3Cno>/x"] {
        let answer = proxy.send(&format!(
            "GET {spelling} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        ));
        assert_eq!(status(&answer), 403, "{spelling}: {answer}");
    }
    // What stands elsewhere is not touched: this is no version, and this no name.
    for refused in [
        "GET / HTTP/1.1<\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX<: 1\r\n\r\n",
    ] {
        assert_eq!(status(&proxy.send(refused)), 400, "{refused}");
    }
}

#[test]
fn a_repeated_header_is_refused_by_the_rule_that_asks_for_it() {
    let origin = Origin::saying("taken");
    let mut asking = route("a/0", data_support::below("a"), forward(&[1_000_000]));
    asking.headers = vec![Condition {
        name: "x-beta".to_owned(),
        test: ValueTest::Exact {
            text: "1".to_owned(),
        },
    }];
    let routes = vec![asking, route("a/1", all_paths(), forward(&[1_000_000]))];
    let clusters = vec![cluster("s", &[origin.address], UpstreamProtocol::Http1)];
    let proxy = Proxy::start(&plan(Role::Edge, routes, clusters));
    let send = |path: &str, lines: &str| {
        let end = "Connection: close\r\n\r\n";
        proxy.send(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n{lines}{end}"))
    };
    let twice = "X-Beta: 1\r\nX-Beta: 1\r\n";
    let answer = send("/a", twice);
    assert_eq!(status(&answer), 400, "{answer}");
    assert_eq!(header(&answer, "x-weft-reason"), Some("repeated-header"));
    assert_eq!(status(&send("/b", twice)), 200);
    assert_eq!(status(&send("/a", "X-Other: 1\r\nX-Other: 2\r\n")), 200);
    origin.forget();
    assert_eq!(status(&send("/a", "Cookie: a=1\r\nCookie: b=2\r\n")), 200);
    let received = origin.received();
    assert_eq!(header(&received, "cookie"), Some("a=1; b=2"), "{received}");
    assert_eq!(received.to_ascii_lowercase().matches("cookie").count(), 1);
}
