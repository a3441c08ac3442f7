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
fn all_see_the_refusal(needs: &[Need], servers: &[&str]) {
    let Some(seen) = figures(needs, "early_uploads.py", servers) else {
        return;
    };
    let ways = seen.as_object().unwrap();
    assert_eq!(ways.len(), servers.len() * 3, "{seen}");
    for (way, counts) in ways {
        let refusals = number(counts, "/413") + number(counts, "/401");
        assert_eq!(refusals, 8, "{way}: {counts}");
    }
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
