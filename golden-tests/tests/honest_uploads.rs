//! Uploads that are refused end with the refusal, in the eyes of Node, wget, curl and httpx.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use serde_json::Value;
use weft_golden_tests::programs::{self, Need, number};

fn figures(needs: &[Need], script: &str, words: &[&str]) -> Option<Value> {
    programs::figures(env!("CARGO_BIN_EXE_weft-tested"), needs, script, words).unwrap()
}

const NODE: Need = Need::Node("undici");

/// Of every way in the figures all tries saw the refusal.
fn all_see(seen: &Value, tries: u64) {
    let ways = seen.as_object().unwrap();
    assert!(!ways.is_empty(), "{seen}");
    for (way, counts) in ways {
        assert_eq!(number(counts, "/seen"), tries, "{way}: {counts}");
    }
}

#[test]
fn two_hundred_and_fifty_early_answers_leave_a_session_of_node_alive() {
    // By a rule, by a limit, by a server that closes at once, and by one that never reads on.
    for words in [
        ["/denied/x", "403", "close"],
        ["/small/x", "413", "close"],
        ["/x", "401", "close"],
        ["/x", "401", "keep"],
    ] {
        let mut words = words.to_vec();
        words.insert(0, "node_early.mjs");
        words.push("300000");
        if let Some(seen) = figures(&[NODE], "node.py", &words) {
            assert_eq!(number(&seen, "/answered"), 250, "{words:?}: {seen}");
            assert_eq!(number(&seen, "/failed"), 0, "{words:?}: {seen}");
        }
    }
}

#[test]
fn node_sees_the_refusal_of_forty_megabytes() {
    for [path, status] in [["/denied/x", "403"], ["/small/x", "413"], ["/x", "401"]] {
        let words = ["node_uploads.mjs", path, status, "close"];
        if let Some(seen) = figures(&[NODE], "node.py", &words) {
            all_see(&seen, 9);
        }
    }
}

#[test]
fn wget_sees_the_refusal() {
    if let Some(seen) = figures(
        &[Need::Program("wget", "--version")],
        "cli_uploads.py",
        &["wget"],
    ) {
        all_see(&seen, 6);
    }
}

#[test]
fn curl_sees_the_refusal_whether_it_expects_or_not() {
    if let Some(seen) = figures(
        &[Need::Program("curl", "--version")],
        "cli_uploads.py",
        &["curl"],
    ) {
        all_see(&seen, 6);
    }
}

#[test]
fn httpx_sees_early_answers_over_http2() {
    if let Some(seen) = figures(&[Need::Python("httpx, h2")], "cli_uploads.py", &["httpx"]) {
        all_see(&seen, 100);
    }
}
