//! A snapshot that is damaged on its way: the proxy keeps the last good one and says why.

use serde_json::Value;

use super::{Report, Shop, ask, line};
use crate::client::Call;
use crate::publish::Spoil;

/// Publishes a slice with one flipped bit, then a good one.
pub(super) async fn shown(shop: &mut Shop, report: &mut Report) -> anyhow::Result<()> {
    report.step("a corrupt snapshot changes nothing");
    let good = shop.dist().generation();
    report.did("change a timeout, build, and flip one bit of the gateway's slice on disk");
    shop.edit(
        "storefront/orders.yaml",
        "        timeout: {request: 1s,",
        "        timeout: {request: 900ms,",
    )?;
    shop.edit(
        "storefront/orders.yaml",
        "backendRequest: 1s}",
        "backendRequest: 900ms}",
    )?;
    let bundle = shop.compile()?.accepted()?;
    let bad = shop
        .dist()
        .publish_spoiled(&bundle, "gateway/public", Spoil::FlippedByte)?;
    let gateway = shop.proxy("gateway/public")?;
    let seen = gateway
        .snapshot_where(|seen| {
            seen.pointer("/lastRefusal/generation")
                .and_then(Value::as_u64)
                == Some(bad)
        })
        .await?;
    let reason = seen
        .pointer("/lastRefusal/reason")
        .and_then(Value::as_str)
        .unwrap_or("none");
    let serving = seen.get("generation").and_then(Value::as_u64);
    report.check(
        &format!("/snapshot: generation {bad} refused, {good} still served"),
        &format!(
            "refused for `{reason}`, serving {}",
            serving.unwrap_or_default()
        ),
        reason == "digest-mismatch" && serving == Some(good),
    );
    let answer = ask(shop, &Call::new("GET", "api.shop.example", "/orders/9")).await?;
    report.check("requests go on", &line(&answer), answer.status == 200);

    report.did("build again, undamaged");
    let next = shop.build()?;
    let gateway = shop.proxy("gateway/public")?;
    gateway.serves(next).await?;
    let answer = ask(shop, &Call::new("GET", "api.shop.example", "/orders/9")).await?;
    report.check(
        &format!("generation {next} is served"),
        &format!(
            "generation {}, {}",
            answer.header("x-weft-snapshot"),
            line(&answer)
        ),
        answer.status == 200 && answer.header("x-weft-snapshot") == next.to_string(),
    );
    Ok(())
}
