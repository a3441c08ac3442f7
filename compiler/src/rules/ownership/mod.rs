//! Rules about teams, guardrails, suppressions and the shape of a spec.

/// A spec for examples about suppressions: a team, a redirect that is a `method-loss`, and then `$rest`.
macro_rules! with_method_loss {
    ($rest:literal) => {
        concat!(
            "weft: v1\n",
            "mesh: {name: shop, trustDomain: shop.example, teams: {orders: {}}}\n",
            "gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}\n",
            "routes:\n",
            "  old: {on: public/web, host: \"*\", rules: [{path: /old, methods: [POST], redirect: {path: /new}}, {path: /new, respond: {status: 204}}]}\n",
            "suppressions:\n",
            $rest
        )
    };
}

mod bad_suppression;
mod foreign_suppression;
pub(crate) mod harm;
mod stale_exemption;
mod stale_suppression;
mod suppressions;
pub(super) mod terms;

use super::Rule;

pub(super) use suppressions::apply as apply_suppressions;

/// The rules of this group, by name.
pub(super) static RULES: &[Rule] = &[
    Rule {
        code: &bad_suppression::CODE,
        check: Some(bad_suppression::check),
    },
    Rule {
        code: &foreign_suppression::CODE,
        check: Some(foreign_suppression::check),
    },
    Rule {
        code: &stale_exemption::CODE,
        check: Some(stale_exemption::check),
    },
    // Found behind all rules, by `apply_suppressions`.
    Rule {
        code: &stale_suppression::CODE,
        check: None,
    },
];
