//! The proxy's own log: one line per event, on standard error, and how often something may be said.
//!
//! Never about a single request that went well (that is the access log) and never with a secret: keys have
//! no text form. Any thread may log, workers too: an event becomes a line on the thread that tells it and
//! goes into a bounded queue, and a thread of its own writes. Nobody ever waits for a descriptor. When the
//! queue is full, lines are dropped and counted, and the log says how many as soon as it moves again.
//!
//! | file | does |
//! |---|---|
//! | `filter` | what is wanted: Weft's own lines, those of other crates only when asked for |
//! | `limit` | how often the same thing is said |
//! | `form` | the text of a line, with what was left out before it |
//! | `queue` | the queue and the thread that empties it |
//! | `outlet` | writes to a descriptor that may be stuck; the access log uses it too |
//!
//! A call site may say ten things at once and one a second after that. A worker that can be made to log by
//! strangers asks [`due`] first, which allows one line a second for each reason, whatever the call site.

mod filter;
mod form;
mod limit;
pub(crate) mod outlet;
mod queue;

use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt};

pub use filter::LogFilter;

use crate::settings::LogFormat;
use form::Limited;
use queue::{Queue, STATUS};

/// How long the end of the process waits for lines that the descriptor does not take.
const LAST_LINES: Duration = Duration::from_secs(1);
/// The same for a panic, which may be the last thing that a process does.
const LAST_LINES_OF_PANIC: Duration = Duration::from_millis(20);

/// What is left out is said once, so that reasons of all workers share these places.
static REASONS: limit::Table = limit::Table::new(1);

/// Writes what is queued when it is dropped, for a second at most.
#[derive(Debug)]
pub(crate) struct LastLines;

impl Drop for LastLines {
    fn drop(&mut self) {
        STATUS.wait(LAST_LINES);
    }
}

/// Starts the log of this process. A program that embeds the proxy may have started its own: it stays.
pub(crate) fn start(format: LogFormat, wanted: &LogFilter) -> LastLines {
    let queue = match Queue::start() {
        Ok(queue) => queue,
        // Without a thread there is no log, and a proxy that serves is worth more than its log.
        Err(_no_thread) => return LastLines,
    };
    let layer = fmt::layer().log_internal_errors(false).with_writer(queue);
    let registry = Registry::default().with(wanted.targets());
    let started = match format {
        LogFormat::Text => {
            let form = Limited::text(fmt::format().with_target(false).with_ansi(false));
            registry.with(layer.event_format(form)).try_init()
        }
        LogFormat::Json => {
            let form = fmt::format().json().with_target(false).flatten_event(true);
            let fields = fmt::format::JsonFields::new();
            let layer = layer.fmt_fields(fields).event_format(Limited::json(form));
            registry.with(layer).try_init()
        }
    };
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
    LastLines
}

/// Whether something may be said about `reason` now: once a second in the whole process.
///
/// Returns how often it was left out since it was said last, and `None` when it is to be left out now; that
/// is counted. Put the number into the line as the field `left_out`, which also frees the line from the
/// bound of its call site:
///
/// ```text
/// if let Some(left_out) = crate::log::due("enhance-your-calm") {
///     tracing::warn!(peer = %link.peer, left_out, "a connection was cut: too many control frames");
/// }
/// ```
///
/// Never blocks and takes no lock, so workers may ask. Reasons are names from the code, never from requests:
/// there is room for 255 of them, and those beyond share one place.
pub(crate) fn due(reason: &str) -> Option<u64> {
    let passed = REASONS.pass(limit::key_of(reason), limit::clock_millis());
    if passed.is_none() {
        STATUS.left_out.fetch_add(1, Ordering::Relaxed);
    }
    passed
}

/// Lets the line about a panic out before the process may end. Waits for at most 20 ms, and not at all while
/// the descriptor takes nothing.
pub(crate) fn let_out_after_panic() {
    if !STATUS.is_stuck.load(Ordering::Relaxed) {
        STATUS.wait(LAST_LINES_OF_PANIC);
    }
}

/// Lines that were dropped because the descriptor did not take them in time.
pub(crate) fn dropped() -> u64 {
    STATUS.dropped.load(Ordering::Relaxed)
}

/// Lines that were left out because the same was said a moment before.
pub(crate) fn left_out() -> u64 {
    STATUS.left_out.load(Ordering::Relaxed)
}
