//! Who may call whom, as assertions say it, against `decide` and `authorize` on the slices of random specs.

use std::collections::BTreeMap;

use weft_back::emit::emit;
use weft_back::lower::lower;
use weft_back::snapshot::Snapshot;
use weft_check::assertions::arriving::Forwarding;
use weft_check::assertions::{Verdict, judge};
use weft_check::callers::pairs;
use weft_check::rules::Facts;
use weft_front::diagnostic::{Diagnostic, Severity};
use weft_front::model::{Caller, Checked, Rule};
use weft_front::surroundings::Surroundings;
use weft_front::testing::unchecked;
use weft_snapshot::plan::Action;
use weft_snapshot::settings::Slashes;
use weft_snapshot::{Access, Slice};
use weft_space::WitnessRequest;
use weft_testing::{Random, rounds};

use crate::diff::compare;
use crate::tests::oracle::written::path;

const PATHS: [&str; 12] = [
    "/", "/a", "/b", "/a/", "/a/b", "/a/c", "/c/b", "/a/b/c", "/b/a", "/ab", "/a/bb", "/c",
];
/// Paths with empty segments, which arrive where a gateway keeps them.
const KEPT: [&str; 5] = ["//", "//a", "/a//b", "/a//", "/b//a"];
const METHODS: [&str; 3] = ["GET", "POST", "PUT"];
const CALLERS: [&str; 4] = ["gateway/g", "gateway/h", "service/v", "service/w"];
/// Identities that no spec names, each of a kind of its own, and the word for that.
const STRANGERS: [(&str, &str); 3] = [
    ("gateway/*", "gateway/other"),
    ("service/*", "service/other"),
    ("mesh", "tool/other"),
];

/// All identities that entries tell apart.
fn everybody() -> impl Iterator<Item = &'static str> {
    let strangers = STRANGERS.iter().map(|(_, stranger)| *stranger);
    CALLERS.into_iter().chain(strangers)
}

/// Whether an entry names an identity.
fn is_named(entry: &str, who: &str) -> bool {
    let kind = entry.trim_matches('"').strip_suffix('*');
    entry == who || entry == "mesh" || kind.is_some_and(|kind| who.starts_with(kind))
}

fn methods(random: &mut Random) -> &'static str {
    random.pick(&["", "", "GET", "POST", "GET, POST"])
}

fn callers(random: &mut Random) -> String {
    let mut some: Vec<&str> = CALLERS.to_vec();
    some.retain(|_| random.one_in(2));
    if some.is_empty() {
        some.push(random.pick(&CALLERS));
    }
    if random.one_in(4) {
        some.push(random.pick(&["\"gateway/*\"", "\"service/*\"", "mesh"]));
    }
    some.join(", ")
}

pub(super) fn access(random: &mut Random) -> String {
    let lines = |random: &mut Random, count: usize, is_deny: bool| {
        let one = |random: &mut Random| {
            let from = if is_deny && random.one_in(2) {
                String::new()
            } else {
                format!("from: [{}], ", callers(random))
            };
            let (methods, path) = (methods(random), path(random));
            format!("{{{from}methods: [{methods}], path: {path}}}")
        };
        let lines: Vec<String> = (0..count).map(|_| one(random)).collect();
        lines.join(", ")
    };
    let (allowed, denied) = (1 + random.below(4), random.below(4));
    let allow = lines(random, allowed, false);
    format!("allow: [{allow}], deny: [{}]", lines(random, denied, true))
}

pub(super) fn spec(random: &mut Random, access: &str, assertion: &str) -> String {
    let rules = |random: &mut Random| {
        let one = |random: &mut Random| {
            let (methods, to) = (methods(random), random.pick(&["s", "s", "o"]));
            let path = random.pick(&["/a", "/a/b", "/a/**", "/b/**", "\"/{x}/b\"", "/**"]);
            let rewrite = if random.one_in(4) && path.ends_with("/**") {
                random.pick(&[", rewrite: {path: /a/**}", ", rewrite: {path: /b/**}"])
            } else {
                ""
            };
            format!("{{path: {path}, methods: [{methods}], to: {to}{rewrite}}}")
        };
        let count = 1 + random.below(3);
        let rules: Vec<String> = (0..count).map(|_| one(random)).collect();
        rules.join(", ")
    };
    let (first, second) = (rules(random), rules(random));
    let slashes = random.pick(&["merge", "keep"]);
    format!(
        r#"
mesh: {{name: m, trustDomain: m.example, defaults: {{timeout: {{request: 15s}}}}}}
gateways:
  g: {{listeners: {{w: {{port: 1, protocol: http, slashes: {slashes}}}}}}}
  h: {{listeners: {{w: {{port: 2, protocol: http}}}}}}
services:
  o: {{protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
  v: {{protocol: http, app: "127.0.0.1:1"}}
  w: {{protocol: http, app: "127.0.0.1:1"}}
  s: {{protocol: http, app: "127.0.0.1:1", endpoints: ["127.0.0.1:2"], {access}}}
routes:
  g: {{on: g/w, host: "*", rules: [{first}]}}
  h: {{on: h/w, host: "*", rules: [{second}]}}
assert: [{{name: a, {assertion}}}]
"#
    )
}

/// A spec with its slices.
pub(super) struct CompiledMesh {
    pub(super) checked: Checked,
    pub(super) slices: BTreeMap<String, Slice>,
}

impl CompiledMesh {
    pub(super) fn new(text: &str) -> Self {
        let (checked, sources) = unchecked(text);
        let bundle = emit(&lower(&checked, &sources)).unwrap();
        let plans = Snapshot::of_bundle(&bundle).unwrap().plans();
        let slices = plans.into_iter().map(|plan| {
            let slice = Slice::check(plan.encode().unwrap()).unwrap();
            (plan.settings.node, slice)
        });
        Self {
            checked,
            slices: slices.collect(),
        }
    }

    fn verdict(&self) -> Verdict {
        let facts = Facts::new(self.checked.mesh(), &Surroundings::default());
        judge(&facts, &self.checked.mesh().assertions[0])
    }

    fn keeps(&self, node: &str) -> bool {
        let listeners = &self.slices[node].settings().listeners;
        listeners[0].path.slashes == Slashes::Keep
    }

    /// The calls that a node may get, among some.
    pub(super) fn calls(&self, node: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
        let kept = if self.keeps(node) { &KEPT[..] } else { &[] };
        let paths = PATHS.iter().chain(kept);
        let of_method = move |method: &'static str| paths.clone().map(move |path| (method, *path));
        METHODS.into_iter().flat_map(of_method)
    }

    fn admits(&self, caller: &str, method: &str, path: &str) -> bool {
        let identity = format!("spiffe://m.example/{caller}");
        let admitted = self.slices["service/s"].authorize(&identity, method, path);
        matches!(admitted, Access::Admitted(_))
    }

    /// The call that a client's request becomes at `s`, if a gateway forwards it there and it is admitted.
    pub(super) fn arrives(&self, gateway: &str, method: &str, path: &str) -> Option<String> {
        let (_, path) = self.forwarded(gateway, method, path)?;
        self.admits(gateway, method, &path).then_some(path)
    }

    /// The rule by which a gateway forwards a request to `s`, with the path that it gets there.
    fn forwarded(&self, gateway: &str, method: &str, path: &str) -> Option<(String, String)> {
        let slice = &self.slices[gateway];
        let request = WitnessRequest::plain(method, "x.example", path);
        let route = slice.decide(0, &request.as_request()).unwrap()?;
        let route = slice.route_plan(route.index())?;
        let Action::Forward { backends } = &route.outcome.action else {
            return None;
        };
        let cluster = usize::try_from(backends[0].cluster).unwrap();
        if slice.settings().clusters[cluster].name != "s" {
            return None;
        }
        let path = match &route.outcome.path {
            Some(rewrite) => rewrite.apply(path),
            None => path.to_owned(),
        };
        Some((route.id, path))
    }
}

/// An operation, or any call, with what it says of one.
fn operation(random: &mut Random) -> (String, impl Fn(&str, &str) -> bool + use<>) {
    let method = random.pick(&METHODS);
    let path = random.pick(&[
        "/a",
        "/a/b",
        "/a/**",
        "/b/**",
        "/**",
        "/{x}/b",
        "/a/{x}",
        "/{x}/b/**",
    ]);
    let is_any = random.one_in(3);
    let said = if is_any {
        String::new()
    } else {
        format!(", operation: \"{method} {path}\"")
    };
    let is_one = move |asked: &str, target: &str| {
        let (fixed, has_rest) = path
            .strip_suffix("/**")
            .map_or((path, false), |path| (path, true));
        let (mut wanted, mut found) = (fixed.split('/').skip(1), target.split('/').skip(1));
        let fits = wanted.all(|wanted| {
            let segment = found.next();
            segment.is_some_and(|one| one == wanted || (wanted == "{x}" && !one.is_empty()))
        });
        let is_in = fits && (has_rest || found.next().is_none());
        is_any || (asked == method && is_in)
    };
    (said, is_one)
}

#[test]
fn who_may_call_is_what_the_slice_admits() {
    let (mut proved, mut refuted) = (0, 0);
    for seed in 0..rounds(300) {
        let mut random = Random::new(u64::from(seed) + 11_000_000);
        let (said, is_asked) = operation(&mut random);
        let (allowed, caller) = (callers(&mut random), random.pick(&CALLERS));
        let is_only = random.one_in(2);
        let assertion = if is_only {
            format!("only: {{to: s, callers: [{allowed}]{said}}}")
        } else {
            format!("never: {{from: {caller}, to: s{said}}}")
        };
        let access = access(&mut random);
        let made = CompiledMesh::new(&spec(&mut random, &access, &assertion));
        let is_wrong = |who: &str| {
            if is_only {
                !allowed.split(", ").any(|one| is_named(one, who))
            } else {
                who == caller
            }
        };
        match made.verdict() {
            Verdict::Refuted(counterexample) => {
                let shown = counterexample.shown.unwrap();
                let parts: Vec<&str> = shown.split(' ').collect();
                let [method, path, "from", who] = parts.as_slice() else {
                    panic!("{shown}");
                };
                let mut strangers = STRANGERS.iter();
                let stranger = strangers.find(|(word, _)| word == who);
                let who = stranger.map_or(*who, |(_, stranger)| stranger);
                assert!(
                    made.admits(who, method, path) && is_asked(method, path) && is_wrong(who),
                    "{seed}: {shown}"
                );
                refuted += 1;
            }
            Verdict::Proved | Verdict::Vacuous(_) => {
                for (method, path) in made
                    .calls("service/s")
                    .filter(|(method, path)| is_asked(method, path))
                {
                    for who in everybody().filter(|who| is_wrong(who)) {
                        assert!(
                            !made.admits(who, method, path),
                            "{seed}: {who} {method} {path}"
                        );
                    }
                }
                proved += 1;
            }
            Verdict::Unknown(why) => panic!("{seed}: {why}"),
        }
    }
    assert!(30 < proved && 30 < refuted, "{proved}, {refuted}");
}

#[test]
fn what_never_comes_from_clients_does_not_get_through_the_gateways() {
    let (mut proved, mut refuted, mut unknown) = (0, 0, 0);
    for seed in 0..rounds(300) {
        let mut random = Random::new(u64::from(seed) + 12_000_000);
        let (said, is_asked) = operation(&mut random);
        let access = access(&mut random);
        let assertion = format!("never: {{from: internet, to: s{said}}}");
        let text = spec(&mut random, &access, &assertion);
        let made = CompiledMesh::new(&text);
        let comes = |method: &str, path: &str| {
            let gateways = ["gateway/g", "gateway/h"].into_iter();
            let mut gateways = gateways.filter(|one| made.keeps(one) || !path.contains("//"));
            gateways.any(|gateway| {
                let arrived = made.arrives(gateway, method, path);
                arrived.is_some_and(|path| is_asked(method, &path))
            })
        };
        match made.verdict() {
            Verdict::Refuted(counterexample) => {
                let shown = counterexample.shown.unwrap();
                let (head, url) = shown.rsplit_once(' ').unwrap();
                let method = match head.split_once(" -") {
                    None => "GET",
                    Some((_, option)) => option.strip_prefix("X ").unwrap_or("HEAD"),
                };
                let path = url.trim_matches('\'').split('/').skip(3);
                let path = format!("/{}", path.collect::<Vec<&str>>().join("/"));
                assert!(comes(method, &path), "{seed}: {shown}\n{text}");
                refuted += 1;
            }
            Verdict::Proved | Verdict::Vacuous(_) => {
                for (method, path) in made.calls("gateway/g") {
                    assert!(!comes(method, path), "{seed}: {method} {path}\n{text}");
                }
                proved += 1;
            }
            Verdict::Unknown(_) => {
                // Only of an expression behind a rewrite nothing is known.
                let is_plain = !text.contains("rewrite") || !text.contains("regex");
                assert!(!is_plain, "{seed}");
                unknown += 1;
            }
        }
    }
    assert!(
        30 < proved && 30 < refuted && unknown < proved,
        "{proved}, {refuted}, {unknown}"
    );
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one spec is looked at from all sides"
)]
fn a_rule_is_possible_if_a_request_that_it_takes_is_admitted() {
    let (mut possible, mut impossible, mut refused) = (0, 0, 0);
    for seed in 0..rounds(300) {
        let mut random = Random::new(u64::from(seed) + 15_000_000);
        let access = access(&mut random);
        let text = spec(&mut random, &access, "total: {}");
        let made = CompiledMesh::new(&text);
        let mesh = made.checked.mesh();
        let facts = Facts::new(mesh, &Surroundings::default());
        let told = weft_check::testing::findings(&text);
        let pairs = pairs(mesh, &|_| String::new());
        for host in facts.hosts() {
            let caller = Caller::Gateway(host.host.gateway);
            let gateway = mesh.caller_node(caller);
            let analysis = host.analysis.as_ref().unwrap();
            let is_declared = |rule: &Rule| {
                let mut backends = rule.backends().iter();
                backends.any(|one| mesh.services.entry(one.service).name.value == "s")
            };
            let (_, service) = mesh
                .services
                .iter()
                .find(|(_, one)| one.name.value == "s")
                .unwrap();
            let (mut is_one_possible, mut is_one_unknown) = (false, false);
            for (position, rule) in analysis.rules.iter().enumerate() {
                if !is_declared(rule) {
                    continue;
                }
                // What the rule forwards, among the requests that are tried.
                let taken: Vec<(&str, String)> = made
                    .calls(&gateway)
                    .filter_map(|(method, path)| {
                        let (id, path) = made.forwarded(&gateway, method, path)?;
                        (id == rule.id).then_some((method, path))
                    })
                    .collect();
                let forwarding = Forwarding::new(mesh, analysis, position);
                // An expression behind a rewrite may keep unknown how much of it is admitted.
                let mut is_known = rule.rewrite.is_none() || !text.contains("regex");
                match forwarding.map(|one| one.admitted(service, caller)) {
                    None => assert!(taken.is_empty(), "{seed}: {}\n{text}", rule.id),
                    Some(Ok(Some(witness))) => {
                        let arrived = made.arrives(&gateway, &witness.method, &witness.path);
                        assert!(arrived.is_some(), "{seed}: {witness}\n{text}");
                        is_one_possible = true;
                        possible += 1;
                    }
                    Some(Ok(None)) => {
                        for (method, path) in &taken {
                            let admits = made.admits(&gateway, method, path);
                            assert!(!admits, "{seed}: {method} {path}\n{text}");
                        }
                        impossible += 1;
                    }
                    Some(Err(_)) => {
                        assert!(text.contains("rewrite") && text.contains("regex"), "{seed}");
                        is_known = false;
                        is_one_unknown = true;
                    }
                }
                let named = format!("rule `{}`", rule.id);
                let about = |finding: &&Diagnostic| {
                    let codes = ["call-not-allowed", "rewrite-meets-policy"];
                    codes.contains(&finding.code.name) && finding.message.contains(&named)
                };
                for (method, path) in &taken {
                    let admits = |method: &str| made.admits(&gateway, method, path);
                    match told.iter().find(about).map(|finding| finding.severity) {
                        None if is_known => {
                            assert!(admits(method), "{seed}: {method} {path}\n{text}");
                        }
                        Some(Severity::Error) => {
                            assert!(!admits(method), "{seed}: {method} {path}\n{text}");
                            refused += 1;
                        }
                        None | Some(Severity::Warning | Severity::Info) => {}
                    }
                }
            }
            let found = pairs
                .iter()
                .find(|one| one.from == gateway && one.to == "service/s");
            let is_possible = found.map_or(Some(false), |one| one.is_possible);
            match (is_one_possible, is_one_unknown) {
                (true, _) => assert_eq!(is_possible, Some(true), "{seed}\n{text}"),
                (false, true) => assert_eq!(is_possible, None, "{seed}\n{text}"),
                (false, false) => assert_eq!(is_possible, Some(false), "{seed}\n{text}"),
            }
        }
    }
    assert!(
        100 < possible && 30 < impossible && 30 < refused,
        "{possible}, {impossible}, {refused}"
    );
}

#[test]
fn a_change_of_access_that_a_call_notices_is_never_called_unchanged() {
    let (mut changed, mut unchanged) = (0, 0);
    for seed in 0..rounds(300) {
        let mut random = Random::new(u64::from(seed) + 13_000_000);
        let old_access = access(&mut random);
        let new_access = match random.below(4) {
            0 => old_access.replacen("GET, ", "", 1),
            1 => old_access.replacen("service/w", "service/v", 1),
            2 => old_access.replacen("/a/**", "/a", 1),
            _ => access(&mut random),
        };
        let assertion = "only: {to: s, callers: [service/w]}";
        let rules = u64::from(seed) + 14_000_000;
        let made =
            |access: &str| CompiledMesh::new(&spec(&mut Random::new(rules), access, assertion));
        let (old, new) = (made(&old_access), made(&new_access));
        let plans = |made: &CompiledMesh| vec![made.slices["service/s"].plan()];
        let found = compare(&plans(&old), &plans(&new));
        for (method, path) in old.calls("service/s") {
            for who in everybody() {
                let differs = old.admits(who, method, path) != new.admits(who, method, path);
                assert!(
                    !differs || !found.changes.is_empty(),
                    "{seed}: {who} {method} {path}"
                );
            }
        }
        for cell in found.changes.iter().flat_map(|change| &change.cells) {
            let call = &cell.witness;
            let who = call.source.as_deref().unwrap_or_default();
            let who = who.trim_start_matches("spiffe://m.example/");
            let before = old.admits(who, &call.method, &call.path);
            let after = new.admits(who, &call.method, &call.path);
            assert_ne!(before, after, "{seed}: {call}");
        }
        if found.changes.is_empty() {
            unchanged += 1;
        } else {
            changed += 1;
        }
    }
    assert!(20 < changed && 20 < unchanged, "{changed}, {unchanged}");
}
