//! How long a call can last, and how many of its tries can start.

use weft_front::model::effective::Retries;
use weft_front::model::{Service, ServiceId};
use weft_snapshot::repeat::longest_wait;

use super::{CallGraph, Edge};

/// The limits on a call, in milliseconds; none where there is none.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// On the whole request.
    pub(super) request: Option<u32>,
    /// On one attempt.
    pub(super) attempt: Option<u32>,
    /// On connecting.
    pub(super) connect: Option<u32>,
}

/// How many tries can start if each of them lasts as long as its limit allows: `1 + max{j < n: j * attempt <
/// request}`. The waits between tries are random from nothing on, so they prevent none.
pub(super) fn starts(limits: Limits, retries: &Retries, ends_tries: bool) -> u8 {
    let configured = retries.attempts.value;
    let (Some(request), Some(attempt)) = (limits.request, limits.attempt) else {
        return configured;
    };
    if !ends_tries || attempt == 0 {
        return configured;
    }
    let repeats = request.saturating_sub(1) / attempt;
    let repeats = u8::try_from(repeats).unwrap_or(u8::MAX);
    configured.min(repeats.saturating_add(1))
}

/// The longest time that a caller can spend on a call, in milliseconds: its limit, or before it all its tries and the
/// longest waits between them. A try that was not seen lasts as long as connecting may.
pub(super) fn longest(limits: Limits, retries: &Retries, tries: u8) -> Option<u32> {
    let Limits {
        request,
        attempt,
        connect,
    } = limits;
    let Some(attempt) = attempt else {
        return request;
    };
    let (base, max) = (retries.backoff_base.value, retries.backoff_max.value);
    let before = 1..u32::from(retries.attempts.value);
    let waits = before.map(|tries| u64::from(longest_wait(tries, base, max)));
    let unseen = retries.attempts.value.saturating_sub(tries);
    let connecting = u64::from(connect.unwrap_or(attempt).min(attempt));
    let all =
        u64::from(attempt) * u64::from(tries) + connecting * u64::from(unseen) + waits.sum::<u64>();
    let all = u32::try_from(all).unwrap_or(u32::MAX);
    Some(request.map_or(all, |request| request.min(all)))
}

/// How long a service may be busy with its own calls for one request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Needs {
    /// In milliseconds; none if nothing limits it.
    pub(crate) millis: Option<u64>,
    /// The calls that make it so long, as numbers of edges, one after the other.
    pub(crate) calls: Vec<usize>,
    /// Whether a plan says so; else it is the longest single call, which is the least that is certain.
    pub(crate) is_planned: bool,
}

/// What the calls of a service need: along its plan, else its longest single call; nothing for a service without calls.
pub(crate) fn needs(graph: &CallGraph<'_>, id: ServiceId) -> Option<Needs> {
    let service = graph.mesh.services.entry(id);
    let calls: Vec<(usize, &Edge<'_>)> = graph.calls(id).collect();
    if service.plan.is_empty() {
        let (number, edge) = longest_of(calls.iter().copied())?;
        return Some(Needs {
            millis: edge.longest.map(u64::from),
            calls: vec![number],
            is_planned: false,
        });
    }
    Some(planned(service, &calls))
}

fn planned(service: &Service, calls: &[(usize, &Edge<'_>)]) -> Needs {
    let mut needs = Needs {
        millis: Some(0),
        calls: Vec::new(),
        is_planned: true,
    };
    for step in &service.plan {
        let together = step
            .iter()
            .filter_map(|call| calls.get(call.value).copied());
        if let Some((number, edge)) = longest_of(together) {
            let sum = needs.millis.zip(edge.longest);
            needs.millis = sum.map(|(sum, longest)| sum + u64::from(longest));
            needs.calls.push(number);
        }
    }
    needs
}

/// The first of the calls that last longest.
fn longest_of<'edges, 'mesh: 'edges>(
    calls: impl Iterator<Item = (usize, &'edges Edge<'mesh>)>,
) -> Option<(usize, &'edges Edge<'mesh>)> {
    let length = |edge: &Edge<'_>| edge.longest.map_or(u64::MAX, u64::from);
    calls.reduce(|best, next| {
        if length(best.1) < length(next.1) {
            next
        } else {
            best
        }
    })
}
