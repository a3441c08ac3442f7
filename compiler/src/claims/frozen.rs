//! Requests that are treated as in a snapshot: the assertion `same`, and `sameAs` of tests.
//!
//! The plans of the spec are compared with those of the snapshot by the comparison of `weft diff`, which is exact, for the
//! requests of the region alone. What becomes of a request is what its gateway decides: the rule's outcome, and not
//! what addresses a backend has.

use std::collections::BTreeMap;

use weft_snapshot::plan::NodePlan;
use weft_spec::{Span, Spanned};

use super::{Counterexample, Verdict};
use crate::diff::{Asked, Change, compare_asked, difference};
use crate::model::Mesh;
use crate::model::assertion::Region;
use crate::space::{Entry, Within};
use crate::surroundings::{ReadSnapshots, Surroundings};

/// The snapshots that were read, by folder.
pub(crate) struct Snapshots<'run> {
    reader: Option<&'run ReadSnapshots>,
    known: BTreeMap<String, Result<Vec<NodePlan>, String>>,
}

/// What is said of a comparison with a snapshot.
pub(crate) enum Frozen {
    /// Nobody reads snapshots here.
    NotAsked,
    /// The snapshot cannot be read; why.
    Unreadable(String),
    /// It was compared.
    Compared(Verdict),
}

impl<'run> Snapshots<'run> {
    /// None yet.
    pub(crate) fn new(surroundings: &'run Surroundings) -> Self {
        Self {
            reader: surroundings.snapshots.as_ref(),
            known: BTreeMap::new(),
        }
    }

    /// Whether every request of a region is treated by `plans` as in the snapshot of a folder.
    pub(crate) fn compare(
        &mut self,
        (mesh, plans): (&Mesh, &[NodePlan]),
        region: &Region,
        folder: &Spanned<String>,
    ) -> Frozen {
        let Some(ReadSnapshots(read)) = self.reader else {
            return Frozen::NotAsked;
        };
        let folder = folder.value.as_str();
        let known = self.known.entry(folder.to_owned());
        match known.or_insert_with(|| read(folder)) {
            Ok(old) => Frozen::Compared(verdict((mesh, plans), (old, folder), region)),
            Err(why) => Frozen::Unreadable(format!("snapshot `{folder}` cannot be read: {why}")),
        }
    }
}

fn verdict(
    (mesh, new): (&Mesh, &[NodePlan]),
    (old, folder): (&[NodePlan], &str),
    region: &Region,
) -> Verdict {
    let found = compare_asked(old, new, Some(&asked(mesh, region)));
    if let Some(change) = found.changes.first() {
        return Verdict::Refuted(counterexample((mesh, new), (old, folder), change));
    }
    if let Some(unknown) = found.unknown.first() {
        return Verdict::Unknown(format!("host `{}`: {}", unknown.host, unknown.reason));
    }
    if found.hosts == 0 {
        return Verdict::Vacuous(format!(
            "neither the spec nor `{folder}` has a route for a host of its region"
        ));
    }
    Verdict::Proved
}

/// The requests of a region.
pub(crate) fn asked<'region>(mesh: &Mesh, region: &'region Region) -> Asked<'region> {
    let listener = region.listener.and_then(|(gateway, position)| {
        let gateway = mesh.gateways.entry(gateway);
        let listener = gateway.listeners.get(position)?;
        let node = format!("gateway/{}", gateway.name.value);
        Some((node, listener.name.value.clone()))
    });
    Asked {
        listener,
        host: region.host_pattern(),
        requests: Within {
            entry: Entry::of_match(&region.matched),
            except: region.except.iter().map(Entry::of_match).collect(),
        },
    }
}

fn counterexample(
    (mesh, new): (&Mesh, &[NodePlan]),
    (old, folder): (&[NodePlan], &str),
    change: &Change,
) -> Counterexample {
    let difference = difference((old, new), change);
    let rule = difference.now.as_ref().and_then(|id| {
        let mut rules = mesh.routes.values().flat_map(|route| &route.rules);
        rules.find(|rule| rule.id == *id)
    });
    let shown = change.cells.first();
    Counterexample {
        text: format!("{}, unlike in `{folder}`", difference.text),
        place: rule.map_or(Span::NONE, crate::model::Rule::place),
        shown: shown.map(|cell| cell.witness.curl(difference.scheme)),
    }
}
