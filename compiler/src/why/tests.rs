//! Tests of answers, from a spec to the words.

use super::{Answer, Question, Snapshot, WhyError, why};
use crate::emit::emit;
use crate::lower::lower;
use crate::rules::testing::checked;

const SHOP: &str = r#"
# file: mesh.yaml
weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
# file: orders.yaml
weft: v1
services:
  orders:
    protocol: http
    app: 127.0.0.1:8080
    endpoints: ["10.0.1.5:15443"]
    timeout: {request: 2s}
    allow: [{from: [gateway/public], methods: [GET], path: /orders/**}]
  web: {protocol: http, app: 127.0.0.1:8081, calls: {rates: {operations: [GET /rates]}}}
  rates: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}
routes:
  orders:
    on: public/web
    host: api.shop.example
    rules:
      - {path: /orders/**, methods: [GET, POST], to: orders}
      - {path: /old/**, rewrite: {path: /orders/**}, methods: [GET], to: orders}
"#;

fn ask(request: &str, from: Option<&str>) -> Result<Answer, WhyError> {
    let (checked, sources) = checked(SHOP);
    let bundle = emit(&lower(&checked, &sources)).unwrap();
    let snapshot = Snapshot::of_bundle(&bundle).unwrap();
    let question = Question::parse(request, &[])
        .unwrap()
        .sent_by(from.map(str::to_owned));
    why(&snapshot, &question)
}

#[test]
fn a_request_is_followed_through_both_proxies() {
    let answer = ask("GET http://API.shop.example/old/../old/7", None).unwrap();
    assert!(answer.is_accepted());
    assert_eq!(answer.request, "GET api.shop.example/old/7");
    let [gateway, sidecar] = answer.hops.as_slice() else {
        panic!("two hops");
    };
    let route = gateway.route.as_ref().unwrap();
    assert_eq!(
        (route.id.as_str(), route.place.as_deref()),
        ("orders/1", Some("orders.yaml:17"))
    );
    let request = &route.settings[0];
    assert_eq!(
        (request.value.as_str(), request.place.as_deref()),
        ("2s", Some("orders.yaml:7"))
    );
    let allowed = sidecar.allowed_by.as_ref().unwrap();
    assert_eq!(
        (allowed.id.as_str(), allowed.place.as_deref()),
        ("orders/allow/0", Some("orders.yaml:8"))
    );
    let text = answer.to_string();
    assert!(
        text.contains(
            "to        100% orders (mTLS, spiffe://shop.example/service/orders, 10.0.1.5:15443)"
        ),
        "{text}"
    );
}

#[test]
fn a_refusal_says_where_and_why() {
    let refusal = |request, from| {
        let answer = ask(request, from).unwrap();
        let hop = answer.hops.last().unwrap().clone();
        let refusal = hop.refusal.unwrap();
        (hop.node, refusal.status, refusal.explanation)
    };
    let (node, status, why) = refusal("POST http://api.shop.example/orders/7", None);
    assert_eq!((node.as_str(), status), ("service/orders", 403));
    assert!(why.contains("may send GET /orders/**"), "{why}");
    let (_, status, why) = refusal("POST http://api.shop.example/old/7", None);
    assert_eq!(status, 404);
    assert!(why.contains("with the method GET"), "{why}");
    let (_, status, _) = refusal("GET http://api.shop.example/a%2Fb", None);
    assert_eq!(status, 400);
    let (node, status, _) = refusal("POST http://rates/rates", Some("web"));
    assert_eq!((node.as_str(), status), ("service/web", 404));
}

#[test]
fn an_unknown_entrance_is_an_error() {
    assert!(matches!(
        ask("GET https://api.shop.example/", None),
        Err(WhyError::NoListener { .. })
    ));
    assert!(matches!(
        ask("GET http://rates/", Some("nobody")),
        Err(WhyError::UnknownNode { .. })
    ));
}
