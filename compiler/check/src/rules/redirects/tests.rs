//! Redirects of random specs, followed request by request on the slices, against what the rule says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use weft_back::emit::emit;
use weft_back::lower::lower;
use weft_back::snapshot::Snapshot;
use weft_front::diagnostic::{Diagnostic, Diagnostics};
use weft_front::surroundings::Surroundings;
use weft_front::testing::unchecked;
use weft_snapshot::Slice;
use weft_snapshot::canonical::host_matches;
use weft_snapshot::plan::{Action, RoutePlan};
use weft_space::WitnessRequest;
use weft_testing::{Random, rounds};

use super::redirect_loop;
use crate::rules::facts::Facts;

/// The listeners: scheme, port, and the name.
const LISTENERS: [(&str, u16, &str); 3] =
    [("http", 80, "w"), ("http", 8080, "v"), ("https", 443, "t")];
const HOSTS: [&str; 4] = ["a.example", "b.example", "c.example", "other"];
const HOPS: usize = 20;

fn rule(random: &mut Random) -> String {
    let path = random.pick(&[
        "/a",
        "/b",
        "/a/**",
        "/b/**",
        "\"/{x}/b\"",
        "\"/a/{x}\"",
        "/**",
        "\"/{x}\"",
    ]);
    let methods = random.pick(&["", "", "", "GET", "POST", "HEAD"]);
    let headers = random.pick(&["", "", "", "x: \"1\"", "x: {absent: true}"]);
    let mut new: Vec<&str> = vec!["/a", "/b", "/a/b", "/b/a"];
    if path.ends_with("/**") {
        new.extend(["/a/**", "/b/**", "/b/a/**", "/**"]);
    }
    if path.contains("{x}") {
        new.extend(["\"/{x}\"", "\"/{x}/a\"", "\"/b/{x}\""]);
    }
    let mut parts = Vec::new();
    if !random.one_in(3) {
        parts.push(format!("path: {}", random.pick(&new)));
    }
    if random.one_in(3) {
        parts.push(format!("host: {}", random.pick(&HOSTS[..3])));
    }
    if random.one_in(4) {
        parts.push(format!("scheme: {}", random.pick(&["http", "https"])));
    }
    if random.one_in(6) {
        parts.push(format!("port: {}", random.pick(&["80", "8080", "443"])));
    }
    if !parts.is_empty() && random.one_in(3) {
        parts.push(format!("code: {}", random.pick(&["301", "307"])));
    }
    let outcome = if random.one_in(4) || parts.is_empty() {
        "to: s".to_owned()
    } else {
        format!("redirect: {{{}}}", parts.join(", "))
    };
    format!("{{path: {path}, methods: [{methods}], headers: {{{headers}}}, {outcome}}}")
}

fn spec(random: &mut Random) -> String {
    let mut text = r#"
mesh: {name: m, trustDomain: m.example, mtls: disabled, defaults: {timeout: {request: 15s}}}
certificates: {c: {chain: /c.pem, key: /c.key}}
gateways: {g: {listeners: {w: {port: 80, protocol: http}, v: {port: 8080, protocol: http}, t: {port: 443, protocol: https, tls: {certificate: c}}}}}
services: {s: {protocol: http, endpoints: ["127.0.0.1:1"]}}
routes:
"#
    .to_owned();
    let mut tables = BTreeSet::new();
    for _ in 0..=random.below(4) {
        tables.insert((
            random.pick(&["w", "w", "v", "t"]),
            random.pick(&["a.example", "b.example", "\"*.example\"", "\"*\""]),
        ));
    }
    for (nth, (listener, host)) in tables.into_iter().enumerate() {
        let rules: Vec<String> = (0..=random.below(3)).map(|_| rule(random)).collect();
        let _ = writeln!(
            text,
            "  r{nth}: {{on: g/{listener}, host: {host}, rules: [{}]}}",
            rules.join(", ")
        );
    }
    text
}

/// Where a client is.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Asked {
    scheme: String,
    port: u16,
    host: String,
    path: String,
    method: String,
}

/// The hosts of the tables by scheme and port.
type Tables = BTreeMap<(String, u16), BTreeSet<String>>;

struct Made {
    slice: Slice,
    tables: BTreeMap<(String, u16), u32>,
    hosts: Tables,
}

impl Made {
    fn new(text: &str) -> Self {
        let (checked, sources) = unchecked(text);
        let bundle = emit(&lower(&checked, &sources)).unwrap();
        let mut plans = Snapshot::of_bundle(&bundle).unwrap().plans();
        plans.retain(|plan| plan.settings.node == "gateway/g");
        let slice = Slice::check(plans[0].encode().unwrap()).unwrap();
        let table = |name: &str| {
            let mut listeners = slice.settings().listeners.iter();
            listeners.find(|one| one.name == name).unwrap().table
        };
        let tables = LISTENERS.map(|(scheme, port, name)| ((scheme.to_owned(), port), table(name)));
        let hosts = LISTENERS.map(|(scheme, port, name)| {
            let table = usize::try_from(table(name)).unwrap();
            let hosts = plans[0].tables[table].hosts.iter();
            let hosts = hosts.map(|host| host.host.clone()).collect();
            ((scheme.to_owned(), port), hosts)
        });
        Self {
            tables: tables.into(),
            hosts: hosts.into(),
            slice,
        }
    }

    /// The rule that takes a request.
    fn taker(&self, asked: &Asked, header: bool) -> Option<RoutePlan> {
        let table = *self.tables.get(&(asked.scheme.clone(), asked.port))?;
        let request = WitnessRequest {
            method: asked.method.clone(),
            host: asked.host.clone(),
            path: asked.path.clone(),
            query: None,
            headers: header
                .then(|| ("x".to_owned(), b"1".to_vec()))
                .into_iter()
                .collect(),
            source: None,
        };
        let route = self.slice.decide(table, &request.as_request()).unwrap()?;
        self.slice.route_plan(route.index())
    }

    /// The rule that redirects, and where to.
    fn next(&self, asked: &Asked, header: bool) -> Option<(String, Asked)> {
        let route = self.taker(asked, header)?;
        let Action::Redirect {
            status,
            scheme,
            host,
            port,
            path,
        } = &route.outcome.action
        else {
            return None;
        };
        // A name that only `*` has is taken to be elsewhere.
        let mut named = self.hosts.values().flatten().filter(|one| *one != "*");
        if let Some(host) = host
            && !named.any(|one| host_matches(one, host).is_some())
        {
            return None;
        }
        let mut next = asked.clone();
        if let Some(scheme) = scheme {
            next.port = if scheme == "https" { 443 } else { 80 };
            next.scheme.clone_from(scheme);
        }
        next.port = port.unwrap_or(next.port);
        if let Some(host) = host {
            next.host.clone_from(host);
        }
        if let Some(path) = path {
            next.path = path.apply(&asked.path);
        }
        if !matches!(status, 307 | 308) && asked.method != "HEAD" {
            next.method = "GET".to_owned();
        }
        Some((route.id, next))
    }

    /// The rule that redirects a request to where no rule takes it, on a host that the mesh has there.
    fn nowhere(&self, first: &Asked, header: bool) -> Option<String> {
        let (rule, next) = self.next(first, header)?;
        let methods = self.taker(first, header)?.methods;
        if first.method == "HEAD" && !methods.contains(&first.method) {
            return None;
        }
        let known = self.hosts.get(&(next.scheme.clone(), next.port))?;
        let is_here = known
            .iter()
            .any(|host| host_matches(host, &next.host).is_some());
        (is_here && self.taker(&next, header).is_none()).then_some(rule)
    }

    /// Whether a request is redirected for as long as clients follow.
    fn goes_on(&self, first: &Asked, header: bool) -> bool {
        let mut at = first.clone();
        (0..HOPS).all(|_| match self.next(&at, header) {
            Some((_, next)) => {
                at = next;
                true
            }
            None => false,
        })
    }
}

fn paths() -> Vec<String> {
    let mut all = vec!["/".to_owned()];
    let mut level = vec![String::new()];
    for _ in 0..3 {
        let longer = level.iter();
        level = longer
            .flat_map(|path| ["a", "b", "c"].map(|one| format!("{path}/{one}")))
            .collect();
        all.extend(level.clone());
    }
    all
}

/// The rules of which it is said that they lead to nowhere.
fn led_to_nowhere(told: &[Diagnostic]) -> BTreeSet<&str> {
    let nowhere = told
        .iter()
        .filter(|one| one.code.name == "redirect-to-nowhere");
    nowhere
        .filter_map(|one| one.message.split('`').nth(1))
        .collect()
}

#[test]
fn a_request_that_never_arrives_has_a_finding() {
    let (mut found, mut none, mut unconfirmed) = (0, 0, 0);
    let (mut nowhere, mut unseen) = (0, 0);
    for seed in 0..rounds(250) {
        let mut random = Random::new(u64::from(seed) + 17_000_000);
        let text = spec(&mut random);
        let made = Made::new(&text);
        let (checked, _) = unchecked(&text);
        let facts = Facts::new(checked.mesh(), &Surroundings::default());
        let mut diagnostics = Diagnostics::default();
        redirect_loop::check(&facts, &mut diagnostics);
        let told = diagnostics.sorted();
        let is_told = told.iter().any(|one| one.code.name == "redirect-loop");
        let led = led_to_nowhere(&told);
        let mut lost = BTreeMap::new();
        let mut shown = None;
        for (scheme, port, _) in LISTENERS {
            for (host, path) in HOSTS
                .iter()
                .flat_map(|host| paths().into_iter().map(move |path| (host, path)))
            {
                let methods = ["GET", "HEAD", "POST", "PUT"].into_iter();
                for (method, header) in methods.flat_map(|one| [(one, false), (one, true)]) {
                    let asked = Asked {
                        scheme: scheme.to_owned(),
                        port,
                        host: (*host).to_owned(),
                        path: path.clone(),
                        method: method.to_owned(),
                    };
                    if made.goes_on(&asked, header) {
                        shown = Some(asked.clone());
                    }
                    if let Some(rule) = made.nowhere(&asked, header) {
                        lost.entry(rule).or_insert(asked);
                    }
                }
            }
        }
        for (rule, asked) in &lost {
            assert!(
                led.contains(rule.as_str()),
                "{seed}: {rule}: {asked:?}\n{text}"
            );
        }
        nowhere += lost.len();
        // As below: other values than those that are tried.
        unseen += led.iter().filter(|rule| !lost.contains_key(**rule)).count();
        match (shown, is_told) {
            (Some(shown), false) => panic!("{seed}: {shown:?}\n{text}"),
            (Some(_), true) => found += 1,
            (None, false) => none += 1,
            // A way that needs other values than those that are tried.
            (None, true) => unconfirmed += 1,
        }
    }
    assert!(
        30 < found && 30 < none && unconfirmed < 5,
        "{found}, {none}, {unconfirmed}"
    );
    assert!(100 < nowhere && unseen < 10, "{nowhere}, {unseen}");
}
