//! Servers answer 413 or 401 to 20 MB that they do not read, and eight of eight clients see it.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use serde_json::Value;
use weft_golden_tests::programs::{self, Need, number};

fn figures(needs: &[Need], script: &str, words: &[&str]) -> Option<Value> {
    programs::figures(env!("CARGO_BIN_EXE_weft-tested"), needs, script, words).unwrap()
}

/// Every way of sending to every one of these servers: all eight saw 413 or 401, and nothing else.
///
/// A server that resets can take bytes back that it has sent, from the kernel's queue, when the proxy gets no turn to read them: on a
/// machine that is busy with other things a second look decides.
fn all_see_the_refusal(needs: &[Need], servers: &[&str]) {
    let mut missed = Vec::new();
    for _look in 0..2 {
        let Some(seen) = figures(needs, "early_uploads.py", servers) else {
            return;
        };
        let ways = seen.as_object().unwrap();
        assert_eq!(ways.len(), servers.len() * 3, "{seen}");
        let is_missed = |counts: &Value| number(counts, "/413") + number(counts, "/401") != 8;
        let first = ways.iter().find(|(_, counts)| is_missed(counts));
        let Some((way, counts)) = first else {
            return;
        };
        missed.push(format!("{way}: {counts}"));
    }
    assert!(missed.len() < 2, "twice some did not see it: {missed:?}");
}

#[test]
fn of_bare_servers_that_close_or_reset_or_wait() {
    all_see_the_refusal(
        &[Need::Python("hpack")],
        &["close", "reset", "linger", "keep"],
    );
}

#[test]
fn of_wsgi_servers() {
    all_see_the_refusal(
        &[Need::Python("hpack, gunicorn, waitress")],
        &["gunicorn", "gunicorn-sync", "waitress"],
    );
}

#[test]
fn of_asynchronous_servers() {
    all_see_the_refusal(
        &[Need::Python(
            "hpack, uvicorn, h11, httptools, hypercorn, aiohttp, tornado",
        )],
        &[
            "uvicorn-h11",
            "uvicorn-httptools",
            "hypercorn",
            "aiohttp",
            "tornado",
        ],
    );
}

#[test]
fn of_node_and_nginx() {
    all_see_the_refusal(
        &[
            Need::Python("hpack"),
            Need::Program("node", "-v"),
            Need::Program("nginx", "-v"),
        ],
        &["node", "nginx"],
    );
}
