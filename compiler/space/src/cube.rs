//! Cubes: products of one set of atoms per dimension, as bits.
//!
//! Intersection, emptiness and subtraction look at one dimension after the other. Subtraction is the
//! disjoint sharp product: what it returns has no request twice, so cubes of a residual can be counted.

/// Where the bits of each dimension of a leaf stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    /// For each dimension: first word, number of words.
    spans: Vec<(usize, usize)>,
    /// For each dimension: the number of atoms.
    atoms: Vec<usize>,
    words: usize,
}

/// A product of sets, one for each dimension of its [`Layout`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Cube {
    words: Vec<u64>,
}

impl Layout {
    /// Adds a dimension with so many atoms.
    pub(super) fn push(&mut self, atoms: usize) {
        let words = atoms.div_ceil(64).max(1);
        self.spans.push((self.words, words));
        self.atoms.push(atoms);
        self.words += words;
    }

    /// The number of dimensions.
    pub(super) fn dimensions(&self) -> usize {
        self.spans.len()
    }

    /// The number of atoms of a dimension.
    pub(super) fn atoms(&self, dimension: usize) -> usize {
        self.atoms.get(dimension).copied().unwrap_or_default()
    }

    /// All requests.
    pub(super) fn full(&self) -> Cube {
        let mut words = vec![0; self.words];
        for ((start, count), atoms) in self.spans.iter().zip(&self.atoms) {
            for (nth, word) in words.iter_mut().skip(*start).take(*count).enumerate() {
                let left = atoms.saturating_sub(nth * 64).min(64);
                *word = match u32::try_from(left) {
                    Ok(0) | Err(_) => 0,
                    Ok(left) => u64::MAX >> (64 - left),
                };
            }
        }
        Cube { words }
    }

    fn part<'cube>(&self, cube: &'cube Cube, dimension: usize) -> &'cube [u64] {
        let (start, count) = self.spans.get(dimension).copied().unwrap_or_default();
        cube.words.get(start..start + count).unwrap_or_default()
    }

    fn part_mut<'cube>(&self, cube: &'cube mut Cube, dimension: usize) -> &'cube mut [u64] {
        let (start, count) = self.spans.get(dimension).copied().unwrap_or_default();
        cube.words.get_mut(start..start + count).unwrap_or_default()
    }

    /// Keeps only the atoms of a dimension that `keep` names.
    pub(super) fn restrict(&self, cube: &mut Cube, dimension: usize, keep: &dyn Fn(usize) -> bool) {
        let atoms = self.atoms(dimension);
        let part = self.part_mut(cube, dimension);
        for atom in (0..atoms).filter(|atom| !keep(*atom)) {
            if let Some(word) = part.get_mut(atom / 64) {
                *word &= !(1 << (atom % 64));
            }
        }
    }

    /// Keeps only these atoms of a dimension.
    pub(super) fn keep(&self, cube: &mut Cube, dimension: usize, atoms: &[usize]) {
        let part = self.part_mut(cube, dimension);
        let mut kept = vec![0; part.len()];
        for atom in atoms {
            if let Some(word) = kept.get_mut(atom / 64) {
                *word |= 1 << (atom % 64);
            }
        }
        for (word, kept) in part.iter_mut().zip(kept) {
            *word &= kept;
        }
    }

    /// Leaves out one atom of a dimension.
    pub(super) fn remove(&self, cube: &mut Cube, dimension: usize, atom: usize) {
        if let Some(word) = self.part_mut(cube, dimension).get_mut(atom / 64) {
            *word &= !(1 << (atom % 64));
        }
    }

    /// The number of words of a cube.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// Calls `found` with every atom of a dimension that a cube has, ascending.
    pub(super) fn each(&self, cube: &Cube, dimension: usize, found: &mut dyn FnMut(usize)) {
        for (nth, word) in self.part(cube, dimension).iter().enumerate() {
            let mut left = *word;
            while left != 0 {
                let bit = usize::try_from(left.trailing_zeros()).unwrap_or_default();
                found(nth * 64 + bit);
                left &= left - 1;
            }
        }
    }

    /// The atoms of a dimension that a cube has.
    pub(super) fn set(&self, cube: &Cube, dimension: usize) -> Vec<usize> {
        let mut atoms = Vec::new();
        self.each(cube, dimension, &mut |atom| atoms.push(atom));
        atoms
    }

    /// Whether a cube has an atom of a dimension.
    pub(super) fn has(&self, cube: &Cube, dimension: usize, atom: usize) -> bool {
        let word = self.part(cube, dimension).get(atom / 64);
        word.is_some_and(|word| word & (1 << (atom % 64)) != 0)
    }

    /// Whether no request is in the cube.
    pub(super) fn is_empty(&self, cube: &Cube) -> bool {
        (0..self.dimensions())
            .any(|dimension| self.part(cube, dimension).iter().all(|word| *word == 0))
    }

    /// Whether some request is in both.
    pub(super) fn meets(&self, left: &Cube, right: &Cube) -> bool {
        (0..self.dimensions()).all(|dimension| {
            let (left, right) = (self.part(left, dimension), self.part(right, dimension));
            let mut words = left.iter().zip(right);
            words.any(|(left, right)| left & right != 0)
        })
    }

    /// The requests of both, if there are any.
    pub(super) fn intersection(&self, left: &Cube, right: &Cube) -> Option<Cube> {
        let words = left.words.iter().zip(&right.words);
        let both = Cube {
            words: words.map(|(left, right)| left & right).collect(),
        };
        (!self.is_empty(&both)).then_some(both)
    }

    /// Appends the requests of `cube` that are not in `taken`, as cubes that share nothing.
    pub(super) fn subtract(&self, cube: &Cube, taken: &Cube, into: &mut Vec<Cube>) {
        if !self.meets(cube, taken) {
            into.push(cube.clone());
            return;
        }
        let mut inside = cube.clone();
        for dimension in 0..self.dimensions() {
            let taken = self.part(taken, dimension);
            let here = self.part(cube, dimension).iter().zip(taken);
            // Most cubes ask for little in few of many dimensions.
            if here.fold(0, |left, (word, taken)| left | (word & !taken)) == 0 {
                continue;
            }
            let mut outside = inside.clone();
            let parts = self.part_mut(&mut outside, dimension).iter_mut();
            parts.zip(taken).for_each(|(word, taken)| *word &= !taken);
            into.push(outside);
            let parts = self.part_mut(&mut inside, dimension).iter_mut();
            parts.zip(taken).for_each(|(word, taken)| *word &= taken);
        }
    }

    /// The smallest cube that has all of some; none if there are none.
    pub(super) fn hull(cubes: &[Cube]) -> Option<Cube> {
        let (first, others) = cubes.split_first()?;
        let mut hull = first.clone();
        for other in others {
            for (word, other) in hull.words.iter_mut().zip(&other.words) {
                *word |= other;
            }
        }
        Some(hull)
    }

    /// The first atom of each dimension; for a cube that is not empty.
    pub(super) fn pick(&self, cube: &Cube) -> Vec<usize> {
        (0..self.dimensions())
            .map(|dimension| {
                let part = self.part(cube, dimension);
                let word = part.iter().position(|word| *word != 0).unwrap_or_default();
                let bits = part.get(word).copied().unwrap_or_default();
                word * 64 + usize::try_from(bits.trailing_zeros()).unwrap_or_default()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        let mut layout = Layout::default();
        layout.push(3);
        layout.push(70);
        layout
    }

    #[test]
    fn what_is_subtracted_is_gone_and_nothing_else() {
        let layout = layout();
        let mut taken = layout.full();
        layout.restrict(&mut taken, 0, &|atom| atom == 1);
        layout.restrict(&mut taken, 1, &|atom| 60 <= atom);
        let mut left = Vec::new();
        layout.subtract(&layout.full(), &taken, &mut left);
        let holds = |first: usize, second: usize| {
            left.iter()
                .filter(|cube| {
                    layout.set(cube, 0).contains(&first) && layout.set(cube, 1).contains(&second)
                })
                .count()
        };
        for first in 0..3 {
            for second in 0..70 {
                let is_taken = first == 1 && 60 <= second;
                assert_eq!(holds(first, second), usize::from(!is_taken));
            }
        }
    }

    #[test]
    fn a_few_atoms_are_kept_as_by_asking_for_all() {
        let layout = layout();
        for kept in [&[0][..], &[63, 64], &[69], &[1, 2, 68], &[]] {
            let (mut one, mut other) = (layout.full(), layout.full());
            layout.keep(&mut one, 1, kept);
            layout.restrict(&mut other, 1, &|atom| kept.contains(&atom));
            assert_eq!(one, other);
        }
    }

    #[test]
    fn an_empty_dimension_empties_the_cube() {
        let layout = layout();
        let mut cube = layout.full();
        assert_eq!(layout.pick(&cube), [0, 0]);
        layout.restrict(&mut cube, 1, &|_| false);
        assert!(layout.is_empty(&cube));
    }
}
