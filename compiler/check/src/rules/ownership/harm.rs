//! Who may accept a finding: the side that it harms, or the platform.
//!
//! Most findings concern whoever wrote what they point at. Where several definitions make a finding together, each of their owners could
//! be the one who is harmed, so no team accepts it for the others. Three lists say more of some codes; `docs/ownership.md` has them.

use weft_front::diagnostic::{Code, Diagnostic, Severity};
use weft_front::model::owners::PlaceOwners;
use weft_front::model::{Mesh, Suppression, TeamId};
use weft_spec::Span;

use super::stale_suppression;

/// Which of the definitions that a finding points at is harmed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Harmed {
    /// Each of them.
    All,
    /// The one that it is reported at.
    Reported,
    /// Those that it names beside that one.
    Others,
    /// None of them alone: the platform accepts it, or nobody.
    Platform,
}

/// Codes that concern the reported definition alone, whatever else they point at.
const REPORTED: &[&str] = &[
    "call-not-allowed",
    "dead-allow",
    "dead-deny",
    "dead-route",
    "deadline-budget",
    "excess-grant",
    "no-effect-route",
    "over-permissive",
    "partial-shadow",
    "redirect-to-nowhere",
    "tries-do-not-fit",
];

/// Codes of definitions that take something from the others.
const OTHERS: &[&str] = &["grpc-http-overlap", "host-hides-wildcard"];

/// Codes about what the mesh as a whole promises.
const PLATFORM: &[&str] = &[
    "amplification",
    "assertion-unknown",
    "cert-lifetime",
    "internet-reach",
    "permissive-hole",
    "plaintext-exposure",
    "plaintext-in-strict",
    "smart-pipe",
    "stale-exemption",
    "unproven-host",
    "vacuous-assertion",
];

/// The lists, each with what it means; a code in none of them is [`Harmed::All`].
pub(crate) const LISTS: [(Harmed, &[&str]); 3] = [
    (Harmed::Reported, REPORTED),
    (Harmed::Others, OTHERS),
    (Harmed::Platform, PLATFORM),
];

impl Harmed {
    /// Who is harmed by findings of a code.
    pub(crate) fn by(code: &str) -> Self {
        let mut lists = LISTS.into_iter();
        let list = lists.find(|(_, codes)| codes.contains(&code));
        list.map_or(Self::All, |(harmed, _)| harmed)
    }
}

/// Who may accept findings of a code, in a sentence for `weft explain`.
pub fn accepted_by(code: &Code) -> String {
    let is_known = |one: &&Code| one.name == code.name;
    let is_told_behind = code.name == stale_suppression::CODE.name;
    if is_told_behind || !crate::rules::codes().iter().any(is_known) {
        return "Nobody can accept it.".to_owned();
    }
    let who = match Harmed::by(code.name) {
        Harmed::All => {
            "the platform, or the team to which every definition belongs that it points at"
        }
        Harmed::Reported => {
            "the platform, or the team to which the definition belongs that it is reported at"
        }
        Harmed::Others => {
            "the platform, or the team to which the other definitions belong that it points at"
        }
        Harmed::Platform => "the platform alone",
    };
    match code.severity {
        Severity::Error => format!(
            "Nobody can accept it where it is an error; where it is less, {who}, by an entry of `suppressions`."
        ),
        Severity::Warning | Severity::Info => format!(
            "Who can accept it by an entry of `suppressions`: {who}. Where it is an error, nobody can."
        ),
    }
}

/// Where the place of a suppression has to be that is about a finding: where it points, or what it takes something from.
pub(super) fn places(finding: &Diagnostic) -> impl Iterator<Item = Span> {
    let others = match Harmed::by(finding.code.name) {
        Harmed::All | Harmed::Reported | Harmed::Platform => &[],
        Harmed::Others => finding.secondary.as_slice(),
    };
    let others = others.iter().map(|label| label.span);
    std::iter::once(finding.primary.span).chain(others)
}

/// Whether whoever wrote a suppression may accept a finding that it is about.
///
/// # Errors
///
/// The owner who would have to.
pub(super) fn may_accept(
    (mesh, owners): (&Mesh, &PlaceOwners<'_>),
    finding: &Diagnostic,
    suppression: &Suppression,
) -> Result<(), Option<TeamId>> {
    let Some(team) = mesh.file_team(suppression.code.span) else {
        return Ok(());
    };
    if owners.of_place(&suppression.place) != Some(team) {
        // That it reaches beyond the team is said already.
        return Ok(());
    }
    let others = finding.secondary.iter();
    let mut others = others.filter_map(|label| owners.of_span(label.span));
    let harmed = match Harmed::by(finding.code.name) {
        Harmed::Reported => None,
        Harmed::Platform => Some(None),
        // What stands in no definition, as a default of the mesh, is nobody's harm.
        Harmed::All => others.find(|owner| *owner != Some(team)),
        Harmed::Others => {
            let mut others = others.peekable();
            if others.peek().is_none() {
                Some(None)
            } else {
                others.find(|owner| *owner != Some(team))
            }
        }
    };
    harmed.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::{Harmed, LISTS};
    use crate::testing::{check, findings};

    #[test]
    fn every_code_of_the_lists_exists_and_is_in_one_of_them() {
        let codes = crate::rules::codes();
        let mut seen = std::collections::BTreeSet::new();
        for name in LISTS.iter().flat_map(|(_, codes)| codes.iter()) {
            assert!(codes.iter().any(|code| code.name == *name), "{name}");
            assert!(seen.insert(name), "{name}");
        }
    }

    #[test]
    fn the_page_has_the_lists() {
        let page = include_str!("../../../../../docs/ownership.md");
        for (harmed, codes) in LISTS {
            let words = match harmed {
                Harmed::Reported => "the definition that it is reported at",
                Harmed::Others => "the others that it points at",
                Harmed::Platform => "the mesh, so that the platform alone accepts it",
                Harmed::All => "of all other codes, each definition that it points at",
            };
            let codes: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
            let row = format!("| {words} | {} |\n", codes.join(", "));
            assert!(page.contains(&row), "{row}");
        }
    }

    #[test]
    fn the_side_that_is_harmed_accepts() {
        let suppressed = |mark: &str, at_a: &str, at_b: &str| {
            let text = r#"
            # file: mesh.yaml
            mesh:
              name: shop
              trustDomain: shop.example
              teams: {a: {files: [a.yaml], hosts: ["*.example"]}, b: {files: [b.yaml], hosts: [b.example]}}
            gateways: {g: {listeners: {w: {port: 1, protocol: http}}}}
            # file: a.yaml
            routes: {wild: {on: g/w, host: "*.example", rules: [{path: /health, respond: {status: 200}}]}}
            AT_A
            # file: b.yaml
            routes: {one: {on: g/w, host: b.example, rules: [{path: /b, respond: {status: 200}}]}}  MARK
            AT_B
            "#;
            check(
                &text
                    .replace("MARK", mark)
                    .replace("AT_A", at_a)
                    .replace("AT_B", at_b),
            );
        };
        let of = |team: &str, route: &str| {
            let what = format!("code: host-hides-wildcard, at: {{route: {route}}}");
            format!("suppressions: [{{{what}, reason: r, owner: {team}, until: 2027-01-01}}]")
        };
        suppressed("#~ warning[host-hides-wildcard]", "", "");
        suppressed("", &of("a", "wild"), "");
        let hiding = format!("{}  #~ error[foreign-suppression]", of("b", "one"));
        suppressed("#~ warning[host-hides-wildcard]", "", &hiding);
    }

    #[test]
    fn a_definition_of_the_platform_is_harmed_like_one_of_a_team() {
        let suppressed = |owner: &str, mark: &str| {
            let text = r#"
            # file: mesh.yaml
            mesh: {name: m, trustDomain: m.test, mtls: disabled, defaults: {timeout: {request: 3s}}, teams: {a: {services: [s2OWNED], files: [accepted.yaml]}}, platform: {files: [services.yaml]}}
            gateways: {g: {listeners: {l: {port: 8080, protocol: http}}}}
            routes: {r: {on: g/l, host: "*", rules: [{to: s0}]}}
            # file: services.yaml
            services:
              s0: {protocol: http, app: "127.0.0.1:8080", endpoints: ["10.0.0.1:8081"], calls: {s1: {timeout: {request: 2s}}}}
              s1: {protocol: http, app: "127.0.0.1:8082", endpoints: ["10.0.0.1:8083"], retry: {attempts: 2, on: [502], idempotent: true}, calls: {s2: {timeout: {request: 1s}}}}
              s2: {protocol: http, endpoints: ["10.0.0.1:8084"], retry: {attempts: 2, on: [502], idempotent: true}}
            # file: accepted.yaml
            suppressions:
              - {code: layered-retry, at: {service: s2}, reason: looked at, owner: a, until: 2027-06-01}  MARK
            "#;
            findings(&text.replace("OWNED", owner).replace("MARK", mark))
        };
        let codes = |owner: &str| -> Vec<&str> {
            let found = suppressed(owner, "").into_iter();
            found
                .map(|one| one.code.name)
                .filter(|code| *code != "amplification")
                .collect()
        };
        assert!(codes("").contains(&"foreign-suppression"));
        assert!(!codes(", s1").contains(&"foreign-suppression"));
    }

    #[test]
    fn what_concerns_two_teams_is_accepted_by_neither_and_some_codes_by_the_platform_alone() {
        check(
            r#"
            # file: mesh.yaml
            mesh:
              name: shop
              trustDomain: shop.example
              mtls: disabled
              defaults: {timeout: {request: 15s}}
              teams: {a: {files: [a.yaml]}, b: {files: [b.yaml]}}
            gateways: {g: {listeners: {w: {port: 1, protocol: http}}}}
            routes: {r: {on: g/w, host: "*", rules: [{path: /**, to: a}]}}
            # file: a.yaml
            services:
              a: {protocol: http, app: "127.0.0.1:1", endpoints: ["10.0.0.1:2"], calls: {b: {retry: {attempts: 2, on: [503]}}}}
            suppressions:
              - {code: amplification, at: {service: a}, reason: r, owner: a, until: 2027-01-01}  #~ error[foreign-suppression]
            # file: b.yaml
            services:
              b: {protocol: http, app: "127.0.0.1:1", endpoints: ["10.0.0.1:3"], calls: {c: {}}}
              c: {protocol: http, endpoints: ["10.0.0.1:4"]}
            "#,
        );
    }
}
