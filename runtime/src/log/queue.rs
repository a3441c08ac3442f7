//! The queue of lines and the thread that empties it.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

use super::outlet::{Destination, Outlet, Wrote};

/// Lines that wait.
const LINES: usize = 1_024;
/// Bytes that wait.
const BYTES: usize = 1 << 20;
/// Bytes that are written together at most, but for one long line.
const BATCH: usize = 64 << 10;
/// How long the descriptor may take nothing before it counts as stuck.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often somebody who waits for lines to be written looks again.
const LOOK: Duration = Duration::from_millis(1);

/// The numbers of the one log of this process.
pub(super) static STATUS: QueueStatus = QueueStatus {
    put: AtomicU64::new(0),
    over: AtomicU64::new(0),
    bytes: AtomicUsize::new(0),
    dropped: AtomicU64::new(0),
    left_out: AtomicU64::new(0),
    is_stuck: AtomicBool::new(false),
};

/// What is counted of the log.
#[derive(Debug)]
pub(super) struct QueueStatus {
    /// Lines that were put into the queue.
    put: AtomicU64,
    /// Those that are written or lost.
    over: AtomicU64,
    /// Bytes in the queue.
    bytes: AtomicUsize,
    /// Lines that nobody will see.
    pub(super) dropped: AtomicU64,
    /// Lines that were left out because the same was said a moment before.
    pub(super) left_out: AtomicU64,
    /// Whether the descriptor takes nothing at the moment.
    pub(super) is_stuck: AtomicBool,
}

impl QueueStatus {
    /// Waits until all lines that are queued now are written, for `limit` at most.
    pub(super) fn wait(&self, limit: Duration) {
        let end = Instant::now() + limit;
        let put = self.put.load(Ordering::Acquire);
        while self.over.load(Ordering::Acquire) < put && Instant::now() < end {
            std::thread::park_timeout(LOOK);
        }
    }
}

/// The end of the queue that takes lines; never blocks.
#[derive(Clone, Debug)]
pub(super) struct Queue(SyncSender<Vec<u8>>);

impl Queue {
    /// Starts the thread that writes.
    pub(super) fn start() -> io::Result<Self> {
        let outlet = Outlet::open(Destination::Stderr)?;
        let (sender, lines) = sync_channel(LINES);
        std::thread::Builder::new()
            .name("weft-log".to_owned())
            .spawn(move || work(&lines, outlet))?;
        Ok(Self(sender))
    }

    fn put(&self, line: &[u8]) {
        let length = line.len();
        let before = STATUS.bytes.fetch_add(length, Ordering::Relaxed);
        let fits = before.saturating_add(length) <= BYTES;
        if fits && self.0.try_send(line.to_owned()).is_ok() {
            STATUS.put.fetch_add(1, Ordering::Release);
        } else {
            STATUS.bytes.fetch_sub(length, Ordering::Relaxed);
            STATUS.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl io::Write for &Queue {
    /// Takes `line` whole or drops it whole, and says that it went well: nobody could do anything about it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.put(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'q> MakeWriter<'q> for Queue {
    type Writer = &'q Self;

    fn make_writer(&'q self) -> &'q Self {
        self
    }
}

/// Writes until the last sender is gone, which is never for the log of a process.
fn work(lines: &Receiver<Vec<u8>>, mut outlet: Outlet) {
    let mut said = 0;
    let mut taken = 0_u64;
    loop {
        if outlet.is_empty() {
            let Ok(line) = lines.recv() else {
                return;
            };
            taken = taken.saturating_add(1);
            take(&mut outlet, &line);
            while outlet.length() < BATCH
                && let Ok(line) = lines.try_recv()
            {
                taken = taken.saturating_add(1);
                take(&mut outlet, &line);
            }
        }
        match outlet.write(PATIENCE) {
            Wrote::Stuck => {
                STATUS.is_stuck.store(true, Ordering::Relaxed);
                continue;
            }
            Wrote::All => say_what_was_dropped(&mut said),
            // There is no other place to say why, and saying it here would be lost as well.
            Wrote::Lost { lines, error: _ } => {
                STATUS.dropped.fetch_add(lines, Ordering::Relaxed);
            }
        }
        STATUS.is_stuck.store(false, Ordering::Relaxed);
        STATUS.over.store(taken, Ordering::Release);
    }
}

/// Goes through the queue like every other line; `left_out` frees it from the bound of its call site.
fn say_what_was_dropped(said: &mut u64) {
    let dropped = STATUS.dropped.load(Ordering::Relaxed);
    if *said < dropped {
        tracing::warn!(
            dropped = dropped.saturating_sub(*said),
            left_out = 0,
            "lines of this log were dropped: they were not taken in time"
        );
        *said = dropped;
    }
}

fn take(outlet: &mut Outlet, line: &[u8]) {
    STATUS.bytes.fetch_sub(line.len(), Ordering::Relaxed);
    outlet.add(line);
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_full_queue_drops_lines_and_counts_them() {
        let (sender, lines) = sync_channel(2);
        let queue = Queue(sender);
        let before = STATUS.dropped.load(Ordering::Relaxed);
        for _ in 0..5 {
            (&queue).write_all(b"a line\n").unwrap();
        }
        (&queue).write_all(&vec![b'x'; BYTES + 1]).unwrap();
        assert_eq!(STATUS.dropped.load(Ordering::Relaxed) - before, 4);
        assert_eq!(lines.try_iter().count(), 2);
    }
}
