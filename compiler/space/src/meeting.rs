//! Which cubes of a list may have something in common, without looking at all pairs of them.
//!
//! Most rules for one path differ in the value of one header: then each meets those with its value, and no other. So the
//! dimension that parts them best is looked for, and cubes are found by its atoms.

use super::cube::{Cube, Layout};

/// The cubes of a list by their atoms in one dimension.
#[derive(Clone, Debug)]
pub(super) struct Meetings {
    dimension: Option<usize>,
    /// The cubes that have an atom, ascending.
    by_atom: Vec<Vec<usize>>,
    count: usize,
}

impl Meetings {
    /// Indexes cubes by their positions.
    pub(super) fn new(layout: &Layout, cubes: &[Option<Cube>]) -> Self {
        let mut best: Option<(u64, usize)> = None;
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
            if best.is_none_or(|(least, _)| pairs < least) {
                best = Some((pairs, dimension));
            }
        }
        let dimension = best.map(|(_, dimension)| dimension);
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
            count: cubes.len(),
        }
    }

    /// The positions of all cubes that a cube may meet, ascending.
    pub(super) fn of(&self, layout: &Layout, cube: &Cube) -> Vec<usize> {
        let Some(dimension) = self.dimension else {
            return (0..self.count).collect();
        };
        let mut found = Vec::new();
        let mut lists = 0_usize;
        layout.each(cube, dimension, &mut |atom| {
            let list = self
                .by_atom
                .get(atom)
                .map(Vec::as_slice)
                .unwrap_or_default();
            lists += usize::from(!list.is_empty());
            found.extend_from_slice(list);
        });
        if 1 < lists {
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
}
