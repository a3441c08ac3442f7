//! The successor gets the sockets of the running proxy, and says when it serves on them.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;

use socket2::{Socket, Type};
use tokio::net::UnixStream;

use super::talk::{Talk, garbage};
use super::{ADMIN, BUSY, END, HELLO, NEXT_LINE, PORT, READY, YOURS};
use crate::admin::Admin;
use crate::control::keep::Control;
use crate::control::ports;
use crate::settings::{AdminAddress, Settings};

/// How long the running proxy may take from `ready` to `yours`.
const LAST_LINE: std::time::Duration = std::time::Duration::from_secs(10);

/// A takeover that is under way.
#[derive(Debug)]
pub(in crate::control) struct Takeover(Talk);

/// Listening sockets of a predecessor.
#[derive(Debug, Default)]
pub(in crate::control) struct Inherited {
    /// Those of traffic, by the addresses that the kernel says they have.
    ports: BTreeMap<SocketAddr, Vec<TcpListener>>,
    admin: Option<OwnedFd>,
}

impl Inherited {
    /// Copies of the sockets bound to `address`; none when it had none there.
    ///
    /// # Errors
    ///
    /// When descriptors ran out.
    pub(in crate::control) fn copies(&self, address: SocketAddr) -> io::Result<Vec<TcpListener>> {
        let sockets = self.ports.get(&address).map_or(&[][..], Vec::as_slice);
        sockets.iter().map(TcpListener::try_clone).collect()
    }

    /// The addresses with the number of their sockets.
    pub(in crate::control) fn counts(&self) -> Vec<(SocketAddr, usize)> {
        let entries = self.ports.iter();
        entries
            .map(|(address, sockets)| (*address, sockets.len()))
            .collect()
    }

    /// The admin endpoint, once, if it is the one that `address` asks for.
    pub(in crate::control) fn admin(&mut self, address: &AdminAddress) -> Option<Admin> {
        let socket = self.admin.take()?;
        Admin::inherit(address, socket)
    }

    fn add(&mut self, socket: OwnedFd) -> io::Result<()> {
        let socket = Socket::from(socket);
        let address = socket.local_addr()?.as_socket().ok_or_else(garbage)?;
        if socket.r#type()? != Type::STREAM || !socket.is_listener()? {
            return Err(garbage());
        }
        self.ports.entry(address).or_default().push(socket.into());
        Ok(())
    }
}

impl Takeover {
    /// Asks the proxy that runs for its sockets, if that is wanted and one runs.
    ///
    /// # Errors
    ///
    /// When one runs and does not hand them over: it is busy, of another user, or does not answer in time.
    pub(in crate::control) async fn wanted(
        settings: &Settings,
    ) -> io::Result<Option<(Self, Inherited)>> {
        if !settings.upgrade {
            return Ok(None);
        }
        let path = settings.upgrade_path().ok_or_else(|| {
            let message = "`--upgrade` needs `--upgrade-socket` or `--state-dir`";
            io::Error::new(io::ErrorKind::InvalidInput, message)
        })?;
        let begun = Self::begin(&path).await?;
        if begun.is_none() {
            tracing::info!(path = %path.display(), "no proxy runs here: starting alone");
        }
        Ok(begun)
    }

    async fn begin(path: &Path) -> io::Result<Option<(Self, Inherited)>> {
        let connecting = UnixStream::connect(path);
        let stream = match tokio::time::timeout(NEXT_LINE, connecting).await? {
            Ok(stream) => stream,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let mut talk = Talk::with_same_user(stream)?;
        talk.say(HELLO, &[]).await?;
        let mut inherited = Inherited::default();
        loop {
            let line = talk.hear(NEXT_LINE).await?;
            match line.split_once(' ') {
                Some((PORT, count)) => {
                    for socket in talk.take(count.parse().map_err(|_error| garbage())?)? {
                        inherited.add(socket)?;
                    }
                }
                Some((ADMIN, "1")) => inherited.admin = talk.take(1)?.pop(),
                None if line == END => break,
                None if line == BUSY => {
                    return Err(io::Error::other("the running proxy is busy or drains"));
                }
                Some(_) | None => return Err(garbage()),
            }
        }
        Ok(Some((Self(talk), inherited)))
    }

    /// Says that this proxy serves, and waits until the running one has stopped accepting.
    async fn finish(self) -> io::Result<()> {
        let Self(mut talk) = self;
        talk.say(READY, &[]).await?;
        if talk.hear(LAST_LINE).await? == YOURS {
            Ok(())
        } else {
            Err(garbage())
        }
    }
}

impl Control {
    /// Ends a takeover: from now on the sockets are this proxy's alone.
    ///
    /// When the other side does not say so, both may be accepting. That loses nothing either, so this proxy
    /// serves on, and leaves such sockets without closing them.
    pub(in crate::control) async fn take_over(
        &mut self,
        takeover: Takeover,
        inherited: &Inherited,
    ) {
        if let Err(error) = takeover.finish().await {
            tracing::warn!(%error, "the proxy that ran before may still be accepting");
            return;
        }
        tracing::info!("took over from the proxy that ran before");
        self.fleet.share(false);
        // Workers beyond those of the predecessor get sockets of their own now that nobody can take a
        // connection back that comes to them.
        for (address, count) in inherited.counts() {
            let is_served = self.shared.active.load().port(address).is_some();
            let missing = self.settings.workers.saturating_sub(count);
            match ports::bind(address, if is_served { missing } else { 0 }) {
                Ok(sockets) => self.fleet.listen_after(count, address, sockets),
                Err(error) => tracing::warn!(%error, "some workers get no connections"),
            }
        }
    }
}
