//! Which requests two tables treat differently, exactly.
//!
//! The paths of both tables are partitioned together. Where a path meets the same conditions with the same
//! actions in the same order on both sides there is nothing to compare; everywhere else what each entry
//! takes is intersected with what each entry of the other side takes. What is not in a region is treated
//! alike: that is the theorem at the end of a diff. That an entry refuses a request because it repeats a header is
//! one more thing that can become of it, the same whichever entry refuses.

use std::collections::{BTreeMap, BTreeSet};

use weft_snapshot::settings::PathRules;

use super::cube::Cube;
use super::entry::Entry;
use super::leaf::{Kind, Leaf, Point, Repeating};
use super::meeting::Meetings;
use super::part::{Fate, Slab, meet, parts, taken};
use super::reading::Reading;
use super::request::WitnessRequest;
use super::table::{self, Listed, Memory, Residual, Sample};
use super::unknown::{Unknown, spend};
use super::walk::Paths;
use crate::automata::Automata;

/// So many parts of a region are kept; all are counted.
const CELLS: usize = 16;

/// One side of a comparison: a table, and a number for what becomes of the requests of each entry. Equal
/// numbers mean the same on both sides.
#[derive(Clone, Debug)]
pub struct Difference<'table> {
    /// The entries in order of precedence.
    pub entries: Vec<Entry<'table>>,
    /// What becomes of the requests of each; as many as there are entries.
    pub actions: Vec<u32>,
}

/// The requests that one entry took and another takes now, where that makes a difference.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Region {
    /// The entry of the old side; none where nothing took them.
    pub old: Option<usize>,
    /// The entry of the new side; none where nothing takes them.
    pub new: Option<usize>,
    /// The header that they repeat, where the old entry refused them for it.
    pub old_refusal: Option<String>,
    /// The header that they repeat, where the new entry refuses them for it.
    pub new_refusal: Option<String>,
    /// Parts of the region, at most 16.
    pub cells: Vec<Cell>,
    /// The number of all parts.
    pub count: usize,
    /// Whether these are all requests that the old entry took.
    pub is_all_of_old: bool,
    /// Whether these are all requests that the new entry takes.
    pub is_all_of_new: bool,
    /// A request nearby that is treated as before: one that the same old entry took, if there is one.
    pub contrast: Option<WitnessRequest>,
}

/// A part of a region: requests of one path pattern.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cell {
    /// Conditions besides the path, in words such as `method GET|HEAD`.
    pub conditions: Vec<String>,
    /// One request of it.
    pub witness: WitnessRequest,
}

/// What becomes of some requests on the old side and on the new side.
type Pair = (Fate, Fate);

/// Some requests of a host: those of an entry that others do not have.
#[derive(Clone, Debug)]
pub struct Within<'table> {
    /// The requests.
    pub entry: Entry<'table>,
    /// Those that are left out.
    pub except: Vec<Entry<'table>>,
}

struct Found {
    cells: Vec<(String, Vec<String>, Point)>,
    count: usize,
}

/// What two tables of one host treat differently, of the requests that repeat no header of one line; `host` is for
/// witnesses.
///
/// # Errors
///
/// [`Unknown`] when a bound is met: then nothing is proved about any request of the host.
pub fn differences(
    old: &Difference<'_>,
    new: &Difference<'_>,
    rules: PathRules,
    host: &str,
) -> Result<Vec<Region>, Unknown> {
    let asked = Asked {
        within: None,
        repeating: Repeating::LeftOut,
    };
    compare(old, new, asked, rules, host)
}

/// What two tables of one host treat differently, of all requests or of some, those that repeat headers included.
///
/// # Errors
///
/// [`Unknown`] when a bound is met: then nothing is proved about any of them.
pub fn differences_within(
    old: &Difference<'_>,
    new: &Difference<'_>,
    within: Option<&Within<'_>>,
    rules: PathRules,
    host: &str,
) -> Result<Vec<Region>, Unknown> {
    let asked = Asked {
        within,
        repeating: Repeating::Included,
    };
    compare(old, new, asked, rules, host)
}

/// Which requests are compared.
#[derive(Clone, Copy)]
struct Asked<'one> {
    /// All of them, or those of a set.
    within: Option<&'one Within<'one>>,
    /// Whether those that repeat headers are among them.
    repeating: Repeating,
}

fn compare(
    old: &Difference<'_>,
    new: &Difference<'_>,
    asked: Asked<'_>,
    rules: PathRules,
    host: &str,
) -> Result<Vec<Region>, Unknown> {
    let Asked { within, repeating } = asked;
    let none = Automata::default();
    let mut memory = Memory::new(repeating);
    let asked: Vec<Entry<'_>> = within
        .into_iter()
        .flat_map(|within| within.except.iter().chain([&within.entry]))
        .cloned()
        .collect();
    let bounds = Bounds::of(old, new);
    let mut numbers = memory.numbers(&old.entries);
    numbers.extend(memory.numbers(&new.entries));
    numbers.extend(memory.numbers(&asked));
    let actions = old.actions.iter().chain(&new.actions).copied();
    let actions: Vec<u32> = actions.chain(asked.iter().map(|_| 0)).collect();
    let entries = old.entries.iter().chain(&new.entries).chain(&asked);
    let with = Reading::new(rules, &none);
    let paths = Paths::new(entries.map(|entry| entry.path), with)?;
    let is_true = |entry: u32| {
        let known = usize::try_from(entry)
            .ok()
            .and_then(|entry| numbers.get(entry));
        known.is_some_and(|(_, is_true)| *is_true)
    };
    let prune = |list: &mut Vec<u32>| {
        let mut asked = list.split_off(list.partition_point(|entry| *entry < bounds.asked));
        let mut right = list.split_off(list.partition_point(|entry| *entry < bounds.new));
        table::prune(list, &is_true, &Listed, 1);
        table::prune(&mut right, &is_true, &Listed, 1);
        list.append(&mut right);
        list.append(&mut asked);
    };
    let mut comparison = Comparison {
        numbers: &numbers,
        actions: &actions,
        bounds,
        region: within.and(u32::try_from(numbers.len().saturating_sub(1)).ok()),
        memory: &mut memory,
        found: BTreeMap::new(),
        same: BTreeMap::new(),
        kept: BTreeSet::new(),
    };
    let (mut seen, mut failed) = (BTreeSet::new(), None);
    paths.walk(
        &mut table::steps(numbers.len()),
        &prune,
        &mut |list, path| {
            if failed.is_some() || seen.contains(list) {
                return;
            }
            seen.insert(list.to_vec());
            let compared = spend(list.len().saturating_mul(16));
            if let Err(unknown) = compared.and_then(|()| comparison.atom(list, path)) {
                failed = Some(unknown);
            }
        },
    )?;
    failed.map_or_else(|| Ok(comparison.regions(host)), Err)
}

/// Where the entries of the new side begin among all, and behind them those that say which requests are asked about.
#[derive(Clone, Copy)]
struct Bounds {
    new: u32,
    asked: u32,
}

impl Bounds {
    fn of(old: &Difference<'_>, new: &Difference<'_>) -> Self {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            new: number(old.entries.len()),
            asked: number(old.entries.len() + new.entries.len()),
        }
    }
}

struct Comparison<'run> {
    numbers: &'run [(u32, bool)],
    actions: &'run [u32],
    bounds: Bounds,
    /// The entry of the requests that are asked about, the last of all; none means all requests.
    region: Option<u32>,
    memory: &'run mut Memory,
    found: BTreeMap<Pair, Found>,
    /// Requests that are treated as before, by the old entry that took them; those of no entry by none.
    same: BTreeMap<Option<u32>, Sample>,
    /// Entries of either side that take some request which is treated as before.
    kept: BTreeSet<u32>,
}

impl Comparison<'_> {
    fn key(&self, entry: u32) -> Option<(u32, u32)> {
        let position = usize::try_from(entry).ok()?;
        Some((self.numbers.get(position)?.0, *self.actions.get(position)?))
    }

    /// What becomes of requests, as far as it can be noticed: the action of who takes them.
    fn action(&self, fate: &Fate) -> (Option<u32>, bool) {
        match fate {
            Fate::Nothing => (None, false),
            Fate::Taken(entry) => (self.key(*entry).map(|(_, action)| action), false),
            // All refusals are one answer.
            Fate::Refused(_, _) => (None, true),
        }
    }

    fn atom(&mut self, list: &[u32], path: &str) -> Result<(), Unknown> {
        let Bounds { new, asked } = self.bounds;
        let split = |list: &[u32], at: u32| list.partition_point(|entry| *entry < at);
        let (sides, asked) = list.split_at(split(list, asked));
        let (old, new) = sides.split_at(split(sides, new));
        if self.region.is_some() && asked.last() != self.region.as_ref() {
            // None of these requests is asked about.
            return Ok(());
        }
        let keys = |side: &[u32]| -> Vec<(u32, u32)> {
            side.iter().filter_map(|entry| self.key(*entry)).collect()
        };
        let (old_keys, new_keys) = (keys(old), keys(new));
        if old_keys == new_keys {
            return self.alike((old, new), &old_keys, path);
        }
        let conditions = |keys: &[(u32, u32)]| {
            let numbers: Vec<u32> = keys.iter().map(|(number, _)| *number).collect();
            self.memory.conditions(&numbers)
        };
        let (old_conditions, new_conditions) = (conditions(&old_keys), conditions(&new_keys));
        let asked_conditions = conditions(&keys(asked));
        let all = old_conditions.iter().chain(&new_conditions);
        let leaf = self.memory.leaf(all.chain(&asked_conditions))?;
        let left = table::solve(leaf.clone(), &old_conditions)?;
        let right = table::solve(leaf.clone(), &new_conditions)?;
        let region = match asked.len().checked_sub(1) {
            Some(at) => Some((table::solve(leaf, &asked_conditions)?, at)),
            None => None,
        };
        let region = match &region {
            Some((solved, at)) => match taken(solved, *at) {
                Some(part) => Some(part),
                None => return Ok(()),
            },
            None => None,
        };
        let after = parts(&right, new);
        let layout = &left.leaf.layout;
        let hulls: Vec<Option<Cube>> = after.iter().map(|(_, part)| part.hull(layout)).collect();
        let meetings = Meetings::new(layout, &hulls);
        for (one, before) in parts(&left, old) {
            let hull = before.hull(layout);
            let met = hull.map_or_else(Vec::new, |hull| meetings.of(layout, &hull));
            for (other, after) in met.into_iter().filter_map(|at| after.get(at)) {
                let sides: Vec<Slab<'_>> = [before, *after].into_iter().chain(region).collect();
                self.pair((&one, other), (&left.leaf, &sides), path)?;
            }
        }
        Ok(())
    }

    /// Notes the requests of a path that go one way on the old side and another on the new one, if there are any.
    fn pair(
        &mut self,
        (one, other): (&Fate, &Fate),
        (leaf, sides): (&Leaf, &[Slab<'_>]),
        path: &str,
    ) -> Result<(), Unknown> {
        let is_same = self.action(one) == self.action(other);
        let points: Vec<(Vec<String>, Point)> = match &meet(leaf, sides)? {
            Residual::Cubes(cubes) => cubes
                .iter()
                .map(|cube| (described(leaf, cube), leaf.point(cube)))
                .collect(),
            Residual::Some(point) => {
                vec![(vec!["among others".to_owned()], leaf.point_of(point))]
            }
        };
        if is_same {
            let point = points.into_iter().next().map(|(_, point)| point);
            self.note_same(one, other, path, point);
        } else if !points.is_empty() {
            self.note_change((one.clone(), other.clone()), path, points);
        }
        Ok(())
    }

    /// Notes that the requests of a path, which meet the same entries on both sides, are treated alike.
    fn alike(
        &mut self,
        (old, new): (&[u32], &[u32]),
        keys: &[(u32, u32)],
        path: &str,
    ) -> Result<(), Unknown> {
        if self.region.is_some() {
            return Ok(());
        }
        let numbers: Vec<u32> = keys.iter().map(|(number, _)| *number).collect();
        let solved = self.memory.solve(&numbers)?;
        for ((one, other), residual) in old.iter().zip(new).zip(&solved.residuals) {
            if !residual.is_empty() {
                self.kept.extend([*one, *other]);
            }
        }
        let first = old.first().copied();
        if !self.same.contains_key(&first) {
            let residual = solved.residuals.first().unwrap_or(&solved.uncovered);
            let point = table::sample(&solved.leaf, residual);
            let fate = |entry: Option<&u32>| entry.map_or(Fate::Nothing, |one| Fate::Taken(*one));
            self.note_same(&fate(old.first()), &fate(new.first()), path, point);
        }
        Ok(())
    }

    fn note_same(&mut self, old: &Fate, new: &Fate, path: &str, point: Option<Point>) {
        let Some(point) = point else {
            return;
        };
        for fate in [old, new] {
            if let Fate::Taken(entry) = fate {
                self.kept.insert(*entry);
            }
        }
        // A request that is refused as before is no good neighbour to show.
        if old.refusal().is_none() {
            self.same.entry(old.entry()).or_insert_with(|| Sample {
                path: path.to_owned(),
                point,
            });
        }
    }

    fn note_change(&mut self, pair: Pair, path: &str, points: Vec<(Vec<String>, Point)>) {
        let found = self.found.entry(pair).or_insert(Found {
            cells: Vec::new(),
            count: 0,
        });
        found.count += points.len();
        let room = CELLS.saturating_sub(found.cells.len());
        let cells = points.into_iter().take(room);
        found
            .cells
            .extend(cells.map(|(said, point)| (path.to_owned(), said, point)));
    }

    fn regions(self, host: &str) -> Vec<Region> {
        let position = |entry: Option<u32>, base: u32| {
            entry.and_then(|entry| usize::try_from(entry.saturating_sub(base)).ok())
        };
        let witness =
            |path: String, point: Point| WitnessRequest::of_sample(host, &Sample { path, point });
        let count = |side: fn(&Pair) -> &Fate| {
            let mut count: BTreeMap<Fate, usize> = BTreeMap::new();
            for pair in self.found.keys() {
                *count.entry(side(pair).clone()).or_default() += 1;
            }
            count
        };
        let (olds, news) = (count(|pair| &pair.0), count(|pair| &pair.1));
        let kept = self.kept;
        let is_all = |fate: &Fate, pairs: &BTreeMap<Fate, usize>| {
            let is_whole = matches!(fate, Fate::Taken(entry) if !kept.contains(entry));
            // Of the requests that are not asked about nothing is known.
            is_whole && pairs.get(fate) == Some(&1) && self.region.is_none()
        };
        let regions = self.found.into_iter().map(|((old, new), found)| {
            let near = self.same.get(&old.entry());
            let near = near.or_else(|| self.same.values().next());
            Region {
                old: position(old.entry(), 0),
                new: position(new.entry(), self.bounds.new),
                old_refusal: old.refusal(),
                new_refusal: new.refusal(),
                count: found.count,
                is_all_of_old: is_all(&old, &olds),
                is_all_of_new: is_all(&new, &news),
                contrast: near.map(|sample| WitnessRequest::of_sample(host, sample)),
                cells: found
                    .cells
                    .into_iter()
                    .map(|(path, conditions, point)| Cell {
                        conditions,
                        witness: witness(path, point),
                    })
                    .collect(),
            }
        });
        regions.collect()
    }
}

fn described(leaf: &Leaf, cube: &Cube) -> Vec<String> {
    let said = leaf.describe(cube).into_iter();
    said.map(|(kind, text)| match kind {
        Kind::Method => format!("method {text}"),
        Kind::Header(name) => format!("header {name}: {text}"),
        Kind::Query(name) => format!("parameter {name}: {text}"),
        Kind::Source => format!("from {text}"),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use weft_snapshot::plan::{Condition, PathPattern, Segment, ValueTest};
    use weft_snapshot::settings::PathRules;

    use super::{Difference, differences_within};
    use crate::work;
    use crate::{Conditions, Entry};

    #[test]
    fn entries_are_held_against_those_that_they_meet() {
        let text = "a".to_owned();
        let path = PathPattern::Segments {
            segments: vec![Segment::Literal { text }],
            rest: false,
        };
        let entry = |at: usize| {
            let asked = ValueTest::Exact {
                text: at.to_string(),
            };
            let name = "x-v".to_owned();
            let conditions = Conditions {
                headers: vec![Condition { name, test: asked }],
                ..Conditions::default()
            };
            Entry {
                path: &path,
                conditions,
            }
        };
        let steps = |count: u32| {
            let numbers = || 0..count;
            let side = |changed: u32| Difference {
                entries: numbers().map(|at| entry(at.try_into().unwrap())).collect(),
                actions: numbers()
                    .map(|at| if at == changed { count } else { at })
                    .collect(),
            };
            let (old, new) = (side(count), side(7));
            let compared =
                || differences_within(&old, &new, None, PathRules::default(), "a.example");
            let (regions, spent) = work::within(1 << 40, compared);
            assert_eq!(regions.unwrap().len(), 1);
            spent.steps
        };
        // There are a million pairs.
        assert!(steps(1_000) < 1_000_000, "{}", steps(1_000));
    }
}
