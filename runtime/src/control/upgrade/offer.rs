//! The running proxy waits for a successor.
//!
//! The newest proxy has the path: it binds under another name and renames that, so that there is always one
//! to ask. What comes in is bounded in number, length and time, and changes nothing before it is a whole
//! request of the same user.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::lend::{Ask, Handed, Lent};
use super::talk::{BATCH, Talk, garbage};
use super::{ADMIN, BUSY, END, GET_READY, HELLO, NEXT_LINE, PORT, READY, YOURS};
use crate::settings::Settings;

/// Conversations at the same time; more are closed at once.
const CONVERSATIONS: usize = 4;
/// The pause after a failed accept, which means that descriptors ran out.
const PAUSE: Duration = Duration::from_millis(50);

/// A bound unix socket that nobody can find yet.
#[derive(Debug)]
pub(in crate::control) struct Offer {
    listener: UnixListener,
    file: SocketFile,
}

/// The file of the socket; removed with the value as long as it is this one and nobody took over.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    wanted: PathBuf,
    id: (u64, u64),
    /// A successor has the sockets and puts its own file here. Looking whether it did, and removing then, would be two
    /// steps with a successor's file between them.
    is_replaced: Arc<AtomicBool>,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_replaced = self.is_replaced.load(Ordering::Acquire);
        if !is_replaced && identify(&self.path).is_ok_and(|id| id == self.id) {
            // Nobody needs it, and the next proxy replaces it.
            let _left_behind = std::fs::remove_file(&self.path);
        }
    }
}

fn identify(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = std::fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

impl Offer {
    /// Prepares to hand over to a successor; none where that has no place.
    ///
    /// # Errors
    ///
    /// When the place that was asked for cannot be used. The one in the state folder may fail.
    pub(in crate::control) fn wanted(settings: &Settings) -> io::Result<Option<Self>> {
        let Some(path) = settings.upgrade_path() else {
            return Ok(None);
        };
        match Self::prepare(&path) {
            Err(error) if settings.upgrade_socket.is_none() => {
                tracing::warn!(path = %path.display(), %error, "no successor can take over");
                Ok(None)
            }
            prepared => prepared.map(Some),
        }
    }

    /// Binds a socket that will be at `path`: in a writable folder, shorter than 96 bytes, and not where
    /// something other than a socket is.
    fn prepare(path: &Path) -> io::Result<Self> {
        if std::fs::symlink_metadata(path).is_ok_and(|it| !it.file_type().is_socket()) {
            let message = format!("{} is no socket", path.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
        }
        let temporary = path.with_extension(format!("{:x}", fastrand::u32(..)));
        let listener = UnixListener::bind(&temporary)?;
        let file = SocketFile {
            id: identify(&temporary)?,
            path: temporary,
            wanted: path.to_owned(),
            is_replaced: Arc::default(),
        };
        std::fs::set_permissions(&file.path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, file })
    }

    /// Puts the socket where successors look, in place of that of an older proxy, and answers for ever.
    pub(in crate::control) async fn publish_and_serve(mut self, asks: mpsc::Sender<Ask>) {
        let SocketFile { path, wanted, .. } = &mut self.file;
        if let Err(error) = std::fs::rename(&*path, &*wanted) {
            tracing::warn!(path = %wanted.display(), %error, "no successor can take over");
            return;
        }
        path.clone_from(wanted);
        let is_replaced = Arc::clone(&self.file.is_replaced);
        let free = Arc::new(Semaphore::new(CONVERSATIONS));
        loop {
            let Ok((stream, _unnamed)) = self.listener.accept().await else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let Ok(permit) = Arc::clone(&free).try_acquire_owned() else {
                continue;
            };
            let (asks, is_replaced) = (asks.clone(), Arc::clone(&is_replaced));
            tokio::spawn(async move {
                if let Err(error) = talk(stream, &asks, &is_replaced).await {
                    tracing::warn!(%error, "no handover to a successor; serving on");
                }
                drop(permit);
            });
        }
    }
}

async fn talk(
    stream: UnixStream,
    asks: &mpsc::Sender<Ask>,
    is_replaced: &AtomicBool,
) -> io::Result<()> {
    let mut talk = Talk::with_same_user(stream)?;
    if talk.hear(NEXT_LINE).await? != HELLO {
        return Err(garbage());
    }
    let (reply, replied) = oneshot::channel();
    // Without a control loop there is no answer either.
    let _ended = asks.send(Ask::Lend(reply)).await;
    let Ok(lent) = replied.await else {
        talk.say(BUSY, &[]).await?;
        return Err(io::Error::other(
            "it came while another one, or a drain, is under way",
        ));
    };
    tracing::info!(process = talk.process(), "a successor has the sockets");
    let outcome = hand_over(&mut talk, lent, asks, is_replaced).await;
    if outcome.is_err() {
        let _ended = asks.send(Ask::TakeBack).await;
    }
    outcome
}

async fn hand_over(
    talk: &mut Talk,
    lent: Lent,
    asks: &mpsc::Sender<Ask>,
    is_replaced: &AtomicBool,
) -> io::Result<()> {
    let Lent { ports, admin } = lent;
    for sockets in ports.chunks(BATCH) {
        send(talk, PORT, sockets).await?;
    }
    if let Some(socket) = admin {
        send(talk, ADMIN, std::slice::from_ref(&socket)).await?;
    }
    talk.say(END, &[]).await?;
    if talk.hear(GET_READY).await? != READY {
        return Err(garbage());
    }
    let (stopped, has_stopped) = oneshot::channel();
    let (_until_told, told) = oneshot::channel();
    let handed = Handed { stopped, told };
    let _ended = asks.send(Ask::HandOver(handed)).await;
    if has_stopped.await.is_ok() {
        // From here on the sockets are the successor's, whether it hears that or not.
        is_replaced.store(true, Ordering::Release);
        if let Err(error) = talk.say(YOURS, &[]).await {
            tracing::warn!(%error, "the successor does not listen");
        }
    }
    Ok(())
}

async fn send(talk: &Talk, kind: &str, sockets: &[OwnedFd]) -> io::Result<()> {
    talk.say(&format!("{kind} {}", sockets.len()), sockets)
        .await
}
