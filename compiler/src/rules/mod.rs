//! The rules that a mesh must keep: one file each, with its explanation, its function and its tests.
//!
//! To add a rule, write its file and add one line to [`RULES`]. A rule sees a mesh whose references are
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

mod ambiguous_routes;
mod bad_endpoints;
mod bad_guardrail;
mod bad_header;
mod bad_name;
mod bad_rewrite;
mod bad_share;
mod call_not_allowed;
mod detached_route;
mod guardrail_exceeded;
mod hop_by_hop_header;
mod identical_routes;
mod invalid_regex;
mod listener_conflict;
mod out_of_range;
mod overlapping_hosts;
mod permissive_without_until;
mod plaintext_in_strict;
mod regex_too_big;
mod retry_not_idempotent;
mod secret_in_spec;
mod timeout_inversion;
mod unbounded_wait;
mod unenforced_policy;
mod wrong_owner;

mod headers;
mod settings;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use bad_endpoints::dns as dns_endpoint;

use crate::diagnostic::{Code, Diagnostics};
use crate::model::Mesh;

/// What a rule does.
type Check = fn(&Mesh, &mut Diagnostics);

/// Every rule, by name. Findings of one analysis share its function and stand without one here.
static RULES: &[(&Code, Option<Check>)] = &[
    (&ambiguous_routes::CODE, Some(ambiguous_routes::check)),
    (&bad_endpoints::CODE, Some(bad_endpoints::check)),
    (&bad_guardrail::CODE, Some(bad_guardrail::check)),
    (&bad_header::CODE, Some(bad_header::check)),
    (&bad_name::CODE, Some(bad_name::check)),
    (&bad_rewrite::CODE, Some(bad_rewrite::check)),
    (&bad_share::CODE, Some(bad_share::check)),
    (&call_not_allowed::CODE, Some(call_not_allowed::check)),
    (&detached_route::CODE, Some(detached_route::check)),
    (&guardrail_exceeded::CODE, Some(guardrail_exceeded::check)),
    (&hop_by_hop_header::CODE, Some(hop_by_hop_header::check)),
    (&identical_routes::CODE, None),
    (&invalid_regex::CODE, Some(invalid_regex::check)),
    (&listener_conflict::CODE, Some(listener_conflict::check)),
    (&out_of_range::CODE, Some(out_of_range::check)),
    (&overlapping_hosts::CODE, Some(overlapping_hosts::check)),
    (
        &permissive_without_until::CODE,
        Some(permissive_without_until::check),
    ),
    (&plaintext_in_strict::CODE, Some(plaintext_in_strict::check)),
    (&regex_too_big::CODE, Some(regex_too_big::check)),
    (
        &retry_not_idempotent::CODE,
        Some(retry_not_idempotent::check),
    ),
    (&secret_in_spec::CODE, Some(secret_in_spec::check)),
    (&timeout_inversion::CODE, Some(timeout_inversion::check)),
    (&unbounded_wait::CODE, Some(unbounded_wait::check)),
    (&unenforced_policy::CODE, Some(unenforced_policy::check)),
    (&wrong_owner::CODE, Some(wrong_owner::check)),
];

/// The codes of all rules and of resolution, by name.
pub static CODES: &[&Code] = &[
    &ambiguous_routes::CODE,
    &bad_endpoints::CODE,
    &bad_guardrail::CODE,
    &bad_header::CODE,
    &bad_name::CODE,
    &crate::resolve::BAD_OPERATION,
    &crate::resolve::BAD_PATH,
    &bad_rewrite::CODE,
    &bad_share::CODE,
    &call_not_allowed::CODE,
    &detached_route::CODE,
    &crate::resolve::DUPLICATE_DEFINITION,
    &guardrail_exceeded::CODE,
    &hop_by_hop_header::CODE,
    &identical_routes::CODE,
    &invalid_regex::CODE,
    &listener_conflict::CODE,
    &crate::resolve::MISSING_MESH,
    &crate::resolve::MISSING_VERSION,
    &out_of_range::CODE,
    &overlapping_hosts::CODE,
    &permissive_without_until::CODE,
    &plaintext_in_strict::CODE,
    &regex_too_big::CODE,
    &retry_not_idempotent::CODE,
    &secret_in_spec::CODE,
    &timeout_inversion::CODE,
    &unbounded_wait::CODE,
    &crate::resolve::UNCLEAR_OUTCOME,
    &unenforced_policy::CODE,
    &crate::resolve::UNKNOWN_REFERENCE,
    &wrong_owner::CODE,
];

/// A mesh in which no rule found an error.
#[derive(Clone, Debug)]
pub struct Checked {
    // INVARIANT: made by `check` alone, when neither it nor an earlier pass reported an error.
    mesh: Mesh,
}

impl Checked {
    /// The mesh.
    pub fn mesh(&self) -> &Mesh {
        &self.mesh
    }
}

/// Applies every rule; nothing comes back if any of them, or an earlier pass, reported an error.
pub fn check(mesh: Mesh, diagnostics: &mut Diagnostics) -> Option<Checked> {
    for (_, check) in RULES {
        if let Some(check) = check {
            check(&mesh, diagnostics);
        }
    }
    (!diagnostics.has_errors()).then_some(Checked { mesh })
}

#[cfg(test)]
mod tests {
    use super::{CODES, RULES};
    use crate::rules::testing::findings;

    #[test]
    fn every_bad_example_shows_its_code_and_nothing_else() {
        for code in CODES {
            let found = findings(code.bad);
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
        for code in CODES {
            let found: Vec<String> = findings(code.good)
                .into_iter()
                .map(|finding| format!("{}: {}", finding.code.name, finding.message))
                .collect();
            assert!(found.is_empty(), "{}: {found:?}", code.name);
        }
    }

    #[test]
    fn the_codes_are_sorted_and_complete() {
        let mut names: Vec<&str> = CODES.iter().map(|code| code.name).collect();
        for (code, _) in RULES {
            assert!(names.contains(&code.name), "{}", code.name);
        }
        let written = names.clone();
        names.sort_unstable();
        names.dedup();
        assert_eq!(written, names);
    }
}
