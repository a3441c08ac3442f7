//! The facets in which two outcomes differ, and how grave that is.

use std::collections::BTreeMap;

use weft_snapshot::plan::{Action, NodePlan, Outcome, Timeouts};

use super::risk::{Facet, Risk};
use super::side::Places;
use super::words;

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
    pub(super) fn whole(
        risk: Risk,
        (before, old_place): (String, Option<String>),
        (after, new_place): (String, Option<String>),
    ) -> Self {
        Self {
            risk,
            facet: Facet::Route,
            is_whole: true,
            before,
            after,
            old_place,
            new_place,
            moved: None,
        }
    }
}

/// The facets in which two outcomes differ.
///
/// Where a request is forwarded on one side alone, time limits, retries and rewrites have nothing to be
/// compared with: that is one change, of everything.
pub(super) fn deltas(old: Seen<'_>, new: Seen<'_>) -> Vec<Delta> {
    let (was, is) = (words::action(old), words::action(new));
    let rules = (&old.places.rule, &new.places.rule);
    if is_forward(old) != is_forward(new) {
        let risk = if is_forward(old) {
            Risk::A1
        } else {
            reaches(new.plan)
        };
        return vec![Delta::whole(
            risk,
            (was, rules.0.clone()),
            (is, rules.1.clone()),
        )];
    }
    let mut found = Vec::new();
    let mut push =
        |(risk, facet), before, after, (old_place, new_place): (&Option<_>, &Option<_>)| {
            found.push(Delta {
                risk,
                facet,
                is_whole: false,
                before,
                after,
                old_place: old_place.clone(),
                new_place: new_place.clone(),
                moved: None,
            });
        };
    if was != is {
        push((Risk::A2, Facet::Route), was, is, rules);
    }
    let (was, is) = (&old.outcome.retry, &new.outcome.retry);
    if was != is {
        push(
            (Risk::R1, Facet::Reliability),
            format!("retry {}", words::retry(was)),
            format!("retry {}", words::retry(is)),
            (&old.places.retry, &new.places.retry),
        );
    }
    let (was, is) = (old.outcome.max_body, new.outcome.max_body);
    if was != is {
        let (old_place, new_place) = (old.places.of_body(), new.places.of_body());
        let sides = (&old_place, &new_place);
        push((Risk::R2, Facet::Limits), bodies(was), bodies(is), sides);
    }
    let (was, is) = (words::transform(old.outcome), words::transform(new.outcome));
    if was != is {
        push((Risk::T1, Facet::Transform), was, is, rules);
    }
    found.extend(timeouts(old, new));
    for delta in &mut found {
        if delta.facet == Facet::Route {
            delta.moved = moved(old, new);
        }
    }
    found
}

/// A limit on bodies, in words.
fn bodies(bytes: Option<u64>) -> String {
    match bytes {
        Some(bytes) => format!("bodies of {bytes} B"),
        None => "bodies of any size".to_owned(),
    }
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
fn moved(old: Seen<'_>, new: Seen<'_>) -> Option<u32> {
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
    let (old, new) = (shares(old)?, shares(new)?);
    // Both sides are a million in all, so what some backends lose is what the others get.
    let lost = old.iter().map(|(name, share)| {
        let now = new.get(name).copied().unwrap_or_default();
        share.saturating_sub(now)
    });
    Some(lost.sum())
}

fn timeouts(old: Seen<'_>, new: Seen<'_>) -> Vec<Delta> {
    let Timeouts {
        request,
        backend_request,
        connect,
        idle,
    } = old.outcome.timeouts;
    let now = new.outcome.timeouts;
    let (places, new_places) = (old.places, new.places);
    let fields = [
        (
            "request",
            (request, now.request),
            (&places.request, &new_places.request),
        ),
        (
            "backendRequest",
            (backend_request, now.backend_request),
            (&places.backend_request, &new_places.backend_request),
        ),
        (
            "connect",
            (connect, now.connect),
            (&places.connect, &new_places.connect),
        ),
        ("idle", (idle, now.idle), (&places.idle, &new_places.idle)),
    ];
    let changed = fields.into_iter().filter(|(_, (was, is), _)| was != is);
    changed
        .map(|(name, (was, is), (old_place, new_place))| Delta {
            risk: Risk::R1,
            facet: Facet::Reliability,
            is_whole: false,
            before: format!("timeout.{name} {}", words::limit(was)),
            after: format!("timeout.{name} {}", words::limit(is)),
            old_place: old_place.clone(),
            new_place: new_place.clone(),
            moved: None,
        })
        .collect()
}
