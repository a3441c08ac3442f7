//! Applies all rules within a number of steps, and says which of them would have needed more.
//!
//! Each rule has bounds of its own where it can blow up. What is left are specs with very much of something: as many questions as
//! there are rules, hosts or assertions, each as dear as there are others. The steps are those of `weft_space::work`.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity, TOO_LARGE};
use weft_front::model::Mesh;
use weft_space::work;

use super::{Facts, rules};

/// How many steps may be taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// By all rules together.
    pub(super) all: usize,
    /// By one of them.
    pub(super) one: usize,
}

/// Two seconds or so, and a third of it.
pub(super) const BOUNDS: Bounds = Bounds {
    all: 160_000_000,
    one: 64_000_000,
};

/// Applies every rule.
pub(super) fn apply(facts: &Facts<'_>, bounds: &Bounds, diagnostics: &mut Diagnostics) {
    let (mut left, mut beyond) = (bounds.all, Vec::new());
    for rule in rules() {
        let Some(check) = rule.check else {
            continue;
        };
        let given = bounds.one.min(left);
        let ((), spent) = work::within(given, || check(facts, diagnostics));
        left = left.saturating_sub(spent.steps);
        if spent.is_exceeded {
            beyond.push(rule.code);
        }
    }
    diagnostics.extend(not_looked_at(facts.mesh, &beyond));
}

/// What is said where rules would have taken more steps than there are; as bad as what they find.
pub(super) fn not_looked_at(mesh: &Mesh, rules: &[&Code]) -> Option<Diagnostic> {
    if rules.is_empty() {
        return None;
    }
    let names: Vec<String> = rules
        .iter()
        .map(|code| format!("`{}`", code.name))
        .collect();
    let message = format!(
        "not everything was looked at for {}: that would take too many steps",
        names.join(", ")
    );
    let found = Diagnostic::new(&TOO_LARGE, mesh.name.span, message)
        .note("steps are counted, so that every machine gives up at the same place")
        .help("spread the rules over several hosts, give them different paths, or write several specs");
    let worst = rules.iter().map(|code| code.severity).min();
    Some(Diagnostic {
        severity: worst.unwrap_or(Severity::Error),
        ..found
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;

    use weft_front::Surroundings;
    use weft_front::diagnostic::{Diagnostics, Severity, TOO_LARGE};
    use weft_front::testing::unchecked;
    use weft_space::work;

    use super::{Bounds, apply};
    use crate::rules::{Facts, rules};

    /// The steps of each rule.
    fn steps(text: &str) -> BTreeMap<&'static str, usize> {
        let (mesh, _) = unchecked(text);
        let facts = Facts::new(mesh.mesh(), &Surroundings::default());
        let mut diagnostics = Diagnostics::default();
        let taken = rules().filter_map(|rule| Some((rule.code.name, rule.check?)));
        let taken = taken.map(|(name, check)| {
            let ((), spent) = work::within(1 << 50, || check(&facts, &mut diagnostics));
            (name, spent.steps)
        });
        taken.collect()
    }

    fn rules_of_a_host(count: usize, rule: impl Fn(usize) -> String) -> String {
        let head = "routes:\n  r:\n    on: public/web\n    host: a.example\n    rules:\n";
        let mut text = head.to_owned();
        for at in 0..count {
            let _ = writeln!(text, "      - {{{}}}", rule(at));
        }
        text
    }

    fn hosts(
        count: usize,
        host: impl Fn(usize) -> String,
        rule: impl Fn(usize) -> String,
    ) -> String {
        let mut text = "routes:\n".to_owned();
        for at in 0..count {
            let (host, rule) = (host(at), rule(at));
            let _ = writeln!(
                text,
                "  r{at}: {{on: public/web, host: \"{host}\", rules: [{{{rule}}}]}}"
            );
        }
        text
    }

    #[test]
    fn twice_as_much_takes_twice_as_many_steps() {
        type Shape = (&'static str, fn(usize) -> String);
        let shapes: [Shape; 9] = [
            ("redirects in a row", |count| {
                rules_of_a_host(count, |at| {
                    format!("path: /a{at}, redirect: {{path: /a{}}}", at + 1)
                })
            }),
            ("redirects in circles", |count| {
                rules_of_a_host(count, |at| {
                    format!("path: /a{at}/**, redirect: {{path: /a{}/**}}", at ^ 1)
                })
            }),
            ("redirects to below others", |count| {
                rules_of_a_host(count, |at| match at {
                    0 => "path: /b/**, to: s".to_owned(),
                    at => format!("path: /a{at}/**, redirect: {{path: /b/a{at}/**}}"),
                })
            }),
            ("redirects of hosts", |count| {
                hosts(
                    count,
                    |at| format!("h{at}.example"),
                    |at| format!("redirect: {{host: h{}.example}}", at + 1),
                )
            }),
            ("hosts below a wildcard", |count| {
                hosts(
                    count,
                    |at| {
                        if at == 0 {
                            "*".to_owned()
                        } else {
                            format!("h{at}.example")
                        }
                    },
                    |at| {
                        if at == 0 {
                            "to: s".to_owned()
                        } else {
                            "redirect: {path: /a}".to_owned()
                        }
                    },
                )
            }),
            ("wildcards", |count| {
                hosts(
                    count,
                    |at| format!("*.h{at}.example"),
                    |_| "path: /a, to: s".to_owned(),
                )
            }),
            ("dead rules", |count| {
                rules_of_a_host(count, |at| match at {
                    0 => "path: /a/**, to: s, priority: 9".to_owned(),
                    at => format!("path: /a/{at}, to: s"),
                })
            }),
            ("rules that refuse repeated headers", |count| {
                rules_of_a_host(count, |at| {
                    format!("path: /a{at}/b, headers: {{x-v: \"1\"}}, to: s")
                })
            }),
            ("rewrites", |count| {
                rules_of_a_host(count, |at| {
                    format!("path: /a{at}/**, rewrite: {{path: /b{at}/**}}, to: s")
                })
            }),
        ];
        for (name, shape) in shapes {
            let (some, more) = (steps(&shape(150)), steps(&shape(600)));
            for (rule, steps) in more {
                let before = some.get(rule).copied().unwrap_or_default();
                // Four times as much; what is sorted may cost a little more.
                assert!(
                    steps <= 5 * before + 20_000,
                    "{name}, {rule}: {before}, {steps}"
                );
            }
        }
    }

    /// A mesh with so many services, and what it says of itself beside them.
    fn services(count: usize, guardrails: &str, service: impl Fn(usize) -> String) -> String {
        let head = "mesh: {name: shop, trustDomain: shop.example, mtls: disabled";
        let mut text = format!("{head}, guardrails: [{guardrails}]}}\nservices:\n");
        for at in 0..count {
            let _ = writeln!(text, "  s{at}: {{protocol: http, {}}}", service(at));
        }
        text
    }

    #[test]
    fn two_lists_take_steps_for_both_and_not_for_all_pairs() {
        let repeated = |count: usize, one: &str| vec![one; count].join(", ");
        let guarded = |count: usize| {
            let guardrail = "{bound: timeout.request, max: 30s, why: a}";
            services(count, &repeated(count, guardrail), |at| {
                let port = at + 1;
                format!("endpoints: [\"127.0.0.1:{port}\"], timeout: {{request: 20s}}")
            })
        };
        let served = |count: usize| {
            let served: Vec<String> = (0..count).map(|at| format!("h{at}.example")).collect();
            let listener = format!(
                "{{port: 80, protocol: http, hosts: [{}]}}",
                served.join(", ")
            );
            format!(
                "mesh: {{name: shop, trustDomain: shop.example}}\ngateways: {{public: {{listeners: {{web: {listener}}}}}}}\n{}",
                hosts(
                    count,
                    |at| format!("h{at}.example"),
                    |_| "respond: {status: 204}".to_owned()
                )
            )
        };
        let asserted = |count: usize| {
            let mut text = hosts(count, |at| format!("h{at}.example"), |_| "to: s".to_owned());
            text += "assert:\n";
            for at in 0..count {
                let _ = writeln!(
                    text,
                    "  - {{name: n{at}, always: {{for: {{host: h{at}.example}}, to: [s]}}}}"
                );
            }
            text
        };
        let shapes: [(&str, &dyn Fn(usize) -> String); 3] = [
            ("guardrails and services", &guarded),
            ("hosts of a listener and routes", &served),
            ("assertions and hosts", &asserted),
        ];
        for (name, shape) in shapes {
            let (some, more) = (steps(&shape(50)), steps(&shape(400)));
            for (rule, steps) in more {
                let before = some.get(rule).copied().unwrap_or_default();
                assert!(
                    steps <= 10 * before + 20_000,
                    "{name}, {rule}: {before}, {steps}"
                );
            }
        }
    }

    #[test]
    fn what_was_not_looked_at_is_said() {
        let (mesh, _) = unchecked(&rules_of_a_host(100, |at| {
            format!("path: /a{at}, redirect: {{path: /a{at}}}")
        }));
        let said = |one: usize| {
            let facts = Facts::new(mesh.mesh(), &Surroundings::default());
            let mut diagnostics = Diagnostics::default();
            let bounds = Bounds {
                all: 100 * one,
                one,
            };
            apply(&facts, &bounds, &mut diagnostics);
            let found = diagnostics.sorted().into_iter();
            let found = found.filter(|one| one.code == &TOO_LARGE);
            let found = found.map(|one| (one.severity, one.message));
            found.collect::<Vec<_>>()
        };
        assert_eq!(said(1_000_000), []);
        let [(severity, message)] = &said(1_000)[..] else {
            panic!("{:?}", said(1_000));
        };
        assert_eq!(*severity, Severity::Error);
        assert!(message.contains("`redirect-loop`"), "{message}");
    }

    #[test]
    fn assertions_are_asked_within_the_steps() {
        let mut text = rules_of_a_host(200, |at| format!("path: /a{at}, to: s"));
        text += "assert:\n";
        for at in 0..200 {
            let _ = writeln!(
                text,
                "  - {{name: n{at}, always: {{for: {{host: a.example, path: /a{at}}}, to: [s]}}}}"
            );
        }
        let (mesh, _) = unchecked(&text);
        let facts = Facts::new(mesh.mesh(), &Surroundings::default());
        let mut diagnostics = Diagnostics::default();
        let bounds = Bounds {
            all: 1 << 40,
            one: 200_000,
        };
        apply(&facts, &bounds, &mut diagnostics);
        let unknown = diagnostics.each();
        let unknown = unknown
            .filter(|one| one.code.name == "assertion-unknown")
            .count();
        assert!((1..200).contains(&unknown), "{unknown}");
    }
}
