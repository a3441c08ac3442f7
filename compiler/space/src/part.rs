//! What becomes of the requests of one path on one side of a comparison: parts, each with its fate. A part is a residual with what it is a
//! residual of, which a solver needs where it is not listed.

use super::cube::{Cube, Layout};
use super::leaf::Leaf;
use super::solver;
use super::table::{Residual, Solved};
use super::unknown::Unknown;

/// What becomes of some requests on one side.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Fate {
    /// No entry takes them.
    Nothing,
    /// This entry takes them.
    Taken(u32),
    /// This entry refuses them, because they repeat this header.
    Refused(u32, String),
}

impl Fate {
    pub(super) fn entry(&self) -> Option<u32> {
        match self {
            Self::Nothing => None,
            Self::Taken(entry) | Self::Refused(entry, _) => Some(*entry),
        }
    }

    pub(super) fn refusal(&self) -> Option<String> {
        match self {
            Self::Nothing | Self::Taken(_) => None,
            Self::Refused(_, header) => Some(header.clone()),
        }
    }
}

/// Some requests of a path: those of a cube, or of all, that no cube before them has.
#[derive(Clone, Copy)]
pub(super) struct Slab<'solved> {
    residual: &'solved Residual,
    cube: Option<&'solved Cube>,
    before: &'solved [Option<Cube>],
}

impl Slab<'_> {
    /// A cube that has all of its requests, and perhaps others; none if there are none.
    pub(super) fn hull(&self, layout: &Layout) -> Option<Cube> {
        match (self.residual, self.cube) {
            (Residual::Cubes(cubes), _) => Layout::hull(cubes),
            (Residual::Some(_), Some(cube)) => Some(cube.clone()),
            (Residual::Some(_), None) => Some(layout.full()),
        }
    }
}

/// What becomes of the requests of a path on one side, for the entries at their positions.
pub(super) fn parts<'solved>(
    solved: &'solved Solved,
    entries: &[u32],
) -> Vec<(Fate, Slab<'solved>)> {
    let mut found = Vec::new();
    for (at, (entry, refused)) in entries.iter().zip(&solved.refused).enumerate() {
        found.extend(taken(solved, at).map(|part| (Fate::Taken(*entry), part)));
        found.extend(refused.iter().map(|(refusal, residual)| {
            let part = Slab {
                residual,
                cube: Some(&refusal.cube),
                before: solved.cubes.get(..at).unwrap_or_default(),
            };
            (Fate::Refused(*entry, refusal.header.clone()), part)
        }));
    }
    let rest = Slab {
        residual: &solved.uncovered,
        cube: None,
        before: &solved.cubes,
    };
    found.push((Fate::Nothing, rest));
    found
}

/// What the entry at a position takes; none if it matches nothing.
pub(super) fn taken(solved: &Solved, at: usize) -> Option<Slab<'_>> {
    Some(Slab {
        residual: solved.residuals.get(at)?,
        cube: Some(solved.takes.get(at)?.as_ref()?),
        before: solved.cubes.get(..at).unwrap_or_default(),
    })
}

/// The requests that are in all of some parts.
pub(super) fn meet(leaf: &Leaf, parts: &[Slab<'_>]) -> Result<Residual, Unknown> {
    let layout = &leaf.layout;
    let mut all = vec![layout.full()];
    let mut is_listed = true;
    for part in parts {
        match part.residual {
            Residual::Cubes(cubes) => {
                leaf.spend(all.len().saturating_mul(cubes.len()))?;
                let pairs = all
                    .iter()
                    .flat_map(|one| cubes.iter().map(move |other| (one, other)));
                let met = pairs.filter_map(|(one, other)| layout.intersection(one, other));
                all = met.collect();
            }
            Residual::Some(_) => is_listed = false,
        }
    }
    if is_listed || all.is_empty() {
        return Ok(Residual::Cubes(all));
    }
    let mut both = Some(layout.full());
    let mut earlier = Vec::new();
    for part in parts {
        if let Some(cube) = part.cube {
            both = both.and_then(|both| layout.intersection(&both, cube));
        }
        earlier.extend(part.before.iter().flatten());
    }
    let Some(both) = both else {
        return Ok(Residual::Cubes(Vec::new()));
    };
    let found = solver::find(layout, &both, earlier.into_iter())?;
    Ok(found.map_or(Residual::Cubes(Vec::new()), Residual::Some))
}
