//! Some requests of a path: a residual with what it is a residual of, which a solver needs where it is not listed.

use super::cube::{Cube, Layout};
use super::leaf::Leaf;
use super::solver;
use super::table::{Residual, Solved};
use super::unknown::Unknown;

/// Some requests of a path: those of a cube, or of all, that no cube before them has.
#[derive(Clone, Copy)]
pub(super) struct Part<'solved> {
    pub(super) residual: &'solved Residual,
    pub(super) cube: Option<&'solved Cube>,
    pub(super) before: &'solved [Option<Cube>],
}

impl Part<'_> {
    /// A cube that has all of its requests, and perhaps others; none if there are none.
    pub(super) fn hull(&self, layout: &Layout) -> Option<Cube> {
        match (self.residual, self.cube) {
            (Residual::Cubes(cubes), _) => Layout::hull(cubes),
            (Residual::Some(_), Some(cube)) => Some(cube.clone()),
            (Residual::Some(_), None) => Some(layout.full()),
        }
    }
}

/// What the entry at a position takes; none if it matches nothing.
pub(super) fn taken(solved: &Solved, at: usize) -> Option<Part<'_>> {
    Some(Part {
        residual: solved.residuals.get(at)?,
        cube: Some(solved.takes.get(at)?.as_ref()?),
        before: solved.cubes.get(..at).unwrap_or_default(),
    })
}

/// The requests that are in all of some parts.
pub(super) fn meet(leaf: &Leaf, parts: &[Part<'_>]) -> Result<Residual, Unknown> {
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
