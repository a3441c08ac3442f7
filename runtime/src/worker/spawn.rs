//! Tasks that survive a panic: it ends the task, is counted, and the process lives.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use hyper::rt::Executor;

use super::StreamControl;
use crate::shared::WorkerCounters;

thread_local! {
    static CURRENT: RefCell<Option<Rc<StreamControl>>> = const { RefCell::new(None) };
}

/// The control of the task that is being polled, when it serves one HTTP/2 stream.
pub(crate) fn current_stream() -> Option<Rc<StreamControl>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Runs hyper's tasks of upstream connections on this thread.
#[derive(Clone, Debug)]
pub(crate) struct Local(Arc<WorkerCounters>);

impl Local {
    pub(crate) fn new(counters: Arc<WorkerCounters>) -> Self {
        Self(counters)
    }
}

impl<F> Executor<F> for Local
where
    F: Future<Output = ()> + 'static,
{
    fn execute(&self, future: F) {
        spawn_guarded(Arc::clone(&self.0), future);
    }
}

/// Runs hyper's tasks of downstream HTTP/2 streams on this thread. Each can be cut from outside: hyper
/// waits for flow control without asking the body, so no limit in the body would be seen.
#[derive(Clone, Debug)]
pub(super) struct Streams(Arc<WorkerCounters>);

impl Streams {
    pub(super) fn new(counters: Arc<WorkerCounters>) -> Self {
        Self(counters)
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + 'static,
{
    fn execute(&self, future: F) {
        let control = Rc::new(StreamControl::default());
        spawn_guarded(Arc::clone(&self.0), async move {
            let mut future = pin!(future);
            poll_fn(|context| {
                if control.is_cut(context.waker()) {
                    return Poll::Ready(());
                }
                let outer = CURRENT.replace(Some(Rc::clone(&control)));
                let polled = future.as_mut().poll(context);
                CURRENT.set(outer);
                polled
            })
            .await;
        });
    }
}

/// Spawns `future` on this thread; a panic in it is counted.
pub(crate) fn spawn_guarded(
    counters: Arc<WorkerCounters>,
    future: impl Future<Output = ()> + 'static,
) {
    tokio::task::spawn_local(async move {
        let mut future = pin!(future);
        poll_fn(|context| {
            let poll = AssertUnwindSafe(|| future.as_mut().poll(context));
            match catch_unwind(poll) {
                Ok(polled) => polled,
                Err(_panic) => {
                    CURRENT.set(None);
                    counters.panics.add(1);
                    Poll::Ready(())
                }
            }
        })
        .await;
    });
}
