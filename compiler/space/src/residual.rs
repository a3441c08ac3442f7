//! What is left of a cube after others: as cubes, or one request of it where there are too many.

use super::cube::Cube;
use super::leaf::{Leaf, Point};
use super::solver;
use super::unknown::Unknown;

/// What is left of a cube.
#[derive(Clone, Debug)]
pub(super) enum Residual {
    /// These cubes, which share nothing.
    Cubes(Vec<Cube>),
    /// Too many cubes to list; this is one request of them.
    Some(Vec<usize>),
}

impl Residual {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Cubes(cubes) => cubes.is_empty(),
            Self::Some(_) => false,
        }
    }
}

/// What some cubes leave of one.
///
/// # Errors
///
/// [`Unknown`] when the work of the list or the search for a request meets its bound.
pub(super) fn residual<'one>(
    leaf: &Leaf,
    cube: &Cube,
    taken: impl Iterator<Item = &'one Cube> + Clone,
) -> Result<Residual, Unknown> {
    match leaf.residual(cube, taken.clone()) {
        Ok(cubes) => Ok(Residual::Cubes(cubes)),
        Err(unknown) if leaf.is_spent() => Err(unknown),
        Err(_) => Ok(match solver::find(&leaf.layout, cube, taken)? {
            Some(point) => Residual::Some(point),
            None => Residual::Cubes(Vec::new()),
        }),
    }
}

/// A request of a residual.
pub(super) fn sample(leaf: &Leaf, residual: &Residual) -> Option<Point> {
    match residual {
        Residual::Cubes(cubes) => cubes.first().map(|cube| leaf.point(cube)),
        Residual::Some(point) => Some(leaf.point_of(point)),
    }
}
