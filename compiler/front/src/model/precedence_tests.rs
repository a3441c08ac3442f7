//! The precedence of rules, as a spec writes them.

use std::fmt::Write as _;

use weft_space::languages::Languages;
use weft_space::path::Relation;
use weft_space::precedence::{order, relate};
use weft_testing::{Random, rounds};

use crate::testing::unchecked;

#[test]
fn the_worked_example_is_true() {
    let (checked, _) = unchecked(
        r#"
mesh: {name: m, trustDomain: m.example, mtls: disabled}
gateways: {g: {listeners: {w: {port: 80, protocol: http}}}}
services: {s: {protocol: http, endpoints: ["127.0.0.1:1"]}}
routes:
  x:
    on: g/w
    host: "*"
    rules:
      - {name: e, path: {regex: "/a/[0-9]"}, to: s}
      - {name: p, path: /**, priority: 1, to: s}
      - {name: q, path: "/a/{id}", to: s}
      - {name: r, path: "/a/{id}", methods: [GET], to: s}
      - {name: s, path: /a/**, to: s}
      - {name: t, path: /a/7, to: s}
"#,
    );
    let rules: Vec<_> = checked
        .mesh()
        .routes
        .values()
        .flat_map(|route| &route.rules)
        .collect();
    let ordered = order(&rules, &mut Languages::default());
    let names: Vec<&str> = ordered.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(names, ["x/p", "x/t", "x/e", "x/r", "x/q", "x/s"]);
}

#[test]
fn a_narrower_rule_is_tried_before_a_wider_one() {
    let paths = [
        "/a",
        "/a/**",
        "\"/{x}\"",
        "{regex: \"/[ab]\"}",
        "{regex: \"/a\"}",
    ];
    let values = [
        "x",
        "xx",
        "{present: true}",
        "{absent: true}",
        "{regex: \"x\"}",
        "{regex: \"x+\"}",
        "{regex: \"[xy]\"}",
        "{regex: \".*\"}",
        "{regex: \"xx?\"}",
    ];
    let mut narrower = 0;
    for seed in 0..rounds(200) {
        let mut random = Random::new(u64::from(seed) + 16_000_000);
        let mut lines = String::new();
        for _ in 0..2 + random.below(6) {
            let test = |random: &mut Random, name: &str| {
                if random.one_in(3) {
                    String::new()
                } else {
                    format!("{name}: {}", random.pick(&values))
                }
            };
            let (headers, query) = (test(&mut random, "h"), test(&mut random, "q"));
            let methods = random.pick(&["", "GET", "GET, POST", "GET, TRACE"]);
            let path = random.pick(&paths);
            let _ = writeln!(
                lines,
                "      - {{path: {path}, methods: [{methods}], headers: {{{headers}}}, query: {{{query}}}, to: s}}"
            );
        }
        let text =
            format!("routes:\n  r:\n    on: public/web\n    host: \"*\"\n    rules:\n{lines}");
        let (checked, _) = unchecked(&text);
        let hosts = checked.mesh().hosts();
        let rules = &hosts[0].rules;
        let ordered = order(rules, &mut Languages::default());
        assert_eq!(ordered.len(), rules.len());
        let mut languages = Languages::default();
        for (at, earlier) in ordered.iter().enumerate() {
            for later in &ordered[at + 1..] {
                let relation = relate(*earlier, *later, &mut languages);
                assert_ne!(
                    relation,
                    Relation::Wider,
                    "{seed}: {} {}\n{text}",
                    earlier.id,
                    later.id
                );
                narrower += usize::from(relation == Relation::Narrower);
            }
        }
    }
    assert!(500 < narrower, "{narrower}");
}
