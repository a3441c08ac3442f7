//! Times what loading a slice is made of: reading, verifying the digest, checking. Prints JSON.
//!
//! The proxy's own time from file to swapped is in its log and on `/snapshot`; this shows where it goes.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]

use std::hint::black_box;
use std::time::Instant;

use clap::Parser;
use weft_bench::plans;
use weft_snapshot::layout::Descriptor;
use weft_snapshot::{HeaderList, Request, Slice};

/// Times loading a slice.
#[derive(Debug, Parser)]
struct Settings {
    /// Routes of the slice.
    #[arg(long, default_value_t = 100_000)]
    routes: u32,
    /// Hosts they are spread over.
    #[arg(long, default_value_t = 1)]
    hosts: u32,
}

fn main() -> anyhow::Result<()> {
    let settings = Settings::parse();
    let address = "127.0.0.1:8080".parse()?;
    let plan = plans::gateway(address, address, settings.routes, settings.hosts);
    let started = Instant::now();
    let bytes = plan.encode_unchecked()?;
    let encode = started.elapsed();
    let (folder, descriptor) = (tempfile::tempdir()?, Descriptor::of(&bytes));
    let path = folder.path().join("slice");
    std::fs::write(&path, &bytes)?;
    let (mut read, mut verify, mut check) = (Vec::new(), Vec::new(), Vec::new());
    let mut slice = None;
    for _ in 0..9 {
        let started = Instant::now();
        let bytes = std::fs::read(&path)?;
        read.push(started.elapsed());
        let started = Instant::now();
        anyhow::ensure!(descriptor.is_of(&bytes), "the digest differs");
        verify.push(started.elapsed());
        let started = Instant::now();
        slice = Some(Slice::check(bytes)?);
        check.push(started.elapsed());
    }
    let median = |times: &mut Vec<std::time::Duration>| {
        times.sort_unstable();
        times
            .get(times.len() / 2)
            .map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    };
    let decide = slice
        .as_ref()
        .map_or(0.0, |slice| decide_nanos(slice, &settings));
    println!(
        "{}",
        serde_json::json!({
            "routes": settings.routes,
            "bytes": descriptor.size,
            "encodeMillis": encode.as_secs_f64() * 1_000.0,
            "readMillis": median(&mut read),
            "verifyMillis": median(&mut verify),
            "checkMillis": median(&mut check),
            "decideNanos": decide,
        })
    );
    Ok(())
}

/// The mean time of one decision, over all routes in turn.
fn decide_nanos(slice: &Slice, settings: &Settings) -> f64 {
    let per_host = settings.routes.div_ceil(settings.hosts.max(1));
    let asked: Vec<(String, String)> = (0..settings.routes)
        .map(|number| {
            let host = format!("h{}.bench.example", number / per_host);
            (host, format!("/svc{number}/api/v{}/x", number % 7))
        })
        .collect();
    let headers = HeaderList::default();
    let mut found = 0_u32;
    let started = Instant::now();
    for (host, path) in &asked {
        let request = Request {
            method: "GET",
            host,
            path,
            query: None,
            headers: &headers,
        };
        found += u32::from(matches!(black_box(slice.decide(0, &request)), Ok(Some(_))));
    }
    let spent = started.elapsed();
    if found == settings.routes {
        spent.as_secs_f64() * 1e9 / f64::from(settings.routes.max(1))
    } else {
        f64::NAN
    }
}
