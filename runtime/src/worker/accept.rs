//! Takes connections off one socket, within bounds, and keeps doing so when descriptors run out.
//!
//! Closing a listening socket resets whoever waits in its queue or is about to. Other sockets of the same
//! address, of this process or another one, take them over only where `net.ipv4.tcp_migrate_req` is on, and it
//! is off by default. So a socket that nobody else has open is closed in steps:
//!
//! 1. A filter drops every SYN that the kernel spreads to it. The client's TCP sends that again after a
//!    second, when another socket of the address answers, or nobody.
//! 2. Handshakes that are under way end, and connections are accepted as before: until the kernel knows of no more,
//!    or for [`HANDSHAKES`].
//! 3. What waits in the queue is taken, and the socket closed. Nothing can have come in between.
//!
//! Answering with SYN cookies instead (a backlog of zero) would delay nobody, but loses some: the kernel does
//! not always take a cookie at another socket than the one that gave it.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockFilter, SockRef};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Link, View, Worker, connection, half_open, spawn_guarded};
use crate::log;
use crate::shared::Shedding;

/// The wait after the system refused to accept, e.g. because descriptors ran out.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(50);

/// How long handshakes that began may take to end, at most: a round trip of most clients. Whoever asks for a
/// connection meanwhile waits for a second, so it ends sooner when none is under way.
const HANDSHAKES: Duration = Duration::from_millis(100);

/// How often it is asked whether some are.
const LOOK: Duration = Duration::from_millis(2);

/// Where the kernel says whether it hands who waits in a closing socket to another one.
const MIGRATES: &str = "/proc/sys/net/ipv4/tcp_migrate_req";

/// The longest queue; the kernel cuts what is asked for at `net.core.somaxconn`.
const LONGEST_QUEUE: usize = 1 << 16;

/// How a socket is left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Leave {
    /// Nobody else has it open: it is closed without losing who waits.
    Close,
    /// Another process has it open and accepts who waits: this end of it is let go.
    LetGo,
}

/// How a socket is left, and what decides the requests of who is accepted meanwhile where no listener is left.
type LeaveOrder = (Leave, Option<Rc<View>>);

/// A socket that is being accepted from.
#[derive(Debug)]
pub(super) struct AcceptingSocket {
    /// The socket itself, to lend it.
    pub(super) listener: Rc<TcpListener>,
    leave: oneshot::Sender<LeaveOrder>,
    task: JoinHandle<()>,
}

impl AcceptingSocket {
    /// Leaves the socket; the returned task is over when that is done. `last` is the last snapshot that had a
    /// listener there, where the current one has none.
    pub(super) fn leave(self, how: Leave, last: Option<Rc<View>>) -> JoinHandle<()> {
        let Self {
            listener,
            leave,
            task,
        } = self;
        drop(listener);
        // The task ends by nothing else.
        let _ended = leave.send((how, last));
        task
    }
}

/// Starts accepting.
pub(super) fn start(
    worker: &Rc<Worker>,
    port: SocketAddr,
    socket: std::net::TcpListener,
) -> io::Result<AcceptingSocket> {
    socket.set_nonblocking(true)?;
    let listener = Rc::new(TcpListener::from_std(socket)?);
    let (leave, left) = oneshot::channel();
    let counters = Arc::clone(&worker.counters);
    counters.listeners_open.add(1);
    let worker = Rc::clone(worker);
    let own = Rc::clone(&listener);
    let task = tokio::task::spawn_local(async move {
        let (how, last) = tokio::select! {
            left = left => left.unwrap_or((Leave::LetGo, None)),
            () = accept(&worker, port, &own, None) => (Leave::LetGo, None),
        };
        if how == Leave::Close {
            close(&worker, port, &own, last.as_ref()).await;
        }
        drop(own);
        counters.listeners_open.subtract(1);
    });
    Ok(AcceptingSocket {
        listener,
        leave,
        task,
    })
}

async fn accept(
    worker: &Rc<Worker>,
    port: SocketAddr,
    listener: &TcpListener,
    last: Option<&Rc<View>>,
) {
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => admit(worker, port, socket, peer, last),
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                if let Some(left_out) = log::due("accept") {
                    tracing::warn!(%port, %error, left_out, "cannot accept; trying again");
                }
                tokio::time::sleep(EXHAUSTED_WAIT).await;
            }
        }
    }
}

/// The steps before the end of a socket that nobody else has open.
async fn close(
    worker: &Rc<Worker>,
    port: SocketAddr,
    listener: &TcpListener,
    last: Option<&Rc<View>>,
) {
    let socket = SockRef::from(listener);
    let migrates = std::fs::read(MIGRATES).is_ok_and(|text| text.starts_with(b"1"));
    if !migrates {
        if let Err(error) = socket.attach_filter(&NO_SYN) {
            // Then only what comes in the moment between the last two steps is lost.
            tracing::debug!(%port, %error, "the kernel takes no filter");
        }
        let end = Instant::now() + HANDSHAKES;
        let mut is_awaited = true;
        while is_awaited {
            let _look = tokio::time::timeout(LOOK, accept(worker, port, listener, last)).await;
            let is_none = half_open::count(port).is_ok_and(|count| count == 0);
            is_awaited = !is_none && Instant::now() < end;
        }
    }
    for _waiting in 0..LONGEST_QUEUE {
        match socket.accept() {
            Ok((accepted, peer)) => {
                if let Some(peer) = peer.as_socket()
                    && let Ok(accepted) = nonblocking(accepted)
                {
                    admit(worker, port, accepted, peer, last);
                }
            }
            Err(error) if concerns_one_connection(&error) => {}
            Err(_nobody_waits) => return,
        }
    }
}

fn nonblocking(socket: socket2::Socket) -> io::Result<TcpStream> {
    socket.set_nonblocking(true)?;
    TcpStream::from_std(socket.into())
}

/// Drops TCP segments that ask for a connection: of the flags in byte 13, SYN without ACK (RFC 9293, 3.1).
///
/// Instructions of the classic packet filter, see `linux/bpf_common.h`.
const NO_SYN: [SockFilter; 5] = {
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    [
        SockFilter::new(LOAD_BYTE, 0, 0, 13),
        SockFilter::new(AND, 0, 0, 0x12),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, 0x02),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ]
};

/// Whether the error is that of a connection that was gone before it was accepted.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Serves the connection unless a bound is met; then it is closed at once.
///
/// While memory or descriptors are short, new connections are closed before anything is spent on them.
///
/// One port may hold seven eighths of the bound, so that a flood on it leaves room for the others.
fn admit(
    worker: &Rc<Worker>,
    port: SocketAddr,
    socket: TcpStream,
    peer: SocketAddr,
    last: Option<&Rc<View>>,
) {
    if Shedding::Connections <= worker.shared.pressure.shedding() {
        worker.counters.connections_refused_memory.add(1);
        return;
    }
    if !worker
        .shared
        .pressure
        .has_room_for_client(socket.as_raw_fd())
    {
        worker.counters.connections_refused_descriptors.add(1);
        if let Some(left_out) = log::due("descriptors") {
            tracing::warn!(%port, left_out, "descriptors are short: new connections are closed");
        }
        return;
    }
    let bound = worker.shared.limits.connections;
    let of_one_port = bound - bound / 8;
    if bound <= worker.links.count() || of_one_port <= worker.links.count_of(port) {
        worker.counters.connections_refused.add(1);
        return;
    }
    // Small answers must not wait for the acknowledgement of earlier ones. A socket that cannot be
    // told is gone; serving it finds out.
    let _gone = socket.set_nodelay(true);
    worker.counters.connections_accepted.add(1);
    // It counts as open before its task runs: a drain that looks in between must not end without it.
    let link = Link::open(worker, port, peer);
    if let Some(last) = last {
        link.outlive_listener(last);
    }
    let counters = Arc::clone(&worker.counters);
    spawn_guarded(counters, connection::serve(link, socket));
}
