//! One change in a line, for those who have no lines of files beside the plans.

use weft_back::lower::outcome::noticed;
use weft_snapshot::plan::{NodePlan, RoutePlan};
use weft_space::ListenerUrl;

use super::change::{Change, ChangeKind, RuleAt};
use super::delta::{Seen, deltas};
use super::side::Places;
use super::words;

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
pub(crate) fn difference((old, new): (&[NodePlan], &[NodePlan]), change: &Change) -> Difference {
    let plan = |plans: &'_ [NodePlan]| {
        let mut plans = plans.iter();
        plans
            .find(|plan| plan.settings.node == change.node)
            .cloned()
    };
    let (old, new) = (plan(old), plan(new));
    let (before, after) = (
        taker(old.as_ref(), change.old),
        taker(new.as_ref(), change.new),
    );
    let text = match &change.kind {
        ChangeKind::RepeatedHeader { header, is_refused } => {
            let word = if *is_refused { "now" } else { "no longer" };
            format!("a request that repeats {header} is {word} refused (400)")
        }
        ChangeKind::Route | ChangeKind::Permission => {
            told((old.as_ref(), before), (new.as_ref(), after))
        }
    };
    let plans = [&new, &old];
    let listeners = plans.into_iter().flatten();
    let mut listeners = listeners.flat_map(|plan| &plan.settings.listeners);
    let listener = listeners.find(|listener| listener.name == change.listener);
    Difference {
        text,
        now: after.map(|route| route.id.clone()),
        url: listener.map_or(ListenerUrl::PLAIN, ListenerUrl::of_plan),
    }
}

fn taker(plan: Option<&NodePlan>, at: Option<RuleAt>) -> Option<&RoutePlan> {
    let at = at?;
    let host = plan?.tables.get(at.table)?.hosts.get(at.host)?;
    host.routes.get(at.route)
}

type Taken<'run> = (Option<&'run NodePlan>, Option<&'run RoutePlan>);

fn told((old, before): Taken<'_>, (new, after): Taken<'_>) -> String {
    let places = Places::default();
    let outcomes =
        [before, after].map(|route| route.map(|route| noticed(&route.outcome, &route.path)));
    let [was, is] = &outcomes;
    if let (Some(old), Some(was), Some(new), Some(is)) = (old, was, new, is) {
        let seen = |plan, outcome| Seen {
            plan,
            outcome,
            places: &places,
        };
        let found = deltas(seen(old, was), seen(new, is));
        let told: Vec<String> = found
            .iter()
            .map(|delta| format!("{} -> {}", delta.before, delta.after))
            .collect();
        return told.join(", ");
    }
    let one = |plan: Option<&NodePlan>, outcome: &Option<_>| {
        let told = plan.zip(outcome.as_ref()).map(|(plan, outcome)| {
            words::action(Seen {
                plan,
                outcome,
                places: &places,
            })
        });
        told.unwrap_or_else(|| "no route (404)".to_owned())
    };
    format!("{} -> {}", one(old, was), one(new, is))
}
