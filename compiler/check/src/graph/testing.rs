//! Small random meshes of calls, for tests that compare the graph with following every way.

use std::fmt::Write as _;

use weft_front::model::Checked;
use weft_front::source::Sources;
use weft_front::testing::unchecked;
use weft_testing::Random;

/// A mesh of up to six services with calls between any of them, some of them repeated, and rules to some of them.
pub(crate) fn random_mesh(random: &mut Random) -> (Checked, Sources) {
    let count = 2 + random.below(5);
    let mut text = "mesh: {name: m, trustDomain: m.example, mtls: disabled, defaults: {timeout: {request: 15s}}}\n\
        gateways: {g: {listeners: {w: {port: 1, protocol: http}}}}\nservices:\n"
        .to_owned();
    let retry = |random: &mut Random| {
        let on = random.pick(&[
            "502",
            "503",
            "504",
            "5xx",
            "reset",
            "connect-failure",
            "502, 504",
        ]);
        let attempts = 1 + random.below(4);
        format!("retry: {{attempts: {attempts}, on: [{on}]}}")
    };
    for service in 0..count {
        let mut calls = Vec::new();
        for called in 0..count {
            if random.one_in(3) {
                calls.push(format!("v{called}: {{{}}}", retry(random)));
            }
        }
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  v{service}: {{protocol: http, app: 127.0.0.1:1, endpoints: [\"10.0.0.1:1\"], calls: {{{}}}}}",
            calls.join(", ")
        );
    }
    text.push_str("routes:\n  r:\n    on: g/w\n    host: \"*\"\n    rules:\n");
    for rule in 0..=random.below(2) {
        let to = random.below(count);
        let _ = writeln!(
            text,
            "      - {{path: /{rule}, to: v{to}, {}}}",
            retry(random)
        );
    }
    unchecked(&text)
}
