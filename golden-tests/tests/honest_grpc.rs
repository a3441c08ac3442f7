//! gRPC libraries do through the proxy what they do without it: many calls, small messages, streams that nobody reads.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use serde_json::{Value, json};
use weft_golden_tests::programs::{self, Need, number};

const GRPCIO: Need = Need::Python("grpc");
const GRPC_JS: Need = Need::Node("@grpc/grpc-js");

fn figures(needs: &[Need], script: &str, words: &[&str]) -> Option<Value> {
    programs::figures(env!("CARGO_BIN_EXE_weft-tested"), needs, script, words).unwrap()
}

/// Straight from the gateway, and with a sidecar between.
const WAYS: [[&str; 3]; 2] = [
    ["plain", "test.Echo", "rpc"],
    ["plain", "mesh.Echo", "calls"],
];

#[test]
fn fifteen_hundred_calls_a_second_on_one_channel_all_succeed() {
    for way in WAYS {
        let Some(seen) = figures(&[GRPCIO], "grpc_rate.py", &way) else {
            return;
        };
        // A busy machine does not come to the full rate; calls failed from 550 a second on.
        assert!(3_000 <= number(&seen, "/calls"), "{way:?}: {seen}");
        assert_eq!(number(&seen, "/failed"), 0, "{way:?}: {seen}");
    }
}

#[test]
fn who_changes_its_mind_keeps_the_calls_that_it_waits_for() {
    for what in ["watch", "cancel"] {
        let Some(seen) = figures(&[GRPCIO], "grpc_changes.py", &[what]) else {
            return;
        };
        assert!(150 <= number(&seen, "/calls"), "{what}: {seen}");
        assert_eq!(number(&seen, "/failed"), 0, "{what}: {seen}");
        assert_eq!(seen.get("live"), Some(&json!("awake")), "{what}: {seen}");
    }
}

#[test]
fn a_server_that_takes_one_call_at_a_time_refuses_none() {
    if let Some(seen) = figures(&[GRPCIO], "grpc_changes.py", &["single"]) {
        assert!(200 <= number(&seen, "/calls"), "{seen}");
        assert_eq!(number(&seen, "/failed"), 0, "{seen}");
    }
}

#[test]
fn ten_thousand_small_messages_fit_on_one_stream() {
    for way in WAYS {
        let Some(seen) = figures(&[GRPCIO], "grpc_streams.py", &way) else {
            return;
        };
        let whole = json!({"down": 10_000, "up": 10_000, "both": 10_000, "turns": 5_000});
        assert_eq!(seen, whole, "{way:?}");
    }
}

/// Nobody but who does not read may notice that somebody does not.
fn nobody_is_disturbed(seen: &Value) {
    assert!(200 <= number(seen, "/calls"), "{seen}");
    assert!(20 <= number(seen, "/read"), "{seen}");
    assert_eq!(number(seen, "/failed"), 0, "{seen}");
    assert_eq!(number(seen, "/streams failed"), 0, "{seen}");
}

#[test]
fn a_grpcio_client_that_does_not_read_disturbs_nobody() {
    for [port, service, app] in WAYS {
        let words = [port, service, app, "grpcio"];
        if let Some(seen) = figures(&[GRPCIO], "grpc_unread.py", &words) {
            nobody_is_disturbed(&seen);
        }
    }
}

#[test]
fn a_grpc_js_client_that_does_not_read_disturbs_nobody() {
    for [port, service, app] in WAYS {
        let words = [port, service, app, "grpc-js"];
        if let Some(seen) = figures(&[GRPCIO, GRPC_JS], "grpc_unread.py", &words) {
            nobody_is_disturbed(&seen);
        }
    }
}

#[test]
fn a_server_that_does_not_read_disturbs_no_other_call() {
    for [port, service, app] in WAYS {
        let words = [port, service, app, "server"];
        if let Some(seen) = figures(&[GRPCIO], "grpc_unread.py", &words) {
            nobody_is_disturbed(&seen);
        }
    }
}

/// The long proof, two minutes with a real server, is `grpc_quiet.py STAND long`.
#[test]
fn a_quiet_connection_to_a_server_is_not_pinged() {
    if let Some(seen) = figures(&[GRPCIO], "grpc_quiet.py", &["pings"]) {
        assert_eq!(seen.get("answered"), Some(&json!(true)), "{seen}");
        assert_eq!(number(&seen, "/pings"), 0, "{seen}");
        assert_eq!(seen.get("ended"), Some(&Value::Null), "{seen}");
    }
}

#[test]
fn grpc_clients_are_told_in_their_own_terms() {
    let Some(seen) = figures(&[GRPCIO, GRPC_JS], "grpc_ends.py", &[]) else {
        return;
    };
    let ends = |pointer: &str| {
        let status = seen.pointer(pointer).and_then(|end| end.get(0));
        status.and_then(Value::as_str).unwrap_or_default()
    };
    for library in ["", "/grpc-js"] {
        let late = ends(&format!("{library}/deadline"));
        assert_eq!(late, "DEADLINE_EXCEEDED", "{library}: {seen}");
        let ended = ends(&format!("{library}/patience"));
        let is_honest = ["DEADLINE_EXCEEDED", "CANCELLED"].contains(&ended);
        assert!(is_honest, "{library}: {seen}");
        // An answer without a gRPC status is UNKNOWN or INTERNAL to these libraries, with the HTTP status as a detail.
        for refusal in ["target too long", "head too large"] {
            let details = seen.pointer(&format!("{library}/{refusal}/2"));
            let details = details.and_then(Value::as_str).unwrap_or_default();
            assert!(!details.contains("status"), "{library} {refusal}: {seen}");
            assert!(!ends(&format!("{library}/{refusal}")).is_empty(), "{seen}");
        }
    }
    let details = seen.pointer("/too many fields/2").and_then(Value::as_str);
    assert!(!details.unwrap_or("status").contains("status"), "{seen}");
    assert_eq!(ends("/a name with an underscore"), "OK", "{seen}");
}
