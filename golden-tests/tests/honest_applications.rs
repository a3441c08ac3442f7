//! Django, Tornado and Sanic work behind the proxy as they do without it.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use serde_json::{Value, json};
use weft_golden_tests::programs::{self, Need};

fn figures(needs: &[Need], script: &str, words: &[&str]) -> Option<Value> {
    programs::figures(env!("CARGO_BIN_EXE_weft-tested"), needs, script, words).unwrap()
}

#[test]
fn django_keeps_its_sessions_and_believes_its_own_forms() {
    let needs = [Need::Python("django, gunicorn, hpack")];
    let Some(seen) = figures(&needs, "django_cookies.py", &[]) else {
        return;
    };
    for version in ["first", "second"] {
        assert_eq!(seen.get(version), Some(&json!({"saved": 10})), "{seen}");
    }
}

/// These refuse a request with trailers; it gets through, and those of others beside it.
fn trailers_hurt_nobody(library: &'static str) {
    let needs = [Need::Python("tornado, sanic, aiohttp, hpack")];
    let Some(seen) = figures(&needs, "trailers.py", &[library]) else {
        return;
    };
    for version in ["first", "second"] {
        assert_eq!(seen.get(version), Some(&json!({"ok": 25})), "{seen}");
    }
    let others = seen.get("others").and_then(Value::as_object).unwrap();
    assert_eq!(others.keys().collect::<Vec<_>>(), ["ok"], "{seen}");
}

#[test]
fn tornado_answers_requests_with_trailers() {
    trailers_hurt_nobody("tornado");
}

#[test]
fn sanic_answers_requests_with_trailers() {
    trailers_hurt_nobody("sanic");
}

#[test]
fn aiohttp_answers_requests_with_trailers() {
    trailers_hurt_nobody("aiohttp");
}
