//! The control thread: assembles the proxy, publishes snapshots, and takes it down in order.
//!
//! | file | does |
//! |---|---|
//! | `ground` | what exists before there is a snapshot |
//! | `boot` | chooses the first snapshot: DIST, or else the last good one |
//! | `prepare` | everything that can fail, before anything is visible |
//! | `ports` | which listeners share a socket, and binding it |
//! | `trust` | the certificates a snapshot needs |
//! | `keep` | the loop: looks at DIST, publishes or refuses, keeps the time |
//! | `publish` | the swap itself |
//! | `drain` | the way out |
//! | `upgrade` | hands the listening sockets to a successor, or gets them |
//! | `memory` | keeps the process below its bound |
//! | `proxy` | a handle on a running proxy, and its threads |
//! | `failures` | what failed on workers, in that log |
//! | `status` | what the admin endpoint may know |
//! | `clock` | what time it is |
//!
//! A snapshot is read, verified, checked and prepared before the one pointer store that makes it visible. A
//! failure at any step before changes nothing but the log, `/snapshot` and a counter.

mod boot;
pub mod clock;
mod drain;
mod failures;
mod ground;
mod keep;
mod memory;
mod ports;
mod prepare;
mod proxy;
mod publish;
pub(crate) mod status;
pub(crate) mod trust;
mod upgrade;

use std::process::ExitCode;

pub use proxy::{Proxy, StartError};

use crate::settings::Settings;
pub use crate::source::{Reason, Refusal};
use crate::{log, process};

/// What the control loop is asked to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Command {
    /// Read everything again, also what does not seem to have changed.
    Reload,
    /// An authority is no longer believed.
    TrustChanged,
    /// Finish running requests, then end.
    Drain,
    /// The same by SIGTERM or SIGINT; another one is more urgent.
    Signal,
    /// End now.
    End,
}

/// Runs the proxy of this process until it is drained by SIGTERM, SIGINT or `/drain`.
///
/// Exit code 0 after a drain, 1 without a usable snapshot, 2 when a disk or socket fails at the start.
pub fn run(settings: Settings) -> ExitCode {
    let _last_lines = log::start(settings.log_format, &settings.log_filter);
    process::log_panics();
    process::harden();
    match Proxy::start_with_signals(settings) {
        Ok(proxy) => {
            proxy.join();
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(%error, "the proxy cannot start");
            ExitCode::from(error.exit_code())
        }
    }
}
