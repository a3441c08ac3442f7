//! A snapshot that is damaged on its way: the proxy keeps the last good one and says why.

use anyhow::Context;
use serde_json::Value;
use weft_snapshot::Slice;
use weft_snapshot::layout::Bundle;

use super::{Report, Shop, ask, line};
use crate::client::Call;
use crate::publish::{Dist, Spoil};

/// Publishes a slice with one flipped bit, then a good one.
pub(super) async fn shown(shop: &mut Shop, report: &mut Report) -> anyhow::Result<()> {
    report.step("a corrupt snapshot changes nothing");
    let good = shop.generation()?;
    report.did("publish a slice of the gateway in which one bit is flipped on disk");
    let (mut dist, bundle) = Dist::open(shop.snapshot())?;
    let other = other_gateway(&bundle)?;
    let bad = dist.publish_spoiled(&other, "gateway/public", Spoil::FlippedByte)?;
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

    report.did("edit a timeout: the next snapshot is undamaged");
    let file = "storefront/orders.yaml";
    let changes = [
        (" timeout: {request: 1s,", " timeout: {request: 900ms,"),
        ("backendRequest: 1s}", "backendRequest: 900ms}"),
    ];
    shop.edit(file, &changes)?;
    let next = shop.serving().await?;
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

/// A snapshot whose gateway differs from what is served: a proxy need not read again what it has.
fn other_gateway(bundle: &Bundle) -> anyhow::Result<Bundle> {
    let contents = bundle.contents();
    let bytes = |node: &str| {
        let bytes = bundle.slice(node).context("a slice is missing")?;
        anyhow::Ok(bytes.to_vec())
    };
    let mut slices = Vec::new();
    for node in contents.nodes.keys() {
        let mut slice = bytes(node)?;
        if node == "gateway/public" {
            let mut plan = Slice::check(slice)?.plan();
            for listener in &mut plan.settings.listeners {
                listener.trusted_hops = 1;
            }
            slice = plan.encode()?;
        }
        slices.push((node.clone(), slice));
    }
    let origins = bundle.blobs.get(&contents.origins.digest);
    let origins = origins.context("no origins")?.clone();
    Ok(Bundle::new(&contents.mesh, slices, origins))
}
