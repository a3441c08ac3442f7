//! How many handshakes of an address are under way, as the kernel says over netlink (`sock_diag(7)`).
//!
//! Only the closing of a listening socket asks. The answer is about all sockets of the address, so beside a
//! busy successor with clients that are far away it may never be none.

use std::io;
use std::net::SocketAddr;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

const BY_FAMILY: u16 = 20;
const REQUEST_DUMP: u16 = 0x301;
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// The states of a connection that was asked for and not acknowledged, as bits: `TCP_SYN_RECV` and
/// `TCP_NEW_SYN_RECV`.
const STATES: u32 = (1 << 3) | (1 << 12);
const TCP: u8 = 6;
const IPV4: u8 = 2;
const IPV6: u8 = 10;
/// A header and a request (`inet_diag_req_v2`).
const LENGTH: u32 = 16 + 56;

/// Counts them.
///
/// # Errors
///
/// When the kernel has no such interface.
pub(super) fn count(address: SocketAddr) -> io::Result<usize> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    send(&socket, &request(address), SendFlags::empty())?;
    let mut counted = 0;
    loop {
        // The kernel has the answer ready when the request was sent.
        let mut buffer = [0; 8 << 10];
        let (got, _whole) = recv(&socket, &mut buffer, RecvFlags::DONTWAIT)?;
        let mut rest = buffer.get(..got).unwrap_or(&[]);
        if rest.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        while let Some((kind, after)) = message(rest) {
            match kind {
                DONE => return Ok(counted),
                ERROR => return Err(io::ErrorKind::Unsupported.into()),
                _handshake => counted += 1,
            }
            rest = after;
        }
    }
}

fn request(address: SocketAddr) -> Vec<u8> {
    let family = if address.is_ipv4() { IPV4 } else { IPV6 };
    let mut bytes = Vec::new();
    bytes.extend(LENGTH.to_ne_bytes());
    bytes.extend(BY_FAMILY.to_ne_bytes());
    bytes.extend(REQUEST_DUMP.to_ne_bytes());
    // A number of the request, and the sender: neither matters on a socket of its own.
    bytes.extend([0; 8]);
    bytes.extend([family, TCP, 0, 0]);
    bytes.extend(STATES.to_ne_bytes());
    bytes.extend(address.port().to_be_bytes());
    // Any other end, any interface, any cookie.
    bytes.extend([0; 46]);
    bytes
}

/// The type of the first message and what comes after it.
fn message(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let length = u32::from_ne_bytes(*bytes.first_chunk()?);
    let kind = u16::from_ne_bytes(*bytes.get(4..)?.first_chunk()?);
    let aligned = usize::try_from(length).ok()?.max(16).next_multiple_of(4);
    Some((kind, bytes.get(aligned..).unwrap_or(&[])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::{Domain, SockFilter, Socket, Type};

    #[test]
    fn a_handshake_that_does_not_end_is_counted() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(count(address).unwrap(), 0);
        let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        client.set_nonblocking(true).unwrap();
        // Deaf to the answer: drops every segment (`BPF_RET`, 0 bytes).
        client
            .attach_filter(&[SockFilter::new(6, 0, 0, 0)])
            .unwrap();
        let begun = client.connect(&address.into());
        assert!(begun.is_err(), "it does not wait");
        assert_eq!(count(address).unwrap(), 1);
    }
}
