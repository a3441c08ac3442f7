//! Tests of answers, from a spec to the words.

use weft_back::emit::emit;
use weft_back::lower::lower;
use weft_check::testing::checked;
use weft_front::question::Question;

use super::{Answer, Snapshot, WhyError, why};

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
    deny: [{path: /orders/9/**}]
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
        ("orders/1", Some("orders.yaml:18"))
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
fn what_no_proxy_serves_is_refused_with_its_status() {
    let (checked, sources) = checked(SHOP);
    let bundle = emit(&lower(&checked, &sources)).unwrap();
    let snapshot = Snapshot::of_bundle(&bundle).unwrap();
    for (header, status) in [
        ("expect: foo", Some(417)),
        ("expect: 100-continue", None),
        ("transfer-encoding: gzip, chunked", Some(501)),
        ("transfer-encoding: chunked, gzip", Some(400)),
        ("transfer-encoding: chunked", None),
    ] {
        let request = "GET http://api.shop.example/orders/7";
        let question = Question::parse(request, &[header.to_owned()]).unwrap();
        let answer = why(&snapshot, &question).unwrap();
        let refusal = answer.hops.into_iter().next().unwrap().refusal;
        assert_eq!(refusal.map(|it| it.status), status, "{header}");
    }
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
    let (_, status, why) = refusal("GET http://api.shop.example/old/9/x", None);
    assert_eq!(status, 403);
    assert_eq!(why, "`orders/deny/0` refuses it (orders.yaml:9)");
    let (_, status, why) = refusal("POST http://api.shop.example/old/7", None);
    assert_eq!(status, 404);
    assert!(why.contains("with the method GET"), "{why}");
    let (_, status, _) = refusal("GET http://api.shop.example/a%2Fb", None);
    assert_eq!(status, 400);
    let (node, status, _) = refusal("POST http://rates/rates", Some("web"));
    assert_eq!((node.as_str(), status), ("service/web", 404));
    let (node, status, why) = refusal("TRACE http://api.shop.example/orders/7", None);
    assert_eq!((node.as_str(), status), ("gateway/public", 405));
    assert_eq!(why, "no proxy forwards `TRACE`");
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

const TREE: &str = r#"
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}, retry: {attempts: 3, on: [503]}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services:
  cart: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], timeout: {request: 5s}, retry: {attempts: 2, on: [503]}}
routes:
  any: {on: public/web, host: "*.shop.example", rules: [{to: cart, retry: {attempts: 1}}]}
  cart:
    on: public/web
    host: api.shop.example
    rules:
      - {name: beta, path: "/cart/{id}", headers: {x-beta: "1"}, to: cart, timeout: {request: 2s}}
      - {name: one, path: "/cart/{id}", to: cart, timeout: {request: 3s}}
      - {name: all, path: /cart/**, to: cart}
      - {name: write, path: "/cart/{id}", methods: [POST], headers: {x-beta: {absent: true}}, to: cart, timeout: {request: 1s}}
      - {name: other, path: /other, to: cart, timeout: {request: 4s}}
      - {name: first, path: /both, priority: 1, methods: [GET, POST], to: cart}
      - {name: second, path: /both, headers: {x-beta: "1"}, to: cart, timeout: {request: 1s}}
"#;

fn tree(request: &str, headers: &[&str], why_not: Option<&str>) -> String {
    let (checked, sources) = checked(TREE);
    let bundle = emit(&lower(&checked, &sources)).unwrap();
    let snapshot = Snapshot::of_bundle(&bundle).unwrap();
    let headers: Vec<String> = headers.iter().map(|&header| header.to_owned()).collect();
    let mut question = Question::parse(request, &headers).unwrap();
    question.why_not = why_not.map(str::to_owned);
    why(&snapshot, &question).unwrap().to_string()
}

#[test]
fn losers_are_named_with_the_reason() {
    let text = tree("GET http://api.shop.example/cart/7", &["x-beta: 1"], None);
    for line in [
        "  beats     host *.shop.example\n",
        "  route     cart/beta  (spec.yaml:13)\n",
        "  not       cart/one (any method /cart/{id}): its conditions are wider  (spec.yaml:14)\n",
        "  not       cart/all (any method /cart/**): its path is wider: /cart/** has all of /cart/{id}  (spec.yaml:15)\n",
        "  not       cart/write (POST /cart/{id}, header x-beta absent): its method is POST  (spec.yaml:16)\n",
        "  timeout.request 2s  (spec.yaml:13)\n            over 5s of the service  (spec.yaml:6)\n            over 15s of the mesh  (spec.yaml:3)\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("cart/other"), "{text}");
    let text = tree("GET http://api.shop.example/both", &["x-beta: 1"], None);
    let line =
        "  not       cart/second (any method /both, header x-beta: 1): its priority is lower";
    assert!(text.contains(line), "{text}");
}

#[test]
fn a_repeated_header_is_refused_by_the_rule_that_asks_for_its_value() {
    let twice = ["x-beta: 1", "x-beta: 1"];
    let text = tree("GET http://api.shop.example/cart/7", &twice, None);
    let line = "  refused   400 repeated-header: rule `cart/beta` (spec.yaml:13) asks for the value of `x-beta`, which came in 2 lines and may have one\n";
    assert!(text.contains(line), "{text}");
    let text = tree("GET http://api.shop.example/other", &twice, None);
    assert!(text.contains("  route     cart/other"), "{text}");
    // The header is there, so a rule for requests without it has nothing to do with this one.
    let text = tree(
        "POST http://api.shop.example/cart/7",
        &twice,
        Some("cart/write"),
    );
    let line = "header `x-beta` must not be there, and came more than once";
    assert!(text.contains(line), "{text}");
}

#[test]
fn a_request_without_a_host_is_for_the_host_star() {
    // No route of the shop is for `*`; its listener is.
    let answer = ask("GET /health HTTP/1.0", None).unwrap();
    assert_eq!(answer.request, "GET /health");
    let refusal = answer.hops[0].refusal.clone().unwrap();
    assert_eq!(refusal.status, 404);
    assert_eq!(
        refusal.explanation,
        "a request without a host is for the host `*`, and no route is for that"
    );
    assert!(Question::parse("GET /health", &[]).is_err());
}

#[test]
fn refusals_of_heads_come_in_the_order_of_the_proxy() {
    let tight = SHOP.replace(
        "protocol: http}}}}\n# file",
        "protocol: http, limits: {target: 64B}}}}}\n# file",
    );
    assert_ne!(tight, SHOP);
    let (checked, sources) = checked(&tight);
    let bundle = emit(&lower(&checked, &sources)).unwrap();
    let snapshot = Snapshot::of_bundle(&bundle).unwrap();
    let asked = |method: &str, length: usize, headers: &[String]| {
        let target = "x".repeat(length);
        let request = format!("{method} http://api.shop.example/{target}");
        let answer = why(&snapshot, &Question::parse(&request, headers).unwrap()).unwrap();
        answer.hops.into_iter().next().unwrap().refusal.unwrap()
    };
    let expects = ["expect: foo".to_owned()];
    // What every proxy asks comes before what the listener asks, but for the limits that every proxy has.
    assert_eq!(asked("GET", 80, &[]).status, 414);
    assert_eq!(asked("TRACE", 80, &[]).status, 405);
    assert_eq!(asked("GET", 80, &expects).status, 417);
    assert_eq!(asked("TRACE", 9 << 10, &[]).status, 414);
}

#[test]
fn a_route_can_be_asked_why_it_does_not_decide() {
    let asked = |headers: &[&str], wanted: &str| {
        let text = tree("POST http://api.shop.example/cart/7", headers, Some(wanted));
        let line = text.lines().find(|line| line.contains("why not"));
        line.map(str::to_owned).unwrap_or(text)
    };
    let of = |headers: &[&str], wanted: &str| {
        let line = asked(headers, wanted);
        line.split("): ").nth(1).unwrap_or(&line).to_owned()
    };
    assert_eq!(
        of(&[], "cart/beta"),
        "header `x-beta` must be `1`, and is not there  (spec.yaml:13)"
    );
    assert_eq!(
        of(&["x-beta: 1"], "cart/write"),
        "header `x-beta` must not be there, and is `1`  (spec.yaml:16)"
    );
    assert_eq!(of(&[], "cart/write"), "it does decide  (spec.yaml:16)");
    assert_eq!(of(&[], "cart/other"), "its path is /other  (spec.yaml:17)");
    assert_eq!(
        of(&[], "any/0"),
        "it is for host *.shop.example, and host api.shop.example owns the request  (spec.yaml:8)"
    );
    assert!(asked(&[], "nothing/0").starts_with("POST"));
}

#[test]
fn a_node_is_entered_only_by_a_listener_that_gets_the_request() {
    let (checked, sources) = checked(
        r#"
        mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
        services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
        gateways:
          g:
            listeners:
              a: {port: 80, protocol: http, hosts: [a.example]}
              b: {port: 80, protocol: http, hosts: ["*.example"]}
              c: {port: 81, protocol: http}
        routes:
          a: {on: g/a, host: a.example, rules: [{to: s}]}
          b: {on: g/b, host: "*", rules: [{to: s}]}
          c: {on: g/c, host: "*", rules: [{to: s}]}
        "#,
    );
    let bundle = emit(&lower(&checked, &sources)).unwrap();
    let snapshot = Snapshot::of_bundle(&bundle).unwrap();
    let entered = |url: &str| {
        let question = Question::parse(url, &[]).unwrap();
        let question = question.received_by(Some("gateway/g".to_owned()));
        why(&snapshot, &question).map(|answer| answer.hops[0].listener.clone())
    };
    assert_eq!(entered("http://a.example:80/").as_deref(), Ok("a"));
    assert_eq!(entered("http://b.example:80/").as_deref(), Ok("b"));
    assert_eq!(entered("http://b.other:81/").as_deref(), Ok("c"));
    for nowhere in [
        "http://b.other:80/",
        "http://a.example:99/",
        "https://a.example/",
    ] {
        let refused = entered(nowhere).unwrap_err();
        assert!(
            refused.to_string().contains("g/a on port 80 for a.example"),
            "{refused}"
        );
    }
}
