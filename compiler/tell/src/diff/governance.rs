//! Edits of what governs the mesh: teams, guardrails, exemptions, assertions, suppressions, what rules go by, and who owns a definition.
//!
//! Such an edit may change no request and still decide what the next one may do. So each is a statement of a class of its own, which
//! the platform has to approve.

use std::collections::BTreeMap;

use weft_front::model::governed::GovernedKind;
use weft_front::model::owners::PLATFORM;
use weft_front::settings::risk::{Facet, Risk};
use weft_space::path::shown;

use super::governed::Governed;
use super::pairs::Pair;
use super::report::{Blast, Said, Statement, id};
use super::side::Side;
use super::stake::Stake;
use crate::both::Both;

/// Statements about everything that governs on one side alone, or otherwise; nothing beside a snapshot, which does not say.
pub(super) fn statements(old: &Side, new: &Side) -> Vec<Statement> {
    let (Some(before), Some(after)) = (old.definitions(), new.definitions()) else {
        return Vec::new();
    };
    // What one side alone says under a name.
    let mut pairs: BTreeMap<(GovernedKind, &str), Both<Vec<&Governed>>> = BTreeMap::new();
    for one in without(&before.governed, &after.governed) {
        let known = pairs.entry((one.kind, &one.name)).or_default();
        known.old.push(one);
    }
    for one in without(&after.governed, &before.governed) {
        let known = pairs.entry((one.kind, &one.name)).or_default();
        known.new.push(one);
    }
    let mut found = Vec::new();
    for ((kind, name), alone) in pairs {
        let what = if name.is_empty() || name == kind.name() {
            kind.name().to_owned()
        } else {
            format!("{} `{}`", kind.name(), shown(name))
        };
        for at in 0..alone.old.len().max(alone.new.len()) {
            let pair = alone.as_ref().map(|side| side.get(at).copied());
            found.push(edit(&what, pair));
        }
    }
    found.extend(moved(old, new));
    found
}

/// What is in one list and not in the other, each as often as it is there more.
fn without<'side>(list: &'side [Governed], other: &[Governed]) -> Vec<&'side Governed> {
    let key = |one: &Governed| (one.kind, one.name.clone(), one.content.clone());
    let mut known: BTreeMap<_, usize> = BTreeMap::new();
    for one in other {
        *known.entry(key(one)).or_default() += 1;
    }
    let mut rest = Vec::new();
    for one in list {
        match known.get_mut(&key(one)).filter(|count| 0 < **count) {
            Some(count) => *count -= 1,
            None => rest.push(one),
        }
    }
    rest
}

fn edit(what: &str, pair: Pair<&Governed>) -> Statement {
    let said = pair.map(|one| Said {
        text: one.map_or("not there".to_owned(), |one| one.text.clone()),
        place: one.and_then(|one| one.place.clone()),
    });
    let contents = pair.map(|one| one.map_or("", |one| one.content.as_str()));
    statement(what, contents, said)
}

/// Definitions whose owner is another one, whatever gives them: their own `team`, a list, or the file that they stand in now. Those
/// that go from the same owner to the same are one statement, which names the first.
fn moved(old: &Side, new: &Side) -> Vec<Statement> {
    let (Some(before), Some(after)) = (old.definitions(), new.definitions()) else {
        return Vec::new();
    };
    let mut moves: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (thing, was) in before.all() {
        // Listeners go with what they belong to.
        let is_part = thing.starts_with("listener ");
        let is = after.owner(thing).filter(|is| *is != was && !is_part);
        if let Some(is) = is {
            moves.entry((was, is)).or_default().push(thing);
        }
    }
    let stated = moves.into_iter().filter_map(|((was, is), things)| {
        let first = things.first()?;
        let owners = Both { old: was, new: is };
        let said = Both { old, new }.zip(owners).map(|(side, owner)| Said {
            text: owner.to_owned(),
            place: side.place(first),
        });
        let what = match things.len() {
            1 => format!("owner of {first}"),
            several => format!("owner of {first} and {} more", several - 1),
        };
        // All of them make the statement, so that an approval of fewer is none of it.
        let contents = owners.map(|owner| format!("{owner} {}", things.join("\n")));
        let contents = contents.as_ref().map(String::as_str);
        Some(statement(&what, contents, said))
    });
    stated.collect()
}

fn statement(what: &str, contents: Both<&str>, said: Both<Said>) -> Statement {
    let platform = vec![PLATFORM.to_owned()];
    Statement {
        id: id(Risk::G1, &[what, contents.old, contents.new]),
        risk: Risk::G1,
        facet: Facet::Security,
        is_whole: false,
        title: what.to_owned(),
        region: Vec::new(),
        regions: 0,
        before: said.old,
        after: said.new,
        why: None,
        fix: None,
        witness: None,
        contrast: None,
        stakes: [(Stake::of_teams(&platform), None)].into(),
        blast: Blast {
            owners: platform,
            ..Blast::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use weft_front::model::governed::GovernedKind;
    use weft_front::settings::risk::Risk;

    use crate::diff::tests::reported;
    use crate::diff::{Gate, text};

    const MESH: &str = r#"
# file: mesh.yaml
mesh:
  name: shop
  trustDomain: shop.example
  defaults: {timeout: {request: 15s}}
  teams: {a: {files: [a.yaml], services: [one], hosts: [a.example]}, b: {}, c: {}}
  platform: {hosts: [p.example]}
  guardrails:
    - {bound: timeout.request, max: 30s, why: slots, exempt: [{for: {service: one}, max: 60s, reason: batch, owner: a, until: 2027-01-01}]}
gateways: {g: {listeners: {w: {port: 80, protocol: http}}}}
routes:
  r: {on: g/w, host: r.example, team: b, rules: [{path: /r, respond: {status: 200}}]}
assert:
  - {name: open, exists: {for: {host: a.example}, to: one}}
# file: a.yaml
services:
  one: {protocol: http, mtls: disabled, endpoints: ["10.0.0.1:1"], timeout: {request: 60s}}
routes:
  a: {on: g/w, host: a.example, rules: [{path: /a/**, to: one}, {path: /b, methods: [POST], redirect: {path: /c}}]}
suppressions:
  - {code: method-loss, at: {route: a}, reason: r, owner: a, until: 2027-01-01}
"#;

    fn judged(from: &str, to: &str, by: &str, approved_by: &[&str]) -> (Vec<String>, u8) {
        assert!(MESH.contains(from), "{from}");
        let mut found = reported(MESH, &MESH.replace(from, to));
        let gate = Gate {
            approved_by: approved_by.iter().map(|team| (*team).to_owned()).collect(),
            by: Some(by.to_owned()),
            ..Gate::default()
        };
        found.keep(&gate);
        found.judge(&gate);
        let titles = found.statements.iter();
        assert!(titles.clone().all(|one| one.risk == Risk::G1));
        (titles.map(|one| one.title.clone()).collect(), found.exit)
    }

    #[test]
    fn the_page_names_the_class_and_the_kinds() {
        let page = include_str!("../../../../docs/ownership.md");
        let class = format!("`{:?} {}`", Risk::G1, Risk::G1.name());
        assert!(page.contains(&class), "{class}");
        let kinds: Vec<String> = GovernedKind::ALL
            .map(|kind| format!("`{}`", kind.name()))
            .to_vec();
        let kinds = kinds.join(", ");
        assert!(page.contains(&kinds), "{kinds}");
    }

    #[test]
    fn what_governs_is_changed_by_the_platform_or_with_it() {
        for (from, to, title) in [
            ("services: [one], ", "services: [], ", "team `a`"),
            ("hosts: [p.example]", "hosts: [q.example]", "platform"),
            ("max: 30s", "max: 31s", "guardrail `timeout.request`"),
            ("max: 60s", "max: 61s", "exemption `timeout.request`"),
            (
                "host: a.example}, to",
                "host: \"*\"}, to",
                "assertion `open`",
            ),
            (
                "until: 2027-01-01}\n",
                "until: 2027-01-02}\n",
                "suppression `method-loss`",
            ),
            ("team: b, rules", "team: c, rules", "owner of route r"),
            (
                "assert:\n  - {name: open, exists: {for: {host: a.example}, to: one}}\n",
                "",
                "assertion `open`",
            ),
        ] {
            let titles = vec![title.to_owned()];
            assert_eq!(judged(from, to, "a", &[]), (titles.clone(), 3), "{from}");
            assert_eq!(judged(from, to, "a", &["platform"]), (titles.clone(), 2));
            assert_eq!(judged(from, to, "platform", &[]), (titles, 2), "{from}");
        }
    }

    #[test]
    fn owners_that_change_beside_lists_are_stated_too() {
        let mesh = |services: &str, route: &str, other: &str| {
            format!(
                r#"
mesh:
  name: m
  trustDomain: m.test
  defaults: {{timeout: {{request: 3s}}}}
  teams: {{a: {{hosts: [a.test], services: [{services}]}}, b: {{}}}}
  platform: {{files: ["*.yaml"]}}
gateways: {{g: {{listeners: {{l: {{port: 8080, protocol: http}}}}}}}}
services: {{s: {{protocol: http, mtls: disabled, endpoints: ["10.0.0.1:8081"]}}}}
routes:
  r: {{on: g/l, host: a.test, {route}rules: [{{to: s}}]}}
  q: {{on: g/l, host: q.test, {other}rules: [{{to: s}}]}}
"#
            )
        };
        let titles = |old: &str, new: &str| -> Vec<String> {
            let found = reported(old, new);
            let governs = found.statements.iter().filter(|one| one.risk == Risk::G1);
            governs.map(|one| one.title.clone()).collect()
        };
        let old = mesh("s", "", "");
        let given = mesh("", "team: a, ", "");
        assert_eq!(
            titles(&old, &given),
            ["owner of route r", "owner of service s", "team `a`"]
        );
        let free = |text: String| text.replace("hosts: [a.test], ", "");
        let two = free(mesh("s", "team: b, ", "team: b, "));
        assert_eq!(titles(&free(old), &two), ["owner of route q and 1 more"]);
    }

    #[test]
    fn what_rules_go_by_is_stated_too() {
        for (from, to, title) in [
            (
                "trustDomain: shop.example\n",
                "trustDomain: shop.example\n  routingKeys: {x-canary: [\"1\"]}\n",
                "declaration `routing key x-canary`",
            ),
            (
                "one: {protocol: http, ",
                "one: {protocol: http, sensitivity: public, ",
                "declaration `sensitivity of one`",
            ),
        ] {
            let titles = vec![title.to_owned()];
            assert_eq!(judged(from, to, "a", &[]), (titles.clone(), 3), "{from}");
            assert_eq!(judged(from, to, "platform", &[]), (titles, 2), "{from}");
        }
    }

    #[test]
    fn another_order_or_another_place_governs_alike() {
        let other =
            "teams: {c: {}, b: {}, a: {hosts: [a.example], files: [a.yaml], services: [one]}}";
        let own =
            "teams: {a: {files: [a.yaml], services: [one], hosts: [a.example]}, b: {}, c: {}}";
        assert_eq!(judged(own, other, "a", &[]), (Vec::new(), 0));
        let found = reported(MESH, &MESH.replace("max: 30s", "max:   31s"));
        let text = text(&found);
        assert!(
            text.starts_with("no behavioural change, 1 change of what governs the mesh\n"),
            "{text}"
        );
        assert!(text.contains("All requests: proven unchanged"), "{text}");
    }
}
