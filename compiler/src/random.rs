//! A small random generator for tests: the same numbers on every machine.

/// A generator (splitmix64), begun with any number.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        // Below a bound that is a `usize`, so it is one.
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        usize::try_from(mixed % bound).unwrap_or_default()
    }

    /// One of some texts.
    pub(crate) fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list.get(self.below(list.len()))
            .copied()
            .unwrap_or_default()
    }

    /// Yes, once in so many times.
    pub(crate) fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

/// How many rounds a property is tried: as usual, or as often as `WEFT_ROUNDS` says.
pub(crate) fn rounds(usual: u32) -> u32 {
    asked_rounds().unwrap_or(usual)
}

/// How many requests are tried in each round: as usual, or 10,000 where `WEFT_ROUNDS` asks for a long run.
pub(crate) fn requests(usual: u32) -> u32 {
    asked_rounds().map_or(usual, |_| 10_000)
}

fn asked_rounds() -> Option<u32> {
    let asked = std::env::var_os("WEFT_ROUNDS")?;
    asked.into_string().ok()?.parse().ok()
}
