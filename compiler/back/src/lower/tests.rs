//! Tests of lowering through its public face.

use weft_front::testing::unchecked;
use weft_snapshot::origins::RouteOrigin;
use weft_snapshot::plan::{Action, NodePlan};
use weft_snapshot::settings::{ListenerSecurity, Role, UpstreamProtocol, UpstreamSecurity};

use super::{Lowered, lower};

const SHOP: &str = r#"
# file: mesh.yaml
weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  defaults:
    timeout: {request: 15s, backendRequest: 5s}
gateways:
  public:
    listeners:
      web: {port: 8080, protocol: http, hosts: ["*.shop.example"]}
# file: orders.yaml
weft: v1
services:
  orders:
    protocol: http
    app: 127.0.0.1:8080
    endpoints: ["10.0.1.5:15443"]
    timeout: {request: 2s}
    versions: {v2: {endpoints: ["10.0.1.6:15443"]}}
    calls:
      payments: {operations: [POST /v1/charges], timeout: {request: 800ms}}
    allow:
      - {from: [gateway/public], methods: [GET, POST], path: /orders/**}
routes:
  orders:
    on: public/web
    host: api.shop.example
    rules:
      - {path: /orders/**, to: {orders: 90%, orders@v2: 10%}, timeout: {request: 1s}}
      - {name: beta, path: "/orders/{id}", methods: [GET], headers: {x-beta: "1"}, to: orders@v2}
# file: payments.yaml
weft: v1
services:
  payments:
    protocol: grpc
    app: 127.0.0.1:9090
    endpoints: ["10.0.1.7:15443"]
    allow: [{from: [service/orders]}]
"#;

fn lowered(text: &str) -> Lowered {
    let (checked, sources) = unchecked(text);
    lower(&checked, &sources)
}

fn node<'lowered>(lowered: &'lowered Lowered, name: &str) -> &'lowered NodePlan {
    let is_it = |plan: &&NodePlan| plan.settings.node == name;
    lowered.plans.iter().find(is_it).unwrap()
}

#[test]
fn every_gateway_and_sidecar_is_a_node() {
    let lowered = lowered(SHOP);
    let nodes: Vec<&str> = lowered
        .plans
        .iter()
        .map(|plan| plan.settings.node.as_str())
        .collect();
    assert_eq!(
        nodes,
        ["gateway/public", "service/orders", "service/payments"]
    );
    for plan in &lowered.plans {
        plan.encode().unwrap();
    }
}

#[test]
fn narrower_rules_come_first_and_timeouts_are_the_strictest() {
    let lowered = lowered(SHOP);
    let gateway = node(&lowered, "gateway/public");
    let routes = &gateway.tables[0].hosts[0].routes;
    let ids: Vec<&str> = routes.iter().map(|route| route.id.as_str()).collect();
    assert_eq!(ids, ["orders/beta", "orders/0"]);
    assert_eq!(routes[0].outcome.timeouts.request, Some(2_000));
    assert_eq!(routes[0].outcome.timeouts.backend_request, Some(2_000));
    assert_eq!(routes[1].outcome.timeouts.request, Some(1_000));
    assert_eq!(routes[1].outcome.timeouts.connect, Some(1_000));
    let Action::Forward { backends } = &routes[1].outcome.action else {
        panic!("forwards");
    };
    let shares: Vec<u32> = backends.iter().map(|backend| backend.share).collect();
    assert_eq!(shares, [900_000, 100_000]);
    let clusters = &gateway.settings.clusters;
    assert_eq!(clusters[1].name, "orders@v2");
    assert_eq!(clusters[1].protocol, UpstreamProtocol::Http2);
    let identity = "spiffe://shop.example/service/orders".to_owned();
    assert_eq!(clusters[1].security, UpstreamSecurity::Mtls { identity });
}

#[test]
fn a_backend_without_a_share_decides_nothing() {
    let lowered = lowered(
        r#"
        weft: v1
        mesh: {name: m, trustDomain: m.example, mtls: disabled, defaults: {timeout: {request: 15s}}}
        gateways: {g: {listeners: {w: {port: 1, protocol: http}}}}
        services:
          a: {protocol: http, endpoints: ["127.0.0.1:1"]}
          b: {protocol: http, endpoints: ["127.0.0.1:2"], timeout: {request: 1s}, retry: {attempts: 1}}
        routes: {r: {on: g/w, host: "*", rules: [{path: /a, to: {a: 100%, b: 0%}}, {path: /b, to: {a: 99%, b: 1%}}]}}
        "#,
    );
    let routes = &node(&lowered, "gateway/g").tables[0].hosts[0].routes;
    let settled = |at: usize| {
        let outcome = &routes[at].outcome;
        (outcome.timeouts.request, outcome.policy.retry.attempts)
    };
    assert_eq!(settled(0), (Some(15_000), 2));
    assert_eq!(settled(1), (Some(1_000), 1));
}

#[test]
fn a_new_path_that_is_the_old_one_is_none() {
    let lowered = lowered(
        r#"
        weft: v1
        mesh: {name: m, trustDomain: m.example, mtls: disabled, defaults: {timeout: {request: 15s}}}
        gateways: {g: {listeners: {w: {port: 1, protocol: http}}}}
        services: {a: {protocol: http, endpoints: ["127.0.0.1:1"]}}
        routes:
          r:
            on: g/w
            host: "*"
            rules:
              - {path: "/a/{x}/**", rewrite: {path: "/a/{x}/**"}, to: a}
              - {path: "/b/{x}/{y}", rewrite: {path: "/b/{y}/{x}"}, to: a}
              - {path: "/c/{x}", redirect: {scheme: https, path: "/c/{x}"}}
              - {path: {regex: "/d"}, rewrite: {path: /d}, to: a}
              - {path: {regex: "/d[ef]"}, rewrite: {path: /de}, to: a}
              - {path: /f/**, rewrite: {path: /f}, to: a}
        "#,
    );
    let routes = &node(&lowered, "gateway/g").tables[0].hosts[0].routes;
    let changes = |id: &str| {
        let route = routes.iter().find(|route| route.id == id).unwrap();
        match &route.outcome.action {
            Action::Redirect { path, .. } => path.is_some(),
            Action::Forward { .. } | Action::Respond { .. } => route.outcome.path.is_some(),
        }
    };
    let seen = ["r/0", "r/1", "r/2", "r/3", "r/4", "r/5"].map(changes);
    assert_eq!(seen, [false, true, false, false, true, true]);
}

#[test]
fn a_sidecar_has_an_inbound_and_an_outbound_side() {
    let lowered = lowered(SHOP);
    let orders = node(&lowered, "service/orders");
    let [inbound, outbound] = orders.settings.listeners.as_slice() else {
        panic!("two listeners");
    };
    assert_eq!(
        (inbound.role, outbound.role),
        (Role::Inbound, Role::Outbound)
    );
    assert_eq!(inbound.security, ListenerSecurity::Mtls);
    assert_eq!(
        orders.access[0].from,
        ["spiffe://shop.example/gateway/public"]
    );
    let call = &orders.tables[1].hosts[0];
    assert_eq!(call.host, "payments");
    assert_eq!(call.routes[0].id, "orders/calls/payments/0");
    assert_eq!(call.routes[0].outcome.timeouts.request, Some(800));
    let payments = node(&lowered, "service/payments");
    assert_eq!(
        payments.settings.clusters[0].protocol,
        UpstreamProtocol::Http2
    );
    assert_eq!(payments.settings.listeners.len(), 1);
}

#[test]
fn origins_name_the_line_of_each_route_and_setting() {
    let lowered = lowered(SHOP);
    let origins = &lowered.origins.nodes["gateway/public"];
    let line = |origin: &RouteOrigin, setting| {
        let mut settings = origin.settings.iter();
        let known = settings.find(|known| known.setting == setting).unwrap();
        known.place.line
    };
    assert_eq!(lowered.origins.settings[0], "timeout.request");
    let orders = u32::try_from(
        lowered
            .origins
            .files
            .iter()
            .position(|file| file == "orders.yaml")
            .unwrap(),
    )
    .unwrap();
    assert_eq!((origins[0].rule.file, origins[0].rule.line), (orders, 19));
    assert_eq!(line(&origins[0], 0), 7);
    assert_eq!(line(&origins[1], 0), 18);
    let of_sidecar = &lowered.origins.nodes["service/orders"];
    assert_eq!(of_sidecar.len(), 3);
    assert_eq!(of_sidecar[2].rule.line, 12);
}

#[test]
fn a_change_to_one_service_leaves_other_nodes_alone() {
    let before = lowered(SHOP);
    let after = lowered(&SHOP.replace("10.0.1.7", "10.0.1.8"));
    assert_eq!(
        node(&before, "gateway/public"),
        node(&after, "gateway/public")
    );
    assert_eq!(
        node(&before, "service/payments"),
        node(&after, "service/payments")
    );
    assert_ne!(
        node(&before, "service/orders"),
        node(&after, "service/orders")
    );
}
