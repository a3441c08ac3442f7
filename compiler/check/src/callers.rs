//! Who can call whom: callers and services in pairs, with what is declared and what is allowed.
//!
//! A sidecar sends only what its service declares, and a guarded service admits only what it allows, so a call is
//! possible if some request is both. What a gateway sends are the requests that its rules take, whatever else they match.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use weft_front::Surroundings;
use weft_front::model::{Call, Caller, Callers, Mesh, Rule, Service, ServiceId};
use weft_snapshot::plan::PathPattern;
use weft_space::Entry;
use weft_space::path::written;
use weft_spec::units::Method;
use weft_spec::{Span, Spanned};

use crate::assertions::arriving::Forwarding;
use crate::assertions::permits::{admitted, admitted_by, denials, is_guarded, permissions};
use crate::assertions::reach::forwarded_path;
use crate::rules::Facts;

/// What one caller may send to one service.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pair {
    /// `gateway/<name>`, `service/<name>`, or all of a kind: `gateway/*`, `service/*`, `mesh`.
    pub from: String,
    /// `service/<name>`.
    pub to: String,
    /// Whether the service asks who calls; if not, everybody is admitted.
    pub is_guarded: bool,
    /// What the service allows.
    pub allowed: Vec<Said>,
    /// What it denies although it allows it.
    pub denied: Vec<Said>,
    /// What the caller declares: calls, or rules of a gateway.
    pub declared: Vec<Said>,
    /// Whether some request is sent and admitted, and of all of a kind, who need not be of this spec, whether one is admitted; nothing
    /// if a bound keeps it unknown.
    pub is_possible: Option<bool>,
}

/// Requests, and where they are said.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// `GET|POST /orders/**`.
    pub requests: String,
    /// Where.
    #[serde(skip)]
    pub span: Span,
    /// File and line.
    pub place: String,
}

/// Every pair of a caller and a service of which something is declared or allowed, by caller; `place` names a line.
pub fn pairs(mesh: &Mesh, place: &dyn Fn(Span) -> String) -> Vec<Pair> {
    let facts = Facts::new(mesh, &Surroundings::default());
    let mut pairs: BTreeMap<(Callers, ServiceId), Vec<Declaration>> = BTreeMap::new();
    of_rules(&facts, &mut pairs);
    for (id, service) in mesh.services.iter() {
        for call in &service.calls {
            let pair = (Caller::Service(id).into(), call.to.value);
            let declared = of_call(mesh, id, call);
            pairs.entry(pair).or_default().extend(declared);
        }
        for from in service.allow.iter().flat_map(|allow| &allow.from) {
            pairs.entry((from.value, id)).or_default();
        }
    }
    let related = pairs
        .into_iter()
        .map(|((callers, to), declared)| of_pair(mesh, callers, to, declared, place));
    related.collect()
}

fn of_pair(
    mesh: &Mesh,
    callers: Callers,
    to: ServiceId,
    declared: Vec<Declaration>,
    place: &dyn Fn(Span) -> String,
) -> Pair {
    let service = mesh.services.entry(to);
    let said = |requests: String, span: Span| Said {
        requests,
        span,
        place: place(span),
    };
    let named = |methods: &[Spanned<Method>], path: &PathPattern| {
        let methods = methods.iter().map(|method| method.value.as_str());
        requests(methods, &written(path))
    };
    let allowed = permissions(service, callers);
    let allowed = allowed.map(|allow| said(named(&allow.methods, &allow.path.value), allow.span));
    let denied = denials(service, callers);
    let denied = denied.map(|deny| said(named(&deny.methods, &deny.path.value), deny.span));
    let possible = declared.iter().map(|one| one.is_possible);
    let possible: Vec<Option<bool>> = match callers {
        Callers::One(_) => possible.collect(),
        Callers::Gateways | Callers::Services | Callers::Mesh => admits_any(mesh, service, callers),
    };
    let is_possible = possible
        .into_iter()
        // One that is possible is enough; one that is unknown leaves open that none is.
        .reduce(|one, other| match (one, other) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (None, _) | (_, None) => None,
            (Some(false), Some(false)) => Some(false),
        })
        .unwrap_or(Some(false));
    let declared = declared.into_iter();
    let mut declared: Vec<Said> = declared.map(|one| said(one.requests, one.span)).collect();
    // The versions of a service in one split are one call, and so is a rule for several hosts.
    let mut known = BTreeSet::new();
    declared.retain(|one| known.insert((one.requests.clone(), one.place.clone())));
    Pair {
        from: mesh.callers_text(callers),
        to: mesh.caller_node(Caller::Service(to)),
        is_guarded: is_guarded(mesh, service),
        allowed: allowed.collect(),
        denied: denied.collect(),
        is_possible,
        declared,
    }
}

/// Whether each permission for all of some callers admits anything.
fn admits_any(mesh: &Mesh, service: &Service, callers: Callers) -> Vec<Option<bool>> {
    let admits = permissions(service, callers).map(|allow| {
        let admitted = admitted_by(mesh, service, allow, callers, &[]);
        admitted.ok().map(|admitted| admitted.is_some())
    });
    admits.collect()
}

/// What a caller declares, and whether some request of it is admitted.
struct Declaration {
    requests: String,
    span: Span,
    is_possible: Option<bool>,
}

/// What rules forward: each has the requests that it takes.
fn of_rules(facts: &Facts<'_>, pairs: &mut BTreeMap<(Callers, ServiceId), Vec<Declaration>>) {
    let mesh = facts.mesh;
    for host in facts.hosts() {
        let caller = Caller::Gateway(host.host.gateway);
        let analysis = host.analysis.as_ref().ok();
        let rules = analysis.map_or(&host.host.rules, |analysis| &analysis.rules);
        for (position, rule) in rules.iter().copied().enumerate() {
            let forwarding = analysis.map(|analysis| Forwarding::new(mesh, analysis, position));
            for backend in rule.backends() {
                let service = mesh.services.entry(backend.service);
                let is_possible = match &forwarding {
                    _ if backend.share == 0 => Some(false),
                    None => None,
                    Some(None) => Some(false),
                    Some(Some(forwarding)) => {
                        let admitted = forwarding.admitted(service, caller);
                        admitted.ok().map(|admitted| admitted.is_some())
                    }
                };
                let declared = Declaration {
                    requests: of_rule(rule),
                    span: backend.span,
                    is_possible,
                };
                pairs
                    .entry((caller.into(), backend.service))
                    .or_default()
                    .push(declared);
            }
        }
    }
}

fn of_rule(rule: &Rule) -> String {
    let methods = rule.matched.methods.iter();
    let mut methods: Vec<&str> = methods.map(|method| method.value.as_str()).collect();
    methods.sort_unstable();
    let text = requests(methods.into_iter(), &written(&forwarded_path(rule)));
    format!("{text}, rule {}", rule.id)
}

/// What a call declares: its operations, or anything.
fn of_call(mesh: &Mesh, from: ServiceId, call: &Call) -> Vec<Declaration> {
    let (caller, service) = (Caller::Service(from), mesh.services.entry(call.to.value));
    let is_possible = |entry: &Entry<'_>| {
        let admitted = admitted(mesh, service, caller, &[entry]);
        admitted.ok().map(|admitted| admitted.is_some())
    };
    if call.operations.is_empty() {
        let path = weft_space::path::all_paths();
        return vec![Declaration {
            requests: "anything".to_owned(),
            span: call.to.span,
            is_possible: is_possible(&Entry::of_path(&path)),
        }];
    }
    let operations = call.operations.iter().map(|operation| Declaration {
        requests: operation.text.clone(),
        span: operation.span,
        is_possible: is_possible(&Entry::of(operation)),
    });
    operations.collect()
}

fn requests<'a>(methods: impl Iterator<Item = &'a str>, path: &str) -> String {
    let methods: Vec<&str> = methods.collect();
    if methods.is_empty() {
        format!("any method {path}")
    } else {
        format!("{} {path}", methods.join("|"))
    }
}

#[cfg(test)]
mod tests {
    use super::pairs;
    use crate::testing::checked;

    #[test]
    fn what_is_declared_and_allowed_is_possible() {
        let (checked, _) = checked(
            r#"
            services:
              a: {protocol: http, app: "127.0.0.1:1", calls: {x: {operations: [GET /p]}, s: {}}}
              b: {protocol: http, app: "127.0.0.1:1"}
              d: {protocol: http, app: "127.0.0.1:1", calls: {z: {}}}
              z: {protocol: http, app: "127.0.0.1:2", endpoints: ["127.0.0.1:1"], allow: [{from: [service/d]}], deny: [{path: /r/**}]}
              x:
                protocol: http
                app: 127.0.0.1:2
                endpoints: ["127.0.0.1:1"]
                allow: [{from: [service/a], methods: [GET], path: /p/**}, {from: [service/b], path: /q}]
            routes:
              r: {on: public/web, host: "*", rules: [{to: s}]}
            "#,
        );
        let pairs = pairs(checked.mesh(), &|_| String::new());
        let seen: Vec<(&str, &str, bool, Option<bool>)> = pairs
            .iter()
            .map(|one| {
                (
                    one.from.as_str(),
                    one.to.as_str(),
                    one.is_guarded,
                    one.is_possible,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("gateway/public", "service/s", false, Some(true)),
                ("service/a", "service/s", false, Some(true)),
                ("service/a", "service/x", true, Some(true)),
                ("service/b", "service/x", true, Some(false)),
                ("service/d", "service/z", true, Some(true)),
            ]
        );
        let said = |at: usize| pairs[at].allowed[0].requests.as_str();
        assert_eq!((said(2), said(3)), ("GET /p/**", "any method /q"));
        assert_eq!(pairs[2].declared[0].requests, "GET /p");
        assert!(pairs[2].denied.is_empty());
        assert_eq!(pairs[4].denied[0].requests, "any method /r/**");
    }
}
