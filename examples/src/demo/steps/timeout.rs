//! A timeout: `orders` takes longer than the route allows.

use std::time::{Duration, Instant};

use super::{Report, Shop, ask, line};
use crate::client::Call;
use crate::demo::apps::SLOW;

/// Asks for an answer that takes three seconds on a route that gives it one.
pub(super) async fn shown(shop: &mut Shop, report: &mut Report) -> anyhow::Result<()> {
    report.step("a timeout of the spec is kept");
    report.did("GET https://api.shop.example/orders/7, which orders answers after 3 s");
    let call = Call::new("GET", "api.shop.example", "/orders/7").header(SLOW, "3000");
    let began = Instant::now();
    let answer = ask(shop, &call).await?;
    let spent = began.elapsed();
    let limit = Duration::from_secs(1);
    let is_in_time =
        limit <= spent + Duration::from_millis(50) && spent < limit + Duration::from_millis(500);
    report.check(
        "504 after the 1 s of `timeout: {request: 1s}`",
        &format!("{} after {:.2} s", line(&answer), spent.as_secs_f64()),
        answer.status == 504 && is_in_time,
    );
    Ok(())
}
