//! Prints the resident memory of an idle proxy with a small slice, in KiB, as JSON.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]

use std::time::Duration;

use weft_bench::proxy::{Proxy, free_address};
use weft_bench::{origin, plans};

fn main() -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let origin = origin::start().await?;
            let (listen, dist) = (free_address()?, tempfile::tempdir()?);
            let bundle = plans::bundle(&plans::gateway(listen, origin, 10, 1))?;
            plans::write_blobs(dist.path(), &bundle)?;
            plans::publish(dist.path(), &bundle, 1)?;
            let proxy = Proxy::start(dist.path(), listen, 2).await?;
            tokio::time::sleep(Duration::from_secs(2)).await;
            println!(
                "{}",
                serde_json::json!({"residentKib": proxy.resident_kib()?, "workers": 2})
            );
            proxy.stop().await
        })
}
