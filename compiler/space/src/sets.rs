//! Questions about one set of requests, or about two: does it have any, has it all, are they the same.
//!
//! They are asked about single expressions, beside every table. A set is that of one [`Entry`].

use std::collections::BTreeSet;

use weft_snapshot::settings::PathRules;

use super::compare::{Difference, differences};
use super::entry::Entry;
use super::reading::Reading;
use super::request::WitnessRequest;
use super::table::{self, Listed, Memory};
use super::unknown::Unknown;
use super::walk::Paths;
use crate::automata::Automata;

/// The host of witnesses: sets here are of no host.
const HOST: &str = "host.example";

/// One request of a set and one that is not in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Extent {
    /// A request of the set; none if it is empty.
    pub inside: Option<WitnessRequest>,
    /// A canonical request that is not in the set; none if it has all of them.
    pub outside: Option<WitnessRequest>,
}

/// A request of a set and one outside of it.
///
/// # Errors
///
/// [`Unknown`] when a bound is met.
pub fn extent(entry: &Entry<'_>, rules: PathRules) -> Result<Extent, Unknown> {
    let entries = std::slice::from_ref(entry);
    let taken = table::analyse(
        entries,
        Reading::new(rules, &Automata::default()),
        &Listed,
        &mut Memory::default(),
    )?;
    let made = |sample: &table::Sample| WitnessRequest::of_sample(HOST, sample);
    let inside = taken.sample.first().and_then(Option::as_ref);
    Ok(Extent {
        inside: inside.map(made),
        outside: taken.uncovered.as_ref().map(made),
    })
}

/// A request of exactly one of two sets; none if they are the same.
///
/// # Errors
///
/// [`Unknown`] when a bound is met.
pub fn parting(
    left: &Entry<'_>,
    right: &Entry<'_>,
    rules: PathRules,
) -> Result<Option<WitnessRequest>, Unknown> {
    let (left, right) = (side(left), side(right));
    let regions = differences(&left, &right, rules, HOST)?;
    let cells = regions.into_iter().flat_map(|region| region.cells);
    Ok(cells.map(|cell| cell.witness).next())
}

/// A request of a set that none of other sets has; none if they have all of it together.
///
/// # Errors
///
/// [`Unknown`] when a bound is met.
pub fn left(
    entry: &Entry<'_>,
    others: &[Entry<'_>],
    with: Reading<'_>,
) -> Result<Option<WitnessRequest>, Unknown> {
    common(&[entry], others, with)
}

/// A request of both of two sets; none if they have none in common.
///
/// # Errors
///
/// [`Unknown`] when a bound is met.
pub fn meeting(
    left: &Entry<'_>,
    right: &Entry<'_>,
    with: Reading<'_>,
) -> Result<Option<WitnessRequest>, Unknown> {
    common(&[left, right], &[], with)
}

/// A request of all of some sets that none of other sets has; none if there is no such request.
///
/// # Errors
///
/// [`Unknown`] when a bound is met.
pub fn common(
    sets: &[&Entry<'_>],
    others: &[Entry<'_>],
    with: Reading<'_>,
) -> Result<Option<WitnessRequest>, Unknown> {
    let entries = others.iter().chain(sets.iter().copied());
    let entries: Vec<Entry<'_>> = entries.cloned().collect();
    let first = u32::try_from(others.len()).unwrap_or(u32::MAX);
    let mut memory = Memory::default();
    let numbers = memory.numbers(&entries);
    let number = |entry: u32| {
        numbers
            .get(usize::try_from(entry).ok()?)
            .map(|(one, _)| *one)
    };
    let paths = Paths::new(entries.iter().map(|entry| entry.path), with)?;
    let (mut seen, mut found, mut failed) = (BTreeSet::new(), None, None);
    paths.walk(
        &mut table::steps(entries.len()),
        &|_| {},
        &mut |list, path| {
            let behind = list.partition_point(|entry| *entry < first);
            let has_all = list.len() - behind == sets.len();
            if !has_all || found.is_some() || failed.is_some() || !seen.insert(list.to_vec()) {
                return;
            }
            let conditions: Vec<u32> = list.iter().filter_map(|one| number(*one)).collect();
            match memory.common(&conditions, behind) {
                Ok(point) => {
                    let path = path.to_owned();
                    found = point.map(|point| table::Sample { path, point });
                }
                Err(unknown) => failed = Some(unknown),
            }
        },
    )?;
    match failed {
        Some(unknown) => Err(unknown),
        None => Ok(found.map(|sample| WitnessRequest::of_sample(HOST, &sample))),
    }
}

/// A table that takes the requests of a set, all alike.
fn side<'table>(entry: &Entry<'table>) -> Difference<'table> {
    Difference {
        entries: vec![entry.clone()],
        actions: vec![0],
    }
}

#[cfg(test)]
mod tests {
    use crate::Reading;
    use weft_snapshot::plan::{PathPattern, Segment};
    use weft_snapshot::settings::PathRules;

    use super::left;
    use crate::automata::Automata;
    use crate::{Conditions, Entry, work};

    #[test]
    fn what_others_leave_of_one_takes_steps_for_each_of_them_once() {
        let text = "a".to_owned();
        let path = PathPattern::Segments {
            segments: vec![Segment::Literal { text }],
            rest: false,
        };
        let entry = |at: usize| Entry {
            path: &path,
            conditions: Conditions {
                methods: vec![format!("M{at}")],
                ..Conditions::default()
            },
        };
        let steps = |count: usize| {
            let others: Vec<Entry<'_>> = (1..count).map(entry).collect();
            let automata = Automata::default();
            let with = Reading::new(PathRules::default(), &automata);
            let (found, spent) = work::within(1 << 40, || left(&entry(0), &others, with));
            assert_eq!(found.unwrap().unwrap().method, "M0");
            spent.steps
        };
        // A bit for each of them in each of their sets.
        assert!(steps(1_000) < 500_000, "{}", steps(1_000));
    }
}
