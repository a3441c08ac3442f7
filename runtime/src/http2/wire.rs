//! The bytes of a downstream HTTP/2 connection as they pass.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::abuse::{Abuse, Allowance};
use super::frames::Frames;
use super::ledger::Ledger;
use crate::worker::{Link, Stream};

/// A connected socket that outlives the connection spoken on it, so that the last words of that can be sent
/// and read. Borrowed for one call at a time, by one task.
pub(crate) type Socket = Rc<RefCell<Stream>>;

/// So many frames are read in a row before what they cause is written. `h2` reads on as long as bytes come, and a peer that sends faster than
/// they are looked at would otherwise be answered, and judged by the answers, when it pleases.
const IN_A_ROW: u32 = 512;

/// A socket whose frames are counted. Over the account the link is ordered to end, and nothing more is read.
#[derive(Debug)]
pub(crate) struct Wire {
    socket: Socket,
    link: Rc<Link>,
    received: Frames,
    sent: Frames,
    ledger: Ledger,
    /// Frames that were read since it was the turn of writing.
    in_a_row: u32,
    is_over: bool,
}

impl Wire {
    pub(crate) fn new(socket: &Socket, link: &Rc<Link>, allowance: Allowance) -> Self {
        Self {
            socket: Rc::clone(socket),
            link: Rc::clone(link),
            received: Frames::of_client(),
            sent: Frames::of_server(),
            ledger: Ledger::new(allowance),
            in_a_row: 0,
            is_over: false,
        }
    }

    fn note_read(&mut self, bytes: &[u8]) {
        let (received, ledger) = (&mut self.received, &mut self.ledger);
        ledger.at(self.link.worker.clock());
        let mut abuse = None;
        let held = &self.link.held;
        let in_a_row = &mut self.in_a_row;
        received.read(bytes, |frame| {
            *in_a_row = in_a_row.saturating_add(1);
            held.came(frame.data_bytes());
            let found = ledger.received(frame);
            abuse = abuse.or(found);
        });
        let is_unfinished = received.is_unfinished();
        self.link.note_unfinished(is_unfinished);
        self.judge(abuse);
    }

    fn note_write<'b>(
        &mut self,
        slices: impl Iterator<Item = &'b [u8]>,
        written: &Poll<io::Result<usize>>,
    ) {
        let mut left = match written {
            Poll::Pending => return self.link.write_stalls(),
            Poll::Ready(Err(_)) => return,
            Poll::Ready(Ok(count)) => *count,
        };
        self.link.wrote();
        let (sent, ledger) = (&mut self.sent, &mut self.ledger);
        let held = &self.link.held;
        let mut abuse = None;
        for slice in slices {
            let passed = slice.get(..left.min(slice.len())).unwrap_or(slice);
            left = left.saturating_sub(passed.len());
            sent.read(passed, |frame| {
                held.sent(frame.data_bytes());
                let found = ledger.sent(frame);
                abuse = abuse.or(found);
            });
        }
        let (accepted, faults) = (self.link.accepted.get(), self.link.faults.get());
        abuse = abuse.or(ledger.judge_served(accepted, faults));
        self.judge(abuse);
    }

    fn judge(&mut self, abuse: Option<Abuse>) {
        if let Some(abuse) = abuse
            && !self.is_over
        {
            self.is_over = true;
            self.link.abused(abuse);
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_over {
            // The order to end wakes the task.
            return Poll::Pending;
        }
        if IN_A_ROW <= this.in_a_row {
            // `h2` writes what it has to say, and is polled again.
            this.in_a_row = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut *this.socket.borrow_mut()).poll_read(context, buffer);
        if let (Poll::Ready(Ok(())), Some(read)) = (&polled, buffer.filled().get(before..)) {
            this.note_read(read);
        }
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut *this.socket.borrow_mut()).poll_write(context, bytes);
        this.note_write(std::iter::once(bytes), &written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut *this.socket.borrow_mut()).poll_write_vectored(context, slices);
        this.note_write(slices.iter().map(|slice| &**slice), &written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.borrow().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Whatever was read until now has been answered.
        this.in_a_row = 0;
        Pin::new(&mut *this.socket.borrow_mut()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.get_mut().socket.borrow_mut()).poll_shutdown(context)
    }
}
