//! What a change does beside the requests of each table: what the compiler finds now and did not before, and how many
//! requests one can become on its way to each service.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use weft_front::diagnostic::{Diagnostic, Severity};
use weft_front::model::Checked;
use weft_front::source::Sources;

use super::pairs::Pair;
use crate::both::Both;

/// Something that the compiler warns of on one side.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The code, as `weft explain` knows it: `dead-route`.
    pub code: &'static str,
    /// What is found.
    pub message: String,
    /// The `file:line`, if a line shows it.
    pub place: Option<String>,
}

/// How many requests one can become on its worst way to a service, by the tries of all layers.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Burst {
    /// The name of the service.
    pub service: String,
    /// So many requests on the old side, at least 1.
    pub old: u64,
    /// So many on the new side.
    pub new: u64,
}

/// The warnings among what is found, accepted ones left out.
pub(super) fn of(found: &[Diagnostic], sources: &Sources) -> Vec<Finding> {
    let told = found
        .iter()
        .filter(|one| one.severity == Severity::Warning && one.suppressed.is_none());
    let told = told.map(|one| {
        let span = one.primary.span;
        let place = sources.line(span).zip(sources.file(span.file));
        let place = place.map(|(line, file)| format!("{}:{line}", file.path));
        Finding {
            code: one.code.name,
            message: one.message.clone(),
            place,
        }
    });
    told.collect()
}

/// The bursts of a mesh, by service.
pub(super) fn bursts(checked: &Checked) -> BTreeMap<String, u64> {
    let each = checked.bursts();
    each.map(|(service, burst)| (service.to_owned(), burst))
        .collect()
}

/// What is found on the new side and not on the old one; nothing if one of them is a snapshot, of which nobody knows.
pub(super) fn new_ones(sides: Pair<&Vec<Finding>>) -> Vec<Finding> {
    let Some(Both { old, new }) = sides.present() else {
        return Vec::new();
    };
    let known: BTreeSet<(&str, &str)> = old
        .iter()
        .map(|one| (one.code, one.message.as_str()))
        .collect();
    let is_new = |one: &&Finding| !known.contains(&(one.code, one.message.as_str()));
    new.iter().filter(is_new).cloned().collect()
}

/// The services whose burst differs.
pub(super) fn changed_bursts(sides: Pair<&BTreeMap<String, u64>>) -> Vec<Burst> {
    let Some(Both { old, new }) = sides.present() else {
        return Vec::new();
    };
    let changed = new.iter().filter_map(|(service, now)| {
        let before = old.get(service)?;
        (before != now).then(|| Burst {
            service: service.clone(),
            old: *before,
            new: *now,
        })
    });
    changed.collect()
}
