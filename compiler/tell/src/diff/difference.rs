//! One change in a line, for those who have no lines of files beside the plans.

use weft_back::lower::outcome::noticed;
use weft_snapshot::plan::{NodePlan, RoutePlan};
use weft_space::ListenerUrl;

use super::change::{Change, ChangeKind, RuleAt};
use super::delta::{Seen, deltas};
use super::side::Places;
use super::words;
use crate::both::Both;

/// What became of requests and becomes of them now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Difference {
    /// `timeout.request 5s -> 2s`.
    pub(crate) text: String,
    /// The id of the rule that takes them now.
    pub(crate) now: Option<String>,
    /// How the listener is named to which they are sent.
    pub(crate) url: ListenerUrl,
}

/// What a change of routes is about.
pub(crate) fn difference(plans: Both<&[NodePlan]>, change: &Change) -> Difference {
    let taken = plans.zip(change.takers()).map(|(plans, at)| {
        let mut plans = plans.iter();
        let plan = plans.find(|plan| plan.settings.node == change.node);
        Taken {
            plan,
            route: taker(plan, at),
        }
    });
    let text = match &change.kind {
        ChangeKind::RepeatedHeader { header, is_refused } => {
            let word = if *is_refused { "now" } else { "no longer" };
            format!("a request that repeats {header} is {word} refused (400)")
        }
        ChangeKind::Route | ChangeKind::Permission => told(taken),
    };
    let listeners = [taken.new.plan, taken.old.plan].into_iter().flatten();
    let mut listeners = listeners.flat_map(|plan| &plan.settings.listeners);
    let listener = listeners.find(|listener| listener.name == change.listener);
    Difference {
        text,
        now: taken.new.route.map(|route| route.id.clone()),
        url: listener.map_or(ListenerUrl::PLAIN, ListenerUrl::of_plan),
    }
}

fn taker(plan: Option<&NodePlan>, at: Option<RuleAt>) -> Option<&RoutePlan> {
    let at = at?;
    let host = plan?.tables.get(at.table)?.hosts.get(at.host)?;
    host.routes.get(at.route)
}

/// What a node of one side does with requests.
#[derive(Clone, Copy)]
struct Taken<'run> {
    /// None where the side has no such node.
    plan: Option<&'run NodePlan>,
    /// The route that takes them; none if none does.
    route: Option<&'run RoutePlan>,
}

fn told(taken: Both<Taken<'_>>) -> String {
    let places = Places::default();
    let outcomes = taken.map(|side| {
        let route = side.route;
        route.map(|route| noticed(&route.outcome, &route.path))
    });
    let seen = taken.zip(outcomes.as_ref()).map(|(side, outcome)| {
        Some(Seen {
            plan: side.plan?,
            outcome: outcome.as_ref()?,
            places: &places,
        })
    });
    if let Some(seen) = seen.present() {
        let found = deltas(seen);
        let told: Vec<String> = found
            .iter()
            .map(|delta| format!("{} -> {}", delta.before, delta.after))
            .collect();
        return told.join(", ");
    }
    let words = seen.map(|seen| seen.map_or("no route (404)".to_owned(), words::action));
    format!("{} -> {}", words.old, words.new)
}
