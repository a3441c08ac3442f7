//! Free loopback ports, for settings that must be known before anybody binds them.
//!
//! They are taken from below the range that the kernel uses for outgoing connections, so that a
//! connection made meanwhile cannot take one away. Each is given out once per process.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::bail;

const FIRST: u32 = 20_000;
const COUNT: u32 = 10_000;

static GIVEN: AtomicU32 = AtomicU32::new(0);

/// A port on which nobody listens now.
///
/// # Errors
///
/// When ten thousand ports are all taken.
pub fn free() -> anyhow::Result<u16> {
    // Processes start at different places, so that those running at once rarely look at the same port.
    let start = process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let given = GIVEN.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(FIRST + start.wrapping_add(given) % COUNT)?;
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("every port from {FIRST} on is taken");
}

/// A loopback address on which nobody listens now.
///
/// # Errors
///
/// As [`free`].
pub fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, free()?)))
}
