//! What the process asks of the kernel once, before it opens anything.
//!
//! Memory holds private keys, so there are no core dumps and no debugger of the same user. A proxy needs
//! many descriptors, so the soft limit is raised to the hard one. Nothing it starts may gain privileges.
//! This is the control side's one file with `unsafe`; it holds no state and takes no pointers from callers.
#![expect(
    unsafe_code,
    reason = "system calls that std does not have; argued at each block"
)]

use std::io;

use crate::control::clock;

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
    }));
}

/// Resident memory of this process in bytes, when the kernel says.
pub fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(page_bytes()?)
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
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer is to a local of the type that the call fills, alive for the whole call.
    let status = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    checked(status)?;
    limit.rlim_cur = limit.rlim_max;
    set_limit(libc::RLIMIT_NOFILE, limit)
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
    use super::*;

    #[test]
    fn the_kernel_tells_memory_and_descriptors() {
        assert!(0 < resident_bytes().unwrap());
        assert!(0 < open_descriptors().unwrap());
    }
}
