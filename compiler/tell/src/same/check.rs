//! Asks the assertions `same`, which need the plans that a checked mesh is lowered to.

use weft_back::lower::lower;
use weft_check::assertions::Verdict;
use weft_check::rules::assertions::{assertion_refuted, assertion_unknown};
use weft_front::diagnostic::{Diagnostic, Diagnostics, Severity};
use weft_front::model::Checked;
use weft_front::model::assertion::Form;
use weft_front::source::Sources;
use weft_front::surroundings::Surroundings;
use weft_space::{Unknown, work};

use crate::same::{Comparison, LEFT_OUT, Lowered, Snapshots};

/// Reports every such assertion that is not proved; a snapshot that cannot be read is an error, because somebody relies on it.
pub fn check(
    checked: &Checked,
    sources: &Sources,
    surroundings: &Surroundings,
    diagnostics: &mut Diagnostics,
) {
    let compared = || compare(checked, sources, surroundings, diagnostics);
    let ((), _) = work::within(STEPS, compared);
}

/// The steps that all comparisons may take, and those of one for each rule (`weft_space::work`).
const STEPS: usize = 100_000_000;
const RULE_STEPS: usize = 500;

fn compare(
    checked: &Checked,
    sources: &Sources,
    surroundings: &Surroundings,
    diagnostics: &mut Diagnostics,
) {
    let mesh = checked.mesh();
    let rules: usize = mesh.routes.values().map(|route| route.rules.len()).sum();
    let steps = rules.saturating_add(100).saturating_mul(RULE_STEPS);
    let mut snapshots = Snapshots::new(surroundings);
    let (mut lowered, mut is_first) = (None, true);
    for assertion in &mesh.assertions {
        let Form::Same { region, snapshot } = &assertion.form else {
            continue;
        };
        if !work::spend(steps) && !is_first {
            let unknown = Verdict::Unknown(Unknown::TooManySteps.to_string());
            diagnostics.extend(assertion_refuted::report(assertion, unknown));
            continue;
        }
        is_first = false;
        let lowered = lowered.get_or_insert_with(|| lower(checked, sources));
        let spec = Lowered {
            mesh,
            plans: &lowered.plans,
        };
        match snapshots.compare(spec, region, snapshot) {
            Comparison::NotAsked => {}
            Comparison::Unreadable(why) => {
                let mut finding = Diagnostic::new(
                    &assertion_unknown::CODE,
                    snapshot.span,
                    format!("nobody knows whether `{}` holds", assertion.name),
                );
                finding.severity = Severity::Error;
                let help = "write the folder of a snapshot, from the folder of the spec";
                diagnostics.push(finding.note(why).help(help));
            }
            Comparison::Compared(verdict) => {
                let found = assertion_refuted::report(assertion, verdict);
                diagnostics.extend(found.map(|finding| finding.note(LEFT_OUT)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use weft_back::emit::emit;
    use weft_back::snapshot::Snapshot;
    use weft_check::testing::{checked, surroundings};
    use weft_front::testing::compare;
    use weft_front::{ReadSnapshots, Surroundings};
    use weft_snapshot::plan::NodePlan;

    /// Compares the findings with the marks of a spec that compares itself with snapshots.
    fn check_beside(
        text: &str,
        snapshots: impl Fn(&str) -> Result<Vec<NodePlan>, String> + 'static,
    ) {
        let surroundings = Surroundings {
            snapshots: Some(ReadSnapshots(Box::new(snapshots))),
            ..surroundings(text)
        };
        compare(text, |sources| {
            let values = weft_front::parse::Values::default();
            let mut found = crate::check_spec(sources, &values, &surroundings).1;
            found.retain(|finding| finding.suppressed.is_none());
            found
        });
    }

    const OLD: &str = r#"
        mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
        gateways: {g: {listeners: {w: {port: 80, protocol: http}, v: {port: 81, protocol: http, hosts: [v.example]}}}}
        services: {a: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}, b: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:2"]}}
        routes:
          m: {on: g/w, host: m.example, rules: [{path: /v1/**, to: a}, {path: /v2/**, to: a, timeout: {request: 3s}}]}
          all: {on: g/w, host: "*.example", rules: [{to: b}]}
          v: {on: g/v, host: v.example, rules: [{path: /a, to: a}]}
    "#;

    #[test]
    fn same_is_compared_with_the_snapshot() {
        let (old, sources) = checked(OLD);
        let bundle = emit(&weft_back::lower::lower(&old, &sources)).unwrap();
        let plans = Snapshot::of_bundle(&bundle).unwrap().plans();
        check_beside(
            r#"
            mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
            gateways: {g: {listeners: {w: {port: 80, protocol: http}, v: {port: 81, protocol: http, hosts: [v.example]}}}}
            services: {a: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}, b: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:2"]}}
            routes:
              m: {on: g/w, host: m.example, rules: [{path: /v1/**, to: a, name: one}, {path: /v1/x, methods: [POST], to: b}, {path: /v2/**, to: a, timeout: {request: 2s}}]}  #~ warning[host-hides-wildcard]
              all: {on: g/w, host: "*.example", rules: [{to: b}]}
              n: {on: g/w, host: n.example, rules: [{to: b, timeout: {request: 1s}}]}
              v: {on: g/v, host: v.example, rules: [{path: /b, to: a}]}
            assert:
              - {name: a1, same: {for: {host: m.example, path: /v1/**, methods: [GET]}, as: old}}
              - {name: a2, same: {for: {host: m.example, path: /v1/**}, as: old}}  #~ error[assertion-refuted]
              - {name: a3, same: {for: {host: m.example, path: /v1/**, except: [{path: /v1/x}]}, as: old}}
              - {name: a4, same: {for: {host: m.example, path: /v2/y}, as: old}}  #~ error[assertion-refuted]
              - {name: a5, same: {for: {host: m.example, path: {regex: "/v[13]/.*"}, methods: [GET, PUT]}, as: old}}
              - {name: b1, same: {for: {host: x.example}, as: old}}
              - {name: b2, same: {for: {host: "*.example"}, as: old}}  #~ error[assertion-refuted]
              - {name: b3, same: {for: {host: "*.y.example"}, as: old}}
              - {name: b4, same: {for: {host: n.example, path: /a}, as: old}}  #~ error[assertion-refuted]
              - {name: c1, same: {for: {host: v.example, listener: g/w}, as: old}}
              - {name: c2, same: {for: {host: v.example, listener: g/v}, as: old}}  #~ error[assertion-refuted]
              - {name: c3, same: {for: {host: v.example, listener: g/v, path: /c}, as: old}}
              - {name: d1, same: {for: {host: m.other}, as: old}}  #~ warning[vacuous-assertion]
              - {name: d2, same: {as: gone}}  #~ error[assertion-unknown]
              - {name: e1, noChange: {facet: security}}
            "#,
            move |folder| match folder {
                "old" => Ok(plans.clone()),
                other => Err(format!("there is none at {other}")),
            },
        );
    }
}
