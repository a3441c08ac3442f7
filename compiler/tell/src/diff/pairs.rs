//! Things of both sides that belong together.

use std::collections::{BTreeMap, BTreeSet};

use weft_snapshot::plan::NodePlan;
use weft_snapshot::settings::Listener;

/// Something of the old side and something of the new side, one of which may be missing.
pub(super) type Pair<'side, T> = (Option<&'side T>, Option<&'side T>);

/// Pairs of one name.
pub(super) fn by_name<'side, T>(
    before: impl IntoIterator<Item = &'side T>,
    after: impl IntoIterator<Item = &'side T>,
    name: impl Fn(&'side T) -> &'side str,
) -> Vec<Pair<'side, T>> {
    let old: BTreeMap<&str, &T> = before.into_iter().map(|one| (name(one), one)).collect();
    let new: BTreeMap<&str, &T> = after.into_iter().map(|one| (name(one), one)).collect();
    let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    names
        .into_iter()
        .map(|name| (old.get(name).copied(), new.get(name).copied()))
        .collect()
}

/// The listeners of a node: those of one name belong together; of the rest, those that are alone on the
/// same address and port, because a new name changes no request.
pub(super) fn listeners<'side>(
    old: Option<&'side NodePlan>,
    new: Option<&'side NodePlan>,
) -> Vec<Pair<'side, Listener>> {
    let of = |plan: Option<&'side NodePlan>| {
        plan.map_or(&[][..], |plan| plan.settings.listeners.as_slice())
    };
    let named = by_name(of(old), of(new), |one| one.name.as_str());
    let is_alone = |listener: &Listener, side: &[Listener]| {
        let same = side
            .iter()
            .filter(|one| (one.address, one.port) == (listener.address, listener.port));
        same.count() == 1
    };
    let mut renamed: BTreeMap<&str, &Listener> = BTreeMap::new();
    for (_, after) in named.iter().filter(|(before, _)| before.is_none()) {
        let Some(after) = after.filter(|after| is_alone(after, of(new))) else {
            continue;
        };
        let gone = named.iter().filter(|(_, other)| other.is_none());
        let was = gone.filter_map(|(before, _)| *before).find(|before| {
            (before.address, before.port, before.role) == (after.address, after.port, after.role)
                && is_alone(before, of(old))
        });
        if let Some(was) = was {
            renamed.insert(&was.name, after);
        }
    }
    let is_taken = |after: &Listener| renamed.values().any(|one| one.name == after.name);
    named
        .into_iter()
        .filter_map(|(before, after)| match (before, after) {
            (Some(before), None) => {
                Some((Some(before), renamed.get(before.name.as_str()).copied()))
            }
            (None, Some(after)) if is_taken(after) => None,
            (_, _) => Some((before, after)),
        })
        .collect()
}
