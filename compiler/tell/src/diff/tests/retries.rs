//! Retries of rules that try once: what of them still counts.

use super::{SHOP, reported};

#[test]
fn a_single_try_may_be_repeated_for_nothing() {
    let once = SHOP.replace(
        "/orders/**, to: orders}",
        "/orders/**, to: orders, retry: {attempts: 1}}",
    );
    let said = |more: &str| {
        let new = once.replace("{attempts: 1}", &format!("{{attempts: 1, {more}}}"));
        let found = reported(&once, &new).statements;
        found.into_iter().map(|one| one.title).collect::<Vec<_>>()
    };
    // A POST that met the end of a kept connection goes out once more.
    let title = "retry.idempotent false -> retry.idempotent true";
    assert_eq!(said("idempotent: true"), [title]);
    let idle = "budget: 30%, on: [reset], backoff: {base: 50ms}";
    assert_eq!(said(idle), Vec::<String>::new());
}
