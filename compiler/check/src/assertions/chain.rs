//! Chains of calls: from a client, a gateway or a service to a service, with other services between them.
//!
//! A chain counts each call as possible if some of its requests are declared and allowed, whatever the step before was about,
//! because an app may call whatever it likes for any request. So what holds of no such chain holds. The first step of a client is
//! no app's: it is a request that a rule of a gateway takes, and that the service admits as it arrives there.

use std::collections::{BTreeMap, VecDeque};

use weft_front::model::assertion::Source;
use weft_front::model::{Call, Caller, Operation, ServiceId};
use weft_space::path::all_paths;
use weft_space::{Entry, Unknown, work};
use weft_spec::Span;

use super::arriving::Forwarding;
use super::permits::admitted;
use super::reach::wanted;
use super::{Counterexample, Verdict};
use crate::rules::{AnalysedHost, Facts};

/// What it costs to ask about a rule or a call (`weft_space::work`).
const STEPS: usize = 64;

/// The services at which chains begin.
#[derive(Debug, Default)]
struct Begun {
    /// Those that some request surely comes to.
    sure: Vec<ServiceId>,
    /// Those of which that is not known, each with why.
    open: BTreeMap<ServiceId, String>,
}

/// A chain that was found.
struct Chain {
    /// The services on the way without the last one.
    way: Vec<ServiceId>,
    /// Where the last call is declared.
    last: Span,
}

struct Chains<'run, 'mesh> {
    facts: &'run Facts<'mesh>,
    to: ServiceId,
    operation: Option<&'run Operation>,
}

/// No chain of declared and allowed calls leads to a service, other than a direct one.
pub(crate) fn no_chain(
    facts: &Facts<'_>,
    from: Source,
    to: ServiceId,
    operation: Option<&Operation>,
) -> Verdict {
    let chains = Chains {
        facts,
        to,
        operation,
    };
    let begun = chains.begun(from);
    let mut doubt = None;
    if let Some(chain) = chains.search(begun.sure.iter().copied(), &mut |why| {
        doubt.get_or_insert(why);
        false
    }) {
        return chains.refuted(from, &chain);
    }
    let open = begun.open.values().next().cloned();
    let Some(doubt) = doubt.or(open) else {
        return Verdict::Proved;
    };
    // What is not known matters only if a chain would go by it.
    let starts = begun.sure.iter().chain(begun.open.keys()).copied();
    match chains.search(starts, &mut |_| true) {
        Some(_) => Verdict::Unknown(doubt),
        None => Verdict::Proved,
    }
}

impl Chains<'_, '_> {
    fn begun(&self, from: Source) -> Begun {
        let mut begun = Begun::default();
        if let Source::Node(Caller::Service(id)) = from {
            begun.sure.push(id);
            return begun;
        }
        for host in self.facts.hosts() {
            let caller = Caller::Gateway(host.host.gateway);
            if from == Source::Internet || from == Source::Node(caller) {
                self.entered(host, caller, &mut begun);
            }
        }
        begun.open.retain(|id, _| !begun.sure.contains(id));
        begun
    }

    /// Adds the services that requests of a host come to.
    fn entered(&self, host: &AnalysedHost<'_>, caller: Caller, begun: &mut Begun) {
        let mesh = self.facts.mesh;
        let analysis = match &host.analysis {
            Ok(analysis) => analysis,
            Err(unknown) => {
                let why = format!("host `{}`: {unknown}", host.host.host);
                let rules = host.host.rules.iter();
                let backends = rules.flat_map(|rule| rule.live_backends());
                let open = backends.map(|backend| (backend.service, why.clone()));
                begun.open.extend(open);
                return;
            }
        };
        for (position, rule) in analysis.rules.iter().enumerate() {
            let is_new = |id: &ServiceId| !begun.sure.contains(id);
            let backends = rule.live_backends().map(|backend| backend.service);
            let services: Vec<ServiceId> = backends.filter(is_new).collect();
            if services.is_empty() {
                continue;
            }
            if !work::spend(STEPS) {
                let why = format!("rule `{}`: {}", rule.id, Unknown::TooManySteps);
                let open = services.into_iter().map(|id| (id, why.clone()));
                begun.open.extend(open);
                continue;
            }
            let Some(forwarding) = Forwarding::new(mesh, analysis, position) else {
                continue;
            };
            for id in services {
                match forwarding.admitted(mesh.services.entry(id), caller) {
                    Ok(None) => {}
                    Ok(Some(_)) => begun.sure.push(id),
                    Err(unknown) => {
                        let why = format!("rule `{}`: {unknown}", rule.id);
                        begun.open.insert(id, why);
                    }
                }
            }
        }
    }

    /// A shortest chain from some services; `counts` says whether a call of which it is not known counts as possible.
    fn search(
        &self,
        starts: impl Iterator<Item = ServiceId>,
        counts: &mut dyn FnMut(String) -> bool,
    ) -> Option<Chain> {
        let mesh = self.facts.mesh;
        let mut came_by: BTreeMap<ServiceId, Option<ServiceId>> =
            starts.map(|id| (id, None)).collect();
        let mut waiting: VecDeque<ServiceId> = came_by.keys().copied().collect();
        while let Some(id) = waiting.pop_front() {
            for call in &mesh.services.entry(id).calls {
                let called = call.to.value;
                if called != self.to && came_by.contains_key(&called) {
                    continue;
                }
                let is_possible = self.is_possible(id, call).unwrap_or_else(|unknown| {
                    let name = &mesh.services.entry(called).name.value;
                    counts(format!("service `{name}`: {unknown}"))
                });
                if !is_possible {
                    continue;
                }
                if called == self.to {
                    return Some(Chain {
                        way: way(&came_by, id),
                        last: call.to.span,
                    });
                }
                came_by.insert(called, Some(id));
                waiting.push_back(called);
            }
        }
        None
    }

    /// Whether some request that a call declares is admitted, and is of the operation where it is the last call.
    fn is_possible(&self, from: ServiceId, call: &Call) -> Result<bool, Unknown> {
        if !work::spend(STEPS) {
            return Err(Unknown::TooManySteps);
        }
        let mesh = self.facts.mesh;
        let all = all_paths();
        let called = mesh.services.entry(call.to.value);
        let asked = self.operation.filter(|_| call.to.value == self.to);
        let asked = asked.map(Entry::of);
        let everything = call.operations.is_empty().then_some(None);
        let mut unknown = None;
        for one in call.operations.iter().map(Some).chain(everything) {
            let declared = wanted(one, &all);
            let sets: Vec<&Entry<'_>> = [&declared].into_iter().chain(&asked).collect();
            match admitted(mesh, called, Caller::Service(from), &sets) {
                Ok(None) => {}
                Ok(Some(_)) => return Ok(true),
                Err(reason) => unknown = Some(reason),
            }
        }
        unknown.map_or(Ok(false), Err)
    }

    fn refuted(&self, from: Source, chain: &Chain) -> Verdict {
        let graph = self.facts.graph();
        let first = match from {
            Source::Internet => Some("internet".to_owned()),
            Source::Node(caller @ Caller::Gateway(_)) => Some(graph.caller(caller)),
            Source::Node(Caller::Service(_)) => None,
        };
        let to = graph.service(self.to).to_owned();
        let text = format!("a chain of calls leads to `{to}`");
        let between = chain.way.iter().map(|id| graph.service(*id).to_owned());
        let names: Vec<String> = first.into_iter().chain(between).chain([to]).collect();
        let steps = format!("{}, each step declared and allowed", names.join(" -> "));
        Verdict::Refuted(Counterexample {
            text,
            place: chain.last,
            shown: Some(steps),
        })
    }
}

/// The services by which a chain came to one, that one last.
fn way(came_by: &BTreeMap<ServiceId, Option<ServiceId>>, last: ServiceId) -> Vec<ServiceId> {
    let before = |id: &ServiceId| came_by.get(id).copied().flatten();
    let mut way: Vec<ServiceId> = std::iter::successors(Some(last), before).collect();
    way.reverse();
    way
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_chain_begins_with_a_request_that_is_admitted() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
            gateways:
              g: {listeners: {w: {port: 80, protocol: http}}}
              h: {listeners: {w: {port: 81, protocol: http}}}
            services:
              a: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], calls: {la: {}}, allow: [{from: [gateway/g], path: /admin/**}]}
              b: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], calls: {lb: {}}, allow: [{from: [gateway/g]}]}
              c: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], calls: {lc: {}}, allow: [{from: [gateway/g], path: "/n/{id}"}], deny: [{path: /n/1}]}
              d: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], calls: {ld: {}}, allow: [{from: [gateway/g]}]}
              la: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], allow: [{from: [service/a]}]}
              lb: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], allow: [{from: [service/b]}]}
              lc: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], allow: [{from: [service/c]}]}
              ld: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], allow: [{from: [service/d]}]}
            routes:
              r:
                on: g/w
                host: "*"
                rules:
                  # What `a` admits of the gateway, no rule sends there.
                  - {path: /shop/**, to: a}  #~ error[call-not-allowed]
                  # Another rule has all of its requests.
                  - {path: /b/**, priority: 1, respond: {status: 404}}
                  - {path: /b/c, to: b}  #~ error[dead-route]
                  - {path: "/m/{id}", rewrite: {path: "/n/{id}"}, to: c}  #~ warning[rewrite-meets-policy]
                  # Nothing goes to `d`.
                  - {path: /d, to: {c: 100%, d: 0%}, rewrite: {path: /n/2}}
              s: {on: h/w, host: "*", rules: [{path: /c, rewrite: {path: /n/2}, to: c}]}  #~ error[rewrite-meets-policy]
            assert:
              - {name: a1, never: {from: internet, to: la, via: any}}
              - {name: a2, never: {from: a, to: la, via: any}}  #~ error[assertion-refuted]
              - {name: b1, never: {from: internet, to: lb, via: any}}
              - {name: c1, never: {from: internet, to: lc, via: any}}  #~ error[assertion-refuted]
              - {name: c2, never: {from: gateway/h, to: lc, via: any}}
              - {name: d1, never: {from: internet, to: ld, via: any}}
            "#,
        );
    }

    #[test]
    fn what_is_unknown_beside_a_chain_takes_nothing_from_it() {
        check(
            r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
            gateways: {g: {listeners: {w: {port: 80, protocol: http}}}}
            services:
              a: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], calls: {l: {}}, allow: [{from: [gateway/g], path: {regex: "/x/[0-9]+"}}]}
              b: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], calls: {l: {}}, allow: [{from: [gateway/g]}]}
              c: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], calls: {m: {}}, allow: [{from: [gateway/g], path: {regex: "/x/[0-9]+"}}]}
              l: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], allow: [{from: [service/a, service/b]}]}
              m: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], allow: [{from: [service/c]}]}
              n: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], allow: [{from: [service/l]}]}
            routes:
              r:
                on: g/w
                host: "*"
                rules:
                  - {path: {regex: "/a/[^/]+/[0-9]+"}, respond: {status: 404}}
                  - {path: "/a/{x}/{id}", rewrite: {path: "/x/{id}"}, to: a}
                  - {path: {regex: "/c/[^/]+/[0-9]+"}, respond: {status: 404}}
                  - {path: "/c/{x}/{id}", rewrite: {path: "/x/{id}"}, to: c}
                  - {path: /b, to: b}
            assert:
              - {name: a1, never: {from: internet, to: l, via: any}}  #~ error[assertion-refuted]
              - {name: a2, never: {from: internet, to: m, via: any}}  #~ error[assertion-unknown]
              - {name: a3, never: {from: internet, to: n, via: any}}
            "#,
        );
    }
}
