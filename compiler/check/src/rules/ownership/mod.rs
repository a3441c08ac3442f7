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
pub mod harm;
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

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn globs_are_relative_to_the_file_of_the_mesh() {
        check(
            r#"
            # file: all/p*/mesh.yaml
            mesh:
              name: shop
              trustDomain: shop.example
              teams:
                a: {files: ["../a/**", "./own/*.yaml"], services: [a]}
                b: {files: [a/**, ../../../b/**, /a/**]}  #~ error[empty-glob], error[empty-glob], error[empty-glob]
              platform: {files: [more.yaml]}
            # file: all/a/a.yaml
            services: {a: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
            certificates: {c: {chain: a, key: b}}  #~ error[wrong-owner]
            # file: all/p*/more.yaml
            certificates: {d: {chain: a, key: b}}
            # file: all/p*/own/a.yaml
            certificates: {e: {chain: a, key: b}}  #~ error[wrong-owner]
            "#,
        );
        // The folder of the mesh file is a name, and no glob.
        check(
            r#"
            # file: all/p*/mesh.yaml
            mesh: {name: shop, trustDomain: shop.example, teams: {a: {files: ["./own/*.yaml"]}}}
            # file: all/p*/own/a.yaml
            weft: v1
            # file: all/px/own/a.yaml
            weft: v1  #~ error[unclear-owner]
            "#,
        );
    }

    #[test]
    fn a_service_or_a_host_of_two_owners_is_a_duplicate() {
        check(
            r#"
            mesh:
              name: shop
              trustDomain: shop.example
              teams:
                a: {services: [s], hosts: [a.example]}
                b: {services: [s], hosts: ["*.a.example"]}  #~ error[duplicate-definition]
                platform: {services: [s]}  #~ error[bad-name], error[duplicate-definition]
              platform: {hosts: [a.example]}  #~ error[duplicate-definition]
            services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}}
            "#,
        );
    }
}
