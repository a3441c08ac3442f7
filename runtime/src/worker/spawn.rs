//! Tasks that survive a panic: it ends the task, is counted, and the process lives.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::task::AbortHandle;

use crate::shared::WorkerCounters;

/// Spawns `future` on this thread; a panic in it is counted.
pub(crate) fn spawn_guarded(
    counters: Arc<WorkerCounters>,
    future: impl Future<Output = ()> + 'static,
) -> AbortHandle {
    let task = tokio::task::spawn_local(async move {
        let mut future = pin!(future);
        poll_fn(|context| {
            let poll = AssertUnwindSafe(|| future.as_mut().poll(context));
            match catch_unwind(poll) {
                Ok(polled) => polled,
                Err(_panic) => {
                    counters.panics.add(1);
                    Poll::Ready(())
                }
            }
        })
        .await;
    });
    task.abort_handle()
}
