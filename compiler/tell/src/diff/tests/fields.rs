//! Every field of a plan, edited alone: a diff says it, and what it does not say is on a list.
//!
//! A plan is written as JSON, and each value in it is replaced by others: by what other places of these plans hold under the same name,
//! and by small edits of its own. What is no plan any more is left out; each field has to have some edit that is one. So a field that is
//! added to the format and forgotten in the comparison fails here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use weft_back::lower::lower;
use weft_check::testing::checked;
use weft_snapshot::plan::NodePlan;
use weft_space::path::all_paths;
use weft_space::{Entry, Within};

use crate::both::Both;
use crate::diff::{Asked, beside, compare, compare_asked, met};

/// A mesh in which every field of a plan says something that some request notices.
const MESH: &str = r#"
weft: v1
mesh: {name: m, trustDomain: m.x, snapshotHeader: true, defaults: {timeout: {request: 15s}}}
certificates: {c1: {chain: /1.pem, key: /1.key}, c2: {chain: /2.pem, key: /2.key}}
gateways:
  g:
    listeners:
      w: {port: 80, protocol: http, hosts: [a.x, "*.a.x"], trustedHops: 1, slashes: keep, limits: {head: 4KiB}}
      v: {port: 80, protocol: http, hosts: [b.x], escapedSlashes: keep, underscores: keep}
      t: {port: 443, protocol: https, hosts: [a.x], tls: {certificate: c1, default: c2}, normalize: reject}
      u: {port: 443, protocol: https, hosts: [b.x, unrouted.x], tls: {certificate: c2}, tracing: restart}
services:
  s:
    protocol: http
    app: 127.0.0.1:1
    endpoints: ["10.0.0.1:1", "10.0.0.2:1"]
    versions: {v2: {endpoints: ["10.0.0.3:1"]}}
    timeout: {request: 8s, backendRequest: 3s, connect: 2s, idle: 30s}
    maxInFlight: 9
    keepAlive: 30s
    allow:
      - {from: [gateway/g], methods: [GET, PUT]}
      - {from: [service/p], path: "/a/{x}"}
      - {from: ["service/*"], path: {regex: "/r[0-9]+"}}
    deny: [{from: [gateway/g], methods: [PUT], path: /secret/**}]
  p:
    protocol: http2
    app: 127.0.0.1:2
    endpoints: {dns: "p.x:1"}
    host: p.seen
    allow: [{from: [gateway/g]}]
    calls: {s: {operations: [GET /a/b], timeout: {request: 4s}, retry: {attempts: 2, on: [connect-failure, 503]}}}
  e: {protocol: http, mtls: disabled, endpoints: ["10.0.0.4:1"], tls: {verify: e.x, roots: /r.pem}, host: keep}
  f: {protocol: http, mtls: disabled, endpoints: {file: /f.json}}
routes:
  a:
    on: g/w
    host: a.x
    rules:
      - {path: "/a/{x}/b/**", to: s, rewrite: {path: "/n/{x}/**", host: up.x}}
      - {path: {regex: "/r[0-9]+"}, to: {s: 40%, s@v2: 60%}, maxBody: 1KiB, upgrade: [websocket]}
      - {path: /c, methods: [GET, POST], headers: {x-a: "1", x-b: {present: true}}, query: {q: {regex: "[0-9]"}}, to: p}
      - {path: /c, headers: {x-c: {absent: true}}, priority: 1, respond: {status: 403, body: no, contentType: text/plain}}
      - path: /d/**
        to: e
        retry: {attempts: 3, on: [reset, backend-timeout, 5xx, 502], budget: 10%, idempotent: true, backoff: {base: 10ms, max: 90ms}}
        requestHeaders: {set: {x-s: "1"}, add: {x-t: "1"}, remove: [x-u]}
        responseHeaders: {set: {x-s: "1"}, add: {x-t: "1"}, remove: [x-u]}
        trailers: pass
      - {path: "/o/{x}", redirect: {scheme: https, host: o.x, port: 444, path: "/p/{x}", code: 308}}
  b: {on: g/v, host: b.x, rules: [{path: /a, to: f}, {path: /b, redirect: {host: a.x}}, {path: /c, to: f, retry: {attempts: 1}}]}
  c: {on: g/w, host: "*.a.x", rules: [{to: f, timeout: {request: 9s}}]}
  t: {on: g/t, host: a.x, rules: [{to: f}]}
  u: {on: g/u, host: b.x, rules: [{path: /u/**, to: e}]}
"#;

/// Edits that no request can notice, by place; in front the node where it is so of one alone.
const LEFT_OUT: [(&str, &str); 16] = [
    // Names, which stand in logs, metrics and reports.
    ("", "/settings/mesh"),
    ("", "/access/*/id"),
    ("", "/tables/*/hosts/*/routes/*/id"),
    (
        "",
        "/tables/*/hosts/*/routes/*/path/segments/segments/*/any/name",
    ),
    ("", "/access/*/path/segments/segments/*/any/name"),
    ("service", "/settings/listeners/*/name"),
    // Nobody asks whom a gateway admits, and sidecars show no certificate.
    ("gateway", "/access"),
    ("service", "/settings/certificates"),
    // Another listener of the port says so already.
    ("gateway", "/settings/listeners/1/defaultCertificate"),
    // The manual leaves out which 404 a host without a route gets over plaintext.
    ("gateway", "/settings/listeners/2/hosts"),
    ("gateway", "/settings/listeners/3/hosts"),
    // The listener has no other hosts.
    ("gateway", "/tables/0/hosts/0/host"),
    ("gateway", "/tables/2/hosts/0/host"),
    ("gateway", "/tables/3/hosts/0/host"),
    ("gateway", "/tables/3/hosts/1/host"),
    // What single tries never come to.
    ("gateway", "/tables/2/hosts/0/routes/2/outcome/policy"),
];

/// Whether an edit at a path of a plan is on the list.
fn is_left_out(node: &str, written: &Value, path: &str) -> bool {
    let place = place(path);
    let is_listed = |(of, at): &(&str, &str)| {
        node.starts_with(of)
            && [place.as_str(), path].iter().any(|one| {
                one == at
                    || one
                        .strip_prefix(at)
                        .is_some_and(|rest| rest.starts_with('/'))
            })
    };
    // What is said about forwarding of a rule that answers itself.
    let of_rule = path
        .split_once("/outcome")
        .map(|(rule, rest)| (format!("{rule}/outcome/action/forward"), rest));
    let is_idle = of_rule.is_some_and(|(forward, rest)| {
        let of_answers = rest.starts_with("/action") || rest.starts_with("/policy/responseHeaders");
        written.pointer(&forward).is_none() && !of_answers
    });
    is_idle || LEFT_OUT.iter().any(is_listed)
}

/// A path with `*` for positions.
fn place(path: &str) -> String {
    let parts = path.split('/').map(|part| {
        if part.parse::<usize>().is_ok() {
            "*"
        } else {
            part
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

fn plans() -> Vec<NodePlan> {
    let (checked, sources) = checked(MESH);
    lower(&checked, &sources).plans
}

/// All values by the name of their field.
fn known(value: &Value, name: &str, found: &mut BTreeMap<String, Vec<Value>>) {
    let values = found.entry(name.to_owned()).or_default();
    if !values.contains(value) {
        values.push(value.clone());
    }
    match value {
        Value::Array(items) => {
            let name = format!("{name}*");
            for one in items {
                known(one, &name, found);
            }
        }
        Value::Object(fields) => fields.iter().for_each(|(key, one)| known(one, key, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What may stand in place of a value.
fn others(value: &Value, alike: &[Value]) -> Vec<Value> {
    let mut found = match value {
        Value::Null => vec![json!(1), json!("x"), json!(true)],
        Value::Bool(said) => vec![json!(!said)],
        Value::Number(number) => {
            let number = number.as_i64().unwrap_or_default();
            vec![
                json!(number + 1),
                json!(number - 1),
                json!(number / 2),
                Value::Null,
            ]
        }
        Value::String(text) => vec![
            json!(format!("{text}x")),
            json!("10.9.9.9"),
            json!("10.9.9.9:9"),
            json!("/x"),
            json!("GET"),
            Value::Null,
        ],
        Value::Array(items) => {
            let without = |at| {
                let kept = items.iter().enumerate().filter(|(one, _)| *one != at);
                Value::Array(kept.map(|(_, item)| item.clone()).collect())
            };
            (0..items.len()).map(without).collect()
        }
        Value::Object(_) => vec![Value::Null],
    };
    // A few of them do.
    let kept = if value.is_object() || value.is_array() {
        3
    } else {
        5
    };
    found.extend(alike.iter().filter(|one| *one != value).take(kept).cloned());
    found.retain(|one| one != value);
    found.dedup();
    found
}

/// All edits of one value within another, with the path of the value.
fn edits(value: &Value, known: &BTreeMap<String, Vec<Value>>) -> Vec<(String, Value)> {
    fn within(
        value: &Value,
        (name, path): (&str, &str),
        known: &BTreeMap<String, Vec<Value>>,
        put: &dyn Fn(Value) -> Value,
        found: &mut Vec<(String, Value)>,
    ) {
        let alike = known.get(name).map_or(&[][..], Vec::as_slice);
        found.extend(
            others(value, alike)
                .into_iter()
                .map(|one| (path.to_owned(), put(one))),
        );
        match value {
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    let put = |one| {
                        let mut items = items.clone();
                        items[at] = one;
                        put(Value::Array(items))
                    };
                    let names = (&*format!("{name}*"), &*format!("{path}/{at}"));
                    within(item, names, known, &put, found);
                }
            }
            Value::Object(fields) => {
                for (key, item) in fields {
                    let put = |one| {
                        let mut fields = fields.clone();
                        fields.insert(key.clone(), one);
                        put(Value::Object(fields))
                    };
                    within(item, (key, &format!("{path}/{key}")), known, &put, found);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = Vec::new();
    within(value, ("plan", ""), known, &|one| one, &mut found);
    found
}

/// Whether a diff says anything of two sides.
fn is_said(old: &[NodePlan], new: &[NodePlan]) -> bool {
    let changes = compare(old, new);
    let nodes = old.iter().zip(new);
    let mut beside = nodes.flat_map(|(old, new)| {
        let plans = Both {
            old: Some(old),
            new: Some(new),
        };
        beside(&new.settings.node, plans)
    });
    !changes.changes.is_empty() || !changes.unknown.is_empty() || beside.next().is_some()
}

/// Whether all requests of clients meet the same on both sides, as `same` proves it.
fn is_same(old: &[NodePlan], new: &[NodePlan]) -> bool {
    let all = all_paths();
    let asked = Asked {
        listener: None,
        host: "*",
        requests: Within {
            entry: Entry::of_path(&all),
            except: Vec::new(),
        },
    };
    let plans = Both { old, new };
    let changes = compare_asked(plans, Some(&asked));
    changes.changes.is_empty() && changes.unknown.is_empty() && met(plans, &asked) == Ok(None)
}

/// Whether requests of clients meet what stands at this path of a node: all of gateways, and the side of sidecars on which they come.
fn is_on_the_way(node: &str, path: &str) -> bool {
    let of_sidecars = ["/settings/listeners/0/", "/settings/clusters/0/"];
    let is_inside = of_sidecars.iter().any(|one| path.starts_with(one));
    // A gateway has made paths canonical, and a name is nothing that a request meets.
    let is_met = !path.contains("/path") && !path.ends_with("/name");
    is_met && (node.starts_with("gateway/") || is_inside)
}

/// So many edits of one value are tried.
const TRIED: usize = 3;

/// The edits of a plan that a proxy would read, with their paths; `places` gets those of all edits.
fn edited(
    plan: &NodePlan,
    known: &BTreeMap<String, Vec<Value>>,
    places: &mut BTreeSet<String>,
) -> Vec<(String, Value, NodePlan)> {
    let written = serde_json::to_value(plan).unwrap();
    let mut tried: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for (path, value) in edits(&written, known) {
        places.insert(place(&path));
        let count = tried.entry(path.clone()).or_default();
        let Ok(new) = serde_json::from_value::<NodePlan>(value.clone()) else {
            continue;
        };
        let is_other = new != *plan && new.settings.node == plan.settings.node;
        if *count < TRIED && is_other && new.encode_slice().is_ok() {
            *count += 1;
            found.push((path, value, new));
        }
    }
    found
}

#[test]
fn every_field_of_a_plan_is_compared() {
    let old = plans();
    let mut alike = BTreeMap::new();
    for plan in &old {
        known(&serde_json::to_value(plan).unwrap(), "plan", &mut alike);
    }
    let (mut tried, mut places) = (BTreeSet::new(), BTreeSet::new());
    let (mut unsaid, mut unmet) = (Vec::new(), Vec::new());
    for (at, plan) in old.iter().enumerate() {
        let node = plan.settings.node.as_str();
        let written = serde_json::to_value(plan).unwrap();
        for (path, value, new) in edited(plan, &alike, &mut places) {
            tried.insert(place(&path));
            let mut plans = old.clone();
            plans[at] = new;
            let shown = || format!("{node} {path} {}", difference(&written, &value));
            if !is_said(&old, &plans) {
                if !is_left_out(node, &written, &path) {
                    unsaid.push(shown());
                }
            } else if is_on_the_way(node, &path) && is_same(&old, &plans) {
                unmet.push(shown());
            }
        }
    }
    // Every leaf has an edit, so nothing is said to be compared that was never tried.
    let leaves = places.iter().filter(|one| {
        !places
            .iter()
            .any(|other| other.starts_with(&format!("{one}/")))
    });
    let untried: Vec<&String> = leaves.filter(|one| !tried.contains(*one)).collect();
    // A table, and shares, which are a million together, change with what stands beside them; a node is what it is called.
    let bound = [
        "/settings/listeners/*/table",
        "/settings/node",
        "/tables/*/hosts/*/routes/*/outcome/action/forward/backends/*/share",
    ];
    assert_eq!(untried, bound);
    assert_eq!(unsaid, Vec::<String>::new());
    assert_eq!(unmet, Vec::<String>::new());
}

/// The first place in which two values differ, with both.
fn difference(old: &Value, new: &Value) -> String {
    match (old, new) {
        (Value::Object(was), Value::Object(is)) if was.keys().eq(is.keys()) => {
            let mut fields = was
                .iter()
                .filter(|(key, value)| is.get(*key) != Some(value));
            let (key, value) = fields.next().unwrap();
            format!("{key}.{}", difference(value, &is[key]))
        }
        (Value::Array(was), Value::Array(is)) if was.len() == is.len() => {
            let at = was.iter().zip(is).position(|(was, is)| was != is).unwrap();
            format!("{at}.{}", difference(&was[at], &is[at]))
        }
        _ => format!(": {old} -> {new}"),
    }
}
