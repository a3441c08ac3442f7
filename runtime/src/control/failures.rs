//! Writes what failed on workers to the log: one line a second for each reason, with the number left out.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::shared::{Example, Failures, Shared, WorkerCounters};

/// From one look at the workers to the next, and so the time between two lines about one reason.
const EVERY: Duration = Duration::from_secs(1);

/// Peers that leave before they say anything are health checks of load balancers: counted, and no news.
const QUIET: &str = "nothing-sent";

/// What the log has said so far.
#[derive(Debug, Default)]
pub(super) struct FailureLog {
    handshakes: BTreeMap<&'static str, u64>,
    upstreams: BTreeMap<&'static str, u64>,
}

/// What is new about one reason.
#[derive(Debug)]
struct News {
    reason: &'static str,
    left_out: u64,
    example: Example,
}

impl FailureLog {
    /// Looks every second, for ever.
    pub(super) async fn keep(mut self, shared: &Shared) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.write(shared);
        }
    }

    fn write(&mut self, shared: &Shared) {
        for news in news(&mut self.handshakes, shared, |it| &it.handshake_failures.0) {
            let Example {
                address,
                name,
                alert,
                said,
            } = news.example;
            tracing::warn!(
                reason = news.reason,
                peer = address.map(display),
                server_name = name,
                alert,
                said,
                left_out = news.left_out,
                "a TLS handshake with a client failed"
            );
        }
        for news in news(&mut self.upstreams, shared, |it| &it.upstream_failures.0) {
            let Example {
                address,
                name,
                alert,
                said,
            } = news.example;
            tracing::warn!(
                reason = news.reason,
                endpoint = address.map(display),
                cluster = name,
                alert,
                said,
                left_out = news.left_out,
                "a try to reach an upstream failed"
            );
        }
    }
}

/// The reasons that have failures since the last look, and an example.
fn news(
    known: &mut BTreeMap<&'static str, u64>,
    shared: &Shared,
    failures: fn(&WorkerCounters) -> &Failures,
) -> Vec<News> {
    let mut sums: BTreeMap<&'static str, u64> = BTreeMap::new();
    for worker in &shared.counters {
        for (reason, count) in failures(worker).counts() {
            let sum = sums.entry(reason).or_default();
            *sum = sum.wrapping_add(count);
        }
    }
    let mut news = Vec::new();
    for (reason, sum) in sums {
        let shown = known.entry(reason).or_default();
        if *shown == sum || reason == QUIET {
            continue;
        }
        let mut examples = shared
            .counters
            .iter()
            .filter_map(|worker| failures(worker).take_example(reason));
        // A worker may have counted and not explained yet: then it is news of the next second.
        if let Some(example) = examples.next() {
            news.push(News {
                reason,
                left_out: sum.wrapping_sub(*shown).saturating_sub(1),
                example,
            });
            *shown = sum;
        }
    }
    news
}
