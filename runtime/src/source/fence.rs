//! Keeps an older snapshot from replacing a newer one.
//!
//! A late copy of an old plan has taken down larger systems than this. So a generation below the highest
//! one that was ever served here is refused, also after a restart when there is a state folder.
//!
//! An *equal* generation with other content is accepted, with a warning in the log. In git-ops the number
//! counts commits, and the same commit built by a newer compiler, or a rewritten branch, gives other bytes
//! under the same number. Refusing those would leave a deliberate fix undelivered; what an equal number
//! cannot do is go back in time past a newer one.

use super::{Reason, Refusal};

/// What is remembered to tell old from new.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Fence {
    highest: u64,
    by_name: Option<u64>,
}

impl Fence {
    /// A fence at `highest`, which lets exactly the generation `by_name` pass below it.
    pub(crate) fn new(highest: u64, by_name: Option<u64>) -> Self {
        Self { highest, by_name }
    }

    /// Remembers that `generation` is served.
    pub(crate) fn raise(&mut self, generation: u64) {
        self.highest = self.highest.max(generation);
    }

    /// Whether a person asked for exactly this generation.
    pub(crate) fn is_named(&self, generation: u64) -> bool {
        self.by_name == Some(generation)
    }

    /// Lets `generation` pass or says why not.
    ///
    /// # Errors
    ///
    /// [`Reason::OlderGeneration`] when a newer one was served and nobody asked for this one.
    pub(crate) fn check(&self, generation: u64) -> Result<(), Refusal> {
        if self.highest <= generation || self.is_named(generation) {
            return Ok(());
        }
        let message = format!(
            "generation {generation} is older than {}, which was served before; \
             publish a newer one (`weft rollback` gives older content a new generation), or start with \
             `--allow-older-generation {generation}`",
            self.highest
        );
        Err(Refusal::new(Reason::OlderGeneration, message).of_generation(generation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_older_ones_are_refused() {
        let fence = Fence::new(7, None);
        assert!(fence.check(7).is_ok());
        assert!(fence.check(8).is_ok());
        assert_eq!(fence.check(6).unwrap_err().reason, Reason::OlderGeneration);
    }

    #[test]
    fn an_older_one_passes_by_name_and_leaves_the_fence_where_it_was() {
        let mut fence = Fence::new(7, Some(5));
        assert!(fence.check(5).is_ok());
        fence.raise(5);
        assert!(fence.check(6).is_err());
        assert!(fence.check(4).is_err());
    }
}
