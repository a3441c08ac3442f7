//! How many bytes: `512B`, `64KiB`, `10MiB`, `1GiB`.

use std::str::FromStr;

use super::{Nearly, UnitError, from_text, nearly, split_unit, whole_number};

/// A number of bytes, from 0 to 1 TiB.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Size {
    bytes: u64,
}

impl Size {
    /// The number of bytes.
    pub fn bytes(self) -> u64 {
        self.bytes
    }
}

impl FromStr for Size {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split_unit(text);
        let factor = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => {
                return Err(UnitError::new(format!(
                    "`{text}` is not a size such as `512B`, `64KiB`, `10MiB` or `1GiB`"
                ))
                .nearly(nearly::size(text)));
            }
        };
        match whole_number(number, text)?.checked_mul(factor) {
            Some(bytes) if bytes <= 1 << 40 => Ok(Self { bytes }),
            _ => Err(UnitError::new(format!("`{text}` is more than 1024GiB"))
                .nearly(Some(Nearly::Advice("leave it out for no limit".to_owned())))),
        }
    }
}

from_text!(
    Size,
    "a size such as `512B`, `64KiB`, `10MiB` or `1GiB`",
    "^[0-9]+(B|KiB|MiB|GiB)$"
);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<u64, String> {
        let parsed: Result<Size, UnitError> = text.parse();
        parsed.map(Size::bytes).map_err(|error| error.to_string())
    }

    #[test]
    fn units_are_powers_of_1024() {
        assert_eq!(read("0B"), Ok(0));
        assert_eq!(read("64KiB"), Ok(65_536));
        assert_eq!(read("10MiB"), Ok(10_485_760));
        assert_eq!(read("1024GiB"), Ok(1 << 40));
    }

    #[test]
    fn a_tebibyte_is_the_limit() {
        assert_eq!(
            read("1025GiB"),
            Err("`1025GiB` is more than 1024GiB".to_owned())
        );
        assert!(read("18446744073709551615GiB").is_err());
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "64", "64KB", "64 KiB", "-1B", "1.5MiB", "64kib"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
