//! The settings of listeners, services and rules beside routing: what an honest request needs, and what an attack that the
//! setting is about gets.
#![cfg(test)]

mod data_support;

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use data_support::{
    Origin, PATIENCE, Proxy, all_paths, eventually, everything_to, forward, header, outcome, plan,
    read_head, read_response, route, status,
};
use weft_runtime::shared::Limits;
use weft_snapshot::plan::{Action, NodePlan};
use weft_snapshot::settings::{HeadLimits, HeadRules, Role, Tracing, Underscores};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// A plan whose one cluster and listener are changed by `edit`.
fn edited(origin: &Origin, edit: impl Fn(&mut NodePlan)) -> NodePlan {
    let mut plan = everything_to(origin.address, forward(&[1_000_000]));
    edit(&mut plan);
    plan
}

fn heads(plan: &mut NodePlan) -> &mut HeadRules {
    &mut plan.settings.listeners[0].heads
}

fn get_twice(proxy: &Proxy) {
    let mut client = proxy.connect();
    for _ in 0..2 {
        client.write_all(GET.as_bytes()).unwrap();
        assert_eq!(status(&read_response(&mut client)), 200);
    }
}

// ---- keepAlive ----

#[test]
fn without_keep_alive_a_connection_serves_one_request_and_says_so() {
    let origin = Origin::saying("hello");
    let plan = edited(&origin, |plan| {
        plan.settings.clusters[0].keep_alive_millis = 0;
    });
    let proxy = Proxy::start(&plan);
    get_twice(&proxy);
    assert_eq!(origin.connections(), 2);
    assert_eq!(header(&origin.received(), "connection"), Some("close"));
}

#[test]
fn an_idle_connection_is_let_go_when_the_service_says() {
    let origin = Origin::saying("hello");
    let plan = edited(&origin, |plan| {
        plan.settings.clusters[0].keep_alive_millis = 1_000;
    });
    let proxy = Proxy::start(&plan);
    get_twice(&proxy);
    assert_eq!(origin.connections(), 1, "kept for a second");
    assert!(header(&origin.received(), "connection").is_none());

    let open = || proxy.counters().upstream_open.value();
    eventually("the idle connection is closed", || open() == 0);
    get_twice(&proxy);
    assert_eq!(origin.connections(), 2);
}

/// A server that announces a time and closes a connection which was idle for longer; what arrives later is lost.
fn announcing(seconds: u64) -> Origin {
    Origin::start(move |_number, stream| {
        let response = format!(
            "HTTP/1.1 200 OK\r\nkeep-alive: timeout={seconds}\r\ncontent-length: 0\r\n\r\n"
        );
        let idle = Duration::from_secs(seconds);
        while stream.read_request().is_some() {
            if stream.stream.write_all(response.as_bytes()).is_err() {
                return;
            }
            stream.stream.set_read_timeout(Some(idle)).unwrap();
        }
    })
}

#[test]
fn what_the_origin_announces_is_shorter_than_what_the_service_says() {
    let origin = announcing(1);
    let proxy = Proxy::start(&edited(&origin, |_plan| {}));
    let mut client = proxy.connect();
    let began = Instant::now();
    // The pauses pass the moment at which the origin closes from both sides.
    for pause in [0, 700, 900, 980, 1_000] {
        thread::park_timeout(Duration::from_millis(pause));
        client
            .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        let answer = read_response(&mut client);
        assert_eq!(
            status(&answer),
            200,
            "after a pause of {pause} ms: {answer}"
        );
        assert!(header(&answer, "keep-alive").is_none(), "{answer}");
    }
    assert!(began.elapsed() < PATIENCE);
    assert!(2 <= origin.connections(), "some were let go");
    assert!(
        0 < proxy.counters().upstream_reused.value(),
        "and some kept"
    );
}

// ---- host ----

#[test]
fn the_host_goes_up_as_it_was_received() {
    let origin = Origin::saying("hello");
    let proxy = Proxy::start(&edited(&origin, |_plan| {}));
    for (sent, seen) in [
        ("Shop.Example:8443", "Shop.Example:8443"),
        ("shop.example", "shop.example"),
        ("[::1]:8080", "[::1]:8080"),
    ] {
        origin.forget();
        let request = format!("GET / HTTP/1.1\r\nHost: {sent}\r\n\r\n");
        assert_eq!(status(&proxy.send(&request)), 200, "{sent}");
        let received = origin.received();
        assert_eq!(header(&received, "host"), Some(seen));
        assert_eq!(header(&received, "x-forwarded-host"), Some(seen));
    }
    // The target's own host counts before the Host header (RFC 9112, 3.2.2).
    origin.forget();
    let absolute = "GET http://a.example:81/x HTTP/1.1\r\nHost: a.example:81\r\n\r\n";
    assert_eq!(status(&proxy.send(absolute)), 200);
    assert_eq!(header(&origin.received(), "host"), Some("a.example:81"));
}

#[test]
fn a_service_sees_its_own_host_unless_the_rule_rewrites_it() {
    let origin = Origin::saying("hello");
    let of_service = |plan: &mut NodePlan| {
        plan.settings.clusters[0].host = Some("api.partner.example".to_owned());
    };
    let proxy = Proxy::start(&edited(&origin, of_service));
    assert_eq!(status(&proxy.send(GET)), 200);
    let received = origin.received();
    assert_eq!(header(&received, "host"), Some("api.partner.example"));
    assert_eq!(header(&received, "x-forwarded-host"), Some("a"));

    origin.forget();
    let of_rule = edited(&origin, |plan| {
        of_service(plan);
        let routes = &mut plan.tables[0].hosts[0].routes;
        routes[0].outcome.host = Some("rule.example".to_owned());
    });
    proxy.swap(&of_rule, 2);
    assert_eq!(status(&proxy.send(GET)), 200);
    assert_eq!(header(&origin.received(), "host"), Some("rule.example"));
}

// ---- tracing ----

const TRACED: &str = "GET / HTTP/1.1\r\nHost: a\r\n\
    traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\n\
    tracestate: vendor=1\r\nbaggage: user=admin\r\nb3: 0\r\nX-B3-TraceId: 0af7651916cd43dd\r\n\r\n";
const TRACE_NAMES: [&str; 5] = ["traceparent", "tracestate", "baggage", "b3", "x-b3-traceid"];

fn traced(tracing: Tracing) -> String {
    let origin = Origin::saying("hello");
    let proxy = Proxy::start(&edited(&origin, |plan| heads(plan).tracing = tracing));
    assert_eq!(status(&proxy.send(TRACED)), 200);
    origin.received()
}

#[test]
fn a_trace_is_kept_or_removed_whole() {
    let kept = traced(Tracing::Keep);
    let removed = traced(Tracing::Remove);
    for name in TRACE_NAMES {
        assert!(header(&kept, name).is_some(), "{name} in {kept}");
        assert!(header(&removed, name).is_none(), "{name} in {removed}");
    }
}

#[test]
fn a_trace_that_is_restarted_begins_with_ids_of_its_own() {
    let received = traced(Tracing::Restart);
    let parent = header(&received, "traceparent").expect("a new one");
    let parts: Vec<&str> = parent.split('-').collect();
    let [version, trace, span, flags] = parts.as_slice() else {
        panic!("{parent}");
    };
    assert_eq!((*version, *flags), ("00", "01"));
    assert_eq!((trace.len(), span.len()), (32, 16));
    for id in [trace, span] {
        assert!(id.bytes().all(|digit| b"0123456789abcdef".contains(&digit)));
        assert!(id.bytes().any(|digit| digit != b'0'));
    }
    assert_ne!(*trace, "0af7651916cd43dd8448eb211c80319c");
    for name in &TRACE_NAMES[1..] {
        assert!(header(&received, name).is_none(), "{name} in {received}");
    }
}

// ---- underscores ----

#[test]
fn a_name_with_an_underscore_is_dropped_and_said_unless_it_is_grpc() {
    let origin = Origin::saying("hello");
    let proxy = Proxy::start(&edited(&origin, |_plan| {}));
    let request = "GET / HTTP/1.1\r\nHost: a\r\nx_user: b\r\nx_user: c\r\nx-user: d\r\n\r\n";
    assert_eq!(status(&proxy.send(request)), 200);
    assert!(!origin.received().contains("x_user"));
    assert_eq!(header(&origin.received(), "x-user"), Some("d"));
    assert_eq!(proxy.entry().dropped_fields, 2);
    assert_eq!(proxy.counters().fields_dropped.value(), 2);

    origin.forget();
    let call = "POST / HTTP/1.1\r\nHost: a\r\ncontent-type: application/grpc\r\nmy_key: b\r\n\
        x_forwarded_for: 6.6.6.6\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(status(&proxy.send(call)), 200);
    assert_eq!(header(&origin.received(), "my_key"), Some("b"));
    assert!(!origin.received().contains("6.6.6.6"));
    assert_eq!(proxy.entry().dropped_fields, 1);
}

#[test]
fn a_listener_may_keep_underscores_or_refuse_them() {
    let origin = Origin::saying("hello");
    let with = |underscores| edited(&origin, |plan| heads(plan).underscores = underscores);
    let request = "GET / HTTP/1.1\r\nHost: a\r\nx_user: b\r\n\r\n";
    let proxy = Proxy::start(&with(Underscores::Keep));
    assert_eq!(status(&proxy.send(request)), 200);
    assert_eq!(header(&origin.received(), "x_user"), Some("b"));

    proxy.swap(&with(Underscores::Refuse), 2);
    let answer = proxy.send(request);
    assert_eq!(status(&answer), 400);
    assert_eq!(
        header(&answer, "x-weft-reason"),
        Some("underscore-in-header-name")
    );
    assert_eq!(status(&proxy.send(GET)), 200);
}

// ---- limits ----

#[test]
fn heads_beyond_the_limits_of_a_listener_are_refused_and_those_within_are_not() {
    let origin = Origin::saying("hello");
    let plan = edited(&origin, |plan| {
        heads(plan).limits = HeadLimits {
            head_bytes: 1 << 10,
            fields: 10,
            target_bytes: 64,
        };
    });
    let proxy = Proxy::start(&plan);
    let fields = |count: usize| "x-a: 1\r\n".repeat(count);
    let ask = |target: &str, fields: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let answer = proxy.send(&request);
        let reason = header(&answer, "x-weft-reason").unwrap_or("").to_owned();
        (status(&answer), reason)
    };
    let whole = |reason: &str, status| (status, reason.to_owned());
    let long = format!("/{}", "a".repeat(63));
    assert_eq!(ask(&long, &fields(9)), whole("", 200));
    assert_eq!(ask(&format!("{long}a"), ""), whole("target-too-long", 414));
    assert_eq!(ask("/", &fields(10)), whole("too-many-fields", 431));
    // The target, `host: a` and the field, each with 4 bytes beside it: 1 + 5 + 4 + 4 + 1006 + 4.
    let cookie = |length: usize| format!("cookie: {}\r\n", "a".repeat(length));
    assert_eq!(ask("/", &cookie(1_004)), whole("", 200));
    assert_eq!(ask("/", &cookie(1_005)), whole("head-too-large", 431));
}

// ---- redirects ----

fn redirecting(trusted_hops: u8) -> NodePlan {
    let redirect = Action::Redirect {
        status: 302,
        scheme: None,
        host: None,
        port: None,
        path: None,
    };
    let routes = vec![route("r/0", all_paths(), outcome(redirect))];
    let mut plan = plan(Role::Edge, routes, Vec::new());
    plan.settings.listeners[0].trusted_hops = trusted_hops;
    plan
}

#[test]
fn a_redirect_keeps_the_scheme_that_a_trusted_proxy_names() {
    let location = |proxy: &Proxy, proto: &str| {
        let answer = proxy.send(&format!(
            "GET /a HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-Proto: {proto}\r\n\r\n"
        ));
        header(&answer, "location").unwrap_or("none").to_owned()
    };
    let proxy = Proxy::start(&redirecting(1));
    assert_eq!(location(&proxy, "https"), "https://shop.example/a");
    assert_eq!(location(&proxy, "http"), "http://shop.example/a");
    assert_eq!(location(&proxy, "gopher"), "http://shop.example/a");
    // The entry of the one trusted proxy is the last; what stands before it is the client's own.
    assert_eq!(location(&proxy, "http, https"), "https://shop.example/a");

    proxy.swap(&redirecting(0), 2);
    assert_eq!(location(&proxy, "https"), "http://shop.example/a");
}

#[test]
fn the_limits_of_listeners_are_those_of_the_process_when_nothing_is_said() {
    let limits = Limits::default();
    let most = HeadLimits::MOST;
    assert_eq!(
        (limits.head_bytes, limits.head_fields, limits.target_bytes),
        (
            usize::try_from(most.head_bytes).unwrap(),
            usize::try_from(most.fields).unwrap(),
            usize::try_from(most.target_bytes).unwrap()
        )
    );
}

// ---- maxInFlight ----

#[test]
fn no_more_requests_run_at_one_time_than_the_rule_says() {
    let (free, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Arc::new(std::sync::Mutex::new(held));
    let origin = Origin::start(move |_number, stream| {
        while stream.read_request().is_some() {
            held.lock().unwrap().recv().unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            stream.stream.write_all(answer).unwrap();
        }
    });
    let plan = edited(&origin, |plan| {
        let route = &mut plan.tables[0].hosts[0].routes[0];
        route.outcome.policy.max_in_flight = Some(2);
    });
    let proxy = Proxy::start(&plan);
    let mut running: Vec<_> = (0..2).map(|_| proxy.connect()).collect();
    for (number, client) in running.iter_mut().enumerate() {
        client.write_all(GET.as_bytes()).unwrap();
        eventually("it arrives", || number < origin.connections());
    }
    let refused = |proxy: &Proxy| {
        let mut client = proxy.connect();
        client.write_all(GET.as_bytes()).unwrap();
        let answer = read_response(&mut client);
        assert_eq!(status(&answer), 503);
        assert_eq!(header(&answer, "x-weft-reason"), Some("too-many-in-flight"));
        // Nothing is wrong with the connection.
        assert_eq!(header(&answer, "connection"), None);
    };
    refused(&proxy);
    // Those that run are counted over snapshots.
    proxy.swap(&plan, 2);
    refused(&proxy);
    for client in &mut running {
        free.send(()).unwrap();
        assert_eq!(status(&read_response(client)), 200);
    }
    free.send(()).unwrap();
    let mut next = proxy.connect();
    next.write_all(GET.as_bytes()).unwrap();
    assert_eq!(status(&read_response(&mut next)), 200);
}

#[test]
fn a_client_that_leaves_gives_its_place_back() {
    let origin = Origin::start(|_number, stream| {
        // An answer without an end.
        if stream.read_request().is_some() {
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok";
            stream.stream.write_all(head).unwrap();
            stream.read_request();
        }
    });
    let plan = edited(&origin, |plan| {
        let route = &mut plan.tables[0].hosts[0].routes[0];
        route.outcome.policy.max_in_flight = Some(1);
    });
    let proxy = Proxy::start(&plan);
    for _ in 0..3 {
        // The one before is seen to be gone a moment later.
        eventually("there is a place", || {
            let mut client = proxy.connect();
            client.write_all(GET.as_bytes()).unwrap();
            status(&read_head(&mut client)) == 200
        });
    }
}
