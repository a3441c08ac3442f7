//! Slow clients by the hundred end within their limits, and an honest one beside them notices nothing.

use std::path::Path;

use serde_json::Value;
use weft_golden_tests::programs::{Need, Peers, is_missing, number};

/// What 2,800 of them may hold together at their worst, KiB.
const MEMORY: u64 = 256 << 10;

#[test]
fn four_hundred_slow_clients_of_seven_kinds_end_within_their_limits() {
    if is_missing(&[Need::Program("python3", "-V")]).unwrap() {
        return;
    }
    let executable = Path::new(env!("CARGO_BIN_EXE_weft-tested"));
    let limits = ["--head-time", "1s", "--keep-alive", "2s"];
    let peers = Peers::start(executable, &limits).unwrap();
    let mut seen = peers.script("slow_clients.py", &["14"]).unwrap();
    let figures = seen.as_object_mut().unwrap();
    let honest = figures.remove("honest").unwrap();
    let answered = honest.as_object().unwrap();
    assert_eq!(answered.keys().collect::<Vec<_>>(), ["ok"], "{honest}");
    let memory = figures.remove("memory").unwrap();
    assert!(number(&memory, "/0") < MEMORY, "{memory}");
    assert_eq!(figures.len(), 7, "{figures:?}");
    for (kind, ends) in figures.iter() {
        let held = ends.get(1).and_then(Value::as_u64);
        assert_eq!(held, Some(0), "{kind}: {figures:?}");
    }
}
