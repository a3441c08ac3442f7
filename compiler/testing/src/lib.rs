//! What tests of several crates draw by chance: the same numbers on every machine, as often as a run asks for.

/// A source of numbers, begun with any seed, so that a failure can be repeated.
#[derive(Debug)]
pub struct Random(fastrand::Rng);

impl Random {
    /// The numbers of a seed.
    pub fn new(seed: impl Into<u64>) -> Self {
        Self(fastrand::Rng::with_seed(seed.into()))
    }

    /// A number below a bound; 0 below 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0.usize(..bound.max(1))
    }

    /// One of some texts; none of no texts is the empty one.
    pub fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        self.0.choice(list).copied().unwrap_or_default()
    }

    /// Yes, once in so many times.
    pub fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

/// How many rounds a property is tried: as usual, or as often as `WEFT_ROUNDS` says.
pub fn rounds(usual: u32) -> u32 {
    asked_rounds().unwrap_or(usual)
}

/// How many requests are tried in each round: as usual, or 10,000 where `WEFT_ROUNDS` asks for a long run.
pub fn requests(usual: u32) -> u32 {
    asked_rounds().map_or(usual, |_| 10_000)
}

fn asked_rounds() -> Option<u32> {
    let asked = std::env::var_os("WEFT_ROUNDS")?;
    asked.into_string().ok()?.parse().ok()
}
