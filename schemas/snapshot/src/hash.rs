//! The hash of the indexes in a slice: part of the format, so it never changes within a format number.
//!
//! Multiply and fold over words of eight bytes. It is not meant to withstand an attacker, who has no say
//! in the keys: they come from the spec. Long runs of taken slots are refused when a slice is checked.

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of a text under a number, such as a segment under its parent.
pub(crate) fn hash(number: u32, text: &str) -> u64 {
    let mut state = fold(u64::from(number) ^ FACTOR, FACTOR);
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word), FACTOR);
    }
    let mut last = [0_u8; 8];
    for (slot, byte) in last.iter_mut().zip(rest) {
        *slot = *byte;
    }
    let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
    fold(
        state ^ u64::from_le_bytes(last),
        FACTOR ^ length.rotate_left(56),
    )
}

/// The key of a host pattern in its index: wildcards and exact hosts of every table are told apart.
#[cfg(feature = "build")]
pub(crate) fn host_key(table: u32, pattern: &str) -> u64 {
    match pattern.strip_prefix("*.") {
        Some(suffix) => suffix_key(table, suffix),
        None => exact_key(table, pattern),
    }
}

/// The key of an exact host, or of `*`.
pub(crate) fn exact_key(table: u32, host: &str) -> u64 {
    hash(table.wrapping_mul(2), host)
}

/// The key of `*.suffix`.
pub(crate) fn suffix_key(table: u32, suffix: &str) -> u64 {
    hash(table.wrapping_mul(2).wrapping_add(1), suffix)
}

fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    let bytes = product.to_le_bytes();
    let (low, high) = bytes.split_at(8);
    let word = |half: &[u8]| half.try_into().map_or(0, u64::from_le_bytes);
    word(low) ^ word(high)
}
