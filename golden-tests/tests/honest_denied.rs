//! Checks of load balancers are answered, and refused POSTs lose nothing on connections that are kept.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use serde_json::Value;
use weft_golden_tests::programs::{self, Need, number};

fn figures(needs: &[Need], script: &str, words: &[&str]) -> Option<Value> {
    programs::figures(env!("CARGO_BIN_EXE_weft-tested"), needs, script, words).unwrap()
}

#[test]
fn checks_of_haproxy_see_a_healthy_server() {
    let needs = [Need::Program("haproxy", "-v"), Need::Program("node", "-v")];
    let Some(seen) = figures(&needs, "checks.py", &[]) else {
        return;
    };
    let checks = seen.as_object().unwrap();
    assert_eq!(checks.len(), 4, "{seen}");
    for (check, state) in checks {
        assert_eq!(state.as_str(), Some("UP L7OK 200"), "{check}: {seen}");
    }
}

#[test]
fn a_hundred_refused_posts_are_all_answered() {
    let needs = [
        Need::Program("curl", "--version"),
        Need::Program("h2load", "--version"),
    ];
    let Some(seen) = figures(&needs, "denied.py", &[]) else {
        return;
    };
    let kinds = seen.as_object().unwrap();
    assert_eq!(kinds.len(), 10, "{seen}");
    for (kind, counts) in kinds {
        assert_eq!(number(counts, "/seen"), 100, "{kind}: {seen}");
    }
}
