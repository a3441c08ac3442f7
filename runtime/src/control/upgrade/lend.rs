//! What the control loop does for a successor: lends the sockets, takes them back, or hands them over.

use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::control::keep::Control;

/// How long workers may take to lend their sockets, or to stop accepting.
const OBEY: Duration = Duration::from_secs(2);

/// What a conversation with a successor asks of the control loop.
#[derive(Debug)]
pub(in crate::control) enum Ask {
    /// Copies of all sockets. Not answered when it cannot be.
    Lend(oneshot::Sender<Lent>),
    /// The successor failed.
    TakeBack,
    /// The successor serves: stop accepting, answer, wait until that was passed on, and drain.
    HandOver(Handed),
}

/// Both ends of the last words to a successor.
#[derive(Debug)]
pub(in crate::control) struct Handed {
    /// Told when this process has stopped accepting.
    pub(in crate::control) stopped: oneshot::Sender<()>,
    /// Closed when the successor was told. The process may end as soon as it drains, so that is waited for.
    pub(in crate::control) told: oneshot::Receiver<()>,
}

impl Handed {
    /// Lets the conversation tell the successor. It has the sockets, whether it still listens or not.
    pub(in crate::control) async fn tell(self) {
        let Self { stopped, told } = self;
        let _gone = stopped.send(());
        let _told = tokio::time::timeout(super::NEXT_LINE, told).await;
    }
}

/// Copies of all listening sockets.
#[derive(Debug)]
pub(in crate::control) struct Lent {
    /// Those of traffic.
    pub(in crate::control) ports: Vec<OwnedFd>,
    /// That of the admin endpoint.
    pub(in crate::control) admin: Option<OwnedFd>,
}

/// How the control loop goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::control) enum Next {
    /// As before.
    Stay,
    /// It drains.
    Drain,
    /// It ends at once.
    End,
}

impl Control {
    /// Does what a conversation asks for.
    ///
    /// While the sockets are lent, no snapshot is published: a socket that is opened or closed meanwhile would be
    /// missed by the successor.
    pub(in crate::control) async fn answer(&mut self, ask: Ask) -> Next {
        match ask {
            Ask::Lend(reply) => {
                if self.is_lending {
                    return Next::Stay;
                }
                match self.lend().await {
                    Ok(lent) => self.is_lending = reply.send(lent).is_ok(),
                    Err(error) => tracing::warn!(%error, "the sockets cannot be lent"),
                }
                self.fleet.share(self.is_lending);
                Next::Stay
            }
            Ask::TakeBack => {
                self.is_lending = false;
                self.fleet.share(false);
                Next::Stay
            }
            Ask::HandOver(handed) => {
                self.is_lending = false;
                self.stop_accepting().await;
                handed.tell().await;
                tracing::info!("the successor serves");
                Next::Drain
            }
        }
    }

    async fn lend(&self) -> std::io::Result<Lent> {
        let admin = self.admin.as_ref().map(|admin| admin.socket.lend());
        Ok(Lent {
            ports: tokio::time::timeout(OBEY, self.fleet.lend()).await??,
            admin: admin.transpose()?,
        })
    }

    async fn stop_accepting(&mut self) {
        self.fleet.let_go();
        let end = Instant::now() + OBEY;
        while 0 < self.left().listeners && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.leave_admin();
    }

    /// Leaves the admin endpoint to the successor, which has its socket too.
    pub(in crate::control) fn leave_admin(&mut self) {
        if let Some(admin) = self.admin.take() {
            admin.task.abort();
            admin.socket.hand_over();
        }
    }
}
