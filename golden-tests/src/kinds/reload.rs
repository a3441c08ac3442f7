//! `reload`: snapshots change, are refused, or are damaged, while a load runs that must lose nothing.
//!
//! `steps.txt` has one step a line, and exchanges as in `serve` between them:
//!
//! | step | does |
//! |---|---|
//! | `load ASK` | starts a steady load; everything after it happens under that load |
//! | `change NAME` | lays `changes/NAME` over the spec, builds, and waits until every proxy serves it |
//! | `rejected NAME: CODE` | the same, but the compiler must refuse it with an error of this code |
//! | `spoiled NODE WAY: REASON` | publishes `changes/damaged`, spoiled, and waits until NODE refuses it for this reason |

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use weft_examples::load::Load;

use super::serve;
use crate::exchange::{self, Ask};
use crate::folder::Case;
use crate::stand::Stand;

/// How many good answers must follow each step.
const AFTER_EACH: u64 = 100;
const PATIENCE: Duration = Duration::from_secs(10);

/// Every step goes as it says, and the load has no failure and no closed connection.
pub(super) fn run(case: &Case, executable: &Path) -> anyhow::Result<()> {
    let text = case.text("steps.txt")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut stand = Stand::start(case, executable).await?;
        let mut load = None;
        for block in text.split("\n\n") {
            let is_step =
                |line: &&str| !line.is_empty() && !line.starts_with(['>', '<', '|', '!', '#']);
            for line in block.lines().filter(is_step) {
                step(&mut stand, &mut load, line)
                    .await
                    .with_context(|| format!("`{line}`"))?;
                if let Some(load) = &load {
                    Load::good_answers(load, AFTER_EACH, PATIENCE).await;
                }
            }
            for exchange in exchange::read(block)? {
                serve::check(&stand, &exchange).await?;
            }
        }
        judge(load.context("no `load`")?, &stand).await
    })
}

async fn step(stand: &mut Stand, load: &mut Option<Load>, line: &str) -> anyhow::Result<()> {
    let (verb, rest) = line
        .split_once(' ')
        .context("a step is a verb and its objects")?;
    match verb {
        "load" => {
            *load = Some(Load::start(&stand.load(&Ask::read(rest)?)?));
            Ok(())
        }
        "change" => stand.change(rest).await,
        "rejected" => {
            let (name, code) = rest.split_once(": ").context("no `: CODE`")?;
            let errors = stand.attempt(name)?.errors();
            if !errors.contains(&code) {
                bail!("the errors are {errors:?}");
            }
            Ok(())
        }
        "spoiled" => {
            let (what, reason) = rest.split_once(": ").context("no `: REASON`")?;
            let (node, way) = what.split_once(' ').context("no WAY")?;
            stand.spoil(node, way, reason).await
        }
        _ => bail!("no such step"),
    }
}

async fn judge(load: Load, stand: &Stand) -> anyhow::Result<()> {
    let tally = load.finish().await;
    if 0 < tally.failed || 0 < tally.closed {
        bail!("the load lost something: {tally:?}\n{}", stand.logs());
    }
    if tally.good < AFTER_EACH {
        bail!("the load got too few answers to prove anything: {tally:?}");
    }
    Ok(())
}
