//! Requests that are treated as in a snapshot: the assertion `same`, and `sameAs` of tests.
//!
//! The plans of the spec are compared with those of the snapshot by the comparison of `weft diff`, which is exact, for the
//! requests of the region alone: what the gateway decides, and everything else of a diff that these requests meet on their way
//! to the app that answers them.

mod check;

use std::collections::BTreeMap;

use weft_check::assertions::{Counterexample, Verdict};
use weft_front::model::Mesh;
use weft_front::model::assertion::Region;
use weft_front::surroundings::{ReadSnapshots, Surroundings};
use weft_snapshot::plan::NodePlan;
use weft_space::{Entry, Within};
use weft_spec::{Span, Spanned};

use crate::both::Both;
use crate::diff::{Asked, Change, compare_asked, difference, met};

pub use check::check;

/// What a comparison with a snapshot leaves out, said with each.
pub(crate) const LEFT_OUT: &str = "compared are the way of a request from its listener to the app that answers it, permissions and \
     sidecars included, and addresses of backends as they are written; left out are what the app calls in turn, what others than a \
     gateway send to its sidecar, and the content of \
     endpoint files, certificates and DNS";

/// A spec and what it is lowered to.
#[derive(Clone, Copy)]
pub(crate) struct Lowered<'run> {
    pub(crate) mesh: &'run Mesh,
    pub(crate) plans: &'run [NodePlan],
}

/// The snapshot that a spec is compared with.
#[derive(Clone, Copy)]
struct Recorded<'run> {
    /// The folder, as it is written in the spec.
    folder: &'run str,
    plans: &'run [NodePlan],
}

/// The snapshots that were read, by folder.
pub(crate) struct Snapshots<'run> {
    reader: Option<&'run ReadSnapshots>,
    known: BTreeMap<String, Result<Vec<NodePlan>, String>>,
}

/// What is said of a comparison with a snapshot.
pub(crate) enum Comparison {
    /// Nobody reads snapshots here.
    NotAsked,
    /// The snapshot cannot be read; why.
    Unreadable(String),
    /// It was compared.
    Compared(Verdict),
}

impl<'run> Snapshots<'run> {
    /// None yet.
    pub(crate) fn new(surroundings: &'run Surroundings) -> Self {
        Self {
            reader: surroundings.snapshots.as_ref(),
            known: BTreeMap::new(),
        }
    }

    /// Whether every request of a region is treated by a spec as in the snapshot of a folder.
    pub(crate) fn compare(
        &mut self,
        spec: Lowered<'_>,
        region: &Region,
        folder: &Spanned<String>,
    ) -> Comparison {
        let Some(ReadSnapshots(read)) = self.reader else {
            return Comparison::NotAsked;
        };
        let folder = folder.value.as_str();
        let known = self.known.entry(folder.to_owned());
        match known.or_insert_with(|| read(folder)) {
            Ok(plans) => {
                let snapshot = Recorded { folder, plans };
                Comparison::Compared(verdict(spec, snapshot, region))
            }
            Err(why) => {
                Comparison::Unreadable(format!("snapshot `{folder}` cannot be read: {why}"))
            }
        }
    }
}

fn verdict(spec: Lowered<'_>, snapshot: Recorded<'_>, region: &Region) -> Verdict {
    let asked = asked(spec.mesh, region);
    let folder = snapshot.folder;
    let plans = Both {
        old: snapshot.plans,
        new: spec.plans,
    };
    let found = compare_asked(plans, Some(&asked));
    if let Some(change) = found.changes.first() {
        return Verdict::Refuted(counterexample(spec, snapshot, change));
    }
    let met = met(plans, &asked);
    if let Ok(Some(met)) = met {
        return Verdict::Refuted(Counterexample {
            text: format!("{}, unlike in `{folder}`", met.text),
            place: Span::NONE,
            shown: Some(met.shown),
        });
    }
    if let Some(unknown) = found.unknown.first() {
        return Verdict::Unknown(format!("host `{}`: {}", unknown.host, unknown.reason));
    }
    if found.hosts == 0 {
        return Verdict::Vacuous(format!(
            "neither the spec nor `{folder}` has a route for a host of its region"
        ));
    }
    match met {
        Ok(_) => Verdict::Proved,
        Err(why) => Verdict::Unknown(why),
    }
}

/// The requests of a region.
pub(crate) fn asked<'region>(mesh: &Mesh, region: &'region Region) -> Asked<'region> {
    let listener = region.listener.and_then(|(gateway, position)| {
        let gateway = mesh.gateways.entry(gateway);
        let listener = gateway.listeners.get(position)?;
        let node = format!("gateway/{}", gateway.name.value);
        Some((node, listener.name.value.clone()))
    });
    Asked {
        listener,
        host: region.host_pattern(),
        requests: Within {
            entry: Entry::of(&region.matched),
            except: region.except.iter().map(Entry::of).collect(),
        },
    }
}

fn counterexample(spec: Lowered<'_>, snapshot: Recorded<'_>, change: &Change) -> Counterexample {
    let plans = Both {
        old: snapshot.plans,
        new: spec.plans,
    };
    let difference = difference(plans, change);
    let rule = difference.now.as_ref().and_then(|id| {
        let mut rules = spec.mesh.routes.values().flat_map(|route| &route.rules);
        rules.find(|rule| rule.id == *id)
    });
    let shown = change.cells.first();
    Counterexample {
        text: format!("{}, unlike in `{}`", difference.text, snapshot.folder),
        place: rule.map_or(Span::NONE, weft_front::model::Rule::place),
        shown: shown.map(|cell| cell.witness.curl(difference.url)),
    }
}

#[cfg(test)]
mod tests {
    use weft_back::lower::lower;
    use weft_check::assertions::Verdict;
    use weft_front::model::assertion::Form;
    use weft_front::testing::unchecked;

    use super::{Lowered, Recorded, verdict};

    const WAY: &str = r#"
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways:
  g:
    listeners:
      w: {port: 80, protocol: http, hosts: [a.example, b.example]}
      v: {port: 80, protocol: http, hosts: [c.example]}
certificates: {c: {chain: /c.pem, key: /c.key}}
services:
  a: {protocol: http, app: "127.0.0.1:1", endpoints: ["127.0.0.1:2"], allow: [{from: [gateway/g]}], calls: {d: {}}}
  d: {protocol: http, app: "127.0.0.1:3", endpoints: ["127.0.0.1:4"], allow: [{from: [gateway/g], path: /x/**}, {from: [service/a], path: /y/**}]}
  e: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:5"]}
routes:
  a: {on: g/w, host: a.example, rules: [{path: /a/**, to: a}, {path: /a/p, methods: [POST], to: e}, {path: /d/**, rewrite: {path: /x/**}, to: d}, {path: /e, to: e}, {respond: {status: 204}}]}
  b: {on: g/w, host: b.example, rules: [{to: e}]}
  c: {on: g/v, host: c.example, rules: [{to: e}]}
"#;

    const REGIONS: [&str; 4] = [
        "{host: a.example, path: /a/**}",
        "{host: a.example, path: /d/b/**}",
        "{host: a.example, path: /e}",
        "{host: c.example}",
    ];

    /// What becomes of `same` for each region after an edit: it holds (`=`), or not (`!`), or nobody knows (`?`).
    fn after(from: &str, to: &str) -> String {
        assert!(WAY.contains(from), "{from}");
        between(WAY, &WAY.replace(from, to))
    }

    fn between(old: &str, new: &str) -> String {
        within(&REGIONS, old, new)
    }

    fn within(regions: &[&str], old: &str, new: &str) -> String {
        let regions = regions.iter();
        let regions = regions.map(|region| format!("  - same: {{for: {region}, as: old}}\n"));
        let regions: Vec<String> = regions.collect();
        let plans = |text: &str| {
            let (checked, sources) = unchecked(&[text, "assert:\n", &regions.concat()].concat());
            let plans = lower(&checked, &sources).plans;
            (checked, plans)
        };
        let ((_, old), (checked, new)) = (plans(old), plans(new));
        let verdict = |assertion: &weft_front::model::assertion::Assertion| {
            let Form::Same { region, .. } = &assertion.form else {
                panic!("a comparison");
            };
            let spec = Lowered {
                mesh: checked.mesh(),
                plans: &new,
            };
            let snapshot = Recorded {
                folder: "old",
                plans: &old,
            };
            match verdict(spec, snapshot, region) {
                Verdict::Proved => '=',
                Verdict::Refuted(_) => '!',
                Verdict::Unknown(_) => '?',
                Verdict::Vacuous(why) => panic!("{why}"),
            }
        };
        checked.mesh().assertions.iter().map(verdict).collect()
    }

    #[test]
    fn whatever_a_request_meets_on_its_way_is_compared() {
        let listener = "w: {port: 80, protocol: http, hosts: [a.example, b.example]";
        let with = |more: &str| format!("{listener}, {more}");
        for (from, to, expected) in [
            ("services:", "services:", "===="),
            // Permissions, by what the service sees.
            (
                "allow: [{from: [gateway/g]}]",
                "allow: [{from: [gateway/g]}], deny: [{path: /a/x}]",
                "!===",
            ),
            (
                "allow: [{from: [gateway/g]}]",
                "allow: [{from: [gateway/g], methods: [GET]}]",
                "!===",
            ),
            (
                "allow: [{from: [gateway/g]}]",
                "allow: [{from: [gateway/g]}], deny: [{path: /b/**}]",
                "====",
            ),
            // Another rule takes those.
            (
                "allow: [{from: [gateway/g]}]",
                "allow: [{from: [gateway/g]}], deny: [{path: /a/p, methods: [POST]}]",
                "====",
            ),
            ("path: /x/**}, {from", "path: /x/b/**}, {from", "===="),
            ("path: /x/**}, {from", "path: /x/c/**}, {from", "=!=="),
            ("path: /y/**", "path: /z/**", "===="),
            // The listener.
            (listener, with("normalize: reject").as_str(), "!!!="),
            (listener, with("escapedSlashes: keep").as_str(), "!!!="),
            (listener, with("trustedHops: 2").as_str(), "!!!="),
            ("v: {port: 80,", "v: {port: 81,", "===!"),
            (
                "hosts: [c.example]}",
                "hosts: [c.example], underscores: keep}",
                "===!",
            ),
            (
                "hosts: [c.example]}",
                "hosts: [c.example, d.example]}",
                "====",
            ),
            (
                "w: {port: 80, protocol: http,",
                "w: {port: 80, protocol: https, tls: {certificate: c},",
                "!!!=",
            ),
            // Backends, and sidecars before them.
            (
                r#"endpoints: ["127.0.0.1:5"]"#,
                r#"endpoints: ["127.0.0.1:6"]"#,
                "!=!!",
            ),
            (
                r#"endpoints: ["127.0.0.1:2"]"#,
                r#"endpoints: ["127.0.0.1:6"]"#,
                "!===",
            ),
            ("d: {protocol: http,", "d: {protocol: http2,", "=!=="),
            (r#"app: "127.0.0.1:3""#, r#"app: "127.0.0.1:7""#, "=!=="),
            (
                "endpoints: [\"127.0.0.1:4\"]",
                "endpoints: [\"127.0.0.1:4\"], sidecar: {inbound: 0.0.0.0:9}",
                "=!==",
            ),
            // Everybody.
            (
                "defaults: {timeout",
                "snapshotHeader: true, defaults: {timeout",
                "!!!!",
            ),
            // What the app calls in turn is another request.
            ("calls: {d: {}}", "calls: {e: {}}", "===="),
        ] {
            assert_eq!(after(from, to), expected, "{from} -> {to}");
        }
    }

    #[test]
    fn a_sidecar_is_met_however_the_way_there_is_protected() {
        let modes = ["strict", "permissive, until: 2031-01-01", "disabled"];
        for mode in modes {
            let old = WAY.replace("mesh: {", &format!("mesh: {{mtls: {mode}, "));
            let slower = old.replace(
                "a: {protocol: http,",
                "a: {protocol: http, timeout: {request: 3s},",
            );
            // The rule says how long it waits, so that only the sidecar of the service does otherwise.
            let said = |spec: &str| spec.replace("to: a}", "to: a, timeout: {request: 1s}}");
            assert!(old != WAY && slower != old && said(&old) != old, "{mode}");
            assert_eq!(between(&said(&old), &said(&slower)), "!===", "{mode}");
            let other = old.replace(r#"app: "127.0.0.1:1""#, r#"app: "127.0.0.1:7""#);
            assert_eq!(between(&old, &other), "!===", "{mode}");
        }
    }

    #[test]
    fn what_other_listeners_make_a_sidecar_keep_is_met_by_their_requests_alone() {
        let old = WAY.replace(
            "host: c.example, rules: [{to: e}]",
            "host: c.example, rules: [{to: e}, {path: /a, to: a}]",
        );
        let new = old.replace(
            "v: {port: 80, protocol: http,",
            "v: {port: 80, protocol: http, slashes: keep,",
        );
        assert!(WAY != old && old != new);
        assert_eq!(between(&old, &new), "===!");
    }

    #[test]
    fn hosts_without_a_route_see_a_certificate_or_none() {
        const TLS: &str = r#"
mesh: {name: m, trustDomain: m.x, defaults: {timeout: {request: 5s}}}
certificates: {c: {chain: /c.pem, key: /c.key}, d: {chain: /d.pem, key: /d.key}}
gateways:
  g:
    listeners:
      t: {port: 443, protocol: https, hosts: [a.x, w.x, "*.y"], tls: {certificate: c, default: c}}
      u: {port: 443, protocol: https, hosts: [z.x], tls: {certificate: c}}
routes: {r: {on: g/t, hosts: [a.x, c.b.y], rules: [{respond: {status: 200}}]}}
"#;
        let regions = [
            "{host: '*.x'}",
            "{host: '*.b.y'}",
            "{host: a.x}",
            "{host: c.b.y}",
            "{host: '*', listener: g/u}",
        ];
        for (from, to, expected) in [
            ("w.x, ", "", "!===="),
            // No other pattern tells these hosts from those of the region.
            (r#""*.y""#, "c.b.y", "=!==="),
            (r#"w.x, "*.y""#, "c.b.y", "!!==="),
            (
                "[z.x], tls: {certificate: c}",
                "[z.x], tls: {certificate: d}",
                "!===!",
            ),
            ("default: c", "default: d", "!!!!!"),
        ] {
            let new = TLS.replacen(from, to, 1);
            assert_ne!(new, TLS, "{from}");
            // A listener without a route has no region that is not vacuous, unless something is met there.
            let asked = if expected.ends_with('=') { 4 } else { 5 };
            let found = within(&regions[..asked], TLS, &new);
            let expected: String = expected.chars().take(asked).collect();
            assert_eq!(found, expected, "{from} -> {to}");
        }
    }

    #[test]
    fn a_host_that_another_listener_gets_meets_what_that_one_does() {
        let moved = WAY
            .replace("[c.example]", "[a.example, c.example], trustedHops: 1")
            .replace("[a.example, b.example]", "[b.example]");
        assert_ne!(moved, WAY);
        assert_eq!(after(WAY, &moved), "!!!!");
    }
}
