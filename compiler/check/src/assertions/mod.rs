//! Assertions: proved, or refuted by a request or a chain of calls.
//!
//! An assertion about requests is one about the rules that take them: [`region`] finds every rule that takes a request
//! of a region, exactly, by the comparison of two tables that differ in the region alone. [`reach`] answers who
//! can call whom, [`chain`] with others between them, and [`entrance`] which clients come to a service. What is beyond a bound is unknown, and never counts as proved.

pub mod arriving;
pub(crate) mod chain;
mod entrance;
pub mod owner;
pub mod permits;
pub mod reach;
pub mod region;
mod verdict;

use region::Taker;
use weft_front::model::assertion::{Assertion, Form, Region, Source};
use weft_front::model::effective::{Retries, Timeouts};
use weft_front::model::{ListenerProtocol, Mtls, Operation, Rule, ServiceId};
use weft_front::words;
use weft_spec::Span;
use weft_spec::units::Duration;

pub use verdict::{Counterexample, Verdict};
use weft_space::{Unknown, work};

use crate::graph::position;
use crate::rules::Facts;

/// What it costs to hold a rule against an assertion (`weft_space::work`).
const TAKER_STEPS: usize = 32;

/// Whether an assertion holds, as far as the mesh alone says.
pub fn judge(facts: &Facts<'_>, assertion: &Assertion) -> Verdict {
    match &assertion.form {
        Form::Never {
            from,
            to,
            operation,
            by_any_way,
        } => never(facts, *from, to.value, operation.as_ref(), *by_any_way),
        Form::Only {
            to,
            callers,
            operation,
        } => reach::only(facts.mesh, to.value, callers, operation.as_ref()),
        Form::Always {
            region,
            https,
            mtls,
            to,
        } => {
            let demands = Demands {
                https: *https,
                mtls: *mtls,
                to,
            };
            let wrong = |taker: &Taker<'_>| always(facts, taker, demands);
            each(facts, region, &wrong)
        }
        Form::Bound {
            region,
            timeout,
            attempts,
            amplification,
        } => {
            let of_requests = if timeout.is_some() || attempts.is_some() {
                let timeout = timeout.map(|timeout| timeout.value);
                let attempts = attempts.map(|attempts| attempts.value);
                let wrong = |taker: &Taker<'_>| beyond(facts, taker, timeout, attempts);
                each(facts, region, &wrong)
            } else {
                Verdict::Proved
            };
            let of_calls = amplification.map(|(to, most)| amplified(facts, to, most));
            of_requests.and(of_calls.unwrap_or(Verdict::Proved))
        }
        Form::Exists { region, to } => exists(facts, region, *to),
        Form::Total { region } => total(facts, region),
        // Asked where plans and snapshots are at hand, which is above this crate.
        Form::Same { .. } => Verdict::Unknown("no snapshot is at hand".to_owned()),
        // Asked of a diff.
        Form::NoChange { .. } => Verdict::Proved,
    }
}

/// Whether nothing is wrong with any rule that takes a request of a region.
pub(crate) fn each(
    facts: &Facts<'_>,
    region: &Region,
    wrong: &dyn Fn(&Taker<'_>) -> Option<Counterexample>,
) -> Verdict {
    match region::takers(facts, region) {
        Err(unknown) => Verdict::Unknown(unknown),
        Ok(takers) if takers.iter().all(|taker| taker.rule.is_none()) => {
            Verdict::Vacuous("no rule takes a request of its region".to_owned())
        }
        Ok(takers) if !work::spend(takers.len().saturating_mul(TAKER_STEPS)) => {
            Verdict::Unknown(Unknown::TooManySteps.to_string())
        }
        Ok(takers) => match takers.iter().find_map(wrong) {
            Some(counterexample) => Verdict::Refuted(counterexample),
            None => Verdict::Proved,
        },
    }
}

/// What an assertion `always` asks of each rule.
#[derive(Clone, Copy)]
struct Demands<'form> {
    /// That clients come by TLS, or are redirected to it.
    https: bool,
    /// That services are called by strict mTLS.
    mtls: bool,
    /// The only services that may be forwarded to; any where this is empty.
    to: &'form [ServiceId],
}

fn always(facts: &Facts<'_>, taker: &Taker<'_>, demands: Demands<'_>) -> Option<Counterexample> {
    let Demands { https, mtls, to } = demands;
    let rule = taker.rule?;
    let name = |id: ServiceId| facts.mesh.services.entry(id).name.value.as_str();
    if https && taker.protocol == ListenerProtocol::Http && !rule.leads_to_https() {
        let text = format!("rule `{}` takes a request without encryption", rule.id);
        return Some(taker.counterexample(text, rule.place()));
    }
    for backend in rule.live_backends() {
        let service = facts.mesh.services.entry(backend.service);
        let is_strict = service.app.is_some() && facts.mesh.service_mtls(service) == Mtls::Strict;
        if mtls && !is_strict {
            let name = name(backend.service);
            let text = format!(
                "rule `{}` forwards to `{name}` without strict mTLS",
                rule.id
            );
            return Some(taker.counterexample(text, backend.span));
        }
        if !to.is_empty() && !to.contains(&backend.service) {
            let text = format!("rule `{}` forwards to `{}`", rule.id, name(backend.service));
            return Some(taker.counterexample(text, backend.span));
        }
    }
    None
}

fn beyond(
    facts: &Facts<'_>,
    taker: &Taker<'_>,
    timeout: Option<Duration>,
    attempts: Option<u8>,
) -> Option<Counterexample> {
    let rule = taker.rule.filter(|rule| !rule.backends().is_empty())?;
    let place = |span: Span| if span.is_none() { rule.place() } else { span };
    if let Some(most) = timeout {
        let decided = Timeouts::request_of(facts.mesh, rule);
        let limit = decided.and_then(|limit| limit.value);
        if limit.is_none_or(|limit| most.millis() < limit) {
            let said = limit.map_or("no timeout".to_owned(), |limit| {
                format!("a timeout of {}", words::limit(limit))
            });
            let text = format!("rule `{}` has {said}", rule.id);
            let span = decided.map_or(Span::NONE, |limit| limit.span);
            return Some(taker.counterexample(text, place(span)));
        }
    }
    let most = attempts?;
    let tries = Retries::attempts_of(facts.mesh, rule);
    (most < tries.value).then(|| {
        let text = format!("rule `{}` makes {} tries, not {most}", rule.id, tries.value);
        taker.counterexample(text, place(tries.span))
    })
}

fn amplified(facts: &Facts<'_>, to: ServiceId, most: u64) -> Verdict {
    let graph = facts.graph();
    let worst = facts.worst_paths();
    let Some(worst) = worst.get(position(to)).filter(|worst| most < worst.tries) else {
        return Verdict::Proved;
    };
    let text = format!(
        "one request can become {} at `{}`",
        worst.tries,
        graph.service(to)
    );
    let edge = worst.last.and_then(|last| graph.edge(last));
    Verdict::Refuted(Counterexample {
        text,
        place: edge.map_or(Span::NONE, crate::graph::Edge::place),
        shown: None,
    })
}

fn exists(facts: &Facts<'_>, region: &Region, to: ServiceId) -> Verdict {
    let goes_there = |taker: &Taker<'_>| {
        let backends = taker.rule.map_or(&[][..], Rule::backends);
        let mut live = backends.iter().filter(|backend| 0 < backend.share);
        live.any(|backend| backend.service == to)
    };
    match region::takers(facts, region) {
        Err(unknown) => Verdict::Unknown(unknown),
        Ok(takers) if takers.iter().any(goes_there) => Verdict::Proved,
        Ok(_) => {
            let name = &facts.mesh.services.entry(to).name.value;
            let text = format!("no request of its region goes to `{name}`");
            Verdict::Refuted(Counterexample {
                text,
                place: Span::NONE,
                shown: None,
            })
        }
    }
}

fn total(facts: &Facts<'_>, region: &Region) -> Verdict {
    match region::takers(facts, region) {
        Err(unknown) => Verdict::Unknown(unknown),
        Ok(takers) if takers.is_empty() => {
            Verdict::Vacuous("no listener serves a host of its region".to_owned())
        }
        Ok(takers) => match takers.iter().find(|taker| taker.rule.is_none()) {
            Some(taker) => {
                let text = "no rule takes a request of its region".to_owned();
                Verdict::Refuted(taker.counterexample(text, Span::NONE))
            }
            None => Verdict::Proved,
        },
    }
}

fn never(
    facts: &Facts<'_>,
    from: Source,
    to: ServiceId,
    operation: Option<&Operation>,
    by_any_way: bool,
) -> Verdict {
    let direct = match from {
        Source::Internet => reach::from_internet(facts, to, operation),
        Source::Node(caller) => reach::never(facts.mesh, caller, to, operation),
    };
    if !by_any_way {
        return direct;
    }
    direct.and(chain::no_chain(facts, from, to, operation))
}
