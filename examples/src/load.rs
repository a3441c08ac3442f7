//! A steady load on keep-alive connections, which counts what it gets and what it loses.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time;

use crate::client::{Answer, Call, Connection, Protocol, Security};

/// The pause of a connection between two requests.
const PAUSE: Duration = Duration::from_millis(2);
/// The most failures of which the text is kept.
const KEPT_FAILURES: usize = 5;

/// What to ask, where, and how often at once.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where to connect.
    pub address: SocketAddr,
    /// How to secure connections.
    pub security: Security,
    /// What to speak.
    pub protocol: Protocol,
    /// What to ask, again and again.
    pub call: Call,
    /// How many connections ask at once.
    pub connections: usize,
    /// The header by whose value good answers are counted.
    pub count_by: &'static str,
}

/// What came of a load.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Requests answered with 200.
    pub good: u64,
    /// Requests that got something else, or nothing.
    pub failed: u64,
    /// Connections that the other side closed.
    pub closed: u64,
    /// Good answers by the value of one header.
    pub by_value: BTreeMap<String, u64>,
    /// The first failures, in words.
    pub failures: Vec<String>,
}

/// A running load; it ends when this is dropped.
#[derive(Debug)]
pub struct Load {
    tally: Arc<Mutex<Tally>>,
    tasks: JoinSet<()>,
    stop: tokio::sync::watch::Sender<bool>,
}

impl Load {
    /// Begins.
    pub fn start(plan: &Plan) -> Self {
        let tally = Arc::new(Mutex::new(Tally::default()));
        let (stop, _) = tokio::sync::watch::channel(false);
        let mut tasks = JoinSet::new();
        for _ in 0..plan.connections {
            tasks.spawn(ask(plan.clone(), Arc::clone(&tally), stop.subscribe()));
        }
        Self { tally, tasks, stop }
    }

    /// What came of it so far.
    pub fn tally(&self) -> Tally {
        self.tally
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Lets running requests finish and gives the result.
    pub async fn finish(mut self) -> Tally {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        self.tally()
    }

    /// Waits until at least `more` further good answers came, at most `limit`.
    pub async fn good_answers(&self, more: u64, limit: Duration) {
        let wanted = self.tally().good.saturating_add(more);
        let _best_effort = time::timeout(limit, async {
            while self.tally().good < wanted {
                time::sleep(PAUSE).await;
            }
        })
        .await;
    }
}

async fn ask(plan: Plan, tally: Arc<Mutex<Tally>>, stop: tokio::sync::watch::Receiver<bool>) {
    let mut connection = None;
    while !*stop.borrow() {
        let answer = once(&plan, &mut connection).await;
        let closed = connection
            .as_ref()
            .is_some_and(|open: &Connection| !open.is_open());
        if closed || answer.is_err() {
            connection = None;
        }
        note(&plan, &tally, answer, closed);
        time::sleep(PAUSE).await;
    }
}

async fn once(plan: &Plan, connection: &mut Option<Connection>) -> anyhow::Result<Answer> {
    let open = match connection {
        Some(open) => open,
        None => connection.insert(
            Connection::open(plan.address, &plan.call.host, &plan.security, plan.protocol).await?,
        ),
    };
    open.send(&plan.call).await
}

fn note(plan: &Plan, tally: &Mutex<Tally>, answer: anyhow::Result<Answer>, closed: bool) {
    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    tally.closed += u64::from(closed);
    let failure = match answer {
        Ok(answer) if answer.status == 200 => {
            tally.good += 1;
            *tally
                .by_value
                .entry(answer.header(plan.count_by).to_owned())
                .or_default() += 1;
            return;
        }
        Ok(answer) => format!("{} {}", answer.status, answer.header("x-weft-reason")),
        Err(error) => format!("{error:#}"),
    };
    tally.failed += 1;
    if tally.failures.len() < KEPT_FAILURES {
        tally.failures.push(failure);
    }
}
