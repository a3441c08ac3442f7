//! One JSON line per request, written by a thread of its own so that no worker ever waits for a disk.
//!
//! Each worker has its own bounded queue. The writer empties all of them every 25 ms and writes what it
//! found in one go: workers never wake anyone, and a queue of 4,096 lasts for 160,000 requests a second.
//! When a queue is full the entry is dropped and the worker counts it. Nothing is formatted on a worker.
//!
//! The output may be stuck, or a FIFO that nobody reads: neither the start nor the end waits for it longer than
//! a second. Lines that wait are written once it moves, and the proxy's own log says how many were dropped.

mod line;
mod writer;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::Thread;
use std::time::Duration;

use crate::log::outlet::{Destination, Outlet};
use crate::settings::AccessLogTarget;
use crate::shared::{AccessEntry, AccessSink};

use writer::Writer;

/// Entries that one worker may be ahead of the writer.
const QUEUE: usize = 4_096;
/// How long the start waits for the file to be open.
const OPENING: Duration = Duration::from_secs(1);
/// How much longer than the writer itself the end waits.
const GRACE: Duration = Duration::from_millis(200);

/// The writer thread; dropping it writes what is queued, for a second at most, and ends it.
#[derive(Debug)]
pub struct AccessLog {
    orders: Arc<Orders>,
    thread: Option<WriterThread>,
}

#[derive(Debug)]
struct WriterThread {
    thread: Thread,
    /// Closed when the thread ended.
    ended: Receiver<()>,
}

/// What the writer is told beside entries, and what it counts.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    reopen: AtomicBool,
    end: AtomicBool,
    /// Lines that could not be written.
    lost: AtomicU64,
    /// Entries that found the queue of their worker full.
    not_queued: AtomicU64,
}

impl Orders {
    /// Lines that nobody will see, for whatever reason.
    pub(crate) fn lost(&self) -> u64 {
        let lost = self.lost.load(Ordering::Relaxed);
        lost.saturating_add(self.not_queued.load(Ordering::Relaxed))
    }
}

/// The end of the queue that a worker holds.
#[derive(Debug)]
pub struct QueueSink {
    queue: SyncSender<AccessEntry>,
    orders: Arc<Orders>,
}

/// A sink that wants nothing.
#[derive(Clone, Copy, Debug)]
pub struct NoSink;

impl AccessLog {
    /// Starts the writer on `target`; returns the sinks of `workers` workers with it.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or the thread not started. A FIFO without a reader is opened when there
    /// is one, and a file that takes longer than a second to open is waited for by the writer alone.
    pub fn start(
        target: &AccessLogTarget,
        workers: usize,
    ) -> io::Result<(Self, Vec<Box<dyn AccessSink + Send>>)> {
        let orders = Arc::new(Orders::default());
        let destination = match target {
            AccessLogTarget::Off => {
                let none = |_worker| -> Box<dyn AccessSink + Send> { Box::new(NoSink) };
                let thread = None;
                return Ok((Self { orders, thread }, (0..workers).map(none).collect()));
            }
            AccessLogTarget::Stdout => Destination::Stdout,
            AccessLogTarget::File(path) => Destination::File(path.clone()),
        };
        let mut sinks: Vec<Box<dyn AccessSink + Send>> = Vec::with_capacity(workers);
        let mut queues: Vec<Receiver<AccessEntry>> = Vec::with_capacity(workers);
        for _worker in 0..workers {
            let (queue, receiver) = sync_channel(QUEUE);
            let orders = Arc::clone(&orders);
            sinks.push(Box::new(QueueSink { queue, orders }));
            queues.push(receiver);
        }
        let thread = Some(run(destination, queues, Arc::clone(&orders))?);
        Ok((Self { orders, thread }, sinks))
    }

    /// Opens the file again, e.g. after it was rotated away.
    pub fn reopen(&self) {
        self.order(&self.orders.reopen);
    }

    /// What is counted.
    pub(crate) fn tally(&self) -> Arc<Orders> {
        Arc::clone(&self.orders)
    }

    fn order(&self, order: &AtomicBool) {
        order.store(true, Ordering::Release);
        if let Some(running) = &self.thread {
            running.thread.unpark();
        }
    }
}

/// Opens `destination` and writes, on a thread of its own: to open may take for ever too.
fn run(
    destination: Destination,
    queues: Vec<Receiver<AccessEntry>>,
    orders: Arc<Orders>,
) -> io::Result<WriterThread> {
    let (open, opened) = sync_channel(1);
    let (end, ended) = sync_channel(0);
    let thread = std::thread::Builder::new()
        .name("weft-access-log".to_owned())
        .spawn(move || {
            // Dropped with the thread, also when that panics.
            let _ends: SyncSender<()> = end;
            match Outlet::open(destination) {
                Ok(outlet) => {
                    // The starter does not wait for ever.
                    drop(open.send(Ok(())));
                    Writer::new(outlet, queues, orders).work();
                }
                Err(error) => {
                    if let Err(unheard) = open.send(Err(error)) {
                        let error = unheard.0.err();
                        tracing::error!(?error, "the access log cannot be opened; there is none");
                    }
                }
            }
        })?;
    let thread = thread.thread().clone();
    match opened.recv_timeout(OPENING) {
        Ok(outcome) => outcome?,
        Err(RecvTimeoutError::Timeout) => {
            tracing::warn!("the access log takes long to open; serving meanwhile");
        }
        Err(RecvTimeoutError::Disconnected) => {
            return Err(io::Error::other("the writer ended early"));
        }
    }
    Ok(WriterThread { thread, ended })
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.order(&self.orders.end);
        if let Some(running) = self.thread.take() {
            // A thread that hangs in the system is left alone: the process ends without it.
            let _closed = running.ended.recv_timeout(writer::LAST_LINES + GRACE);
        }
    }
}

impl AccessSink for QueueSink {
    fn record(&self, entry: AccessEntry) -> bool {
        let is_queued = self.queue.try_send(entry).is_ok();
        if !is_queued {
            self.orders.not_queued.fetch_add(1, Ordering::Relaxed);
        }
        is_queued
    }

    fn wants(&self) -> bool {
        true
    }
}

impl AccessSink for NoSink {
    fn record(&self, _entry: AccessEntry) -> bool {
        true
    }

    fn wants(&self) -> bool {
        false
    }
}
