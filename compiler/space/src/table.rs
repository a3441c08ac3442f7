//! One table of a host: which entry takes which requests, exactly.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::cube::Cube;
use super::entry::{Conditions, ConditionsId, Entry, Interner};
use super::leaf::{Leaf, Point, Refusal, Repeating};
use super::meeting::Meetings;
use super::reading::Reading;
use super::residual::residual;
pub(super) use super::residual::{Residual, sample};
use super::undecided::{Met, open};
use super::unknown::{Unknown, spend};
use super::walk::Paths;

/// Steps that the paths of one table may cost, beside some for each entry.
const STEPS: usize = 200_000;
const STEPS_PER_ENTRY: usize = 64;
/// So many entries without conditions must decide over another before it is left out of an analysis: a
/// question is what the requests of an entry would come to without it.
pub(super) const DEPTH: usize = 2;

/// A request of one path: what the entries of a table ask of it beside the path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Sample {
    /// A path.
    pub(super) path: String,
    /// The rest of the request.
    pub(super) point: Point,
}

/// What an analysis of a table says about each entry, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken {
    /// A request that the entry takes; none if there is no such request.
    pub(super) sample: Vec<Option<Sample>>,
    /// Whether some request matches the entry at all, whoever takes it.
    pub(super) is_matched: Vec<bool>,
    /// Whether some request would have another outcome without the entry, or one that nothing but the order of files decides.
    pub(super) has_effect: Vec<bool>,
    /// A request that no entry takes.
    pub(super) uncovered: Option<Sample>,
    /// For pairs of entries that no precedence orders: a request whose outcome their order would decide.
    pub(super) undecided: Vec<(u32, u32, Sample)>,
    /// Pairs of entries that match the same requests.
    pub(super) identical: Vec<(u32, u32)>,
    /// The number of sets of requests that were told apart.
    pub(super) regions: usize,
}

/// What is to be said of two entries where both match.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Pairing {
    /// One of them decides, or it does not matter.
    Settled,
    /// They match the same requests.
    Identical,
    /// Nothing says which decides, and it matters.
    Open,
}

/// What a table knows about two of its entries.
pub(super) trait Order {
    /// Whether `first` decides wherever both match.
    fn decides(&self, first: u32, second: u32) -> bool;
    /// What is to be said of two entries where both match.
    fn pairing(&self, first: u32, second: u32) -> Pairing;
    /// Whether the outcomes of two entries are the same.
    fn is_same(&self, first: u32, second: u32) -> bool;
}

/// The order of a table that is written down: the first match decides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed;

impl Order for Listed {
    fn decides(&self, first: u32, second: u32) -> bool {
        first < second
    }

    fn pairing(&self, _first: u32, _second: u32) -> Pairing {
        Pairing::Settled
    }

    fn is_same(&self, _first: u32, _second: u32) -> bool {
        false
    }
}

/// The residuals of a list of conditions, in order.
#[derive(Debug)]
pub(super) struct Solved {
    pub(super) leaf: Leaf,
    /// The requests that each takes or refuses unless one before it does; none if there are none.
    pub(super) cubes: Vec<Option<Cube>>,
    /// Which of these may meet.
    meetings: Meetings,
    /// The requests that each takes unless one before it takes or refuses them; none if there are none.
    pub(super) takes: Vec<Option<Cube>>,
    /// What each takes.
    pub(super) residuals: Vec<Residual>,
    /// What each refuses, by the header that is the reason.
    pub(super) refused: Vec<Vec<(Refusal, Residual)>>,
    /// What none takes or refuses.
    pub(super) uncovered: Residual,
}

impl Solved {
    /// The positions of all cubes that one may meet, ascending.
    pub(super) fn meeting(&self, nth: usize) -> Vec<usize> {
        let cube = self.cubes.get(nth).and_then(Option::as_ref);
        cube.map_or_else(Vec::new, |cube| self.meetings.of(&self.leaf.layout, cube))
    }
}

/// Remembers what lists of conditions come to.
#[derive(Debug, Default)]
pub(super) struct Memory {
    repeating: Repeating,
    interner: Interner,
    solved: BTreeMap<Vec<ConditionsId>, Rc<Solved>>,
}

impl Memory {
    /// Of lists that are looked at with or without requests that repeat headers.
    pub(super) fn new(repeating: Repeating) -> Self {
        Self {
            repeating,
            ..Self::default()
        }
    }

    /// The dimensions of some conditions.
    pub(super) fn leaf<'one>(
        &self,
        conditions: impl Iterator<Item = &'one Conditions> + Clone,
    ) -> Result<Leaf, Unknown> {
        Leaf::new(conditions, self.repeating)
    }

    /// The numbers of the conditions of entries, and whether each lets everything pass.
    pub(super) fn numbers(&mut self, entries: &[Entry<'_>]) -> Vec<(ConditionsId, bool)> {
        let of = |entry: &Entry<'_>| {
            let number = self.interner.number(&entry.conditions);
            (number, entry.conditions.is_true())
        };
        entries.iter().map(of).collect()
    }

    /// The conditions of some numbers.
    pub(super) fn conditions(&self, numbers: &[ConditionsId]) -> Vec<Conditions> {
        numbers
            .iter()
            .map(|number| self.interner.conditions(*number))
            .collect()
    }

    /// A point that meets all conditions behind a position and none of those before it.
    pub(super) fn common(
        &self,
        numbers: &[ConditionsId],
        behind: usize,
    ) -> Result<Option<Point>, Unknown> {
        spend(numbers.len().saturating_mul(16))?;
        let conditions = self.conditions(numbers);
        let leaf = self.leaf(conditions.iter())?;
        let layout = &leaf.layout;
        let (before, within) = conditions.split_at_checked(behind).unwrap_or_default();
        let both = within.iter().try_fold(layout.full(), |both, one| {
            layout.intersection(&both, &leaf.reach(one)?)
        });
        let Some(both) = both else {
            return Ok(None);
        };
        let before = before.iter().filter_map(|one| leaf.reach(one));
        let before: Vec<Cube> = before.filter(|cube| layout.meets(&both, cube)).collect();
        let left = residual(&leaf, &both, before.iter())?;
        Ok(sample(&leaf, &left))
    }

    /// The residuals of a list of conditions.
    pub(super) fn solve(&mut self, numbers: &[ConditionsId]) -> Result<Rc<Solved>, Unknown> {
        spend(numbers.len().saturating_mul(16))?;
        if let Some(known) = self.solved.get(numbers) {
            return Ok(Rc::clone(known));
        }
        let conditions = self.conditions(numbers);
        let leaf = self.leaf(conditions.iter())?;
        let solved = Rc::new(solve(leaf, &conditions)?);
        self.solved.insert(numbers.to_vec(), Rc::clone(&solved));
        Ok(solved)
    }
}

/// The residuals of conditions in the dimensions of a leaf, which may have more.
pub(super) fn solve(leaf: Leaf, conditions: &[Conditions]) -> Result<Solved, Unknown> {
    let cubes: Vec<Option<Cube>> = conditions.iter().map(|one| leaf.reach(one)).collect();
    let takes: Vec<Option<Cube>> = conditions.iter().map(|one| leaf.cube(one)).collect();
    let mut residuals = Vec::with_capacity(cubes.len());
    let mut refused = Vec::with_capacity(cubes.len());
    let meetings = Meetings::new(&leaf.layout, &cubes);
    // What a cube does not meet takes nothing from it.
    let earlier = |cube: &Cube, nth: usize| {
        let met = meetings.of(&leaf.layout, cube);
        let met = met.into_iter().take_while(|position| *position < nth);
        let met: Vec<&Cube> = met
            .filter_map(|position| cubes.get(position)?.as_ref())
            .collect();
        met
    };
    for (nth, (cube, one)) in takes.iter().zip(conditions).enumerate() {
        residuals.push(match cube {
            Some(cube) => residual(&leaf, cube, earlier(cube, nth).into_iter())?,
            None => Residual::Cubes(Vec::new()),
        });
        let mut of_headers = Vec::new();
        for refusal in leaf.refusals(one) {
            let before = earlier(&refusal.cube, nth);
            let left = residual(&leaf, &refusal.cube, before.into_iter())?;
            of_headers.push((refusal, left));
        }
        refused.push(of_headers);
    }
    let full = leaf.layout.full();
    let uncovered = residual(&leaf, &full, cubes.iter().flatten())?;
    Ok(Solved {
        leaf,
        cubes,
        meetings,
        takes,
        residuals,
        refused,
        uncovered,
    })
}

/// Removes entries that `depth` entries without conditions decide over: with one of them nothing is left to
/// take, with two not even if one were deleted.
pub(super) fn prune(
    list: &mut Vec<u32>,
    is_true: &dyn Fn(u32) -> bool,
    order: &dyn Order,
    depth: usize,
) {
    if list.len() < 2 {
        return;
    }
    let rulers: Vec<u32> = list.iter().copied().filter(|one| is_true(*one)).collect();
    if rulers.len() < depth {
        return;
    }
    list.retain(|one| {
        let above = rulers
            .iter()
            .filter(|ruler| *ruler != one && order.decides(**ruler, *one));
        above.take(depth).count() < depth
    });
}

/// The bound on steps for a table with so many entries.
pub(super) fn steps(entries: usize) -> usize {
    STEPS.saturating_add(entries.saturating_mul(STEPS_PER_ENTRY))
}

/// Analyses one table.
///
/// # Errors
///
/// [`Unknown`] when a bound is met; nothing is said then.
pub(super) fn analyse(
    entries: &[Entry<'_>],
    with: Reading<'_>,
    order: &dyn Order,
    memory: &mut Memory,
) -> Result<Taken, Unknown> {
    let paths = Paths::new(entries.iter().map(|entry| entry.path), with)?;
    analyse_along(&paths, entries, order, memory)
}

/// Analyses one table along the paths of its entries.
///
/// # Errors
///
/// As [`analyse`].
pub(super) fn analyse_along(
    paths: &Paths<'_>,
    entries: &[Entry<'_>],
    order: &dyn Order,
    memory: &mut Memory,
) -> Result<Taken, Unknown> {
    let numbers = memory.numbers(entries);
    let mut taken = Taken {
        sample: vec![None; entries.len()],
        is_matched: vec![false; entries.len()],
        has_effect: vec![false; entries.len()],
        ..Taken::default()
    };
    let number = |entry: u32| numbers.get(usize::try_from(entry).ok()?).copied();
    let is_true = |entry: u32| number(entry).is_some_and(|(_, is_true)| is_true);
    let (mut seen, mut failed) = (BTreeSet::new(), None);
    let mut pairs = BTreeSet::new();
    paths.walk(
        &mut steps(entries.len()),
        &|list| prune(list, &is_true, order, DEPTH),
        &mut |list, path| {
            if failed.is_some() || seen.contains(list) {
                return;
            }
            if let Err(unknown) = spend(list.len()) {
                failed = Some(unknown);
                return;
            }
            seen.insert(list.to_vec());
            let conditions: Vec<u32> = list
                .iter()
                .filter_map(|one| Some(number(*one)?.0))
                .collect();
            match memory.solve(&conditions) {
                Ok(solved) => {
                    note(&mut taken, list, &solved, path);
                    effects(&mut taken, list, &solved, order)
                        .unwrap_or_else(|unknown| failed = Some(unknown));
                    open(
                        &mut taken,
                        Met {
                            list,
                            solved: &solved,
                            path,
                        },
                        order,
                        &mut pairs,
                    )
                    .unwrap_or_else(|unknown| failed = Some(unknown));
                }
                Err(unknown) => failed = Some(unknown),
            }
        },
    )?;
    failed.map_or(Ok(taken), Err)
}

fn note(taken: &mut Taken, list: &[u32], solved: &Solved, path: &str) {
    let made = |residual: &Residual| {
        sample(&solved.leaf, residual).map(|point| Sample {
            path: path.to_owned(),
            point,
        })
    };
    let parts = list.iter().zip(&solved.residuals).zip(&solved.cubes);
    for ((entry, residual), cube) in parts {
        let Ok(entry) = usize::try_from(*entry) else {
            continue;
        };
        if let (Some(is_matched), Some(_)) = (taken.is_matched.get_mut(entry), cube) {
            *is_matched = true;
        }
        taken.regions += usize::from(!residual.is_empty());
        if let Some(known) = taken.sample.get_mut(entry)
            && known.is_none()
        {
            *known = made(residual);
        }
    }
    if taken.uncovered.is_none() {
        taken.uncovered = made(&solved.uncovered);
    }
}

/// Finds the entries without which a request of this path would have another outcome.
fn effects(
    taken: &mut Taken,
    list: &[u32],
    solved: &Solved,
    order: &dyn Order,
) -> Result<(), Unknown> {
    for (nth, entry) in list.iter().enumerate() {
        let position = usize::try_from(*entry).unwrap_or(usize::MAX);
        let Some(has_effect) = taken.has_effect.get_mut(position).filter(|known| !**known) else {
            continue;
        };
        let mut left = match solved.residuals.get(nth) {
            Some(Residual::Cubes(cubes)) => cubes.clone(),
            // Not looked into any further: it counts as needed.
            Some(Residual::Some(_)) => {
                *has_effect = true;
                continue;
            }
            None => continue,
        };
        let later = solved.meeting(nth).into_iter().filter(|other| nth < *other);
        for other in later {
            let cube = solved.cubes.get(other).and_then(Option::as_ref);
            let pair = list.get(other).zip(cube.filter(|_| !left.is_empty()));
            let Some((other, cube)) = pair else {
                continue;
            };
            solved.leaf.spend(left.len())?;
            let layout = &solved.leaf.layout;
            let is_met = left
                .iter()
                .any(|one| layout.intersection(one, cube).is_some());
            if is_met && !order.is_same(*entry, *other) {
                *has_effect = true;
                break;
            }
            let mut next = Vec::new();
            for one in &left {
                layout.subtract(one, cube, &mut next);
            }
            left = next;
        }
        *has_effect |= !left.is_empty();
    }
    Ok(())
}
