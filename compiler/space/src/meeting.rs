//! Which cubes of a list may have something in common, without looking at all pairs of them.
//!
//! Most rules for one path differ in the value of one header: then each meets those with its value, and no other. So the
//! dimension that parts them best is looked for, and cubes are found by its atoms. Where each has many atoms even there, all of them
//! may meet.

use super::cube::{Cube, Layout};

/// So many atoms may the cubes of an index have on average.
const ATOMS: usize = 64;

/// The cubes of a list by their atoms in one dimension.
#[derive(Clone, Debug)]
pub(super) struct Meetings {
    dimension: Option<usize>,
    /// The cubes that have an atom, ascending.
    by_atom: Vec<Vec<usize>>,
    /// All that have any request.
    all: Vec<usize>,
}

impl Meetings {
    /// Indexes cubes by their positions.
    pub(super) fn new(layout: &Layout, cubes: &[Option<Cube>]) -> Self {
        let mut best: Option<(u64, usize, usize)> = None;
        for dimension in 0..layout.dimensions() {
            let mut counts = vec![0_u64; layout.atoms(dimension)];
            for cube in cubes.iter().flatten() {
                layout.each(cube, dimension, &mut |atom| {
                    if let Some(count) = counts.get_mut(atom) {
                        *count = count.saturating_add(1);
                    }
                });
            }
            let pairs = counts.iter().map(|count| count.saturating_mul(*count));
            let pairs = pairs.fold(0_u64, u64::saturating_add);
            if best.is_none_or(|(least, _, _)| pairs < least) {
                let atoms = counts.iter().copied().fold(0_u64, u64::saturating_add);
                let atoms = usize::try_from(atoms).unwrap_or(usize::MAX);
                best = Some((pairs, atoms, dimension));
            }
        }
        let all = cubes.iter().enumerate();
        let all = all.filter_map(|(position, cube)| cube.as_ref().map(|_| position));
        let all: Vec<usize> = all.collect();
        let most = all.len().saturating_mul(ATOMS);
        let best = best.filter(|(_, atoms, _)| *atoms <= most);
        let dimension = best.map(|(_, _, dimension)| dimension);
        let mut by_atom = Vec::new();
        if let Some(dimension) = dimension {
            by_atom.resize(layout.atoms(dimension), Vec::new());
            for (position, cube) in cubes.iter().enumerate() {
                let Some(cube) = cube else { continue };
                layout.each(cube, dimension, &mut |atom| {
                    if let Some(list) = by_atom.get_mut(atom) {
                        list.push(position);
                    }
                });
            }
        }
        Self {
            dimension,
            by_atom,
            all,
        }
    }

    /// The positions of all cubes that a cube may meet, ascending.
    pub(super) fn of(&self, layout: &Layout, cube: &Cube) -> Vec<usize> {
        let Some(dimension) = self.dimension else {
            return self.all.clone();
        };
        let (mut lists, mut count) = (Vec::new(), 0_usize);
        layout.each(cube, dimension, &mut |atom| {
            let list = self.by_atom.get(atom).filter(|list| !list.is_empty());
            count += list.map_or(0, Vec::len);
            lists.extend(list);
        });
        // Sorting many lists would take longer than what it spares.
        if self.all.len().saturating_mul(4) < count {
            return self.all.clone();
        }
        let mut found: Vec<usize> = lists.iter().copied().flatten().copied().collect();
        if 1 < lists.len() {
            found.sort_unstable();
            found.dedup();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubes_that_meet_are_found_by_the_dimension_that_parts_them_best() {
        let mut layout = Layout::default();
        layout.push(2);
        layout.push(1_000);
        let only = |atoms: &'static [usize]| {
            let mut cube = layout.full();
            layout.restrict(&mut cube, 1, &|atom| atoms.contains(&atom));
            Some(cube)
        };
        let cubes = [only(&[1]), only(&[2]), None, only(&[1, 2, 999]), only(&[3])];
        let meetings = Meetings::new(&layout, &cubes);
        let of = |at: usize| meetings.of(&layout, cubes[at].as_ref().unwrap());
        assert_eq!(of(0), [0, 3]);
        assert_eq!(of(3), [0, 1, 3]);
        assert_eq!(of(4), [4]);
        assert_eq!(meetings.of(&layout, &layout.full()), [0, 1, 3, 4]);
    }

    #[test]
    fn cubes_with_many_atoms_are_not_indexed() {
        let mut layout = Layout::default();
        layout.push(1_000);
        let but = |left_out: usize| {
            let mut cube = layout.full();
            layout.remove(&mut cube, 0, left_out);
            Some(cube)
        };
        let cubes = [but(1), None, but(2), but(3)];
        let meetings = Meetings::new(&layout, &cubes);
        assert!(meetings.by_atom.is_empty());
        let one = cubes[0].as_ref().unwrap();
        assert_eq!(meetings.of(&layout, one), [0, 2, 3]);
    }
}
