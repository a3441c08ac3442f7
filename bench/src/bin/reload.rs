//! Reloads a proxy under keep-alive load and says what was lost, and how soon each snapshot was seen.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use weft_bench::origin::{self, Client};
use weft_bench::plans;
use weft_bench::proxy::{Proxy, free_address};

/// Reloads a proxy under keep-alive load.
#[derive(Debug, Parser)]
struct Settings {
    /// Keep-alive connections that send requests all the time.
    #[arg(long, default_value_t = 32)]
    connections: u32,
    /// For how long, in seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Time between reloads, in milliseconds.
    #[arg(long, default_value_t = 200)]
    every: u64,
    /// Routes of the snapshots.
    #[arg(long, default_value_t = 100)]
    routes: u32,
    /// Workers of the proxy.
    #[arg(long, default_value_t = 2)]
    workers: u32,
}

/// What the load saw.
#[derive(Debug, Default)]
struct Seen {
    requests: AtomicU64,
    failed: AtomicU64,
    closed: AtomicU64,
    /// The largest generation in an answer so far.
    newest: AtomicU64,
    /// Answers on one connection with a smaller generation than one before.
    went_back: AtomicU64,
    done: AtomicBool,
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
    // Two snapshots that differ in one route, so that every publication is a real change.
    let bundles = [
        plans::bundle(&plans::gateway(listen, origin, settings.routes, 1))?,
        plans::bundle(&plans::gateway(listen, origin, settings.routes + 1, 1))?,
    ];
    for bundle in &bundles {
        plans::write_blobs(dist.path(), bundle)?;
    }
    let [first, second] = &bundles;
    plans::publish(dist.path(), first, 1)?;
    let proxy = Proxy::start(dist.path(), listen, settings.workers).await?;
    let seen = Arc::new(Seen::default());
    let load: Vec<_> = (0..settings.connections)
        .map(|_| tokio::spawn(keep_asking(listen, Arc::clone(&seen))))
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;

    let mut waits = Vec::new();
    let (started, mut generation) = (Instant::now(), 1);
    while started.elapsed() < Duration::from_secs(settings.seconds) {
        generation += 1;
        let published = Instant::now();
        plans::publish(
            dist.path(),
            if generation % 2 == 0 { second } else { first },
            generation,
        )?;
        while seen.newest.load(Ordering::Relaxed) < generation
            && published.elapsed() < Duration::from_secs(2)
        {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        waits.push(published.elapsed());
        let next = Duration::from_millis(settings.every).saturating_sub(published.elapsed());
        tokio::time::sleep(next).await;
    }
    seen.done.store(true, Ordering::Relaxed);
    for task in load {
        task.await?;
    }
    proxy.stop().await?;
    report(&seen, &mut waits);
    Ok(())
}

async fn keep_asking(address: SocketAddr, seen: Arc<Seen>) {
    let mut before = 0;
    let mut kept: Option<Client> = None;
    while !seen.done.load(Ordering::Relaxed) {
        let connected = match kept.take() {
            Some(client) => Ok(client),
            None => Client::connect(address).await,
        };
        let Ok(mut client) = connected else {
            seen.failed.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        seen.requests.fetch_add(1, Ordering::Relaxed);
        let Ok(answer) = client.get("/svc7/api/v0/x").await else {
            seen.failed.fetch_add(1, Ordering::Relaxed);
            seen.closed.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        seen.failed
            .fetch_add(u64::from(answer.status != 200), Ordering::Relaxed);
        seen.went_back
            .fetch_add(u64::from(answer.generation < before), Ordering::Relaxed);
        before = before.max(answer.generation);
        seen.newest.fetch_max(answer.generation, Ordering::Relaxed);
        if answer.closes {
            seen.closed.fetch_add(1, Ordering::Relaxed);
        } else {
            kept = Some(client);
        }
    }
}

fn report(seen: &Seen, waits: &mut [Duration]) {
    waits.sort_unstable();
    let millis = |wait: Option<&Duration>| wait.map_or(0.0, |wait| wait.as_secs_f64() * 1_000.0);
    let figures = serde_json::json!({
        "reloads": waits.len(),
        "requests": seen.requests.load(Ordering::Relaxed),
        "failed": seen.failed.load(Ordering::Relaxed),
        "closed": seen.closed.load(Ordering::Relaxed),
        "wentBack": seen.went_back.load(Ordering::Relaxed),
        "visibleMillis": {
            "p50": millis(waits.get(waits.len() / 2)),
            "p99": millis(waits.get(waits.len() * 99 / 100)),
            "max": millis(waits.last()),
        },
    });
    println!("{figures}");
}
