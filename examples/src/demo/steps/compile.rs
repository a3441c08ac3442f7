//! The compiler: a spec of four files is accepted, and a broken one is refused before it reaches a proxy.

use std::time::Instant;

use super::{Report, Shop, ask, line};
use crate::client::Call;
use crate::up::Event;

/// Starts everything.
pub(super) async fn shown(shop: &mut Shop, report: &mut Report) -> anyhow::Result<()> {
    report.step("compile four files of two teams, and run what they describe");
    report.did("start the services, orders twice, and");
    report.did("weft up examples/01-shop --values examples/01-shop/values.yaml --at orders@v2=...");
    let began = Instant::now();
    shop.start().await?;
    let spent = began.elapsed();
    let generation = shop.generation()?;
    let changed = shop.changed();
    for node in &changed {
        report.quote(node);
    }
    report.check(
        "no finding, one slice per gateway and service",
        &format!("{} slices, generation {generation}", changed.len()),
        changed.len() == 4 && generation == 1,
    );
    let (proxies, services) = shop.size();
    report.check(
        "all of them ready (orders runs twice: v1 and v2)",
        &format!(
            "{proxies} proxies and {services} services after {} ms",
            spent.as_millis()
        ),
        proxies == 5 && services == 4,
    );
    Ok(())
}

/// Breaks the spec.
pub(super) async fn refusal_shown(shop: &mut Shop, report: &mut Report) -> anyhow::Result<()> {
    report.step("a broken spec never leaves the compiler");
    report.did("storefront/orders.yaml: 10% to `orders@v3`, and a call to `paymnts`");
    let file = "storefront/orders.yaml";
    let mistakes = [
        ("orders@v2: 10%", "orders@v3: 10%"),
        ("      payments:\n", "      paymnts:\n"),
    ];
    shop.edit(file, &mistakes)?;
    let errors = match shop.event().await? {
        Event::Rejected(codes) => codes,
        Event::Serving(_) => Vec::new(),
    };
    report.quote(&shop.compile()?.text);
    let has_both = ["missing-version", "unknown-reference"]
        .iter()
        .all(|code| errors.iter().any(|error| error == code));
    report.check(
        "both mistakes at once, with their places, and no snapshot",
        &format!("errors: {}", errors.join(", ")),
        has_both,
    );
    let answer = ask(shop, &Call::new("GET", "api.shop.example", "/orders/8")).await?;
    let generation = shop.generation()?;
    report.check(
        &format!("the proxies know nothing of it: generation {generation} goes on"),
        &format!(
            "generation {}, {}",
            answer.header("x-weft-snapshot"),
            line(&answer)
        ),
        answer.status == 200 && answer.header("x-weft-snapshot") == generation.to_string(),
    );
    report.did("take both mistakes back");
    shop.edit(file, &mistakes.map(|(right, wrong)| (wrong, right)))?;
    shop.serving().await?;
    Ok(())
}
