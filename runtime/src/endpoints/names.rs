//! Resolves DNS names with the resolver of the system, a few at a time.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;

/// Lookups that run at the same time.
const AT_ONCE: usize = 8;
/// From the start of a lookup; then it counts as failed. Its thread ends when the system's resolver gives up.
const LIMIT: Duration = Duration::from_secs(2);

/// Resolves `names` and tells `resolved` each outcome as it comes.
pub(super) async fn resolve_all(
    names: Vec<(String, u16)>,
    mut resolved: impl FnMut(&str, u16, Result<Vec<SocketAddr>, String>),
) {
    let mut waiting = names.into_iter();
    let mut running = JoinSet::new();
    loop {
        while running.len() < AT_ONCE {
            let Some((host, port)) = waiting.next() else {
                break;
            };
            running.spawn(async move {
                let outcome = resolve(&host, port).await;
                (host, port, outcome)
            });
        }
        match running.join_next().await {
            Some(Ok((host, port, outcome))) => resolved(&host, port, outcome),
            Some(Err(error)) => tracing::error!(%error, "a lookup ended early"),
            None => return,
        }
    }
}

/// No address at all is a failure: the old ones are better than none.
async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let lookup = tokio::net::lookup_host((host, port));
    let addresses: Vec<SocketAddr> = match tokio::time::timeout(LIMIT, lookup).await {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_elapsed) => return Err(format!("no answer within {LIMIT:?}")),
    };
    if addresses.is_empty() {
        return Err("the name has no address".to_owned());
    }
    Ok(addresses)
}
