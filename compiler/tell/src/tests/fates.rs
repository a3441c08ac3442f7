//! What became of changes that were tried on one host after the other.

use std::collections::BTreeMap;

use super::mutants::{Mutant, Mutation};

/// What became of the changes so far: one of a rule for several hosts is one edit, which a test of any of them notices.
#[derive(Default)]
pub(super) struct Fates {
    /// The changes in the order in which they were tried, each with what is left of it: whether it was noticed, and else the
    /// mutant where it makes a difference.
    fates: Vec<(bool, Option<Mutant>)>,
    known: BTreeMap<String, usize>,
}

impl Fates {
    /// Adds what became of a change on one host.
    pub(super) fn add(&mut self, change: String, is_noticed: bool, survivor: Option<Mutant>) {
        let at = *self.known.entry(change).or_insert(self.fates.len());
        match self.fates.get_mut(at) {
            Some((noticed, known)) => {
                *noticed |= is_noticed;
                *known = known.take().or(survivor);
            }
            None => self.fates.push((is_noticed, survivor)),
        }
    }

    /// Adds what became of all of them.
    pub(super) fn told(self, mutation: &mut Mutation) {
        for (is_noticed, survivor) in self.fates {
            if is_noticed {
                mutation.noticed += 1;
            } else {
                mutation.survivors.extend(survivor);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use weft_spec::Span;

    use super::*;

    #[test]
    fn a_change_is_noticed_where_any_host_of_the_rule_shows_it() {
        let survivor = |change: &str| {
            Some(Mutant {
                change: change.to_owned(),
                place: Span::NONE,
                test: String::new(),
            })
        };
        let mut fates = Fates::default();
        fates.add("one".to_owned(), false, survivor("one"));
        fates.add("other".to_owned(), false, survivor("other"));
        fates.add("one".to_owned(), true, None);
        fates.add("other".to_owned(), false, survivor("other"));
        let mut mutation = Mutation::default();
        fates.told(&mut mutation);
        let left = mutation.survivors.iter().map(|one| one.change.as_str());
        assert_eq!(
            (mutation.noticed, left.collect::<Vec<_>>()),
            (1, vec!["other"])
        );
    }
}
