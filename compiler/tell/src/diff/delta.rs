//! The facets in which two outcomes differ, and how grave that is.

use std::collections::BTreeMap;

use weft_front::settings::risk::{Facet, Risk};
use weft_front::settings::{ROUTE, Setting};
use weft_snapshot::plan::{Action, NodePlan, Outcome};

use super::report::Said;
use super::side::Places;
use super::words;
use crate::both::Both;

/// One facet that differs.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Delta {
    pub(super) risk: Risk,
    /// What it is about first of all.
    pub(super) facet: Facet,
    /// Whether every facet is another, because requests end elsewhere than they did.
    pub(super) is_whole: bool,
    /// What it was and is, in words.
    pub(super) before: String,
    pub(super) after: String,
    /// Where the settings that differ were and are written.
    pub(super) old_place: Option<String>,
    pub(super) new_place: Option<String>,
    /// The share of these requests that goes elsewhere, in parts of a million; none where that is no question.
    pub(super) moved: Option<u32>,
}

/// One side of a pair of outcomes.
#[derive(Clone, Copy)]
pub(super) struct Seen<'side> {
    pub(super) plan: &'side NodePlan,
    pub(super) outcome: &'side Outcome,
    pub(super) places: &'side Places,
}

impl Delta {
    /// A change of the whole outcome, told by the lines of the two rules.
    pub(super) fn whole(risk: Risk, said: Both<Said>) -> Self {
        let Both {
            old: before,
            new: after,
        } = said;
        Self {
            risk,
            facet: Facet::Route,
            is_whole: true,
            before: before.text,
            after: after.text,
            old_place: before.place,
            new_place: after.place,
            moved: None,
        }
    }
}

/// The facets in which two outcomes differ.
///
/// Where a request is forwarded on one side alone, time limits, retries and rewrites have nothing to be
/// compared with: that is one change, of everything.
pub(super) fn deltas(seen: Both<Seen<'_>>) -> Vec<Delta> {
    let Both { old, new } = seen;
    let said = seen.map(|side| Said {
        text: words::action(side),
        place: side.places.rule.clone(),
    });
    if is_forward(old) != is_forward(new) {
        let risk = if is_forward(old) {
            Risk::A1
        } else {
            reaches(new.plan)
        };
        return vec![Delta::whole(risk, said)];
    }
    let mut found = Vec::new();
    if said.old.text != said.new.text {
        found.push(Delta {
            is_whole: false,
            ..Delta::whole(Risk::A2, said)
        });
    }
    found.extend(settings(seen));
    if found.is_empty() && old.outcome != new.outcome {
        // No setting tells it, and still it is a change: nothing of an outcome may get lost in words.
        let said = seen.map(|side| Said {
            text: format!("{:?}", side.outcome),
            place: side.places.rule.clone(),
        });
        found.push(Delta::whole(Risk::A2, said));
    }
    for delta in &mut found {
        if delta.facet == Facet::Route {
            delta.moved = moved(seen);
        }
    }
    found
}

/// How grave it is that a node forwards what it did not.
pub(super) fn reaches(plan: &NodePlan) -> Risk {
    if plan.settings.node.starts_with("gateway/") {
        Risk::S3
    } else {
        Risk::A2
    }
}

fn is_forward(seen: Seen<'_>) -> bool {
    matches!(seen.outcome.action, Action::Forward { .. })
}

/// Half the sum of the differences of shares: the total variation distance of the two splits.
fn moved(seen: Both<Seen<'_>>) -> Option<u32> {
    let shares = |seen: Seen<'_>| -> Option<BTreeMap<String, u32>> {
        let Action::Forward { backends } = &seen.outcome.action else {
            return None;
        };
        let mut shares = BTreeMap::new();
        for backend in backends {
            let name = words::cluster(seen.plan, backend.cluster).to_owned();
            let share = shares.entry(name).or_insert(0_u32);
            *share = share.saturating_add(backend.share);
        }
        Some(shares)
    };
    let Both { old, new } = seen.map(shares).present()?;
    // Both sides are a million in all, so what some backends lose is what the others get.
    let lost = old.iter().map(|(name, share)| {
        let now = new.get(name).copied().unwrap_or_default();
        share.saturating_sub(now)
    });
    Some(lost.sum())
}

/// The settings that differ, but those that mean nothing on a side because of another one, which differs then.
fn settings(seen: Both<Seen<'_>>) -> impl Iterator<Item = Delta> {
    let Both { old, new } = seen;
    ROUTE.iter().filter_map(move |setting| {
        let is_idle = (setting.is_idle)(old.outcome) || (setting.is_idle)(new.outcome);
        let was = setting.of_outcome(old.outcome)?;
        let is = setting.of_outcome(new.outcome)?;
        if is_idle || was == is {
            return None;
        }
        let (risk, facet) = (setting.class)(&was, &is);
        let say = |value| format!("{} {}", setting.name, setting.in_words(value));
        Some(Delta {
            risk,
            facet,
            is_whole: false,
            before: say(&was),
            after: say(&is),
            old_place: place(setting, old.places),
            new_place: place(setting, new.places),
            moved: None,
        })
    })
}

/// Where a setting is written; what only the rule could say is left out there.
fn place(setting: &Setting, places: &Places) -> Option<String> {
    let is_inherited = setting.read.defaults.is_some() || setting.read.service.is_some();
    let of_rule = || places.rule.clone().filter(|_| !is_inherited);
    places.of(setting.name).or_else(of_rule)
}
