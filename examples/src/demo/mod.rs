//! The demonstration: the example `01-shop` is compiled, run, changed, broken and corrupted, and every step
//! says what is done, what is expected and what is seen.
//!
//! | module | does |
//! |---|---|
//! | `report` | prints, and remembers for the summary |
//! | `shop` | starts proxies and services, and rebuilds the snapshot |
//! | `apps` | the three services |
//! | `steps` | one file per thing to see |

mod apps;
mod report;
mod shop;
mod steps;

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use report::Report;
use shop::Shop;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time;

/// No step may take longer; the whole run takes a few seconds.
const LONGEST: Duration = Duration::from_secs(55);

/// Compiles the example `01-shop`, runs its gateway, sidecars and services on free loopback ports, and shows what
/// Weft does: mTLS, refusals, timeouts, a split that loses no request, a broken spec, a corrupt snapshot.
#[derive(Debug, Parser)]
#[command(name = "weft-demo", version)]
struct Arguments {
    /// Leave everything running at the end, until Ctrl-C
    #[arg(long)]
    keep: bool,
}

/// Runs the demonstration; 0 when everything was as it should be, 1 when not, 2 on wrong usage.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _closed_terminal = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let mut report = Report::new();
    match run_to_the_end(&arguments, &mut report) {
        Ok(()) => {}
        Err(error) => report.failure(&error),
    }
    if report.is_as_expected() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    }
}

fn run_to_the_end(arguments: &Arguments, report: &mut Report) -> anyhow::Result<()> {
    let executable = std::env::current_exe().context("cannot find this very executable")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Whatever ends first, everything that was started stops when it is dropped with the future.
    runtime.block_on(async {
        let asked_to_stop = stop_signal()?;
        tokio::select! {
            ended = show(arguments, report, executable) => ended,
            () = asked_to_stop => {
                Ok(())
            }
        }
    })
}

async fn show(
    arguments: &Arguments,
    report: &mut Report,
    executable: PathBuf,
) -> anyhow::Result<()> {
    report.line("weft-demo: examples/01-shop, for real, on free loopback ports\n");
    let mut shop = Shop::new(executable)?;
    let steps = time::timeout(LONGEST, steps::all(&mut shop, report));
    match steps.await {
        Ok(ended) => ended?,
        Err(_elapsed) => anyhow::bail!("not done after {LONGEST:?}"),
    }
    report.summary();
    if arguments.keep {
        report.line(&shop.how_to_ask()?);
        std::future::pending::<()>().await;
    }
    Ok(())
}

/// Ready when somebody wants the demonstration to stop.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
