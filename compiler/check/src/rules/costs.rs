//! Refuses what would cost a proxy or this compiler more than a bound: work for one request, and expressions.
//!
//! It runs before all other rules, which may look at all pairs of what is within the bounds. A proxy checks the same
//! of every snapshot (`weft_snapshot::limits`), so that no request can keep a worker busy.

use std::collections::{BTreeMap, BTreeSet};

use weft_front::diagnostic::{Diagnostic, Diagnostics, TOO_LARGE};
use weft_front::model::{HostRules, Mesh, Rule, Service};
use weft_snapshot::limits;
use weft_snapshot::plan::PathPattern;
use weft_space::precedence::trie::Trie;
use weft_spec::Span;

use super::held;
use super::regexes::expressions;

/// The most different expressions of one spec.
const MAX_EXPRESSIONS: usize = 10_000;
/// The most bytes of all path expressions of one host together: their automaton is built as one.
const MAX_HOST_BYTES: usize = 128 << 10;

/// The most calls of all services together.
const MAX_CALLS: usize = 200_000;
/// The most hosts that one listener names.
const MAX_HOSTS: usize = 100_000;
/// Hosts whose requests take more steps than this are dear to look at, because many of their rules are for the same paths.
const DEAR_STEPS: usize = 4_000;
/// The most rules of all such hosts together.
const MAX_DEAR_RULES: usize = 60_000;
/// The most hosts of all listeners of one address and port, times the number of those listeners: each is held against the hosts of all.
const MAX_SHARED: usize = 1_000_000;
/// The most hosts with a `*` of one listener: which of them owns a host is asked of all pairs.
const MAX_WILDCARDS: usize = 4_096;

/// Reports every bound that is exceeded.
pub(super) fn check(mesh: &Mesh, diagnostics: &mut Diagnostics) {
    // What follows looks at each rule once for each of its hosts.
    if held::is_too_much(mesh, diagnostics) {
        return;
    }
    expressions_of(mesh, diagnostics);
    let mut dear: Vec<&Rule> = Vec::new();
    for host in mesh.hosts() {
        if DEAR_STEPS < requests_to(&host, diagnostics) {
            dear.extend(&host.rules);
        }
    }
    dear_rules(&dear, diagnostics);
    listeners(mesh, diagnostics);
    shared_ports(mesh, diagnostics);
    wildcards(mesh, diagnostics);
    for service in mesh.services.values() {
        calls_of(service, diagnostics);
    }
    let mut calls = 0_usize;
    for service in mesh.services.values() {
        calls = calls.saturating_add(service.calls.len());
        if MAX_CALLS < calls {
            let message = format!(
                "the services up to `{}` have {calls} calls",
                service.name.value
            );
            diagnostics.push(
                Diagnostic::new(&TOO_LARGE, service.name.span, message)
                    .note(format!("at most {MAX_CALLS} are allowed")),
            );
            return;
        }
    }
}

/// Reports gateways with too many listeners, and listeners with too many hosts.
fn listeners(mesh: &Mesh, diagnostics: &mut Diagnostics) {
    for gateway in mesh.gateways.values() {
        let count = gateway.listeners.len();
        if limits::LISTENERS < count {
            let message = format!("gateway `{}` has {count} listeners", gateway.name.value);
            diagnostics.push(
                Diagnostic::new(&TOO_LARGE, gateway.name.span, message)
                    .note(format!("at most {} are allowed", limits::LISTENERS))
                    .help(
                        "let a listener serve several hosts, or spread them over several gateways",
                    ),
            );
        }
    }
    for listener in mesh
        .gateways
        .values()
        .flat_map(|gateway| &gateway.listeners)
    {
        let count = listener.hosts.len();
        if MAX_HOSTS < count {
            let message = format!("listener `{}` serves {count} hosts", listener.name.value);
            diagnostics.push(
                Diagnostic::new(&TOO_LARGE, listener.name.span, message)
                    .note(format!("at most {MAX_HOSTS} are allowed"))
                    .help("use a host with a `*`, or leave `hosts` out"),
            );
        }
    }
}

/// Reports ports that many listeners share and that have very many hosts together.
fn shared_ports(mesh: &Mesh, diagnostics: &mut Diagnostics) {
    for gateway in mesh.gateways.values() {
        let mut ports: BTreeMap<_, (usize, usize, Span)> = BTreeMap::new();
        for listener in &gateway.listeners {
            let key = (listener.address.value, listener.port.value);
            let (listeners, hosts, _) = ports.entry(key).or_insert((0, 0, listener.name.span));
            *listeners += 1;
            *hosts = hosts.saturating_add(listener.hosts.len());
        }
        for ((_, port), (listeners, hosts, first)) in ports {
            if MAX_SHARED < hosts.saturating_mul(listeners) {
                let message =
                    format!("{listeners} listeners of port {port} serve {hosts} hosts together");
                diagnostics.push(
                    Diagnostic::new(&TOO_LARGE, first, message)
                        .saying("the first of them")
                        .note(format!(
                            "at most {MAX_SHARED} are allowed, the number of listeners times that of hosts"
                        ))
                        .help("use hosts with a `*`, or spread them over several ports"),
                );
            }
        }
    }
}

/// Reports a listener with too many hosts that have a `*`.
fn wildcards(mesh: &Mesh, diagnostics: &mut Diagnostics) {
    let mut known: BTreeMap<_, (BTreeSet<&str>, Span)> = BTreeMap::new();
    for route in mesh.routes.values() {
        let hosts = route.hosts.iter();
        for host in hosts.filter(|host| host.value.as_str().starts_with("*.")) {
            let key = (route.gateway, route.listener);
            let (hosts, _) = known.entry(key).or_insert((BTreeSet::new(), host.span));
            hosts.insert(host.value.as_str());
        }
    }
    for (hosts, first) in known.into_values() {
        if MAX_WILDCARDS < hosts.len() {
            let message = format!("a listener has routes for {} hosts with a `*`", hosts.len());
            diagnostics.push(
                Diagnostic::new(&TOO_LARGE, first, message)
                    .saying("the first of them")
                    .note(format!("at most {MAX_WILDCARDS} are allowed"))
                    .help("spread them over several listeners"),
            );
        }
    }
}

fn expressions_of(mesh: &Mesh, diagnostics: &mut Diagnostics) {
    let all = expressions::all(mesh);
    let distinct: BTreeSet<&str> = all.iter().map(|((_, regex), _)| *regex).collect();
    for ((_, regex), places) in &all {
        if limits::EXPRESSION_BYTES < regex.len() {
            let message = format!("a regular expression has {} bytes", regex.len());
            let found = places.iter().map(|place| {
                Diagnostic::new(&TOO_LARGE, *place, message.clone())
                    .note(format!("at most {} are allowed", limits::EXPRESSION_BYTES))
                    .help("split it over several rules, or use patterns such as `/a/{id}`")
            });
            diagnostics.extend(found);
        }
    }
    if let (true, Some((_, places))) = (MAX_EXPRESSIONS < distinct.len(), all.first()) {
        let message = format!(
            "the spec has {} different regular expressions",
            distinct.len()
        );
        let place = places.first().copied().unwrap_or(Span::NONE);
        diagnostics.push(
            Diagnostic::new(&TOO_LARGE, place, message)
                .saying("the first of them, in the order of the alphabet")
                .note(format!("at most {MAX_EXPRESSIONS} are allowed"))
                .help("use patterns such as `/a/{id}`, and texts for values"),
        );
    }
}

/// Reports a host of which some path could meet too many rules.
/// Reports too many rules of hosts with very many for the same paths.
fn dear_rules(rules: &[&Rule], diagnostics: &mut Diagnostics) {
    if let Some(first) = rules.first().filter(|_| MAX_DEAR_RULES < rules.len()) {
        let message = format!(
            "{} rules are of hosts with thousands for the same path",
            rules.len()
        );
        diagnostics.push(
            Diagnostic::new(&TOO_LARGE, first.place(), message)
                .saying("the first of them")
                .note(format!("at most {MAX_DEAR_RULES} are looked at together"))
                .help("give the rules different paths, or merge rules that differ in a value alone by an expression"),
        );
    }
}

/// Reports what is too dear of one host; gives the most steps that a request to it takes.
fn requests_to(host: &HostRules<'_>, diagnostics: &mut Diagnostics) -> usize {
    let Some(first) = host.rules.first() else {
        return 0;
    };
    let mut expressions: BTreeMap<&str, Span> = BTreeMap::new();
    for rule in &host.rules {
        if let PathPattern::Regex { regex } = &rule.matched.path.value {
            expressions.entry(regex).or_insert(rule.matched.path.span);
        }
    }
    let bytes: usize = expressions.keys().map(|regex| regex.len()).sum();
    if let (true, Some(place)) = (MAX_HOST_BYTES < bytes, expressions.values().min()) {
        let message = format!(
            "the {} path expressions of host `{}` have {bytes} bytes together",
            expressions.len(),
            host.host
        );
        diagnostics.push(
            Diagnostic::new(&TOO_LARGE, *place, message)
                .saying("the first of them")
                .note(format!(
                    "at most {MAX_HOST_BYTES} are allowed, because all of them become one automaton"
                ))
                .help("use patterns such as `/a/{id}`, or spread them over several hosts"),
        );
    }
    let steps = steps(&host.rules);
    if limits::REQUEST_STEPS < steps {
        let message = format!(
            "a request to host `{}` could take {steps} steps until its rule is found",
            host.host
        );
        diagnostics.push(
            Diagnostic::new(&TOO_LARGE, first.place(), message)
                .saying("the first rule of the host")
                .note(format!(
                    "at most {} are allowed; a step is a segment of a path, a rule that has the path, or a condition of such a rule",
                    limits::REQUEST_STEPS
                ))
                .help("give the rules different paths, merge rules that differ in a value alone by an expression, or spread them over several hosts"),
        );
    }
    steps
}

/// The most steps that a request takes: along one literal and the free segment of each place of the path index, and through all
/// rules whose path is an expression.
fn steps(rules: &[&Rule]) -> usize {
    let mut trie = Trie::default();
    let mut expressions = 0_usize;
    for (position, rule) in rules.iter().enumerate() {
        match &rule.matched.path.value {
            PathPattern::Segments { segments, rest } => trie.insert(segments, *rest, position),
            PathPattern::Regex { .. } => expressions = expressions.saturating_add(of_rule(rule)),
        }
    }
    let mut costs = vec![0_usize; trie.nodes()];
    for id in (0..trie.nodes()).rev() {
        let node = trie.node(id);
        let cost = |id: &usize| costs.get(*id).copied().unwrap_or_default();
        let here = node.exact.iter().chain(&node.rest);
        let here = here.filter_map(|position| rules.get(*position));
        let here = here
            .map(|rule| of_rule(rule))
            .fold(1, usize::saturating_add);
        let any = node.any.as_ref().map_or(0, cost);
        let literal = node.literals.values().map(cost).max().unwrap_or_default();
        if let Some(slot) = costs.get_mut(id) {
            *slot = here.saturating_add(any).saturating_add(literal);
        }
    }
    costs
        .first()
        .copied()
        .unwrap_or_default()
        .saturating_add(expressions)
}

fn of_rule(rule: &Rule) -> usize {
    let matched = &rule.matched;
    1_usize
        .saturating_add(matched.headers.len())
        .saturating_add(matched.query.len())
}

/// Reports a service whose access rules hold a path against too many expressions.
fn calls_of(service: &Service, diagnostics: &mut Diagnostics) {
    let mut expressions: BTreeMap<&str, Span> = BTreeMap::new();
    for path in service.access_paths() {
        if let PathPattern::Regex { regex } = &path.value {
            expressions.entry(regex).or_insert(path.span);
        }
    }
    if let (true, Some(place)) = (
        limits::ACCESS_AUTOMATA < expressions.len(),
        expressions.values().min(),
    ) {
        let message = format!(
            "the path of a call of `{}` could be held against {} expressions",
            service.name.value,
            expressions.len()
        );
        diagnostics.push(
            Diagnostic::new(&TOO_LARGE, *place, message)
                .saying("the first of them")
                .note(format!("at most {} are allowed", limits::ACCESS_AUTOMATA))
                .help("use patterns such as `/a/{id}`, or merge expressions by `|`"),
        );
    }
}

#[cfg(test)]
mod tests {
    use weft_front::diagnostic::{Severity, TOO_LARGE};

    use crate::testing::findings;

    const HEAD: &str = "weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services:
  s: {protocol: http, mtls: disabled, endpoints: [\"127.0.0.1:8081\"]}
";

    fn said(spec: &str) -> Vec<String> {
        let found = findings(&format!("{HEAD}{spec}"));
        // What is beyond the number of findings that are shown has the same code.
        let errors = found
            .into_iter()
            .filter(|found| found.severity == Severity::Error && found.code == &TOO_LARGE);
        errors.map(|found| found.message).collect()
    }

    fn rules(count: usize, rule: impl Fn(usize) -> String) -> String {
        let rules: Vec<String> = (0..count)
            .map(|at| format!("{{{}, to: s}}", rule(at)))
            .collect();
        format!(
            "routes: {{r: {{on: public/web, host: a.test, rules: [{}]}}}}\n",
            rules.join(", ")
        )
    }

    #[test]
    fn rules_for_one_path_have_a_bound_and_rules_for_many_have_none() {
        let on_one = |count| rules(count, |at| format!("path: /a, priority: {at}"));
        assert_eq!(
            said(&on_one(20_000)),
            ["a request to host `a.test` could take 20002 steps until its rule is found"]
        );
        assert!(said(&rules(20_000, |at| format!("path: /a{at}"))).is_empty());
    }

    #[test]
    fn a_gateway_has_no_more_listeners_than_a_proxy_takes() {
        let with = |count: usize| {
            let one = |at: usize| format!("l{at}: {{port: {}, protocol: http}}", at + 1);
            let listeners: Vec<String> = (0..count).map(one).collect();
            let own = format!(
                "{{web: {{port: 8080, protocol: http}}, {}}}",
                listeners.join(", ")
            );
            let head = HEAD.replace("{web: {port: 8080, protocol: http}}", &own);
            let found = findings(&head).into_iter();
            let found = found.filter(|found| found.code == &TOO_LARGE);
            found.map(|found| found.message).collect::<Vec<_>>()
        };
        assert_eq!(with(256), ["gateway `public` has 257 listeners"]);
        assert!(with(255).is_empty());
    }

    #[test]
    fn rules_for_the_same_paths_have_a_bound_together() {
        let of_hosts = |hosts: usize| {
            let host = |host: usize| {
                let rule =
                    |at: usize| format!("      - {{path: /a, headers: {{x: v{at}}}, to: s}}\n");
                let rules: String = (0..4_000).map(rule).collect();
                format!(
                    "  r{host}:\n    on: public/web\n    host: h{host}.test\n    rules:\n{rules}"
                )
            };
            (0..hosts).map(host).collect::<String>()
        };
        let with = |hosts: usize| {
            let found = findings(&format!("{HEAD}routes:\n{}", of_hosts(hosts))).into_iter();
            let found =
                found.filter(|found| found.code == &TOO_LARGE && found.severity == Severity::Error);
            found.map(|found| found.message).collect::<Vec<_>>()
        };
        assert_eq!(
            with(16),
            ["64000 rules are of hosts with thousands for the same path"]
        );
        assert!(with(2).is_empty());
    }

    #[test]
    fn listeners_of_a_port_are_not_held_against_millions_of_hosts() {
        let with = |count: usize, hosts: usize| {
            let one = |at: usize| {
                let hosts: Vec<String> = (0..hosts)
                    .map(|host| format!("h{host}.l{at}.test"))
                    .collect();
                format!(
                    "l{at}: {{port: 81, protocol: http, hosts: [{}]}}",
                    hosts.join(", ")
                )
            };
            let listeners: Vec<String> = (0..count).map(one).collect();
            let own = format!(
                "{{web: {{port: 8080, protocol: http}}, {}}}",
                listeners.join(", ")
            );
            let head = HEAD.replace("{web: {port: 8080, protocol: http}}", &own);
            let found = findings(&head).into_iter();
            let found = found.filter(|found| found.code == &TOO_LARGE);
            found.map(|found| found.message).collect::<Vec<_>>()
        };
        assert_eq!(
            with(64, 1_000),
            ["64 listeners of port 81 serve 64000 hosts together"]
        );
        assert!(with(20, 1_000).is_empty());
    }

    #[test]
    fn free_segments_multiply() {
        let crossed = rules(1 << 14, |at| {
            let segment = |bit: usize| {
                if at >> bit & 1 == 0 {
                    "/a".to_owned()
                } else {
                    format!("/{{s{bit}}}")
                }
            };
            let path: String = (0..14).map(segment).collect();
            format!("path: \"{path}\"")
        });
        let found = said(&crossed);
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn expressions_have_a_longest_length() {
        let long = format!("/{}", "a".repeat(4_096));
        let found = said(&rules(1, |_| format!("path: {{regex: \"{long}\"}}")));
        assert_eq!(found, ["a regular expression has 4097 bytes"]);
    }

    #[test]
    fn a_call_is_held_against_a_few_expressions() {
        let allow = |count: usize| {
            let one =
                |at: usize| format!("{{from: [gateway/public], path: {{regex: \"/a{at}[0-9]\"}}}}");
            let all: Vec<String> = (0..count).map(one).collect();
            format!(
                "  t: {{protocol: http, app: \"127.0.0.1:1\", endpoints: [\"10.0.0.1:15443\"], allow: [{}]}}\n",
                all.join(", ")
            )
        };
        assert!(said(&allow(64)).is_empty());
        assert_eq!(
            said(&allow(65)),
            ["the path of a call of `t` could be held against 65 expressions"]
        );
    }
}
