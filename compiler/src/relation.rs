//! Who can call whom: the relation between callers and services, with what is declared and what is allowed.
//!
//! A sidecar sends only what its service declares, and a guarded service admits only what it allows, so a call is
//! possible if some request is both.

use serde::Serialize;
use weft_snapshot::plan::PathPattern;
use weft_spec::units::Method;
use weft_spec::{Span, Spanned};

use crate::claims::reach::{admitted_by, denials, forwarded_path, is_guarded, permissions};
use crate::graph::{CallGraph, Edge, Used};
use crate::model::path::written;
use crate::model::{Allow, Caller, Mesh, ServiceId};
use crate::space::Entry;

/// What one caller may send to one service.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Relation {
    /// `gateway/<name>` or `service/<name>`.
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
    /// Whether some request is declared and allowed; nothing if a bound keeps it unknown.
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
pub fn relation(mesh: &Mesh, place: &dyn Fn(Span) -> String) -> Vec<Relation> {
    let graph = CallGraph::new(mesh);
    let mut pairs: std::collections::BTreeMap<(Caller, ServiceId), Vec<usize>> =
        std::collections::BTreeMap::new();
    for (number, edge) in graph.edges() {
        pairs.entry((edge.from, edge.to)).or_default().push(number);
    }
    for (id, service) in mesh.services.iter() {
        for from in service.allow.iter().flat_map(|allow| &allow.from) {
            pairs.entry((from.value, id)).or_default();
        }
    }
    let related = pairs.into_iter().map(|((caller, to), edges)| {
        let edges = edges.iter().filter_map(|number| graph.edge(*number));
        of_pair(mesh, (caller, to), &edges.collect::<Vec<_>>(), place)
    });
    related.collect()
}

fn of_pair(
    mesh: &Mesh,
    (caller, to): (Caller, ServiceId),
    edges: &[&Edge<'_>],
    place: &dyn Fn(Span) -> String,
) -> Relation {
    let service = mesh.services.entry(to);
    let allows: Vec<&Allow> = permissions(service, caller).collect();
    let guarded = is_guarded(mesh, service);
    let said = |requests: String, span: Span| Said {
        requests,
        span,
        place: place(span),
    };
    let named = |methods: &[Spanned<Method>], path: &PathPattern| {
        let methods = methods.iter().map(|method| method.value.as_str());
        requests(methods, &written(path))
    };
    let allowed = allows.iter();
    let allowed = allowed.map(|allow| said(named(&allow.methods, &allow.path.value), allow.span));
    let denied = denials(service, caller);
    let denied = denied.map(|deny| said(named(&deny.methods, &deny.path.value), deny.span));
    let mut declared = Vec::new();
    let mut is_possible = Some(false);
    for edge in edges {
        for (text, span, path, methods) in declarations(edge) {
            declared.push(said(text, span));
            let mut entry = Entry::of_path(&path);
            entry.conditions.methods = methods;
            let is_met = !guarded
                || allows.iter().any(|allow| {
                    match admitted_by((mesh, service), (allow, caller), &[&entry]) {
                        Ok(met) => met.is_some(),
                        Err(_unknown) => {
                            is_possible = is_possible.filter(|possible| *possible);
                            false
                        }
                    }
                });
            if is_met {
                is_possible = Some(true);
            }
        }
    }
    Relation {
        from: mesh.caller_node(caller),
        to: mesh.caller_node(Caller::Service(to)),
        is_guarded: guarded,
        allowed: allowed.collect(),
        denied: denied.collect(),
        declared,
        is_possible,
    }
}

type Declaration = (String, Span, PathPattern, Vec<String>);

fn declarations(edge: &Edge<'_>) -> Vec<Declaration> {
    match edge.used {
        Used::Rule(rule, span) => {
            let path = forwarded_path(rule);
            let methods = rule.matched.methods.iter();
            let mut methods: Vec<String> = methods
                .map(|method| method.value.as_str().to_owned())
                .collect();
            methods.sort();
            let text = requests(methods.iter().map(String::as_str), &written(&path));
            vec![(format!("{text}, rule {}", rule.id), span, path, methods)]
        }
        Used::Call(call) if call.operations.is_empty() => {
            let path = crate::model::path::all_paths();
            vec![("anything".to_owned(), call.to.span, path, Vec::new())]
        }
        Used::Call(call) => {
            let operations = call.operations.iter().map(|operation| {
                let methods = vec![operation.method.as_str().to_owned()];
                let text = operation.text.clone();
                (text, operation.span, operation.path.clone(), methods)
            });
            operations.collect()
        }
    }
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
    use super::relation;
    use crate::rules::testing::checked;

    #[test]
    fn what_is_declared_and_allowed_is_possible() {
        let (checked, _) = checked(
            r#"
            services:
              a: {protocol: http, app: "127.0.0.1:1", calls: {x: {operations: [GET /p]}, s: {}}}
              b: {protocol: http, app: "127.0.0.1:1"}
              d: {protocol: http, app: "127.0.0.1:1", calls: {z: {}}}
              z: {protocol: http, app: "127.0.0.1:1", endpoints: ["127.0.0.1:1"], allow: [{from: [service/d]}], deny: [{path: /r/**}]}
              x:
                protocol: http
                app: 127.0.0.1:1
                endpoints: ["127.0.0.1:1"]
                allow: [{from: [service/a], methods: [GET], path: /p/**}, {from: [service/b], path: /q}]
            routes:
              r: {on: public/web, host: "*", rules: [{to: s}]}
            "#,
        );
        let relations = relation(checked.mesh(), &|_| String::new());
        let seen: Vec<(&str, &str, bool, Option<bool>)> = relations
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
        let said = |at: usize| relations[at].allowed[0].requests.as_str();
        assert_eq!((said(2), said(3)), ("GET /p/**", "any method /q"));
        assert_eq!(relations[2].declared[0].requests, "GET /p");
        assert!(relations[2].denied.is_empty());
        assert_eq!(relations[4].denied[0].requests, "any method /r/**");
    }
}
