//! Finds rules that take gRPC calls away from a gRPC service.
//!
//! Exact for overlap: a gRPC call is a `POST` to `/package.Service/Method`, so a rule to an HTTP service with a narrower or
//! crossing path takes calls that another rule sends to a gRPC service. A wider path is the usual rest of a host.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::{Mesh, Rule, ServiceProtocol};
use weft_space::languages::Languages;
use weft_space::path::Relation;
use weft_space::work;

use crate::rules::facts::Facts;

/// A call that ends in the wrong protocol.
pub(super) static CODE: Code = Code {
    name: "grpc-http-overlap",
    severity: Severity::Warning,
    finds: "A rule to a service that does not speak gRPC, whose paths are narrower than those of a rule to a gRPC service, or cross them.",
    why: "Calls of these methods reach a service that cannot answer them.",
    bad: spec!(
        r#"  cart: {protocol: grpc, mtls: disabled, endpoints: ["127.0.0.1:8082"]}
routes:
  cart: {listener: public/web, host: shop.example, rules: [{path: /shop.Cart/**, to: cart}, {path: /shop.Cart/List, to: orders}]}
"#
    ),
    good: spec!(
        r#"  cart: {protocol: grpc, mtls: disabled, endpoints: ["127.0.0.1:8082"]}
routes:
  cart: {listener: public/web, host: shop.example, rules: [{path: /shop.Cart/**, to: cart}, {to: orders}]}
"#
    ),
};

/// Reports every such pair, once for the rule that takes the calls.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mut languages = Languages::sharing(&facts.mesh.automata);
    for host in facts.hosts() {
        let Ok(analysis) = &host.analysis else {
            continue;
        };
        let speaks = |rule: &Rule| speaks_grpc(facts.mesh, rule);
        let grpc: Vec<usize> = (0..analysis.rules.len())
            .filter(|at| {
                analysis
                    .rules
                    .get(*at)
                    .is_some_and(|rule| speaks(rule) == Some(true))
            })
            .collect();
        if grpc.is_empty() {
            continue;
        }
        for (at, rule) in analysis.rules.iter().enumerate() {
            let is_live = analysis.witness.get(at).is_some_and(Option::is_some);
            if speaks(rule) != Some(false) || !is_live {
                continue;
            }
            let taken = grpc.iter().find_map(|other| {
                let other_rule = analysis.rules.get(*other)?;
                // The one that is tried first takes what both match.
                let is_before = at < *other && work::spend(4) && analysis.may_meet(at, *other);
                let paths = (&rule.matched.path.value, &other_rule.matched.path.value);
                let crosses = is_before
                    && match languages.relate_paths(paths.0, paths.1).relation {
                        Relation::Narrower | Relation::Overlapping | Relation::Equal => true,
                        Relation::Wider | Relation::Disjoint => false,
                    };
                let common = crosses
                    .then(|| analysis.lost(at, *other).ok())
                    .flatten()??;
                Some((*other_rule, common))
            });
            if let Some((other, common)) = taken {
                let message = format!("rule `{}` takes gRPC calls of rule `{}`", rule.id, other.id);
                diagnostics.push(
                    Diagnostic::new(&CODE, rule.place(), message)
                        .saying("leads to a service without gRPC")
                        .label(other.place(), "leads to one with gRPC")
                        .note(format!("for example `{common}`"))
                        .help("give them paths of their own"),
                );
            }
        }
    }
}

/// Whether all services of a forwarding rule speak gRPC.
fn speaks_grpc(mesh: &Mesh, rule: &Rule) -> Option<bool> {
    let mut backends = rule.live_backends().peekable();
    let speaks = |service| mesh.services.entry(service).protocol.value == ServiceProtocol::Grpc;
    backends.peek()?;
    Some(backends.all(|backend| speaks(backend.service)))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn calls_stay_with_their_service() {
        check(
            r#"
            services: {g: {protocol: grpc, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /a.B/**, to: g}
                  - {path: /a.B/C, to: s}  #~ warning[grpc-http-overlap]
                  - {path: /a.B/D, methods: [GET], to: s}  #~ warning[grpc-http-overlap]
                  - {path: /x, to: s, timeout: {request: 1s}}
                  - {to: s}
            "#,
        );
    }
}
