//! Rules about the requests that routes take, all exact: the algebra of [`weft_space`] decides.

mod ambiguous_routes;
mod dead_route;
mod everywhere;
mod grpc_http_overlap;
mod host_hides_wildcard;
mod identical_routes;
mod no_effect_route;
mod only_with_slash;
mod partial_shadow;
mod redundant_predicate;
mod trailing_slash_trap;
mod uncovered_space;
mod unmatchable;
mod unproven_host;

use super::Rule;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[
    Rule {
        code: &ambiguous_routes::CODE,
        check: Some(ambiguous_routes::check),
    },
    Rule {
        code: &dead_route::CODE,
        check: Some(dead_route::check),
    },
    Rule {
        code: &grpc_http_overlap::CODE,
        check: Some(grpc_http_overlap::check),
    },
    Rule {
        code: &host_hides_wildcard::CODE,
        check: Some(host_hides_wildcard::check),
    },
    Rule {
        code: &identical_routes::CODE,
        check: None,
    },
    Rule {
        code: &no_effect_route::CODE,
        check: Some(no_effect_route::check),
    },
    Rule {
        code: &only_with_slash::CODE,
        check: Some(only_with_slash::check),
    },
    Rule {
        code: &partial_shadow::CODE,
        check: Some(partial_shadow::check),
    },
    Rule {
        code: &redundant_predicate::CODE,
        check: Some(redundant_predicate::check),
    },
    Rule {
        code: &trailing_slash_trap::CODE,
        check: Some(trailing_slash_trap::check),
    },
    Rule {
        code: &uncovered_space::CODE,
        check: Some(uncovered_space::check),
    },
    Rule {
        code: &unmatchable::CODE,
        check: Some(unmatchable::check),
    },
    Rule {
        code: &unproven_host::CODE,
        check: Some(unproven_host::check),
    },
];
