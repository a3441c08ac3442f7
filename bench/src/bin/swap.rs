//! Times a large snapshot in an idle proxy, from its index being read to requests seeing it. Prints JSON.
//!
//! The proxy itself takes the time: its log says it with each snapshot that it publishes.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use weft_bench::proxy::{Proxy, free_address};
use weft_bench::{origin, plans};

/// Times a large snapshot in an idle proxy.
#[derive(Debug, Parser)]
struct Settings {
    /// Routes of the snapshots.
    #[arg(long, default_value_t = 100_000)]
    routes: u32,
    /// Snapshots.
    #[arg(long, default_value_t = 11)]
    rounds: u64,
}

fn main() -> anyhow::Result<()> {
    let settings = Settings::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(&settings))
}

async fn measure(settings: &Settings) -> anyhow::Result<()> {
    let origin = origin::start().await?;
    let (listen, dist) = (free_address()?, tempfile::tempdir()?);
    let first = plans::bundle(&plans::gateway(listen, origin, settings.routes, 1))?;
    let second = plans::bundle(&plans::gateway(listen, origin, settings.routes + 1, 1))?;
    for bundle in [&first, &second] {
        plans::write_blobs(dist.path(), bundle)?;
    }
    plans::publish(dist.path(), &first, 1)?;
    let log_path = dist.path().join("log");
    let log = Stdio::from(std::fs::File::create(&log_path)?);
    let proxy = Proxy::start_with_log(dist.path(), listen, 2, log).await?;
    for generation in 2..settings.rounds + 2 {
        let bundle = if generation % 2 == 0 { &second } else { &first };
        plans::publish(dist.path(), bundle, generation)?;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    proxy.stop().await?;
    let text = std::fs::read_to_string(&log_path)?;
    let mut millis: Vec<f64> = text.lines().filter_map(published_millis).collect();
    millis.sort_unstable_by(f64::total_cmp);
    let median = millis
        .get(millis.len() / 2)
        .context("no snapshot was published")?;
    println!(
        "{}",
        serde_json::json!({
            "routes": settings.routes,
            "published": millis.len(),
            "fileToSwappedMillis": {"p50": median, "max": millis.last()},
        })
    );
    Ok(())
}

fn published_millis(line: &str) -> Option<f64> {
    let entry: serde_json::Value = serde_json::from_str(line).ok()?;
    if entry.get("message")?.as_str()? != "published" {
        return None;
    }
    let micros = entry.get("micros")?;
    let micros = micros.as_f64().or_else(|| micros.as_str()?.parse().ok())?;
    Some(micros / 1_000.0)
}
