//! Tests of the comparison through its public face: two specs, and which requests differ.

mod backends;
mod fields;
mod grouping;
mod owned;
mod retries;

use weft_back::lower::lower;
use weft_check::testing::checked;
use weft_front::settings::risk::{Facet, Risk};

use super::{ChangeKind, Changes, Gate, Report, Side, compare, compare_sides, report, text};

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
    // Nobody asks for the value of `x-beta` any more, so it may be repeated now.
    assert_eq!(repeated.old.unwrap().route, 0);
    assert_eq!(repeated.new.unwrap().route, 1);
    assert_eq!(
        witnesses(&found)[1],
        "GET x.shop.example/orders/x, x-beta: 1, x-beta: 2"
    );
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
fn a_denial_takes_away_and_gives_back() {
    let open = "    allow: [{from: [gateway/public]}]";
    let denied = "    allow: [{from: [gateway/public]}]\n    deny: [{path: /orders/x/**}, {from: [service/orders]}]";
    let found = changes(open, denied);
    let [change] = found.changes.as_slice() else {
        panic!("{found:?}");
    };
    // The second denial refuses nothing that was admitted.
    assert_eq!(change.old.map(|at| at.route), Some(0));
    assert_eq!(change.new.map(|at| at.route), Some(0));
    let said = |report: &Report| {
        let statement = &report.statements[0];
        let why = statement.why.clone().unwrap_or_default();
        (statement.risk, statement.after.text.clone(), why)
    };
    assert_eq!(
        said(&edited(open, denied)),
        (
            Risk::A1,
            "denied (403)".to_owned(),
            "`orders/deny/0` refuses it now".to_owned()
        )
    );
    let report = reported(&SHOP.replace(open, denied), SHOP);
    let (risk, after, why) = said(&report);
    assert_eq!((risk, after.as_str()), (Risk::S1, "allowed"));
    assert_eq!(
        why,
        "`orders/deny/0` refused it, and now `orders/allow/0` allows it"
    );
}

fn side(text: &str) -> Side {
    let (checked, sources) = checked(text);
    let bundle = weft_back::emit::emit(&lower(&checked, &sources)).unwrap();
    let snapshot = weft_back::snapshot::Snapshot::of_bundle(&bundle).unwrap();
    let snapshot = (bundle.digest(), snapshot);
    let spec = Some((&checked, &sources));
    Side::new("side".to_owned(), snapshot, spec)
}

pub(super) fn reported(old: &str, new: &str) -> Report {
    let (old, new) = (side(old), side(new));
    report(&old, &new, &compare_sides(&old, &new))
}

/// What is said of an edit of the shop.
fn edited(from: &str, to: &str) -> Report {
    assert!(SHOP.contains(from), "{from}");
    reported(SHOP, &SHOP.replace(from, to))
}

fn risks(report: &Report) -> Vec<Risk> {
    report.statements.iter().map(|one| one.risk).collect()
}

#[test]
fn answers_of_the_same_length_are_told_apart() {
    let with =
        |body: &str| SHOP.replace("{status: 200}", &format!("{{status: 200, body: {body}}}"));
    let mut found = reported(&with("yes"), &with("non"));
    assert_eq!(found.statements.len(), 1);
    // What is said of one facet is not said of all.
    found.only(Facet::Reliability);
    let text = text(&found);
    assert!(
        text.contains("looking at reliability alone: proven"),
        "{text}"
    );
}

#[test]
fn what_a_gateway_forwards_only_now_is_exposed_and_said_once() {
    let found = edited("respond: {status: 200}", "to: orders");
    assert_eq!(risks(&found), [Risk::S3]);
    let back = reported(&SHOP.replace("respond: {status: 200}", "to: orders"), SHOP);
    assert_eq!(risks(&back), [Risk::A1]);
}

#[test]
fn what_no_request_can_notice_is_no_change() {
    let rule = "{path: /orders/**, to: orders}";
    for same in [
        "{path: /orders/**, to: {orders: 100%, orders@v2: 0%}}",
        "{path: /orders/**, name: all, to: orders}",
        "{path: /orders/**, to: orders, rewrite: {path: /orders/**}}",
    ] {
        let found = edited(rule, same);
        assert_eq!(risks(&found), [], "{same}");
        assert_eq!(found.exit, 0);
    }
    let single = |on: &str| {
        let retry = format!("{{path: /orders/**, to: orders, retry: {{attempts: 1, on: [{on}]}}}}");
        SHOP.replace(rule, &retry)
    };
    let found = reported(&single("reset"), &single("503"));
    assert_eq!(risks(&found), []);
}

#[test]
fn a_listener_by_another_name_is_the_same_listener() {
    let renamed = SHOP
        .replace("listeners: {web:", "listeners: {edge:")
        .replace("on: public/web", "on: public/edge");
    assert_eq!(risks(&reported(SHOP, &renamed)), []);
}

#[test]
fn a_listener_that_believes_or_refuses_more_is_judged() {
    let with = |more: &str| {
        SHOP.replace(
            "protocol: http}}}}",
            &format!("protocol: http, {more}}}}}}}}}"),
        )
    };
    for (old, new, risk) in [
        ("trustedHops: 0", "trustedHops: 1", Risk::S2),
        ("trustedHops: 2", "trustedHops: 1", Risk::T1),
        ("escapedSlashes: refuse", "escapedSlashes: keep", Risk::S2),
        ("escapedSlashes: keep", "escapedSlashes: refuse", Risk::A1),
        ("normalize: merge", "normalize: reject", Risk::A1),
        ("tracing: remove", "tracing: keep", Risk::S2),
        ("tracing: keep", "tracing: restart", Risk::T1),
        ("underscores: drop", "underscores: keep", Risk::S2),
        ("underscores: keep", "underscores: drop", Risk::T1),
        ("underscores: drop", "underscores: refuse", Risk::A1),
        ("limits: {fields: 50}", "limits: {fields: 49}", Risk::A1),
        ("limits: {fields: 49}", "limits: {fields: 50}", Risk::R2),
        ("slashes: merge", "slashes: keep", Risk::S2),
        ("slashes: merge", "slashes: refuse", Risk::A1),
        ("slashes: refuse", "slashes: merge", Risk::T1),
        ("slashes: keep", "slashes: merge", Risk::T1),
    ] {
        let found = reported(&with(old), &with(new));
        assert!(risks(&found).contains(&risk), "{old} -> {new}: {found:?}");
    }
}

#[test]
fn settings_of_services_and_rules_are_judged_by_what_they_are_about() {
    let service = "versions: {v2:";
    let rule = "{path: /orders/**, to: orders";
    for (place, setting, (risk, facet)) in [
        (service, "keepAlive: off", (Risk::R1, Facet::Reliability)),
        (
            service,
            "retry: {budget: off}",
            (Risk::R1, Facet::Reliability),
        ),
        (service, "host: a.example", (Risk::T1, Facet::Transform)),
        (rule, "trailers: pass", (Risk::T1, Facet::Transform)),
    ] {
        let new = if place == service {
            SHOP.replace(service, &format!("{setting}\n    {service}"))
        } else {
            SHOP.replace(rule, &format!("{rule}, {setting}"))
        };
        let found = reported(SHOP, &new);
        let seen: Vec<(Risk, Facet)> = found
            .statements
            .iter()
            .map(|one| (one.risk, one.facet))
            .collect();
        assert!(seen.contains(&(risk, facet)), "{setting}: {found:?}");
        assert!(
            seen.iter().all(|(one, _)| *one == risk),
            "{setting}: {found:?}"
        );
    }
}

#[test]
fn a_region_is_all_of_a_rule_or_a_part_of_it() {
    let all = edited(
        "{path: /orders/**, to: orders}",
        "{path: /orders/**, to: orders@v2}",
    );
    assert_eq!(risks(&all), [Risk::A2]);
    assert!(all.statements[0].region[0].is_whole_rule);
    assert_eq!(all.statements[0].blast.moved, Some(1_000_000));
    let part = edited(
        "      - {path: /orders/**, to: orders}",
        "      - {path: /orders/**, to: orders}\n      - {path: /orders/new/box, to: orders@v2}",
    );
    let [first] = part.statements.as_slice() else {
        panic!("{part:?}");
    };
    // All of the new rule, but only a part of the one that loses it.
    assert!(first.region[0].is_whole_rule);
    assert_eq!(first.region[0].rule.as_deref(), Some("api/2"));
    assert!(
        first
            .why
            .as_ref()
            .unwrap()
            .contains("is new and decides before")
    );
    let methods = edited(
        "{path: /orders/**, to: orders}",
        "{path: /orders/**, methods: [GET], to: orders}",
    );
    assert!(!methods.statements[0].region[0].is_whole_rule);
}

#[test]
fn the_team_that_lists_a_service_owns_its_permissions() {
    let listed = SHOP.replace(
        "defaults: {timeout: {request: 15s}}}",
        "defaults: {timeout: {request: 15s}}, teams: {sales: {services: [orders]}}}",
    );
    let wider = listed.replace(
        "from: [gateway/public]",
        "from: [gateway/public, service/orders]",
    );
    let mut found = reported(&listed, &wider);
    assert_eq!(risks(&found), [Risk::S1]);
    assert_eq!(found.statements[0].blast.owners, ["sales"]);
    let contrast = found.statements[0].contrast.as_ref().unwrap();
    assert!(contrast.from.is_some() && contrast.command.is_none());
    let gate = |team: &str| Gate {
        approved_by: vec![team.to_owned()],
        ..Gate::default()
    };
    found.judge(&gate("platform"));
    assert_eq!(found.exit, 3);
    found.judge(&gate("sales"));
    assert_eq!(found.exit, 2);
}

#[test]
fn nothing_is_approved_beside_a_snapshot_that_names_no_owners() {
    let (checked, sources) = checked(SHOP);
    let bundle = weft_back::emit::emit(&lower(&checked, &sources)).unwrap();
    let snapshot = weft_back::snapshot::Snapshot::of_bundle(&bundle).unwrap();
    let old = Side::new("dist".to_owned(), (bundle.digest(), snapshot), None);
    let new = side(&SHOP.replace("respond: {status: 200}", "to: orders"));
    let mut found = report(&old, &new, &compare_sides(&old, &new));
    found.judge(&Gate {
        approved_by: vec!["platform".to_owned()],
        ..Gate::default()
    });
    assert_eq!((risks(&found), found.exit), (vec![Risk::S3], 3));
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

const CHAIN: &str = r#"
mesh: {name: m, trustDomain: m.example, mtls: disabled, defaults: {timeout: {request: 15s}}}
gateways: {g: {listeners: {w: {port: 1, protocol: http}}}}
services:
  a: {protocol: http, app: "127.0.0.1:1", endpoints: ["127.0.0.1:2"], calls: {b: {retry: {attempts: 2, on: [502]}}}}
  b: {protocol: http, endpoints: ["127.0.0.1:3"]}
routes: {r: {on: g/w, host: "*", rules: [{to: a, retry: {attempts: 2, on: [503]}}]}}
"#;

#[test]
fn new_warnings_and_bursts_are_told_beside_the_requests() {
    let side = |text: &str| {
        let (_, sources) = checked(text);
        let found = weft_check::testing::findings(text);
        side(text).with_findings(&found, &sources)
    };
    let (old, new) = (
        side(CHAIN),
        side(&CHAIN.replace("attempts: 2, on: [502]", "attempts: 3, on: [503]")),
    );
    let text = text(&report(&old, &new, &compare_sides(&old, &new)));
    for line in [
        "new warning amplification: one request can become 6 at `b`  (spec.yaml:6)\n",
        "new warning layered-retry: `503` is retried by the call from `a` to `b` and by rule `r/0` around it  (spec.yaml:6)\n",
        "b can get 6 requests for one, 4 before\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    let same = report(&new, &new, &compare_sides(&new, &new));
    assert!(same.new_findings.is_empty() && same.bursts.is_empty());
}

#[test]
fn a_permission_for_an_escaped_slash_is_seen_where_it_can_arrive() {
    let with = |path: &str, keep: &str| {
        SHOP.replace(
            "protocol: http}}}}",
            &format!("protocol: http{keep}}}}}}}}}"),
        )
        .replace(
            "from: [gateway/public]",
            &format!("from: [gateway/public], path: {path}"),
        )
    };
    let (narrow, wide) = ("/orders/**", "{regex: \"/orders(/.*|%2Fx)?\"}");
    let keep = ", escapedSlashes: keep";
    let found = reported(&with(narrow, keep), &with(wide, keep));
    assert_eq!(risks(&found), [Risk::S1]);
    assert_eq!(risks(&reported(&with(narrow, ""), &with(wide, ""))), []);
}

#[test]
fn a_limit_on_bodies_is_shown_where_it_is_written() {
    let listener = "protocol: http}}}}\n";
    let limited = SHOP.replace(listener, "protocol: http,\n    maxBody: 1KiB}}}}\n");
    let rule = "{path: /orders/**, to: orders}";
    let more = "{path: /orders/**, to: orders,\n         maxBody: 2KiB}";
    let found = reported(&limited, &limited.replace(rule, more));
    let [statement] = found.statements.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(statement.risk, Risk::R2);
    let places = (&statement.before.place, &statement.after.place);
    let places = (places.0.as_deref(), places.1.as_deref());
    assert_eq!(places, (Some("mesh.yaml:4"), Some("mesh.yaml:19")));
}

/// Two teams, each with hosts and a service; one routes to the service of the other, too.
pub(super) const TEAMS: &str = r#"
# file: mesh.yaml
weft: v1
mesh:
  name: shop
  trustDomain: shop.example
  defaults: {timeout: {request: 15s}}
  teams: {a: {services: [one], hosts: ["*.example"]}, b: {services: [two], hosts: ["*.b.example"]}}
gateways: {g: {listeners: {w: {port: 80, protocol: http}}}}
services:
  one: {team: a, protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}
  two: {team: b, protocol: http, mtls: disabled, endpoints: ["127.0.0.1:2"]}
routes:
  a: {on: g/w, host: "*.example", team: a, rules: [{path: /a/**, to: one}, {path: /two/**, to: two}]}
  b: {on: g/w, host: "*.b.example", team: b, rules: [{path: /b/**, to: two}]}
  p: {on: g/w, host: "*", rules: [{path: /p, to: one}]}
assert:
  - {name: nothing opens, noChange: {facet: security, unlessApprovedBy: [b]}}
  - {name: routes stay, noChange: {facet: route}}
"#;
