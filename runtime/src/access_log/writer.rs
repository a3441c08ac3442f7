//! The thread that turns entries into lines and lines into writes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::{Orders, line};
use crate::log::outlet::{Outlet, Wrote};
use crate::shared::AccessEntry;

/// How long the writer rests when all queues were empty.
const REST: Duration = Duration::from_millis(25);
/// How long the output may take nothing before orders are looked at again.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long the end waits for an output that takes nothing.
pub(super) const LAST_LINES: Duration = Duration::from_secs(1);
/// How long the output takes nothing before that is said.
const STUCK: Duration = Duration::from_secs(1);
/// Bytes that are written at once at the latest.
const BATCH: usize = 256 << 10;

/// Owns the output and the reading ends of all queues.
#[derive(Debug)]
pub(super) struct Writer {
    outlet: Outlet,
    queues: Vec<Receiver<AccessEntry>>,
    orders: Arc<Orders>,
    trouble: OutputTrouble,
}

/// What is wrong with the output, so that it is said once.
#[derive(Debug, Default)]
struct OutputTrouble {
    stuck_since: Option<Instant>,
    is_said: bool,
    /// Lines whose loss was said.
    said: u64,
}

impl Writer {
    pub(super) fn new(
        outlet: Outlet,
        queues: Vec<Receiver<AccessEntry>>,
        orders: Arc<Orders>,
    ) -> Self {
        Self {
            outlet,
            queues,
            orders,
            trouble: OutputTrouble::default(),
        }
    }

    /// Writes until it is told to end; what was queued by then is written, if that takes no longer than
    /// [`LAST_LINES`].
    pub(super) fn work(mut self) {
        let mut end = None;
        loop {
            if self.orders.end.load(Ordering::Acquire) && end.is_none() {
                end = Some(Instant::now() + LAST_LINES);
            }
            if self.orders.reopen.swap(false, Ordering::AcqRel)
                && let Err(error) = self.outlet.reopen()
            {
                tracing::error!(%error, "the access log cannot be opened again");
            }
            let is_empty = self.empty_queues();
            match end {
                Some(_) if is_empty => return,
                Some(end) if end <= Instant::now() => return,
                Some(_) | None => {}
            }
            if is_empty {
                std::thread::park_timeout(REST);
            }
        }
    }

    /// Writes what is queued. Returns whether nothing is left; otherwise it waited for the output or more
    /// entries came meanwhile.
    fn empty_queues(&mut self) -> bool {
        if !self.outlet.is_empty() && !self.flush() {
            return false;
        }
        let mut lines = Vec::new();
        let mut is_empty = true;
        for position in 0..self.queues.len() {
            // At most one queue length at a time, so that a busy worker cannot starve the others.
            for _entry in 0..super::QUEUE {
                let Some(entry) = self.queues.get(position).and_then(|it| it.try_recv().ok())
                else {
                    break;
                };
                is_empty = false;
                line::write(&entry, &mut lines);
                if BATCH <= lines.len() {
                    self.outlet.add(&lines);
                    lines.clear();
                    if !self.flush() {
                        return false;
                    }
                }
            }
        }
        if !lines.is_empty() {
            self.outlet.add(&lines);
            self.flush();
        }
        is_empty
    }

    /// Returns whether the output takes more; lines wait while it does not.
    fn flush(&mut self) -> bool {
        match self.outlet.write(PATIENCE) {
            Wrote::All => {
                let lost = self.orders.lost();
                self.trouble.is_over(lost);
                true
            }
            Wrote::Stuck => {
                self.trouble.is_stuck();
                false
            }
            Wrote::Lost { lines, error } => {
                self.orders.lost.fetch_add(lines, Ordering::Relaxed);
                self.trouble.is_failing(&error);
                true
            }
        }
    }
}

impl OutputTrouble {
    fn is_stuck(&mut self) {
        let since = *self.stuck_since.get_or_insert_with(Instant::now);
        if STUCK <= since.elapsed() && !std::mem::replace(&mut self.is_said, true) {
            tracing::warn!("nobody takes the access log; lines beyond its queue are dropped");
        }
    }

    fn is_failing(&mut self, error: &io::Error) {
        self.stuck_since = None;
        if !std::mem::replace(&mut self.is_said, true) {
            tracing::error!(%error, "the access log cannot be written; lines are lost");
        }
    }

    fn is_over(&mut self, lost: u64) {
        self.stuck_since = None;
        let lines = lost.saturating_sub(self.said);
        if std::mem::take(&mut self.is_said) || 0 < lines {
            tracing::warn!(dropped = lines, "the access log is written again");
        }
        self.said = lost;
    }
}
