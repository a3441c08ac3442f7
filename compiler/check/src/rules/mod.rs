//! The rules that a mesh must keep: one file each, with its explanation, its function and its tests.
//!
//! To add a rule, write its file in the folder of its group and add one line to the table there. A rule sees a mesh whose references are
//! all valid and reports every violation; none reports what is only a consequence of another finding.

/// A small spec for examples: a mesh, a gateway and a service without a sidecar, and then `$rest`.
macro_rules! spec {
    ($rest:literal) => {
        concat!(
            "weft: v1\n",
            "mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}\n",
            "gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}\n",
            "services:\n",
            "  orders: {protocol: http, mtls: disabled, endpoints: [\"127.0.0.1:8081\"]}\n",
            $rest
        )
    };
}

mod bad_endpoints;
mod bad_guardrail;
mod bad_header;
mod bad_name;
mod bad_rewrite;
mod bad_share;
mod detached_route;
mod guardrail_exceeded;
mod hop_by_hop_header;
mod invalid_regex;
mod listener_conflict;
mod literal_pattern;
mod literal_variable;
mod no_effect_setting;
mod out_of_range;
mod overlapping_hosts;
mod own_admin_endpoint;
mod permissive_without_until;
mod plaintext_in_strict;
mod regex_too_big;
mod retry_not_idempotent;
mod secret_in_spec;
mod unbounded_wait;
mod unenforced_policy;
mod unknown_method;
mod wrong_owner;

mod costs;
mod facts;
mod header_names;
mod held;
mod matched;
mod settings;
mod steps;

mod addresses;
pub mod assertions;
mod certificates;
mod headers;
mod identity;
pub mod ownership;
mod redirects;
mod regexes;
mod routes;
mod time;

pub use facts::{AnalysedHost, Facts, HostAnalysis};
use std::collections::BTreeSet;
use std::sync::LazyLock;

use weft_front::Surroundings;
use weft_front::diagnostic::{Code, Diagnostics};
use weft_front::model::Mesh;

/// What a rule does.
type Check = fn(&Facts<'_>, &mut Diagnostics);

/// A kind of finding and the function that finds it.
struct Rule {
    /// What it finds.
    code: &'static Code,
    /// How; several kinds of one analysis share the function of one of them and stand without one.
    check: Option<Check>,
}

/// Rules that look at one definition at a time or at pairs of them, by name.
static BASIC: &[Rule] = &[
    Rule {
        code: &weft_front::resolve::BAD_ENDPOINTS,
        check: Some(bad_endpoints::check),
    },
    Rule {
        code: &bad_guardrail::CODE,
        check: Some(bad_guardrail::check),
    },
    Rule {
        code: &bad_header::CODE,
        check: Some(bad_header::check),
    },
    Rule {
        code: &bad_name::CODE,
        check: Some(bad_name::check),
    },
    Rule {
        code: &weft_front::resolve::BAD_REWRITE,
        check: Some(bad_rewrite::check),
    },
    Rule {
        code: &bad_share::CODE,
        check: Some(bad_share::check),
    },
    Rule {
        code: &detached_route::CODE,
        check: Some(detached_route::check),
    },
    Rule {
        code: &guardrail_exceeded::CODE,
        check: Some(guardrail_exceeded::check),
    },
    Rule {
        code: &hop_by_hop_header::CODE,
        check: Some(hop_by_hop_header::check),
    },
    Rule {
        code: &invalid_regex::CODE,
        check: Some(invalid_regex::check),
    },
    Rule {
        code: &listener_conflict::CODE,
        check: Some(listener_conflict::check),
    },
    Rule {
        code: &literal_pattern::CODE,
        check: Some(literal_pattern::check),
    },
    Rule {
        code: literal_variable::CODE,
        check: Some(literal_variable::check),
    },
    Rule {
        code: &no_effect_setting::CODE,
        check: Some(no_effect_setting::check),
    },
    Rule {
        code: &out_of_range::CODE,
        check: Some(out_of_range::check),
    },
    Rule {
        code: &overlapping_hosts::CODE,
        check: Some(overlapping_hosts::check),
    },
    Rule {
        code: &own_admin_endpoint::CODE,
        check: Some(own_admin_endpoint::check),
    },
    Rule {
        code: &permissive_without_until::CODE,
        check: Some(permissive_without_until::check),
    },
    Rule {
        code: &plaintext_in_strict::CODE,
        check: Some(plaintext_in_strict::check),
    },
    Rule {
        code: &regex_too_big::CODE,
        check: Some(regex_too_big::check),
    },
    Rule {
        code: &retry_not_idempotent::CODE,
        check: Some(retry_not_idempotent::check),
    },
    Rule {
        code: &secret_in_spec::CODE,
        check: Some(secret_in_spec::check),
    },
    Rule {
        code: &unbounded_wait::CODE,
        check: Some(unbounded_wait::check),
    },
    Rule {
        code: &unenforced_policy::CODE,
        check: Some(unenforced_policy::check),
    },
    Rule {
        code: &unknown_method::CODE,
        check: Some(unknown_method::check),
    },
    Rule {
        code: &wrong_owner::CODE,
        check: Some(wrong_owner::check),
    },
];

/// Every table of rules; each group owns its own.
static GROUPS: &[&[Rule]] = &[
    BASIC,
    addresses::RULES,
    assertions::RULES,
    certificates::RULES,
    headers::RULES,
    identity::RULES,
    ownership::RULES,
    redirects::RULES,
    regexes::RULES,
    routes::RULES,
    time::RULES,
];

fn rules() -> impl Iterator<Item = &'static Rule> {
    GROUPS.iter().flat_map(|group| group.iter())
}

/// The codes of all rules and of resolution, by name.
pub fn codes() -> Vec<&'static Code> {
    let mut codes: Vec<&'static Code> = rules().map(|rule| rule.code).collect();
    codes.extend(weft_front::resolve::CODES);
    codes.sort_by_key(|code| code.name);
    codes
}

/// Whether there is a code of this name; asked once for each suppression.
fn is_code(name: &str) -> bool {
    static NAMES: LazyLock<BTreeSet<&str>> =
        LazyLock::new(|| codes().into_iter().map(|code| code.name).collect());
    NAMES.contains(name)
}

/// Applies every rule; nothing comes back if any of them, or an earlier pass, reported an error.
pub fn check(
    mesh: Mesh,
    surroundings: &Surroundings,
    diagnostics: &mut Diagnostics,
) -> Option<weft_front::model::Checked> {
    let before = diagnostics.each().len();
    costs::check(&mesh, diagnostics);
    if before < diagnostics.each().len() {
        // The others may take long beyond these bounds.
        return None;
    }
    let facts = Facts::new(&mesh, surroundings);
    steps::apply(&facts, &steps::BOUNDS, diagnostics);
    ownership::apply_suppressions(&facts, diagnostics);
    let worst = facts.worst_paths().iter();
    let bursts = worst.map(|worst| worst.tries).collect();
    drop(facts);
    weft_front::model::Checked::by(mesh, bursts, diagnostics)
}

#[cfg(test)]
mod tests {
    use weft_front::diagnostic::{Code, Diagnostic, Severity};

    use super::codes;
    use crate::testing::findings;

    // Remarks are about what most specs have; an example may have some besides.
    fn is_told(finding: &Diagnostic, code: &Code) -> bool {
        finding.severity != Severity::Info || finding.code.name == code.name
    }

    #[test]
    fn every_bad_example_shows_its_code_and_nothing_else() {
        for code in codes() {
            let mut found = findings(code.bad);
            found.retain(|finding| is_told(finding, code));
            assert!(
                !found.is_empty(),
                "{} is not found in its bad example",
                code.name
            );
            for finding in found {
                assert_eq!(finding.code.name, code.name, "{}", finding.message);
            }
        }
    }

    #[test]
    fn every_good_example_is_clean() {
        for code in codes() {
            let found: Vec<String> = findings(code.good)
                .into_iter()
                .filter(|finding| is_told(finding, code))
                .map(|finding| format!("{}: {}", finding.code.name, finding.message))
                .collect();
            assert!(found.is_empty(), "{}: {found:?}", code.name);
        }
    }

    #[test]
    fn every_code_has_its_own_name() {
        let mut names: Vec<&str> = codes().iter().map(|code| code.name).collect();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "{names:?}");
    }
}
