//! Lines and descriptors over a unix socket, both ways, with bounds.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use tokio::io::Interest;
use tokio::net::UnixStream;

/// Descriptors that go with one line. The kernel takes 253 (`SCM_MAX_FD`).
pub(super) const BATCH: usize = 64;
/// The longest line.
const LINE: usize = 64;
/// Descriptors that are taken from the other side before they are asked for.
const DESCRIPTORS: usize = 1 << 14;

/// One conversation.
#[derive(Debug)]
pub(super) struct Talk {
    stream: UnixStream,
    bytes: VecDeque<u8>,
    descriptors: VecDeque<OwnedFd>,
}

impl Talk {
    /// Begins to talk with a process of the same user.
    ///
    /// # Errors
    ///
    /// When it is one of another user.
    pub(super) fn with_same_user(stream: UnixStream) -> io::Result<Self> {
        let own = rustix::process::geteuid().as_raw();
        let theirs = stream.peer_cred()?.uid();
        if theirs != own {
            let message = format!("the other side runs as user {theirs}, this one as {own}");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        Ok(Self {
            stream,
            bytes: VecDeque::new(),
            descriptors: VecDeque::new(),
        })
    }

    /// The process at the other side, when the kernel says.
    pub(super) fn process(&self) -> Option<i32> {
        self.stream.peer_cred().ok()?.pid()
    }

    /// Sends `line`, and copies of at most [`BATCH`] descriptors with it.
    ///
    /// # Errors
    ///
    /// When the other side is gone or does not read.
    pub(super) async fn say(&self, line: &str, descriptors: &[OwnedFd]) -> io::Result<()> {
        let text = format!("{line}\n");
        let sent = self.stream.async_io(Interest::WRITABLE, || {
            let borrowed: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if !borrowed.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&borrowed)) {
                return Err(io::Error::other("too many descriptors for one line"));
            }
            let bytes = [IoSlice::new(text.as_bytes())];
            let sent =
                rustix::net::sendmsg(&self.stream, &bytes, &mut control, SendFlags::NOSIGNAL)?;
            Ok(sent)
        });
        let sent = tokio::time::timeout(super::NEXT_LINE, sent).await??;
        if sent < text.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(())
    }

    /// The next line, within `patience`. Descriptors that came with it wait for [`Talk::take`].
    ///
    /// # Errors
    ///
    /// When there is none in time, or what comes is no short line of text.
    pub(super) async fn hear(&mut self, patience: Duration) -> io::Result<String> {
        tokio::time::timeout(patience, self.line()).await?
    }

    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.bytes.drain(..=end).take(end).collect();
                return String::from_utf8(line).map_err(|_error| garbage());
            }
            if LINE < self.bytes.len() {
                return Err(garbage());
            }
            if self.receive().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// `count` of the descriptors that have come, in their order.
    ///
    /// # Errors
    ///
    /// When there are fewer.
    pub(super) fn take(&mut self, count: usize) -> io::Result<Vec<OwnedFd>> {
        if self.descriptors.len() < count {
            return Err(garbage());
        }
        Ok(self.descriptors.drain(..count).collect())
    }

    async fn receive(&mut self) -> io::Result<usize> {
        let Self {
            stream,
            bytes,
            descriptors,
        } = self;
        stream
            .async_io(Interest::READABLE, || {
                let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
                let mut control = RecvAncillaryBuffer::new(&mut space);
                let mut buffer = [0; 1 << 10];
                let mut slices = [IoSliceMut::new(&mut buffer)];
                let flags = RecvFlags::CMSG_CLOEXEC;
                let got = rustix::net::recvmsg(&*stream, &mut slices, &mut control, flags)?;
                for message in control.drain() {
                    if let RecvAncillaryMessage::ScmRights(rights) = message {
                        descriptors.extend(rights);
                    }
                }
                if got.flags.contains(ReturnFlags::CTRUNC) || DESCRIPTORS < descriptors.len() {
                    return Err(garbage());
                }
                bytes.extend(buffer.get(..got.bytes).unwrap_or(&[]));
                Ok(got.bytes)
            })
            .await
    }
}

/// What the other side sent is not what this side understands.
pub(super) fn garbage() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the other side sends garbage")
}
