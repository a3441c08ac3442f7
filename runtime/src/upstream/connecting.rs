//! A connection that is being opened for all requests that wait for one, each with a limit of its own.
//!
//! The attempt goes on for the longest limit of those who wait, and each waits for its own: a route in a hurry takes nothing from the
//! patient ones that share its connections, nor the other way round.

use std::cell::Cell;
use std::future::{Future, pending};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::Trouble;

/// How an attempt went, once it is over.
type Outcome = Result<(), Trouble>;

/// An attempt to open a connection, as those see it who wait for it.
#[derive(Clone, Debug)]
pub(super) struct Connecting {
    told: watch::Receiver<Option<Outcome>>,
    longest: Rc<Cell<Duration>>,
}

/// The same attempt, as its task sees it.
#[derive(Debug)]
pub(super) struct ConnectAttempt {
    tell: watch::Sender<Option<Outcome>>,
    longest: Rc<Cell<Duration>>,
    began: Instant,
}

impl Connecting {
    /// An attempt that begins now, for one that waits for `limit`.
    pub(super) fn new(limit: Duration) -> (ConnectAttempt, Self) {
        let (tell, told) = watch::channel(None);
        let longest = Rc::new(Cell::new(limit));
        let attempt = ConnectAttempt {
            tell,
            longest: Rc::clone(&longest),
            began: Instant::now(),
        };
        (attempt, Self { told, longest })
    }

    /// One more waits for it, for `limit`.
    pub(super) fn join(&self, limit: Duration) -> Self {
        self.longest.set(self.longest.get().max(limit));
        self.clone()
    }

    /// How the attempt went, for one that waits for `limit`.
    pub(super) async fn outcome(&mut self, limit: Duration) -> Outcome {
        let longest = Rc::clone(&self.longest);
        let own_limit = async {
            sleep(limit).await;
            if longest.get() <= limit {
                // The attempt ends at this very moment, and tells others of it first.
                pending::<()>().await;
            }
        };
        tokio::select! {
            told = self.told.wait_for(Option::is_some) => match told {
                Ok(outcome) => outcome.unwrap_or(Ok(())),
                // The task ended without a word: it panicked.
                Err(_closed) => Err(Trouble::ConnectFailed),
            },
            () = own_limit => Err(Trouble::ConnectTimeout),
        }
    }
}

impl ConnectAttempt {
    /// What `opened` comes to, or that it took longer than anybody would wait.
    pub(super) async fn within(&self, opened: impl Future<Output = Outcome>) -> Outcome {
        let mut opened = pin!(opened);
        loop {
            let limit = self.longest.get();
            match timeout_at(self.began + limit, &mut opened).await {
                Ok(outcome) => return outcome,
                Err(_elapsed) if limit < self.longest.get() => {}
                Err(_elapsed) => return Err(Trouble::ConnectTimeout),
            }
        }
    }

    /// Tells all who wait.
    pub(super) fn tell(self, outcome: Outcome) {
        self.tell.send_replace(Some(outcome));
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::{Connecting, Outcome};
    use crate::upstream::Trouble;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(2);

    async fn done_after(time: Duration) -> Outcome {
        sleep(time).await;
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn each_waits_for_its_own_limit() {
        let began = Instant::now();
        let (attempt, mut hurried) = Connecting::new(SHORT);
        let mut patient = hurried.join(LONG);
        let run = async {
            let outcome = attempt.within(done_after(Duration::from_secs(1))).await;
            attempt.tell(outcome);
        };
        let hurried = async { (hurried.outcome(SHORT).await, began.elapsed()) };
        let patient = async { (patient.outcome(LONG).await, began.elapsed()) };
        let (hurried, patient, ()) = tokio::join!(hurried, patient, run);
        assert_eq!(hurried.0, Err(Trouble::ConnectTimeout));
        assert!(hurried.1 < 2 * SHORT);
        assert_eq!(patient.0, Ok(()));
        assert!(patient.1 < LONG);
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_ends_with_the_longest_limit() {
        let began = Instant::now();
        let (attempt, mut hurried) = Connecting::new(SHORT);
        let mut patient = hurried.join(LONG);
        let run = async {
            let outcome = attempt.within(pending()).await;
            attempt.tell(outcome);
        };
        let both = async { (hurried.outcome(SHORT).await, patient.outcome(LONG).await) };
        let ((hurried, patient), ()) = tokio::join!(both, run);
        assert_eq!(hurried, Err(Trouble::ConnectTimeout));
        assert_eq!(patient, Err(Trouble::ConnectTimeout));
        assert!(LONG <= began.elapsed() && began.elapsed() < 2 * LONG);
    }
}
