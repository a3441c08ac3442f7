//! A change while requests run: one line of the spec splits the traffic, and nothing is lost.

use std::time::{Duration, Instant};

use super::{Report, Shop};
use crate::client::{Call, Protocol};
use crate::demo::apps::SERVED_BY;
use crate::load::{Load, Plan, Tally};

/// The share of v2 may be this far from 10%, because requests are counted when they end.
const TOLERANCE: f64 = 0.01;

/// Puts the gateway under load, edits, and counts.
pub(super) async fn shown(shop: &mut Shop, report: &mut Report) -> anyhow::Result<()> {
    report.step("a 90/10 split is swapped in under load, and loses nothing");
    let load = Load::start(&Plan {
        address: shop.gateway,
        security: shop.edge()?,
        protocol: Protocol::Http1,
        call: Call::new("GET", "api.shop.example", "/orders/7"),
        connections: 8,
        count_by: SERVED_BY,
    });
    load.good_answers(500, Duration::from_secs(5)).await;
    report
        .did("8 keep-alive connections ask steadily; storefront/orders.yaml: `to: orders` becomes");
    report.did("`to: {orders: 90%, orders@v2: 10%}`");
    let began = Instant::now();
    shop.edit(
        "storefront/orders.yaml",
        &[("to: orders\n", "to: {orders: 90%, orders@v2: 10%}\n")],
    )?;
    shop.serving().await?;
    let swap = began.elapsed();
    let changed = shop.changed();
    report.check(
        "only the slice of the gateway changes",
        &format!("changed: {}", changed.join(", ")),
        changed == ["gateway/public"],
    );
    let at_swap = load.tally();
    load.good_answers(3_000, Duration::from_secs(15)).await;
    let tally = load.finish().await;
    judge(report, &at_swap, &tally, swap);
    Ok(())
}

fn judge(report: &mut Report, at_swap: &Tally, tally: &Tally, swap: Duration) {
    report.check(
        "everybody serves it, within three seconds of the edit",
        &format!("after {} ms", swap.as_millis()),
        swap < Duration::from_secs(3),
    );
    report.check(
        "no request failed, no connection closed",
        &format!(
            "{} answered, {} failed, {} closed {:?}",
            tally.good, tally.failed, tally.closed, tally.failures
        ),
        tally.failed == 0 && tally.closed == 0 && 500 < tally.good,
    );
    let since = |instance: &str| {
        let count = |tally: &Tally| tally.by_value.get(instance).copied().unwrap_or_default();
        count(tally).saturating_sub(count(at_swap))
    };
    let (first, second) = (since("orders v1"), since("orders v2"));
    // Two counts below 2^32 are exact as f64.
    let as_float = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let share = as_float(second) / as_float(first + second).max(1.0);
    report.check(
        "v2 gets 10% from then on",
        &format!("v1 {first}, v2 {second}: {:.1}%", share * 100.0),
        (share - 0.1).abs() < TOLERANCE,
    );
}
