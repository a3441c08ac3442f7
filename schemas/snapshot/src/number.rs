//! Numbers of a slice are 32 bits wide; positions in memory are `usize`.

/// A number of a slice as a position in memory. Lossless where `usize` has at least 32 bits.
pub(crate) fn wide(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
