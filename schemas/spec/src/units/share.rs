//! Which part of the requests: `10%`, `0.5%`.

use std::fmt;
use std::str::FromStr;

use super::{UnitError, from_text, nearly};

/// A share of requests, from 0% to 100% in steps of 0.0001%.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Share {
    parts: u32,
}

impl Share {
    /// The parts of which 100% is made: a million.
    pub const WHOLE: u32 = 1_000_000;

    /// The share in parts of a million.
    pub fn parts_per_million(self) -> u32 {
        self.parts
    }
}

impl FromStr for Share {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = || {
            UnitError::new(format!("`{text}` is not a share such as `10%` or `0.5%`"))
                .nearly(nearly::share(text))
        };
        let number = text.strip_suffix('%').ok_or_else(wrong)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let is_number =
            |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) || 4 < fraction.len() || 3 < whole.len() {
            return Err(wrong());
        }
        let whole: u32 = whole.parse().map_err(|_| wrong())?;
        let fraction: u32 = format!("{fraction:0<4}").parse().map_err(|_| wrong())?;
        match whole * 10_000 + fraction {
            parts if parts <= Self::WHOLE => Ok(Self { parts }),
            _ => {
                Err(UnitError::new(format!("`{text}` is more than 100%"))
                    .nearly(nearly::share(text)))
            }
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:04}", self.parts % 10_000);
        match fraction.trim_end_matches('0') {
            "" => write!(formatter, "{}%", self.parts / 10_000),
            digits => write!(formatter, "{}.{digits}%", self.parts / 10_000),
        }
    }
}

from_text!(
    Share,
    "a share such as `10%` or `0.5%`",
    "^[0-9]{1,3}(\\.[0-9]{1,4})?%$"
);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<u32, String> {
        let parsed: Result<Share, UnitError> = text.parse();
        parsed
            .map(Share::parts_per_million)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_share_has_up_to_four_decimals() {
        assert_eq!(read("0%"), Ok(0));
        assert_eq!(read("10%"), Ok(100_000));
        assert_eq!(read("0.5%"), Ok(5_000));
        assert_eq!(read("0.0001%"), Ok(1));
        assert_eq!(read("100%"), Ok(Share::WHOLE));
    }

    #[test]
    fn the_whole_is_the_limit() {
        assert_eq!(
            read("100.0001%"),
            Err("`100.0001%` is more than 100%".to_owned())
        );
        assert!(read("999%").is_err());
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "", "%", "10", "10 %", "-1%", ".5%", "5.%", "0.00001%", "1000%", "1e1%",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn it_is_written_without_needless_zeros() {
        for text in ["0%", "10%", "0.5%", "33.3333%", "100%"] {
            let share: Share = text.parse().unwrap();
            assert_eq!(share.to_string(), text);
        }
    }
}
