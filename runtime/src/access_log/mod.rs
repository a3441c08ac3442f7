//! One JSON line per request, written by a thread of its own so that no worker ever waits for a disk.
//!
//! Each worker has its own bounded queue. The writer empties all of them every 25 ms and writes what it
//! found in one go: workers never wake anyone, and a queue of 4,096 lasts for 160,000 requests a second.
//! When a queue is full the entry is dropped and the worker counts it. Nothing is formatted on a worker.

mod line;
mod writer;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::settings::AccessLogTarget;
use crate::shared::{AccessEntry, AccessSink};

use writer::{Output, Writer};

/// Entries that one worker may be ahead of the writer.
const QUEUE: usize = 4_096;

/// The writer thread; dropping it writes what is queued and ends it.
#[derive(Debug)]
pub struct AccessLog {
    orders: Arc<Orders>,
    thread: Option<JoinHandle<()>>,
}

/// What the writer is told beside entries.
#[derive(Debug, Default)]
struct Orders {
    reopen: AtomicBool,
    end: AtomicBool,
}

/// The end of the queue that a worker holds.
#[derive(Debug)]
pub struct QueueSink(SyncSender<AccessEntry>);

/// A sink that wants nothing.
#[derive(Clone, Copy, Debug)]
pub struct NoSink;

impl AccessLog {
    /// Opens `target` and starts the writer; returns the sinks of `workers` workers with it.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or the thread not started.
    pub fn start(
        target: &AccessLogTarget,
        workers: usize,
    ) -> io::Result<(Self, Vec<Box<dyn AccessSink + Send>>)> {
        let orders = Arc::new(Orders::default());
        let Some(output) = Output::open(target)? else {
            let none = |_worker| -> Box<dyn AccessSink + Send> { Box::new(NoSink) };
            return Ok((
                Self {
                    orders,
                    thread: None,
                },
                (0..workers).map(none).collect(),
            ));
        };
        let mut sinks: Vec<Box<dyn AccessSink + Send>> = Vec::with_capacity(workers);
        let mut queues: Vec<Receiver<AccessEntry>> = Vec::with_capacity(workers);
        for _worker in 0..workers {
            let (sender, receiver) = sync_channel(QUEUE);
            sinks.push(Box::new(QueueSink(sender)));
            queues.push(receiver);
        }
        let writer = Writer::new(output, queues, Arc::clone(&orders));
        let thread = std::thread::Builder::new()
            .name("weft-access-log".to_owned())
            .spawn(move || writer.work())?;
        Ok((
            Self {
                orders,
                thread: Some(thread),
            },
            sinks,
        ))
    }

    /// Opens the file again, e.g. after it was rotated away.
    pub fn reopen(&self) {
        self.order(&self.orders.reopen);
    }

    fn order(&self, order: &AtomicBool) {
        order.store(true, Ordering::Release);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.order(&self.orders.end);
        if let Some(thread) = self.thread.take() {
            // A panic there was logged by the hook; there is nothing left to write.
            drop(thread.join());
        }
    }
}

impl AccessSink for QueueSink {
    fn record(&self, entry: AccessEntry) -> bool {
        self.0.try_send(entry).is_ok()
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
