//! Finds permissions that are wider than what their callers declare, and writes narrower ones.
//!
//! Exact for what is declared: what a permission admits from a caller, without the operations and rules that the caller declares.

use std::collections::{BTreeMap, BTreeSet};

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{Allow, Caller, Callers, Service, ServiceId};
use weft_snapshot::plan::PathPattern;
use weft_snapshot::settings::PathRules;
use weft_space::languages::Languages;
use weft_space::path::{Relation, written};
use weft_space::{Conditions, Entry, Reading, WitnessRequest, left, work};
use weft_spec::Spanned;

use crate::assertions::permits::denials;
use crate::assertions::reach::forwarded_path;
use crate::graph::{CallGraph, Used};
use crate::rules::facts::Facts;

/// More than is needed.
pub(super) static CODE: Code = Code {
    name: "excess-grant",
    severity: Severity::Info,
    finds: "An entry of `allow` that admits requests which its caller never declares; the least that would be enough is printed.",
    why: "Least privilege: what nobody sends needs not be admitted.",
    bad: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  web: {protocol: http, app: 127.0.0.1:8080, calls: {orders: {operations: ["GET /orders/{id}"]}}}
  orders: {protocol: http, app: 127.0.0.1:8081, endpoints: ["10.0.1.5:15443"], allow: [{from: [service/web], path: /orders/**}]}
"#,
    good: r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
services:
  web: {protocol: http, app: 127.0.0.1:8080, calls: {orders: {operations: ["GET /orders/{id}"]}}}
  orders: {protocol: http, app: 127.0.0.1:8081, endpoints: ["10.0.1.5:15443"], allow: [{from: [service/web], methods: [GET], path: "/orders/{id}"}]}
"#,
};

/// What a permission is held against takes so many steps for each declaration of its callers.
const STEPS: usize = 10;
/// Questions about more sets than this are not remembered: a service that thousands call asks each but once.
const REMEMBERED: usize = 64;

/// What a caller declares: a method, or all of them, and paths.
#[derive(Clone, Eq, Ord, PartialEq, PartialOrd)]
struct Declared {
    methods: Vec<String>,
    path: PathPattern,
}

impl Declared {
    /// Whether it alone has all requests of a permission.
    fn has_all_of(&self, allow: &Allow, languages: &mut Languages) -> bool {
        let has = |method: &str| self.methods.iter().any(|own| own == method);
        let has_methods = self.methods.is_empty()
            || (!allow.methods.is_empty()
                && allow
                    .methods
                    .iter()
                    .all(|method| has(method.value.as_str())));
        has_methods
            && match languages
                .relate_paths(&allow.path.value, &self.path)
                .relation
            {
                Relation::Equal | Relation::Narrower => true,
                Relation::Wider | Relation::Overlapping | Relation::Disjoint => false,
            }
    }
}

/// What was asked already, and a request that is left: in a mesh of thousands of services, few permissions differ from all others
/// in more than their names.
type Seen = BTreeMap<(PathRules, Vec<(PathPattern, Conditions)>), Option<WitnessRequest>>;

/// Reports every such permission and caller.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    // What is missing because it is wrong would look like something that nobody wrote.
    if diagnostics.has_errors() || !facts.looks_for_remarks {
        return;
    }
    let mesh = facts.mesh;
    let graph = facts.graph();
    let allows = |to: ServiceId| !mesh.services.entry(to).allow.is_empty();
    let asked = graph.edges().filter(|(_, edge)| allows(edge.to));
    let mut declaring: Vec<Declaring> = asked
        .map(|(number, edge)| ((edge.to, edge.from), number))
        .collect();
    declaring.sort_unstable();
    let mut seen = Seen::new();
    for (id, service) in mesh.services.iter() {
        let start = declaring.partition_point(|((to, _), _)| *to < id);
        let end = declaring.partition_point(|((to, _), _)| *to <= id);
        let known = declaring.get(start..end).unwrap_or_default();
        let mut of_callers: BTreeMap<Callers, Vec<Declared>> = BTreeMap::new();
        for allow in &service.allow {
            for from in &allow.from {
                let declared = of_callers.entry(from.value);
                let declared: &[Declared] =
                    declared.or_insert_with(|| declared_by(graph, edges(known, from.value)));
                if !work::spend(declared.len().saturating_mul(STEPS)) {
                    return;
                }
                // Callers that declare nothing have a finding of their own.
                if declared.is_empty() {
                    continue;
                }
                let given = Given {
                    service,
                    allow,
                    callers: *from,
                };
                if let Some(witness) = excess(facts, given, declared, &mut seen) {
                    let kept = (from.span.file, CODE.severity);
                    diagnostics.push_with(kept, || told(facts, *from, declared, &witness));
                }
            }
        }
    }
}

/// A call or a backend of a rule, by its number: who is called by whom.
type Declaring = ((ServiceId, Caller), usize);

/// The calls of a service that some callers declare, of all those in order of the callers.
fn edges(known: &[Declaring], callers: Callers) -> impl Iterator<Item = usize> {
    let known = match callers {
        Callers::One(caller) => {
            let start = known.partition_point(|((_, from), _)| *from < caller);
            let end = known.partition_point(|((_, from), _)| *from <= caller);
            known.get(start..end).unwrap_or_default()
        }
        Callers::Gateways | Callers::Services | Callers::Mesh => known,
    };
    let of_kind = known
        .iter()
        .filter(move |((_, from), _)| callers.has(*from));
    of_kind.map(|(_, number)| *number)
}

/// What the callers of some edges declare, each once.
fn declared_by(graph: &CallGraph<'_>, edges: impl Iterator<Item = usize>) -> Vec<Declared> {
    let mut declared = Vec::new();
    for edge in edges.filter_map(|number| graph.edge(number)) {
        match edge.used {
            Used::Rule(rule, _) => {
                let methods = rule.matched.methods.iter();
                declared.push(Declared {
                    methods: methods
                        .map(|method| method.value.as_str().to_owned())
                        .collect(),
                    path: forwarded_path(rule),
                });
            }
            Used::Call(call) if call.operations.is_empty() => declared.push(Declared {
                methods: Vec::new(),
                path: weft_space::path::all_paths(),
            }),
            Used::Call(call) => {
                declared.extend(call.operations.iter().map(|operation| Declared {
                    methods: vec![operation.method.as_str().to_owned()],
                    path: operation.path.clone(),
                }));
            }
        }
    }
    let mut known = BTreeSet::new();
    declared.retain(|one| known.insert(one.clone()));
    declared
}

/// A permission of a service, as it is given to one of those that it names.
#[derive(Clone, Copy)]
struct Given<'mesh> {
    service: &'mesh Service,
    allow: &'mesh Allow,
    callers: Spanned<Callers>,
}

/// A request that a permission admits from a caller and that the caller never declares.
fn excess(
    facts: &Facts<'_>,
    given: Given<'_>,
    declared: &[Declared],
    seen: &mut Seen,
) -> Option<WitnessRequest> {
    let mesh = facts.mesh;
    let Given {
        service,
        allow,
        callers,
    } = given;
    // Most permissions are those of one declaration.
    let mut languages = Languages::sharing(&mesh.automata).by(mesh.paths_at(service));
    if declared
        .iter()
        .any(|one| one.has_all_of(allow, &mut languages))
    {
        return None;
    }
    let entries: Vec<Entry<'_>> = declared
        .iter()
        .map(|one| {
            let mut entry = Entry::of_path(&one.path);
            entry.conditions.methods.clone_from(&one.methods);
            entry.conditions.methods.sort();
            entry
        })
        .collect();
    // What is denied needs no declaration.
    let denied = denials(service, callers.value).map(Entry::of);
    let entries: Vec<Entry<'_>> = entries.into_iter().chain(denied).collect();
    let with = Reading::new(mesh.paths_at(service), &mesh.automata);
    let allowed = Entry::of(allow);
    let asked = || left(&allowed, &entries, with).ok().flatten();
    if REMEMBERED < entries.len() {
        return asked();
    }
    let owned = |entry: &Entry<'_>| (entry.path.clone(), entry.conditions.clone());
    let all = entries.iter().chain([&allowed]);
    let question = (with.rules, all.map(owned).collect());
    let witness = seen.entry(question);
    witness.or_insert_with(asked).clone()
}

fn told(
    facts: &Facts<'_>,
    callers: Spanned<Callers>,
    declared: &[Declared],
    witness: &WitnessRequest,
) -> Diagnostic {
    let node = facts.mesh.callers_text(callers.value);
    let (method, target) = (&witness.method, witness.target());
    let (who, whose) = match callers.value {
        Callers::One(_) => ("it never declares", "it declares"),
        Callers::Gateways | Callers::Services | Callers::Mesh => {
            ("nobody of it declares", "they declare")
        }
    };
    let message = format!("`{node}` may send `{method} {target}`, which {who}");
    // A word with `*` is a text in quotes for every reader of YAML.
    let from = if node.contains('*') {
        format!("\"{node}\"")
    } else {
        node
    };
    let is_within = |one: &&Declared| {
        let mut others = declared.iter().filter(|other| !std::ptr::eq(*other, *one));
        others.any(|other| other.path == one.path && other.methods.is_empty())
    };
    // At most so many are written out.
    let least = declared
        .iter()
        .filter(|one| !is_within(one))
        .take(4)
        .map(|one| {
            let methods = if one.methods.is_empty() {
                String::new()
            } else {
                format!(", methods: [{}]", one.methods.join(", "))
            };
            let path = match &one.path {
                PathPattern::Segments { .. } => format!("\"{}\"", written(&one.path)),
                PathPattern::Regex { regex } => {
                    format!(
                        "{{regex: \"{}\"}}",
                        regex.replace('\\', "\\\\").replace('"', "\\\"")
                    )
                }
            };
            format!("{{from: [{from}]{methods}, path: {path}}}")
        });
    let least: Vec<String> = least.collect();
    Diagnostic::new(&CODE, callers.span, message)
        .help(format!("enough for what {whose}: {}", least.join(", ")))
}

#[cfg(test)]
mod tests {
    use weft_front::Surroundings;
    use weft_front::testing::{resolved, sources};

    use crate::rules;
    use crate::testing::{check, findings};

    #[test]
    fn what_is_enough_can_be_copied() {
        let found = findings(
            r#"
mesh: {name: m, trustDomain: m.test, defaults: {timeout: {request: 3s}}}
gateways: {g: {listeners: {l: {port: 8080, protocol: http}}}}
services:
  s: {protocol: http, app: "127.0.0.1:8082", endpoints: ["10.0.0.1:8081"], allow: [{from: [gateway/g]}]}
routes:
  r: {on: g/l, host: "*", rules: [{path: {regex: "/(a|b)"}, to: s}, {path: {regex: "/(a|b)"}, methods: [PUT], to: s, timeout: {request: 1s}}]}
"#,
        );
        let found = found.iter().find(|one| one.code.name == "excess-grant");
        assert_eq!(
            found.unwrap().help.as_deref(),
            Some(r#"enough for what it declares: {from: [gateway/g], path: {regex: "/(a|b)"}}"#)
        );
    }

    #[test]
    fn where_nobody_is_shown_remarks_only_suppressions_ask_for_them() {
        let told = |suppressions: &str, leaves_out_remarks: bool| {
            let teams = "trustDomain: shop.example, platform: {files: [spec.yaml], services: [orders, web]}, teams: {o: {}}, ";
            let text = super::CODE
                .bad
                .replace("trustDomain: shop.example, ", teams)
                + suppressions;
            let (mesh, mut diagnostics) = resolved(&sources(&text));
            let surroundings = Surroundings {
                leaves_out_remarks,
                ..Surroundings::default()
            };
            rules::check(mesh.unwrap(), &surroundings, &mut diagnostics);
            let found = diagnostics.sorted();
            let found = found.iter().map(|one| one.code.name);
            found
                .filter(|name| ["excess-grant", "stale-suppression"].contains(name))
                .collect::<Vec<_>>()
        };
        assert_eq!(told("", false), ["excess-grant"]);
        assert_eq!(told("", true), [""; 0]);
        let suppressed = "suppressions: [{code: excess-grant, at: {service: orders}, reason: r, owner: o, until: 2027-01-01}]\n";
        assert_eq!(told(suppressed, true), ["excess-grant"]);
    }

    #[test]
    fn what_is_declared_is_enough() {
        check(
            r#"
            # info[excess-grant] is looked at
            services:
              a: {protocol: http, app: "127.0.0.1:1", calls: {x: {operations: [GET /p, "POST /p/{id}"]}}}
              b: {protocol: http, app: "127.0.0.1:1", calls: {x: {}}}
              c: {protocol: http, app: "127.0.0.1:1", calls: {x: {operations: [GET /t]}, y: {operations: [GET /t]}}}
              d: {protocol: http, app: "127.0.0.1:1", calls: {y: {operations: [PUT /t]}}}
              y:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                allow:
                  - {from: ["service/*"], methods: [GET], path: /t}
                  - {from: [mesh], methods: [PUT, DELETE], path: /t}  #~ warning[dead-allow]
                  - {from: [mesh], methods: [PATCH, PUT], path: /t}  #~ info[excess-grant]
                deny: [{methods: [DELETE], from: [mesh]}, {methods: [PATCH], from: ["service/*"]}]
              x:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                allow:
                  - {from: [service/a], methods: [GET], path: /p}
                  - {from: [service/a], methods: [POST], path: /p/**}  #~ info[excess-grant]
                  - {from: [service/b], path: /q/**}
                  - {from: [gateway/public], methods: [GET], path: /r/**}
                  - {from: [gateway/public], path: /s}  #~ info[excess-grant]
                  - {from: [service/c], methods: [GET, POST], path: /t/**}
                deny: [{methods: [POST], path: /t/**}, {from: [service/c], path: {regex: "/t/.*"}}]
            routes:
              r: {on: public/web, host: "*", rules: [{path: /r/**, to: x}, {path: /old/s, methods: [GET], rewrite: {path: /s}, to: x}]}  #~ warning[call-not-allowed]
            "#,
        );
    }
}
