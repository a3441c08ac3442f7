//! Automata of regular expressions, each built once.
//!
//! Hosts often share expressions, and several questions need the automaton of the same one. What an automaton
//! is depends on its expressions alone, so remembering it changes nothing but time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use weft_snapshot::automaton::{AutomatonError, OwnedAutomaton, compile};

/// So many bytes of automata are remembered; beyond, they are built again.
const MAX_BYTES: usize = 64 << 20;
/// What remembering costs beside the automaton and the expressions, roughly.
const OVERHEAD: usize = 256;

/// An automaton, or why there is none.
type Built = Result<Arc<OwnedAutomaton>, AutomatonError>;

/// The automata of a mesh, built when they are asked for. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Automata {
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    built: BTreeMap<Vec<String>, Built>,
    bytes: usize,
}

impl Automata {
    /// The automaton that says which of `patterns` match, as [`compile`] builds it.
    ///
    /// # Errors
    ///
    /// As [`compile`].
    pub fn of(&self, patterns: &[&str]) -> Built {
        let key: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
        if let Some(known) = self.lock().built.get(&key) {
            return known.clone();
        }
        // Not while the lock is held: other threads build others meanwhile.
        let built = compile(patterns).map(Arc::new);
        self.lock().remember(key, &built, MAX_BYTES);
        built
    }

    // A thread that panicked while it held the lock left the map whole: an insertion is its last step.
    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Keeps what was built, unless that would exceed a bound in bytes.
    fn remember(&mut self, key: Vec<String>, built: &Built, bound: usize) {
        // Another thread may have been faster.
        if self.built.contains_key(&key) {
            return;
        }
        let texts: usize = key.iter().map(String::len).sum();
        let size = built.as_ref().map_or(0, |one| one.bytes().len());
        let total = self.bytes.saturating_add(size + texts + OVERHEAD);
        if total <= bound {
            self.bytes = total;
            self.built.insert(key, built.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_remembered_than_the_bound_allows() {
        let mut known = Known::default();
        let built = Automata::default().of(&["/a+"]);
        for number in 0..100 {
            known.remember(vec![number.to_string()], &built, 4_000);
        }
        assert!(known.bytes <= 4_000 && !known.built.is_empty(), "{known:?}");
        assert!(known.built.len() < 100);
    }

    #[test]
    fn an_automaton_is_built_once_and_errors_are_kept() {
        let automata = Automata::default();
        let first = automata.of(&["/a+"]).unwrap();
        let again = automata.of(&["/a+"]).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert!(automata.of(&["/a+", "/b"]).is_ok());
        assert_eq!(automata.of(&["(a"]), automata.of(&["(a"]));
        assert!(automata.of(&["(a"]).is_err());
    }
}
