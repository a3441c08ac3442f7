//! New certificates under load: requests through two proxies go on while both change their identities.
#![cfg(test)]

mod data_support;
#[path = "common/pki.rs"]
mod pki;

use std::io::Write;
use std::sync::Arc;

use data_support::{
    Origin, Proxy, all_paths, allow, cluster, forward, plan, read_response, route, status,
};
use pki::Authority;
use weft_runtime::identity::Identity;
use weft_runtime::shared::Limits;
use weft_runtime::worker::Change;
use weft_snapshot::settings::{ListenerSecurity, Role, UpstreamProtocol, UpstreamSecurity};

fn identity(authority: &Authority, node: &str) -> Identity {
    let folder = tempfile::tempdir().unwrap();
    authority.svid(node).write(folder.path(), &[authority]);
    Identity::load(folder.path(), "shop.example", node).unwrap()
}

fn callee(authority: &Authority, app: &Origin) -> Proxy {
    let routes = vec![route("inbound/0", all_paths(), forward(&[1_000_000]))];
    let clusters = vec![cluster("app", &[app.address], UpstreamProtocol::Http1)];
    let mut plan = plan(Role::Inbound, routes, clusters);
    plan.settings.listeners[0].security = ListenerSecurity::Mtls;
    plan.access = vec![allow("spiffe://shop.example/service/web")];
    let own = identity(authority, "service/orders");
    Proxy::start_with(&plan, Limits::default(), Some(own))
}

fn caller(authority: &Authority, callee: &Proxy) -> Proxy {
    let routes = vec![route("outbound/0", all_paths(), forward(&[1_000_000]))];
    let mut clusters = vec![cluster(
        "orders",
        &[callee.address],
        UpstreamProtocol::Http2,
    )];
    clusters[0].security = UpstreamSecurity::Mtls {
        identity: "spiffe://shop.example/service/orders".to_owned(),
    };
    let plan = plan(Role::Outbound, routes, clusters);
    let own = identity(authority, "service/web");
    Proxy::start_with(&plan, Limits::default(), Some(own))
}

#[test]
fn no_request_is_lost_while_both_proxies_rotate() {
    let authority = Authority::new("shop.example");
    let app = Origin::saying("hello");
    let answering = callee(&authority, &app);
    let asking = caller(&authority, &answering);
    let mut client = asking.connect();
    for number in 0..200 {
        if number % 10 == 5 {
            let (proxy, node) = if number % 20 == 5 {
                (&asking, "service/web")
            } else {
                (&answering, "service/orders")
            };
            let own = identity(&authority, node);
            proxy.shared.identity.store(Some(Arc::new(own)));
            let change = Change {
                stricter_ports: Vec::new(),
                trust: number % 40 < 20,
            };
            proxy.fleet.as_ref().unwrap().swapped(&change);
        }
        let request = "POST / HTTP/1.1\r\nHost: orders\r\nContent-Length: 2\r\n\r\nok";
        client.write_all(request.as_bytes()).unwrap();
        assert_eq!(status(&read_response(&mut client)), 200, "request {number}");
        if number % 40 == 39 {
            client = asking.connect();
        }
    }
    assert!(
        2 < answering.counters().handshakes.value(),
        "new identities make new connections"
    );
}
