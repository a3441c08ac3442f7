//! Requests that meet the idle close of a server are repeated where that is safe.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use serde_json::Value;
use weft_golden_tests::programs::{self, Need, number};

fn figures(needs: &[Need], script: &str, words: &[&str]) -> Option<Value> {
    programs::figures(env!("CARGO_BIN_EXE_weft-tested"), needs, script, words).unwrap()
}

/// Nothing that can be repeated is lost. A POST that may have been worked on is not repeated: it is counted, and that is all.
fn nothing_repeatable_is_lost(seen: &Value) {
    assert_eq!(number(seen, "/asked"), 60, "{seen}");
    assert_eq!(number(seen, "/GET"), 0, "{seen}");
    assert_eq!(number(seen, "/PUT"), 0, "{seen}");
}

#[test]
fn of_node() {
    if let Some(seen) = figures(&[Need::Program("node", "-v")], "idle_close.py", &["node"]) {
        nothing_repeatable_is_lost(&seen);
    }
}

#[test]
fn of_uvicorn() {
    if let Some(seen) = figures(&[Need::Python("uvicorn")], "idle_close.py", &["uvicorn"]) {
        nothing_repeatable_is_lost(&seen);
    }
}

#[test]
fn of_a_server_that_closes_whenever_a_second_request_comes() {
    let needs = [Need::Program("python3", "-V")];
    if let Some(seen) = figures(&needs, "idle_close.py", &["stale"]) {
        nothing_repeatable_is_lost(&seen);
    }
}
