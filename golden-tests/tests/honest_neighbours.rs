//! A route or a client in trouble takes nothing from others that share its connections.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use serde_json::Value;
use weft_golden_tests::programs::{self, Need, number};

fn figures(needs: &[Need], script: &str, words: &[&str]) -> Option<Value> {
    programs::figures(env!("CARGO_BIN_EXE_weft-tested"), needs, script, words).unwrap()
}

const NEEDS: [Need; 1] = [Need::Program("h2load", "--version")];

#[test]
fn thousands_of_timeouts_do_not_touch_a_healthy_route() {
    if let Some(seen) = figures(&NEEDS, "beside.py", &["timeouts"]) {
        assert!(2_000 <= number(&seen, "/timeouts"), "{seen}");
        assert!(300 <= number(&seen, "/ok"), "{seen}");
        assert_eq!(number(&seen, "/failed"), 0, "{seen}");
    }
}

#[test]
fn two_clients_that_abort_much_do_not_disturb_a_third() {
    if let Some(seen) = figures(&NEEDS, "beside.py", &["aborts"]) {
        assert!(1_000 <= number(&seen, "/aborted"), "{seen}");
        assert!(300 <= number(&seen, "/ok"), "{seen}");
        assert_eq!(number(&seen, "/failed"), 0, "{seen}");
    }
}
