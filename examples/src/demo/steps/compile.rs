//! The compiler: a spec of four files is accepted, and a broken one is refused before it reaches a proxy.

use std::time::Instant;

use super::{Report, Shop, ask, line};
use crate::client::Call;

/// Builds the spec and starts everything.
pub(super) async fn shown(shop: &mut Shop, report: &mut Report) -> anyhow::Result<()> {
    report.step("compile four files of two teams, and start what they describe");
    report.did("build examples/01-shop with values for this machine");
    let began = Instant::now();
    let generation = shop.build()?;
    let spent = began.elapsed();
    let manifest = shop.manifest()?;
    for (node, slice) in &manifest.nodes {
        let digest: String = slice.digest.hex().chars().take(12).collect();
        report.quote(&format!("{node:17} sha256:{digest}…  {} bytes", slice.size));
    }
    report.check(
        "no finding, one slice per gateway and service",
        &format!(
            "{} slices, generation {generation}, in {} ms",
            manifest.nodes.len(),
            spent.as_millis()
        ),
        manifest.nodes.len() == 4,
    );
    report.did("start every proxy as a process, and the services behind them");
    let began = Instant::now();
    shop.start().await?;
    let (proxies, services) = shop.size();
    report.check(
        "all of them ready (orders runs twice: v1 and v2)",
        &format!(
            "{proxies} proxies and {services} services after {} ms",
            began.elapsed().as_millis()
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
    shop.edit(file, "orders@v2: 10%", "orders@v3: 10%")?;
    shop.edit(file, "      payments:\n", "      paymnts:\n")?;
    let compiled = shop.compile()?;
    report.quote(&compiled.text);
    let errors = compiled.errors();
    let has_both = ["missing-version", "unknown-reference"]
        .iter()
        .all(|code| errors.contains(code));
    report.check(
        "both mistakes at once, with their places, and no snapshot",
        &format!("errors: {}", errors.join(", ")),
        has_both && compiled.bundle.is_none(),
    );
    let answer = ask(shop, &Call::new("GET", "api.shop.example", "/orders/8")).await?;
    let generation = shop.dist().generation();
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
    shop.edit(file, "orders@v3: 10%", "orders@v2: 10%")?;
    shop.edit(file, "      paymnts:\n", "      payments:\n")?;
    Ok(())
}
