//! Hostile and idle HTTP/2 is cut, with a word where one can be said, while an honest client beside it loses nothing.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::path::Path;

use serde_json::{Value, json};
use weft_golden_tests::programs::{Need, Peers, is_missing, number};

/// What grows and is given back does not count; what an attack may hold at most, KiB.
const GROWTH: i64 = 4 << 10;

fn figures(arguments: &[&str], script: &str, words: &[&str]) -> Option<Value> {
    if is_missing(&[Need::Python("hpack")]).unwrap() {
        return None;
    }
    let executable = Path::new(env!("CARGO_BIN_EXE_weft-tested"));
    let peers = Peers::start(executable, arguments).unwrap();
    Some(peers.script(script, words).unwrap())
}

#[test]
fn fourteen_attacks_are_cut_and_said_to_be() {
    let Some(mut seen) = figures(&[], "attacks.py", &[]) else {
        return;
    };
    let honest = seen.as_object_mut().unwrap().remove("honest").unwrap();
    assert_eq!(
        honest.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["ok"],
        "{honest}"
    );
    let patterns = seen.as_object().unwrap();
    assert_eq!(patterns.len(), 14, "{seen}");
    for (pattern, figures) in patterns {
        let outcome = figures.get(0).and_then(Value::as_str).unwrap();
        // An acknowledgement of what was never sent is a mistake of the protocol, not a flood.
        let expected = if pattern == "settings acks" {
            "goaway 1"
        } else {
            "goaway 11"
        };
        assert_eq!(outcome, expected, "{pattern}: {seen}");
        assert!(
            figures.get(2).and_then(Value::as_i64).unwrap() < GROWTH,
            "{pattern}: {seen}"
        );
    }
}

#[test]
fn fourteen_shapes_of_idling_end_within_their_limits() {
    let limits = [
        "--head-time",
        "1s",
        "--keep-alive",
        "2s",
        "--connection-age",
        "4s",
    ];
    let Some(mut seen) = figures(&limits, "idle_shapes.py", &["14"]) else {
        return;
    };
    let honest = seen.as_object_mut().unwrap().remove("honest").unwrap();
    assert_eq!(number(&honest, "/failed"), 0, "{honest}");
    assert!(20 <= number(&honest, "/ok"), "{honest}");
    let shapes = seen.as_object().unwrap();
    assert_eq!(shapes.len(), 14, "{seen}");
    for (shape, figures) in shapes {
        assert_ne!(figures.get(0), Some(&json!("held")), "{shape}: {seen}");
    }
}
