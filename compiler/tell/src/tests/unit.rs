//! Tests of tests.

use weft_back::snapshot::Snapshot;
use weft_check::testing::checked;
use weft_front::surroundings::Surroundings;
use weft_front::testing::sources;

use super::{TestReport, mutate, run};

const SPEC: &str = r#"
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {g: {listeners: {w: {port: 80, protocol: http}}}}
services:
  cart:
    protocol: http
    app: 127.0.0.1:9
    endpoints: ["127.0.0.1:1"]
    versions: {v2: {endpoints: ["127.0.0.1:2"]}}
    allow: [{from: [gateway/g], methods: [GET, POST]}]
  old: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:3"]}
  web: {protocol: http, app: "127.0.0.1:1", calls: {old: {}}}
routes:
  cart:
    on: g/w
    host: api.shop.example
    rules:
      - {name: beta, path: "/cart/{id}", headers: {x-beta: "1"}, to: cart@v2, timeout: {request: 2s}, rewrite: {path: "/c/{id}"}}
      - {name: all, path: /cart/**, to: {cart: 90%, cart@v2: 10%}}
      - {name: moved, path: /basket, redirect: {path: /cart, code: 308}}
"#;

fn ran(tests: &str) -> (TestReport, super::Mutation) {
    made(&[SPEC, "tests:\n", tests].concat())
}

fn made(text: &str) -> (TestReport, super::Mutation) {
    let (checked, files) = checked(text);
    let (bundle, found) = crate::compile(
        &sources(text),
        &weft_front::parse::Values::default(),
        &Surroundings::default(),
    );
    let Some(bundle) = bundle else {
        panic!("{found:?}\n{text}");
    };
    let snapshot = Snapshot::of_bundle(&bundle).unwrap();
    let surroundings = Surroundings::default();
    (
        run(&checked, &snapshot, &surroundings),
        mutate(&checked, &files, &snapshot, &surroundings),
    )
}

fn failures(tests: &str) -> Vec<String> {
    let (report, _) = ran(tests);
    let failures = report.results.into_iter();
    failures.flat_map(|result| result.failures).collect()
}

#[test]
fn a_header_may_come_in_several_lines() {
    let tests = r#"
  - {name: a, request: "GET http://api.shop.example/cart/7", headers: {x-beta: ["1", "2"]}, expect: {status: 400}}
  - {name: b, request: "GET http://api.shop.example/basket", headers: {x-beta: ["1", "2"]}, expect: {status: 308}}
"#;
    assert_eq!(failures(tests), Vec::<String>::new());
    // The second rule takes what the first one refuses.
    let (_, mutation) = ran(tests);
    let left = mutation.survivors.iter().map(|one| one.change.as_str());
    assert!(
        !left
            .clone()
            .any(|one| one == "`cart/beta` without its header `x-beta`")
    );
}

#[test]
fn what_is_expected_is_what_happens() {
    let tests = r#"
  - {name: a, request: "GET http://api.shop.example/cart/7", headers: {X-Beta: "1"}, expect: {route: cart/beta, backend: cart@v2, timeout: 2s, path: /c/7, attempts: "2", allowed: true}}
  - {name: b, request: "GET http://api.shop.example/cart/7", expect: {route: cart, backend: {cart@v2: 10%, cart: 90%}, timeout: <=20s}}
  - {name: c, request: "GET http://api.shop.example/basket", expect: {status: 308, route: cart/moved}}
  - {name: d, request: "GET http://api.shop.example/x", expect: {status: 404}}
  - {name: e, request: "DELETE http://api.shop.example/cart", expect: {status: 403, allowed: false, route: cart/all}}
  - {name: f, request: "GET http://old/x", from: web, expect: {backend: old}}
  - {name: g, forall: {host: api.shop.example, path: /cart/**}, expect: {route: cart, timeout: <=15s}}
  - {name: h, forall: {host: api.shop.example, path: /x/**}, expect: {status: 404}}
"#;
    assert_eq!(failures(tests), Vec::<String>::new());
}

#[test]
fn what_is_not_as_expected_is_said() {
    let tests = r#"
  - {name: a, request: "GET http://api.shop.example/cart/7", headers: {x-beta: "1"}, expect: {route: cart/all, backend: cart, timeout: <=1s, path: /cart/7, attempts: "3", allowed: false, status: 404}}
  - {name: b, request: "GET http://api.shop.example/basket", expect: {status: 302, timeout: 1s}}
  - {name: c, request: "GET http://other.example/", expect: {route: cart}}
  - {name: d, forall: {host: api.shop.example, path: /cart/**}, expect: {timeout: 15s}}
  - {name: e, forall: {host: other.example}, expect: {route: cart}}
"#;
    assert_eq!(
        failures(tests),
        [
            "route: expected cart/all, got cart/beta",
            "status: expected 404, got none, because the service answers, whose status nobody knows here",
            "backend: expected cart, got cart@v2",
            "path: expected /cart/7, got /c/7",
            "timeout: expected <=1s, got 2s",
            "attempts: expected 3, got 2",
            "allowed: expected no, got yes",
            "status: expected 302, got 308",
            "timeout: expected 1s, got none",
            "route: expected cart, got none, because no rule takes it",
            "it gets 404 no-route: no route is for host `other.example`; there are routes for: api.shop.example",
            "timeout: expected 15s, got 2s, shown by: curl -H 'x-beta: 1' http://api.shop.example/cart/x",
            "route: expected cart, got none, because no rule takes it, shown by: curl http://other.example/",
        ]
    );
}

#[test]
fn coverage_counts_what_tests_look_at() {
    let tests = r#"
  - {name: a, request: "GET http://api.shop.example/cart/7", headers: {x-beta: "1"}, expect: {route: cart/beta, timeout: 2s}}
  - {name: b, request: "GET http://api.shop.example/cart/8", headers: {x-beta: "1"}, expect: {backend: cart@v2}}
  - {name: c, request: "GET http://api.shop.example/cart/8/x", expect: {backend: old}}
"#;
    let (report, _) = ran(tests.replace("backend: old", "backend: cart").as_str());
    let coverage = report.coverage;
    assert_eq!((coverage.rules.covered, coverage.rules.all), (1, 3));
    assert_eq!(coverage.unseen, ["cart/moved", "cart/all"]);
    // `/cart/{id}` with and without the header, `/cart` and what is below `/cart/{id}`, and `/basket`.
    assert_eq!((coverage.regions.covered, coverage.regions.all), (1, 4));
    assert_eq!((coverage.settings.covered, coverage.settings.all), (2, 8));
}

#[test]
fn changes_that_no_test_notices_come_with_a_test_that_does() {
    let none =
        ran("  - {name: a, request: \"GET http://api.shop.example/x\", expect: {status: 404}}\n").1;
    let changes: Vec<&str> = none
        .survivors
        .iter()
        .map(|mutant| mutant.change.as_str())
        .collect();
    assert_eq!(
        changes,
        [
            "`cart/beta` is gone",
            "`cart/beta` without its header `x-beta`",
            "`cart/beta` for all paths below its own",
            "`cart/beta` without its timeout.request",
            "`cart/beta` with one more try",
            "`cart/moved` is gone",
            "`cart/moved` for all paths below its own",
            "`cart/moved` with another status",
            "`cart/all` is gone",
            "`cart/all` with shares the other way round",
            "`cart/all` with one more try",
            "`allow` number 1 of `cart` for every method",
            "the call from `web` to `old` is gone",
        ]
    );
    // Each of the tests that are offered passes, and notices its change.
    let offered: Vec<String> = none
        .survivors
        .iter()
        .map(|mutant| format!("  {}\n", mutant.test))
        .collect();
    let (report, mutation) = ran(&offered.concat());
    let failed: Vec<_> = report
        .results
        .iter()
        .flat_map(|result| &result.failures)
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
    let left: Vec<&str> = mutation
        .survivors
        .iter()
        .map(|mutant| mutant.change.as_str())
        .collect();
    assert_eq!(left, [""; 0]);
    // Without the default and without the permission the spec would be refused.
    assert_eq!(mutation.noticed, 13 + 2);
}

#[test]
fn a_test_of_a_refusal_notices_what_lets_requests_in_alone() {
    let refused = r#"
  - {name: refused, request: "PUT http://api.shop.example/cart/7", expect: {allowed: false, status: 403}}
"#;
    let changes = |tests: &str| -> Vec<String> {
        let survivors = ran(tests).1.survivors.into_iter();
        survivors.map(|mutant| mutant.change).collect()
    };
    let unnoticed = changes(refused);
    let with = |change: &str| unnoticed.iter().any(|one| one == change);
    assert!(with("`cart/moved` is gone"), "{unnoticed:?}");
    assert!(with("`cart/all` with one more try"), "{unnoticed:?}");
    assert!(!with("`cart/all` is gone"), "{unnoticed:?}");
}

#[test]
fn a_test_of_a_refusal_before_the_rules_notices_nothing() {
    let long = "x".repeat(9_000);
    let refusals = format!(
        r#"
  - {{name: long, request: "GET http://api.shop.example/{long}", expect: {{status: 414}}}}
  - {{name: climbs, request: "GET http://api.shop.example/cart/../../x", expect: {{status: 400}}}}
  - {{name: head, request: "GET http://api.shop.example/cart/7", headers: {{x-a: "{}"}}, expect: {{status: 431}}}}
  - {{name: method, request: "TRACE http://api.shop.example/basket", expect: {{status: 405}}}}
  - {{name: coding, request: "POST http://api.shop.example/cart/7", headers: {{transfer-encoding: "gzip, chunked"}}, expect: {{allowed: true}}}}
"#,
        "y".repeat(70_000)
    );
    let (report, mutation) = ran(&refusals);
    let failures = report.results.iter().flat_map(|result| &result.failures);
    assert_eq!(failures.collect::<Vec<_>>(), Vec::<&String>::new());
    let none = ran(
        "  - {name: other, request: \"GET http://api.shop.example/x\", expect: {status: 404}}\n",
    )
    .1;
    let changes = |mutation: &super::Mutation| -> Vec<String> {
        let survivors = mutation.survivors.iter();
        survivors.map(|mutant| mutant.change.clone()).collect()
    };
    assert_eq!(changes(&mutation), changes(&none));
}

#[test]
fn a_test_of_a_region_notices_changes_of_the_tables_of_its_hosts() {
    let spec = r#"
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {g: {listeners: {w: {port: 80, protocol: http}}}}
services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
routes:
  a: {on: g/w, host: a.example, rules: [{path: /**, to: s}]}
  all: {on: g/w, host: "*", rules: [{path: /**, to: s}]}
tests:
  - {name: t, forall: {host: a.example}, expect: {route: a}}
"#;
    let survivors = made(spec).1.survivors;
    let changes: Vec<&str> = survivors.iter().map(|one| one.change.as_str()).collect();
    assert!(changes.contains(&"`all/0` is gone"), "{changes:?}");
    assert!(!changes.contains(&"`a/0` is gone"), "{changes:?}");
}

#[test]
fn a_permission_is_looked_at_from_all_sides() {
    let spec = r#"
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}, retry: {attempts: 2}}}
gateways: {g: {listeners: {w: {port: 80, protocol: http}}}}
services:
  cart:
    protocol: http
    app: 127.0.0.1:2
    endpoints: ["127.0.0.1:1"]
    timeout: {request: 3s}
    allow: [{from: [gateway/g], methods: [GET], path: "/cart/{id}"}, {from: [service/web], path: /cart/**}]
    deny: [{path: /cart/keys}]
  web: {protocol: http, app: "127.0.0.1:1", calls: {cart: {operations: [GET /cart/a, GET /cart/b], timeout: {request: 1s}}}}
routes: {cart: {on: g/w, host: "*", rules: [{name: all, path: /cart/**, to: cart}]}}
"#;
    let mutated = |tests: &str| made(&[spec, tests].concat()).1;
    let none = mutated("");
    let changes = none.survivors.iter().map(|mutant| mutant.change.as_str());
    let changes: Vec<&str> = changes
        .skip_while(|change| change.contains("cart/all"))
        .collect();
    assert_eq!(
        changes,
        [
            "mesh with one more try",
            "service `cart` without its timeout.request",
            "`allow` number 1 of `cart` for every method",
            "`allow` number 1 of `cart` for all paths below its own",
            "`deny` number 1 of `cart` is gone",
            "the call from `web` to `cart` is gone",
            "the call from `web` to `cart` without `GET /cart/a`",
            "the call from `web` to `cart` without `GET /cart/b`",
            "the call from `web` to `cart` without its timeout.request",
        ]
    );
    let offered = none.survivors.iter();
    let offered: Vec<String> = offered
        .map(|mutant| format!("  {}\n", mutant.test))
        .collect();
    let tests = ["tests:\n", &offered.concat()].concat();
    assert!(mutated(&tests).survivors.is_empty(), "{tests}");
}
