//! The admin endpoint: what the proxy is doing, for people and for Prometheus.
//!
//! On loopback or a unix socket only, on the control thread, read-only but for `POST /drain`; who may ask is
//! `guard`'s to say. Bounded: 16 connections, 5 s for a head, 10 s for a request, no bodies. A slow reader
//! cannot hold up a snapshot for longer than it takes to render one page.

mod guard;
mod losses;
mod metrics;
mod pages;
mod routes;

use guard::Reach;

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, mpsc};

use crate::access_log::Orders;
use crate::control::Command;
use crate::control::status::Status;
use crate::control::trust::Trust;
use crate::endpoints::Registry;
use crate::settings::AdminAddress;
use crate::shared::Shared;
use crate::source::health::StateHealth;

/// Connections at the same time; more are closed at once.
const CONNECTIONS: usize = 16;
/// From the first byte of a head to its end, and between requests; then the connection is closed.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// The age at which a connection is closed, whatever it does.
const AGE: Duration = Duration::from_mins(1);
/// The pause after a failed accept, which means that descriptors ran out.
const PAUSE: Duration = Duration::from_millis(50);
/// Bytes of a request head.
const HEAD_BYTES: usize = 16 << 10;

/// What the pages are made of, and where orders go.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) node: String,
    pub(crate) shared: Arc<Shared>,
    pub(crate) status: Arc<Status>,
    pub(crate) trust: Arc<Trust>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) state: Arc<StateHealth>,
    pub(crate) access_log: Arc<Orders>,
    pub(crate) commands: mpsc::Sender<Command>,
}

/// A bound admin endpoint.
#[derive(Debug)]
pub(crate) struct Admin(AdminListener);

#[derive(Debug)]
enum AdminListener {
    Tcp(TcpListener),
    Unix(UnixListener, Unlink),
}

/// Removes the socket file when the proxy ends, unless it was handed to a successor.
#[derive(Debug)]
struct Unlink {
    path: PathBuf,
    is_handed_over: Arc<AtomicBool>,
}

impl Drop for Unlink {
    fn drop(&mut self) {
        if !self.is_handed_over.load(Ordering::Relaxed) {
            // Somebody may have removed it already.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

/// The admin endpoint as something to hand to a successor.
#[derive(Debug)]
pub(crate) struct AdminSocket {
    socket: OwnedFd,
    is_handed_over: Arc<AtomicBool>,
}

impl AdminSocket {
    /// A copy of the listening socket.
    ///
    /// # Errors
    ///
    /// When descriptors ran out.
    pub(crate) fn lend(&self) -> io::Result<OwnedFd> {
        self.socket.try_clone()
    }

    /// Somebody else answers on it from now on.
    pub(crate) fn hand_over(self) {
        self.is_handed_over.store(true, Ordering::Relaxed);
    }
}

impl Admin {
    /// Binds `address`; `None` when no endpoint is wanted.
    ///
    /// # Errors
    ///
    /// When the address is taken or is not on this machine's loopback.
    pub(crate) fn bind(address: &AdminAddress) -> io::Result<Option<Self>> {
        let socket = match address {
            AdminAddress::Off => return Ok(None),
            AdminAddress::Tcp(address) => AdminListener::Tcp(bind_tcp(*address)?),
            AdminAddress::Unix(path) => AdminListener::Unix(bind_unix(path)?, Unlink::of(path)),
        };
        Ok(Some(Self(socket)))
    }

    /// Takes a listening `socket` of a predecessor, if it is the one that `address` asks for.
    pub(crate) fn inherit(address: &AdminAddress, socket: OwnedFd) -> Option<Self> {
        let socket = socket2::Socket::from(socket);
        if !socket.is_listener().unwrap_or(false) || socket.set_nonblocking(true).is_err() {
            return None;
        }
        let local = socket.local_addr().ok()?;
        let socket = match address {
            AdminAddress::Tcp(address) if local.as_socket() == Some(*address) => {
                AdminListener::Tcp(TcpListener::from_std(socket.into()).ok()?)
            }
            AdminAddress::Unix(path) if local.as_pathname() == Some(path) => {
                let listener = std::os::unix::net::UnixListener::from(OwnedFd::from(socket));
                AdminListener::Unix(UnixListener::from_std(listener).ok()?, Unlink::of(path))
            }
            AdminAddress::Off | AdminAddress::Tcp(_) | AdminAddress::Unix(_) => return None,
        };
        Some(Self(socket))
    }

    /// The socket once more, to hand it to a successor.
    ///
    /// # Errors
    ///
    /// When descriptors ran out.
    pub(crate) fn socket(&self) -> io::Result<AdminSocket> {
        let (socket, is_handed_over) = match &self.0 {
            AdminListener::Tcp(listener) => (listener.as_fd(), Arc::default()),
            AdminListener::Unix(listener, unlink) => {
                (listener.as_fd(), Arc::clone(&unlink.is_handed_over))
            }
        };
        Ok(AdminSocket {
            socket: socket.try_clone_to_owned()?,
            is_handed_over,
        })
    }

    /// Where it listens, when that is a TCP address.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match &self.0 {
            AdminListener::Tcp(listener) => listener.local_addr().ok(),
            AdminListener::Unix(..) => None,
        }
    }

    /// Answers for ever.
    pub(crate) async fn serve(self, door: Arc<Door>) {
        let free = Arc::new(Semaphore::new(CONNECTIONS));
        let collector = metrics::Collector::new(Arc::clone(&door));
        let pages = Arc::new(routes::Pages::new(door, collector));
        loop {
            let accepted = match &self.0 {
                AdminListener::Tcp(listener) => listener
                    .accept()
                    .await
                    .map(|(stream, _peer)| AdminStream::Tcp(stream)),
                AdminListener::Unix(listener, _unlink) => listener
                    .accept()
                    .await
                    .map(|(stream, _peer)| AdminStream::Unix(stream)),
            };
            let Ok(stream) = accepted else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let Ok(permit) = Arc::clone(&free).try_acquire_owned() else {
                continue;
            };
            let pages = Arc::clone(&pages);
            tokio::spawn(async move {
                match stream {
                    AdminStream::Tcp(stream) => connection(stream, Reach::Port, pages).await,
                    AdminStream::Unix(stream) => connection(stream, Reach::File, pages).await,
                }
                drop(permit);
            });
        }
    }
}

impl Unlink {
    fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            is_handed_over: Arc::default(),
        }
    }
}

enum AdminStream {
    Tcp(tokio::net::TcpStream),
    Unix(tokio::net::UnixStream),
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a loopback address",
        ));
    }
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// A socket file that a killed proxy left behind is replaced, one that somebody answers on is not.
fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let is_socket =
        std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn connection<S>(stream: S, reach: Reach, pages: Arc<routes::Pages>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let response = answer(&pages, reach, &request);
        async move { Ok::<_, std::convert::Infallible>(response) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(AGE, served).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => tracing::debug!(%error, "admin connection"),
    }
}

fn answer(
    pages: &routes::Pages,
    reach: Reach,
    request: &Request<Incoming>,
) -> Response<Full<Bytes>> {
    let page = match guard::check(reach, request.headers()) {
        Ok(()) => pages.page(request.method(), request.uri().path(), request.headers()),
        Err(refusal) => routes::forbidden(refusal),
    };
    let mut response = Response::new(Full::new(Bytes::from(page.body)));
    *response.status_mut() = page.status;
    let headers = response.headers_mut();
    headers.insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static(page.content_type),
    );
    headers.insert(
        http::header::CACHE_CONTROL,
        http::HeaderValue::from_static("no-store"),
    );
    if page.status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(
            http::header::ALLOW,
            http::HeaderValue::from_static(page.allow),
        );
    }
    response
}
