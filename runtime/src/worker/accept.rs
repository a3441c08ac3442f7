//! Takes connections off one socket, within bounds, and keeps doing so when descriptors run out.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::{Worker, connection, spawn_guarded};

/// The wait after the system refused to accept, e.g. because descriptors ran out.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(50);

/// Starts accepting until `stopped` resolves.
pub(super) fn start(
    worker: &Rc<Worker>,
    port: SocketAddr,
    socket: std::net::TcpListener,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    let listener = TcpListener::from_std(socket)?;
    let worker = Rc::clone(worker);
    tokio::task::spawn_local(async move {
        tokio::select! {
            _stop = stopped => {}
            () = accept(&worker, port, &listener) => {}
        }
    });
    Ok(())
}

async fn accept(worker: &Rc<Worker>, port: SocketAddr, listener: &TcpListener) {
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => admit(worker, port, socket, peer),
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%port, %error, "cannot accept; trying again");
                tokio::time::sleep(EXHAUSTED_WAIT).await;
            }
        }
    }
}

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
/// One port may hold seven eighths of the bound, so that a flood on it leaves room for the others.
fn admit(worker: &Rc<Worker>, port: SocketAddr, socket: TcpStream, peer: SocketAddr) {
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
    let worker = Rc::clone(worker);
    let counters = std::sync::Arc::clone(&worker.counters);
    spawn_guarded(counters, connection::serve(worker, port, socket, peer));
}
