//! `serve`: proxies as processes, on real sockets, with real TLS, in front of tiny origins. What they refuse, `weft why` refuses for the
//! same reason.

use std::path::Path;

use anyhow::{Context, bail};
use weft_back::snapshot::Snapshot;
use weft_examples::client::Answer;

use crate::agreement;
use crate::exchange::{self, Exchange};
use crate::folder::Case;
use crate::stand::Stand;

/// Every exchange of `exchanges.txt` goes as it says.
pub(super) fn run(case: &Case, executable: &Path) -> anyhow::Result<()> {
    let exchanges = exchange::read(&case.text("exchanges.txt")?)?;
    if exchanges.is_empty() {
        bail!("no exchange");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let stand = Stand::start(case, executable).await?;
        let snapshot = Snapshot::of_bundle(&stand.bundle()?)?;
        for exchange in &exchanges {
            if let Some(answer) = check(&stand, exchange).await? {
                let (line, shown) = (exchange.line, &exchange.ask.shown);
                agreement::check(&stand, &snapshot, &exchange.ask, &answer)
                    .with_context(|| format!("line {line}: {shown}"))?;
            }
        }
        Ok(())
    })
}

/// Makes one exchange and compares; on a difference shows what the proxies logged.
pub(super) async fn check(stand: &Stand, exchange: &Exchange) -> anyhow::Result<Option<Answer>> {
    exchange.check(stand).await.with_context(|| {
        format!(
            "line {}: {}\n{}",
            exchange.line,
            exchange.ask.shown,
            stand.logs()
        )
    })
}
