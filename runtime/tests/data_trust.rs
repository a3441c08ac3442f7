//! Certificates that are refused between two proxies, and trust that narrows while they speak.
#![cfg(test)]

mod data_support;
#[path = "common/pki.rs"]
mod pki;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use data_support::{
    Origin, Proxy, all_paths, allow, below, cluster, eventually, forward, header, plan,
    read_response, route, status,
};
use pki::{Authority, Svid};
use weft_runtime::identity::Identity;
use weft_runtime::shared::Limits;
use weft_runtime::worker::Change;
use weft_snapshot::Reason;
use weft_snapshot::plan::{NodePlan, Outcome, RoutePlan};
use weft_snapshot::settings::{
    Cluster, ListenerSecurity, Role, UpstreamProtocol, UpstreamSecurity,
};

const WEB: &str = "service/web";
const ORDERS: &str = "service/orders";

/// The identity `node` of `svid`, which believes `bundle`.
fn identity(svid: &Svid, node: &str, bundle: &[&Authority]) -> Identity {
    let folder = tempfile::tempdir().unwrap();
    svid.write(folder.path(), bundle);
    Identity::load(folder.path(), "shop.example", node).unwrap()
}

/// A sidecar that answers for `service/orders`, and lets `service/web` in.
fn callee(app: &Origin, own: Identity) -> Proxy {
    let routes = vec![route("inbound/0", all_paths(), forward(&[1_000_000]))];
    let clusters = vec![cluster("app", &[app.address], UpstreamProtocol::Http1)];
    let mut plan = plan(Role::Inbound, routes, clusters);
    plan.settings.listeners[0].security = ListenerSecurity::Mtls;
    plan.access = vec![allow("spiffe://shop.example/service/web")];
    Proxy::start_with(&plan, Limits::default(), Some(own))
}

fn to_orders(name: &str, callees: &[SocketAddr]) -> Cluster {
    let mut cluster = cluster(name, callees, UpstreamProtocol::Http2);
    cluster.security = UpstreamSecurity::Mtls {
        identity: "spiffe://shop.example/service/orders".to_owned(),
    };
    cluster
}

fn outbound(routes: Vec<RoutePlan>, clusters: Vec<Cluster>) -> NodePlan {
    plan(Role::Outbound, routes, clusters)
}

/// A sidecar that calls `callees` as one cluster.
fn caller(callees: &[SocketAddr], outcome: Outcome, own: Identity) -> Proxy {
    let routes = vec![route("outbound/0", all_paths(), outcome)];
    let plan = outbound(routes, vec![to_orders("orders", callees)]);
    Proxy::start_with(&plan, Limits::default(), Some(own))
}

/// Puts another identity into use, as the control thread does when an authority went.
fn narrow(proxy: &Proxy, own: Identity) {
    proxy.shared.identity.store(Some(Arc::new(own)));
    let change = Change {
        stricter_ports: Vec::new(),
        trust: true,
    };
    proxy.fleet.as_ref().unwrap().swapped(&change);
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: orders\r\n\r\n")
}

fn post(length: usize) -> String {
    let body = "x".repeat(length);
    format!("POST / HTTP/1.1\r\nHost: orders\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn told(answer: &str) -> (u16, Option<&str>) {
    (status(answer), header(answer, "x-weft-reason"))
}

#[test]
fn a_refused_certificate_is_told_from_a_broken_connection() {
    let (ours, theirs) = (
        Authority::new("shop.example"),
        Authority::new("shop.example"),
    );
    let app = Origin::saying("never");
    let answering = callee(&app, identity(&ours.svid(ORDERS), ORDERS, &[&ours]));
    // The caller believes the callee, and not the other way round.
    let own = identity(&theirs.svid(WEB), WEB, &[&ours, &theirs]);
    let asking = caller(&[answering.address], forward(&[1_000_000]), own);

    for request in [get("/"), post(10), post(3_000_000)] {
        let answer = asking.send(&request);
        assert_eq!(told(&answer), (503, Some("upstream-refused-identity")));
        let entry = asking.entry();
        assert_eq!(
            entry.upstream_failure,
            Some(Reason::UpstreamRefusedIdentity)
        );
        assert_eq!(entry.upstream_failure_detail, "unknown-ca");
    }

    let failures = &asking.counters().upstream_failures.0;
    assert_eq!(failures.count_of("upstream-refused-identity"), 3);
    assert_eq!(failures.count_of("upstream-reset"), 0);
    let failures = &answering.counters().handshake_failures.0;
    assert!(3 <= failures.count_of("unknown-issuer"));
    let example = failures.take_example("unknown-issuer").unwrap();
    assert_eq!(example.name.as_deref(), Some("orders.service.shop.example"));
    assert_eq!(example.alert, "unknown-ca");
    assert_eq!(app.connections(), 0);
}

#[test]
fn even_a_post_is_repeated_where_the_certificate_is_believed() {
    let (ours, theirs) = (
        Authority::new("shop.example"),
        Authority::new("shop.example"),
    );
    let app = Origin::saying("taken");
    let refusing = callee(&app, identity(&ours.svid(ORDERS), ORDERS, &[&ours]));
    let believing = callee(
        &app,
        identity(&ours.svid(ORDERS), ORDERS, &[&ours, &theirs]),
    );
    let mut outcome = forward(&[1_000_000]);
    outcome.policy.retry.attempts = 2;
    outcome.policy.retry.on_connect_failure = true;
    let own = identity(&theirs.svid(WEB), WEB, &[&ours, &theirs]);
    let asking = caller(&[refusing.address, believing.address], outcome, own);

    let mut client = asking.connect();
    for number in 0..40 {
        client.write_all(post(20_000).as_bytes()).unwrap();
        let answer = read_response(&mut client);
        assert_eq!(told(&answer), (200, None), "request {number}");
    }

    let failed: Vec<_> = (0..40)
        .map(|_request| asking.entry())
        .filter(|entry| entry.upstream_failure.is_some())
        .collect();
    assert!(!failed.is_empty(), "the one that refuses was asked too");
    for entry in failed {
        assert_eq!((entry.status, entry.attempts), (200, 2));
        assert_eq!(
            entry.upstream_failure,
            Some(Reason::UpstreamRefusedIdentity)
        );
    }
}

#[test]
fn without_a_policy_nothing_is_repeated() {
    let (ours, theirs) = (
        Authority::new("shop.example"),
        Authority::new("shop.example"),
    );
    let app = Origin::saying("never");
    let answering = callee(&app, identity(&ours.svid(ORDERS), ORDERS, &[&ours]));
    let own = identity(&theirs.svid(WEB), WEB, &[&ours, &theirs]);
    let asking = caller(&[answering.address], forward(&[1_000_000]), own);

    let _refused = asking.send(&get("/"));

    assert_eq!(asking.entry().attempts, 1);
    assert_eq!(asking.counters().retries.value(), 0);
}

#[test]
fn a_narrower_bundle_closes_only_the_callers_that_lost_trust() {
    let (stays, goes) = (
        Authority::new("shop.example"),
        Authority::new("shop.example"),
    );
    let app = Origin::saying("hello");
    let svid = stays.svid(ORDERS);
    let answering = callee(&app, identity(&svid, ORDERS, &[&stays, &goes]));
    let callers = [&stays, &goes].map(|authority| {
        let own = identity(&authority.svid(WEB), WEB, &[&stays, &goes]);
        caller(&[answering.address], forward(&[1_000_000]), own)
    });
    for asking in &callers {
        assert_eq!(status(&asking.send(&get("/"))), 200);
    }
    assert_eq!(answering.counters().connections_open.value(), 2);

    narrow(&answering, identity(&svid, ORDERS, &[&stays]));

    eventually("one connection is drained", || {
        answering.counters().connections_open.value() == 1
    });
    assert_eq!(status(&callers[0].send(&get("/"))), 200);
    assert_eq!(answering.counters().handshakes.value(), 2, "it was kept");
    let answer = callers[1].send(&get("/"));
    assert_eq!(told(&answer), (503, Some("upstream-refused-identity")));
}

#[test]
fn a_narrower_bundle_closes_only_the_callees_that_lost_trust() {
    let (stays, goes) = (
        Authority::new("shop.example"),
        Authority::new("shop.example"),
    );
    let app = Origin::saying("hello");
    let callees = [&stays, &goes].map(|authority| {
        let own = identity(&authority.svid(ORDERS), ORDERS, &[&stays, &goes]);
        callee(&app, own)
    });
    let routes = vec![
        route("outbound/0", below("stays"), forward(&[1_000_000])),
        route("outbound/1", below("goes"), forward(&[0, 1_000_000])),
    ];
    let clusters = vec![
        to_orders("stays", &[callees[0].address]),
        to_orders("goes", &[callees[1].address]),
    ];
    let svid = stays.svid(WEB);
    let own = identity(&svid, WEB, &[&stays, &goes]);
    let asking = Proxy::start_with(&outbound(routes, clusters), Limits::default(), Some(own));
    for path in ["/stays", "/goes"] {
        assert_eq!(status(&asking.send(&get(path))), 200);
    }

    narrow(&asking, identity(&svid, WEB, &[&stays]));

    eventually("one connection is closed", || {
        callees[1].counters().connections_open.value() == 0
    });
    assert_eq!(status(&asking.send(&get("/stays"))), 200);
    assert_eq!(callees[0].counters().handshakes.value(), 1, "it was kept");
    let answer = asking.send(&get("/goes"));
    assert_eq!(told(&answer), (503, Some("tls-unknown-issuer")));
}

#[test]
fn no_request_meets_a_callee_that_lost_trust_before_the_workers_are_told() {
    let (stays, goes) = (
        Authority::new("shop.example"),
        Authority::new("shop.example"),
    );
    let app = Origin::saying("hello");
    let answering = callee(&app, identity(&goes.svid(ORDERS), ORDERS, &[&stays, &goes]));
    let svid = stays.svid(WEB);
    let own = identity(&svid, WEB, &[&stays, &goes]);
    let asking = caller(&[answering.address], forward(&[1_000_000]), own);
    assert_eq!(status(&asking.send(&get("/"))), 200);

    let own = identity(&svid, WEB, &[&stays]);
    asking.shared.identity.store(Some(Arc::new(own)));

    let answer = asking.send(&get("/"));
    assert_eq!(told(&answer), (503, Some("tls-unknown-issuer")));
}
