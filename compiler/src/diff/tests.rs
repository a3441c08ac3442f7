//! Tests of the comparison through its public face: two specs, and which requests differ.

use super::{ChangeKind, Changes, compare};
use crate::lower::lower;
use crate::rules::testing::checked;

const SHOP: &str = r#"
# file: mesh.yaml
weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services:
  orders:
    protocol: http
    app: 127.0.0.1:8080
    endpoints: ["10.0.1.5:15443"]
    versions: {v2: {endpoints: ["10.0.1.6:15443"]}}
    allow: [{from: [gateway/public]}]
routes:
  api:
    on: public/web
    host: "*.shop.example"
    rules:
      - {path: "/orders/{id}", methods: [GET], headers: {x-beta: "1"}, to: orders@v2}
      - {path: /orders/**, to: orders}
      - {path: /health, respond: {status: 200}}
"#;

fn changes(from: &str, to: &str) -> Changes {
    let plans = |text: &str| {
        let (checked, sources) = checked(text);
        lower(&checked, &sources).plans
    };
    compare(&plans(SHOP), &plans(&SHOP.replace(from, to)))
}

fn witnesses(changes: &Changes) -> Vec<String> {
    let cells = changes.changes.iter().flat_map(|change| &change.cells);
    cells.map(|cell| cell.witness.to_string()).collect()
}

#[test]
fn the_same_spec_changes_nothing() {
    let found = changes("nothing", "else");
    assert!(
        found.changes.is_empty() && found.unknown.is_empty(),
        "{found:?}"
    );
    assert_eq!(found.changed_hosts, 0);
    assert!(0 < found.hosts);
}

#[test]
fn another_spelling_of_the_same_rules_changes_nothing() {
    let found = changes(
        "      - {path: /orders/**, to: orders}",
        "      - {path: /orders/**, to: orders, name: all}\n      - {path: /orders, methods: [GET], to: orders}",
    );
    assert!(found.changes.is_empty(), "{found:?}");
}

#[test]
fn a_deleted_rule_leaves_its_requests_to_the_next() {
    let found = changes(
        r#"      - {path: "/orders/{id}", methods: [GET], headers: {x-beta: "1"}, to: orders@v2}
"#,
        "",
    );
    let [route, repeated] = found.changes.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(route.kind, ChangeKind::Route);
    assert_eq!(route.old.unwrap().route, 0);
    assert_eq!(route.new.unwrap().route, 1);
    assert_eq!(
        witnesses(&found)[0],
        "GET x.shop.example/orders/x, x-beta: 1"
    );
    assert!(route.contrast.is_some());
    // Nobody looks at `x-beta` any more, so it may be repeated now.
    let header = "x-beta".to_owned();
    let is_refused = false;
    assert_eq!(
        repeated.kind,
        ChangeKind::RepeatedHeader { header, is_refused }
    );
}

#[test]
fn a_more_specific_host_takes_all_requests_of_its_own() {
    let found = changes(
        "routes:\n",
        "routes:\n  pay: {on: public/web, host: pay.shop.example, rules: [{path: /pay, respond: {status: 200}}]}\n",
    );
    let hosts: Vec<&str> = found.changes.iter().map(|one| one.host.as_str()).collect();
    assert!(
        hosts.iter().all(|host| *host == "pay.shop.example"),
        "{hosts:?}"
    );
    let lost = witnesses(&found);
    assert!(
        lost.contains(&"GET pay.shop.example/health".to_owned()),
        "{lost:?}"
    );
}

#[test]
fn a_wider_permission_is_seen_by_identity() {
    let found = changes(
        "    allow: [{from: [gateway/public]}]",
        "    allow: [{from: [gateway/public]}, {from: [service/orders], methods: [GET], path: /orders/**}]",
    );
    let [change] = found.changes.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(change.kind, ChangeKind::Permission);
    assert_eq!((change.old, change.new.unwrap().route), (None, 1));
    let source = change.cells[0].witness.source.clone();
    assert_eq!(
        source.as_deref(),
        Some("spiffe://shop.example/service/orders")
    );
}

#[test]
fn answers_of_the_same_length_are_told_apart() {
    let side = |text: &str| {
        let (checked, sources) = checked(text);
        let bundle = crate::emit::emit(&lower(&checked, &sources)).unwrap();
        let snapshot = crate::why::Snapshot::of_bundle(&bundle).unwrap();
        let snapshot = (bundle.manifest.digest, snapshot);
        let spec = Some((checked.mesh(), &sources));
        super::Side::new("side".to_owned(), snapshot, spec)
    };
    let with = |body: &str| {
        side(&SHOP.replace("{status: 200}", &format!("{{status: 200, body: {body}}}")))
    };
    let (old, new) = (with("yes"), with("non"));
    let mut found = super::report(&old, &new, &compare(&old.plans, &new.plans));
    assert_eq!(found.statements.len(), 1);
    // What is said of one facet is not said of all.
    found.only(super::Facet::Reliability);
    let text = super::text(&found);
    assert!(
        text.contains("looking at reliability alone: proven"),
        "{text}"
    );
}

#[test]
fn a_listener_that_takes_a_host_from_another_is_noticed() {
    let found = changes(
        "gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}",
        "gateways: {public: {listeners: {web: {port: 8080, protocol: http}, pay: {port: 8080, protocol: http, hosts: [pay.shop.example]}}}}",
    );
    let lost = witnesses(&found);
    assert!(
        lost.contains(&"GET pay.shop.example/health".to_owned()),
        "{lost:?}"
    );
    let is_lost = |change: &super::Change| change.old.is_some() && change.new.is_none();
    assert!(found.changes.iter().all(is_lost), "{found:?}");
}
