//! Whether a cube has a request outside of others, when subtracting cubes would make too many pieces.
//!
//! One variable for each atom of each dimension, exactly one of which holds; each cube to be avoided says
//! that in some dimension another atom holds. The work of the solver is bounded by steps, not by time.

use std::cell::Cell;

use batsat::{Callbacks, Lit, Solver, SolverInterface, SolverOpts, Var, lbool};

use super::cube::{Cube, Layout};
use super::unknown::{Unknown, spend};

/// How often the solver may ask whether to stop.
const STEPS: usize = 2_000_000;

struct Bounded {
    left: Cell<usize>,
}

impl Callbacks for Bounded {
    fn stop(&self) -> bool {
        self.left.set(self.left.get().saturating_sub(1));
        self.left.get() == 0
    }
}

/// A request of `within` that none of `without` has, as one atom for each dimension.
///
/// # Errors
///
/// [`Unknown::TooManyConditions`] when the solver meets its bound.
pub(super) fn find<'one>(
    layout: &Layout,
    within: &Cube,
    without: impl Iterator<Item = &'one Cube>,
) -> Result<Option<Vec<usize>>, Unknown> {
    let bounded = Bounded {
        left: Cell::new(STEPS),
    };
    let mut solver = Solver::new(SolverOpts::default(), bounded);
    let mut variables: Vec<Vec<(usize, Var)>> = Vec::new();
    for dimension in 0..layout.dimensions() {
        let atoms = layout.set(within, dimension);
        let own: Vec<(usize, Var)> = atoms
            .into_iter()
            .map(|atom| (atom, solver.new_var_default()))
            .collect();
        let mut some: Vec<Lit> = own.iter().map(|(_, one)| Lit::new(*one, true)).collect();
        solver.add_clause_reuse(&mut some);
        at_most_one(&mut solver, &own);
        variables.push(own);
    }
    for cube in without {
        let mut elsewhere = Vec::new();
        for (dimension, own) in variables.iter().enumerate() {
            let outside = own
                .iter()
                .filter(|(atom, _)| !layout.has(cube, dimension, *atom));
            elsewhere.extend(outside.map(|(_, one)| Lit::new(*one, true)));
        }
        spend(elsewhere.len() / 2)?;
        solver.add_clause_reuse(&mut elsewhere);
    }
    spend(solver.num_clauses().try_into().unwrap_or(usize::MAX))?;
    let answer = solver.solve_limited(&[]);
    let asked = STEPS.saturating_sub(solver.cb().left.get());
    spend(asked.saturating_mul(32))?;
    if answer == lbool::FALSE {
        return Ok(None);
    }
    if answer != lbool::TRUE {
        return Err(Unknown::TooManyConditions);
    }
    let holds = |(_, one): &&(usize, Var)| solver.value_var(*one) == lbool::TRUE;
    let point = variables.iter().map(|own| {
        let atom = own.iter().find(holds);
        atom.map_or(0, |(atom, _)| *atom)
    });
    Ok(Some(point.collect()))
}

/// A chain of "one so far": linear in the number of atoms, where pairs would be quadratic.
fn at_most_one(solver: &mut Solver<Bounded>, own: &[(usize, Var)]) {
    let mut before: Option<Var> = None;
    for (_, one) in own {
        let so_far = solver.new_var_default();
        solver.add_clause_reuse(&mut vec![Lit::new(*one, false), Lit::new(so_far, true)]);
        if let Some(before) = before {
            solver.add_clause_reuse(&mut vec![Lit::new(before, false), Lit::new(so_far, true)]);
            solver.add_clause_reuse(&mut vec![Lit::new(before, false), Lit::new(*one, false)]);
        }
        before = Some(so_far);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_solver_finds_what_no_cube_has() {
        let mut layout = Layout::default();
        for _ in 0..12 {
            layout.push(3);
        }
        let only = |dimension, atom| {
            let mut cube = layout.full();
            layout.restrict(&mut cube, dimension, &|one| one == atom);
            cube
        };
        // Atom 0 is taken in every dimension, and atom 1 in all but the last.
        let mut taken: Vec<Cube> = (0..12).map(|dimension| only(dimension, 0)).collect();
        taken.extend((0..11).map(|dimension| only(dimension, 1)));
        let found = find(&layout, &layout.full(), taken.iter())
            .unwrap()
            .unwrap();
        assert!(found.iter().take(11).all(|atom| *atom == 2));
        assert_ne!(found[11], 0);
        taken.push(only(5, 2));
        assert_eq!(find(&layout, &layout.full(), taken.iter()), Ok(None));
    }
}
