//! Numbers of flags, refused in words that say which are taken.

/// A whole number from 1 on.
///
/// # Errors
///
/// For everything else.
pub(super) fn from_one(text: &str) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(0) | Err(_) => Err("write a whole number from 1 on".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// A whole number from 0 on.
///
/// # Errors
///
/// For everything else.
pub(super) fn from_zero(text: &str) -> Result<usize, String> {
    let number = text.parse::<usize>();
    number.map_err(|_error| "write a whole number, 0 for all".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_none_say_which_are_taken() {
        assert_eq!(from_one("7"), Ok(7));
        for text in ["0", "-1", "ten", "", "99999999999999999999"] {
            assert!(from_one(text).is_err(), "{text}");
        }
        assert_eq!(from_zero("0"), Ok(0));
        assert!(from_zero("all").is_err());
    }
}
