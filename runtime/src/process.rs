//! What the process asks of the kernel and of its allocator; most of it once, before it opens anything.
//!
//! Memory holds private keys, so there are no core dumps and no debugger of the same user. A proxy needs
//! many descriptors, so the soft limit is raised to the hard one. Nothing it starts may gain privileges.
//! This is the control side's one file with `unsafe`; it holds no state and takes no pointers from callers.
#![expect(
    unsafe_code,
    reason = "system calls that std does not have; argued at each block"
)]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::time::Duration;

// Its library has the call that gives memory back, also in programs that allocate otherwise.
use mimalloc as _;

use crate::control::clock;
use crate::log;

/// Hardens the process and raises its limit of open files.
///
/// Each step that the kernel refuses is reported in the log and otherwise left: a proxy that serves is
/// worth more than one that does not start in an unusual container.
pub fn harden() {
    let steps = [
        ("no core dumps", no_core_dumps()),
        ("not dumpable", control_process(libc::PR_SET_DUMPABLE, 0)),
        (
            "no new privileges",
            control_process(libc::PR_SET_NO_NEW_PRIVS, 1),
        ),
        ("open files raised", raise_open_files()),
    ];
    for (step, outcome) in steps {
        if let Err(error) = outcome {
            tracing::warn!(step, %error, "the kernel refused a step of hardening");
        }
    }
}

/// Makes a panic one line of the log: where, on which thread, and the first 200 characters of why.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let text = panic
            .payload_as_str()
            .unwrap_or("no text")
            .chars()
            .take(200)
            .collect::<String>()
            .escape_debug()
            .to_string();
        let thread = std::thread::current()
            .name()
            .unwrap_or("unnamed")
            .to_owned();
        tracing::error!(
            place,
            thread,
            text,
            unix_seconds = clock::unix_seconds(),
            "panic"
        );
        log::let_out_after_panic();
    }));
}

/// Gives memory that the calling thread has freed back to the system, and what all threads have given up.
///
/// Costs a look at every page of the thread, some milliseconds for 100 MiB: for moments when load went away.
pub fn give_back_memory() {
    unsafe extern "C" {
        /// Touches what the calling thread owns and what is owned by none; always sound to call.
        safe fn mi_collect(force: bool);
    }
    mi_collect(true);
}

/// Waits until `descriptor` takes bytes, for `patience` at most, and returns whether it does.
///
/// # Errors
///
/// When it cannot be asked. One that would fail a write takes bytes: the write says why.
pub fn takes_bytes(descriptor: BorrowedFd<'_>, patience: Duration) -> io::Result<bool> {
    let mut asked = libc::pollfd {
        fd: descriptor.as_raw_fd(),
        events: libc::POLLOUT,
        revents: 0,
    };
    let millis = libc::c_int::try_from(patience.as_millis()).unwrap_or(libc::c_int::MAX);
    // SAFETY: the pointer is to one local entry, alive for the whole call, and the count says one.
    let count = unsafe { libc::poll(&raw mut asked, 1, millis) };
    if count < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(0 < count)
}

/// How many descriptors this process may have open, when the kernel says.
pub fn descriptor_limit() -> Option<u64> {
    open_files().ok().map(|limit| limit.rlim_cur)
}

/// Resident memory of this process in bytes, when the kernel says.
pub fn resident_bytes() -> Option<u64> {
    ResidentMemory::open().ok()?.bytes()
}

/// Where the kernel says how much memory is resident; opened once, so that it can be read when no descriptor
/// is left.
#[derive(Debug)]
pub struct ResidentMemory {
    statm: File,
    page_bytes: u64,
}

impl ResidentMemory {
    /// Opens the place.
    ///
    /// # Errors
    ///
    /// When there is none, or it is not understood.
    pub fn open() -> io::Result<Self> {
        let statm = File::open("/proc/self/statm")?;
        let page_bytes = page_bytes().ok_or(io::ErrorKind::Unsupported)?;
        let memory = Self { statm, page_bytes };
        memory.bytes().ok_or(io::ErrorKind::Unsupported)?;
        Ok(memory)
    }

    /// Resident memory now, in bytes.
    pub fn bytes(&self) -> Option<u64> {
        let mut text = [0; 256];
        let count = self.statm.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(text.get(..count)?).ok()?;
        let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
        pages.checked_mul(self.page_bytes)
    }
}

/// Open descriptors of this process, when the kernel says.
pub fn open_descriptors() -> Option<u64> {
    u64::try_from(std::fs::read_dir("/proc/self/fd").ok()?.count()).ok()
}

fn page_bytes() -> Option<u64> {
    // SAFETY: sysconf takes a number and returns a number; it touches no memory of ours.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(bytes).ok()
}

fn no_core_dumps() -> io::Result<()> {
    set_limit(
        libc::RLIMIT_CORE,
        libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        },
    )
}

fn raise_open_files() -> io::Result<()> {
    let mut limit = open_files()?;
    limit.rlim_cur = limit.rlim_max;
    set_limit(libc::RLIMIT_NOFILE, limit)
}

fn open_files() -> io::Result<libc::rlimit> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer is to a local of the type that the call fills, alive for the whole call.
    let status = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    checked(status)?;
    Ok(limit)
}

fn set_limit(resource: libc::__rlimit_resource_t, limit: libc::rlimit) -> io::Result<()> {
    // SAFETY: the pointer is to a local that outlives the call, which only reads it.
    checked(unsafe { libc::setrlimit(resource, &raw const limit) })
}

fn control_process(option: libc::c_int, value: libc::c_ulong) -> io::Result<()> {
    // SAFETY: the two options used here take one number; the other arguments must be zero and are.
    checked(unsafe { libc::prctl(option, value, 0, 0, 0) })
}

fn checked(status: libc::c_int) -> io::Result<()> {
    if status == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn the_kernel_tells_memory_and_descriptors() {
        assert!(0 < resident_bytes().unwrap());
        assert!(0 < open_descriptors().unwrap());
        assert!(open_descriptors().unwrap() < descriptor_limit().unwrap());
    }

    #[test]
    fn a_full_pipe_takes_no_bytes() {
        let (_reader, writer) = io::pipe().unwrap();
        assert!(takes_bytes(writer.as_fd(), Duration::ZERO).unwrap());
        let mut file = &writer;
        for _ in 0..16 {
            file.write_all(&[0; 4_096]).unwrap();
        }
        assert!(!takes_bytes(writer.as_fd(), Duration::ZERO).unwrap());
    }
}
