//! Writes to a descriptor that may be stuck: a pipe that nobody reads, a FIFO without a reader, a full disk.
//!
//! Belongs to one thread that does nothing else. A write is only begun when the descriptor says that it
//! takes bytes, and into a pipe of others no more at once than a pipe takes without waiting, because its
//! flags are shared with whoever gave it to us and must stay as they are. Files are opened such that a FIFO
//! without a reader is no wait but a file that is not there yet.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::process;

/// Bytes that a pipe takes whole and without waiting once it says that it takes any.
const PIPE_BYTES: usize = 4_096;
/// How often a FIFO is looked at for a reader.
const READER_LOOK: Duration = Duration::from_millis(100);
/// The rest after a descriptor promised to take bytes and then did not.
const BROKEN_PROMISE: Duration = Duration::from_millis(5);

/// Where lines go.
#[derive(Clone, Debug)]
pub(crate) enum Destination {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, device or FIFO; lines are appended.
    File(PathBuf),
}

/// What became of the lines that waited.
#[derive(Debug)]
pub(crate) enum Wrote {
    /// All are written.
    All,
    /// The time was up before the descriptor took them; they wait on.
    Stuck,
    /// They are lost, e.g. because the disk is full.
    Lost {
        /// How many.
        lines: u64,
        /// What the system said.
        error: io::Error,
    },
}

/// A descriptor with the lines that wait for it.
#[derive(Debug)]
pub(crate) struct Outlet {
    destination: Destination,
    /// Absent while a FIFO has no reader.
    file: Option<File>,
    waiting: Vec<u8>,
    /// How much of `waiting` is written.
    at: usize,
    /// Whether half a line was written and the rest of it lost.
    is_torn: bool,
}

impl Outlet {
    /// Opens `destination`. A FIFO without a reader is opened later.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub(crate) fn open(destination: Destination) -> io::Result<Self> {
        Ok(Self {
            file: open(&destination)?,
            destination,
            waiting: Vec::new(),
            at: 0,
            is_torn: false,
        })
    }

    /// Opens the file again, e.g. after it was rotated away. Lines that wait go to the new one.
    ///
    /// # Errors
    ///
    /// When it cannot be opened; the old one stays in use.
    pub(crate) fn reopen(&mut self) -> io::Result<()> {
        if let Destination::File(_) = self.destination {
            self.file = open(&self.destination)?;
            self.begin_anew();
        }
        Ok(())
    }

    /// Lets whole lines wait.
    pub(crate) fn add(&mut self, lines: &[u8]) {
        if std::mem::take(&mut self.is_torn) {
            self.waiting.push(b'\n');
        }
        self.waiting.extend_from_slice(lines);
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Bytes that wait.
    pub(crate) fn length(&self) -> usize {
        self.waiting.len()
    }

    /// Writes what waits, for `patience` at most.
    pub(crate) fn write(&mut self, patience: Duration) -> Wrote {
        let end = Instant::now() + patience;
        while self.at < self.waiting.len() {
            let left = end.saturating_duration_since(Instant::now());
            let error = match self.write_some(left) {
                Ok(Some(count)) => {
                    self.at = self.at.saturating_add(count);
                    continue;
                }
                Ok(None) => return Wrote::Stuck,
                Err(error) => error,
            };
            match (&self.destination, error.kind()) {
                (_, io::ErrorKind::Interrupted) => {}
                (_, io::ErrorKind::WouldBlock) => std::thread::park_timeout(BROKEN_PROMISE),
                // The reader of a FIFO went away; the next one gets whole lines.
                (Destination::File(_), io::ErrorKind::BrokenPipe) => {
                    self.file = None;
                    self.begin_anew();
                }
                _ => return self.lose(error),
            }
        }
        self.waiting.clear();
        self.at = 0;
        Wrote::All
    }

    /// Writes once; `None` when the descriptor took nothing for `patience`.
    fn write_some(&mut self, patience: Duration) -> io::Result<Option<usize>> {
        if self.file.is_none() {
            self.file = open(&self.destination)?;
        }
        let Some(file) = &mut self.file else {
            std::thread::park_timeout(patience.min(READER_LOOK));
            return Ok(None);
        };
        if !process::takes_bytes(file.as_fd(), patience)? {
            return Ok(None);
        }
        let rest = self.waiting.get(self.at..).unwrap_or(&[]);
        let count = file.write(match self.destination {
            Destination::Stdout | Destination::Stderr => piece(rest),
            Destination::File(_) => rest,
        })?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(Some(count))
    }

    /// The rest of a line that was begun elsewhere is dropped.
    fn begin_anew(&mut self) {
        let written = self.waiting.get(..self.at).unwrap_or(&[]);
        if written.last().is_some_and(|byte| *byte != b'\n') {
            let rest = self.waiting.get(self.at..).unwrap_or(&[]);
            let end = rest.iter().position(|byte| *byte == b'\n');
            self.at = end.map_or(self.waiting.len(), |end| {
                self.at.saturating_add(end).saturating_add(1)
            });
        }
        self.waiting.drain(..self.at.min(self.waiting.len()));
        self.at = 0;
        self.is_torn = false;
    }

    fn lose(&mut self, error: io::Error) -> Wrote {
        let (written, rest) = self
            .waiting
            .split_at_checked(self.at)
            .unwrap_or((&[], &self.waiting));
        self.is_torn = written.last().map_or(self.is_torn, |byte| *byte != b'\n');
        let lines = rest.split(|byte| *byte == b'\n').skip(1).count();
        self.waiting.clear();
        self.at = 0;
        Wrote::Lost {
            lines: u64::try_from(lines).unwrap_or(u64::MAX),
            error,
        }
    }
}

/// As many whole lines as fit into one piece, or a piece of one that does not fit.
fn piece(lines: &[u8]) -> &[u8] {
    let most = lines.get(..PIPE_BYTES).unwrap_or(lines);
    match most.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => most.get(..=end).unwrap_or(most),
        None => most,
    }
}

/// Opens `destination` for appending; `None` for a FIFO without a reader.
fn open(destination: &Destination) -> io::Result<Option<File>> {
    let path = match destination {
        Destination::Stdout => return shared(io::stdout().as_fd()),
        Destination::Stderr => return shared(io::stderr().as_fd()),
        Destination::File(path) => path,
    };
    let opened = OpenOptions::new()
        .create(true)
        .append(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path);
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.raw_os_error() == Some(libc::ENXIO) => Ok(None),
        Err(error) => {
            let named = format!("{}: {error}", path.display());
            Err(io::Error::new(error.kind(), named))
        }
    }
}

fn shared(descriptor: BorrowedFd<'_>) -> io::Result<Option<File>> {
    Ok(Some(File::from(descriptor.try_clone_to_owned()?)))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(5);

    fn fifo() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        (folder, path)
    }

    fn reader(path: &PathBuf) -> File {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_NONBLOCK);
        options.open(path).unwrap()
    }

    fn available(file: &mut File) -> String {
        let mut text = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count) = file.read(&mut buffer)
            && 0 < count
        {
            text.extend_from_slice(&buffer[..count]);
        }
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn lines_wait_for_the_reader_of_a_fifo_and_every_reader_gets_whole_lines() {
        let (_folder, path) = fifo();
        let mut outlet = Outlet::open(Destination::File(path.clone())).unwrap();
        outlet.add(b"first\n");
        assert!(matches!(outlet.write(SHORT), Wrote::Stuck));

        let mut first = reader(&path);
        assert!(matches!(outlet.write(LONG), Wrote::All));
        assert_eq!(available(&mut first), "first\n");

        let line = format!("{}\n", "x".repeat(100_000));
        outlet.add(line.as_bytes());
        outlet.add(b"last\n");
        assert!(
            matches!(outlet.write(SHORT), Wrote::Stuck),
            "a pipe is full"
        );
        drop(first);
        assert!(matches!(outlet.write(SHORT), Wrote::Stuck), "nobody reads");
        let mut second = reader(&path);
        assert!(matches!(outlet.write(LONG), Wrote::All));
        assert_eq!(available(&mut second), "last\n");
    }

    #[test]
    fn lines_for_a_full_disk_are_lost_and_counted() {
        let full = Destination::File(PathBuf::from("/dev/full"));
        let mut outlet = Outlet::open(full).unwrap();
        outlet.add(b"a\nb\n");
        assert!(matches!(outlet.write(SHORT), Wrote::Lost { lines: 2, .. }));
        assert!(outlet.is_empty());
    }

    #[test]
    fn a_place_that_cannot_be_opened_is_an_error() {
        let destination = Destination::File(PathBuf::from("/dev/null/log"));
        assert!(Outlet::open(destination).is_err());
    }

    #[test]
    fn pieces_end_with_lines_where_they_can() {
        assert_eq!(piece(b"a\nb"), b"a\n");
        assert_eq!(piece(b"ab"), b"ab");
        let long = [b'x'; PIPE_BYTES + 10];
        assert_eq!(piece(&long).len(), PIPE_BYTES);
    }
}
