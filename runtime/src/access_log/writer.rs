//! The thread that turns entries into lines and lines into writes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::{Orders, line};
use crate::settings::AccessLogTarget;
use crate::shared::AccessEntry;

/// How long the writer rests when all queues were empty.
const REST: Duration = Duration::from_millis(25);
/// Bytes that are written at once at the latest.
const BATCH: usize = 256 << 10;

/// Where lines go.
#[derive(Debug)]
pub(super) enum Output {
    /// Standard output.
    Stdout(io::Stdout),
    /// A file that can be opened again.
    File(PathBuf, File),
}

impl Output {
    /// Opens `target`; `None` when no log is wanted.
    pub(super) fn open(target: &AccessLogTarget) -> io::Result<Option<Self>> {
        match target {
            AccessLogTarget::Off => Ok(None),
            AccessLogTarget::Stdout => Ok(Some(Self::Stdout(io::stdout()))),
            AccessLogTarget::File(path) => Ok(Some(Self::File(path.clone(), append(path)?))),
        }
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => {
                let mut stdout = stdout.lock();
                stdout.write_all(lines)?;
                stdout.flush()
            }
            Self::File(_path, file) => file.write_all(lines),
        }
    }

    /// Keeps the old file when the new one cannot be opened.
    fn reopen(&mut self) {
        match self {
            Self::Stdout(_stdout) => {}
            Self::File(path, file) => match append(path) {
                Ok(fresh) => *file = fresh,
                Err(error) => tracing::error!(%error, "the access log cannot be opened again"),
            },
        }
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Owns the output and the reading ends of all queues.
#[derive(Debug)]
pub(super) struct Writer {
    output: Output,
    queues: Vec<Receiver<AccessEntry>>,
    orders: Arc<Orders>,
    lines: Vec<u8>,
    is_failing: bool,
}

impl Writer {
    pub(super) fn new(
        output: Output,
        queues: Vec<Receiver<AccessEntry>>,
        orders: Arc<Orders>,
    ) -> Self {
        Self {
            output,
            queues,
            orders,
            lines: Vec::new(),
            is_failing: false,
        }
    }

    /// Writes until it is told to end; what was queued by then is written.
    pub(super) fn work(mut self) {
        loop {
            let is_ending = self.orders.end.load(Ordering::Acquire);
            let is_idle = self.empty_queues();
            if self.orders.reopen.swap(false, Ordering::AcqRel) {
                self.output.reopen();
            }
            if is_ending {
                return;
            }
            if is_idle {
                std::thread::park_timeout(REST);
            }
        }
    }

    /// Returns whether there was nothing to write.
    fn empty_queues(&mut self) -> bool {
        let mut is_idle = true;
        for position in 0..self.queues.len() {
            // At most one queue length at a time, so that a busy worker cannot starve the others.
            for _entry in 0..super::QUEUE {
                let Some(entry) = self.queues.get(position).and_then(|it| it.try_recv().ok())
                else {
                    break;
                };
                is_idle = false;
                line::write(&entry, &mut self.lines);
                if BATCH <= self.lines.len() {
                    self.flush();
                }
            }
        }
        self.flush();
        is_idle
    }

    /// Lines that cannot be written are lost; the first loss of a row of them is logged.
    fn flush(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let outcome = self.output.write(&self.lines);
        self.lines.clear();
        match outcome {
            Ok(()) => self.is_failing = false,
            Err(error) if !self.is_failing => {
                self.is_failing = true;
                tracing::error!(%error, "the access log cannot be written; lines are lost");
            }
            Err(_error) => {}
        }
    }
}
