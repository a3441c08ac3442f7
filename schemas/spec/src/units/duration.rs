//! How long: `800ms`, `2s`, `5m`, `1h`.

use std::fmt;
use std::str::FromStr;

use super::{UnitError, from_text, nearly, split_unit, whole_number};

/// A time in whole milliseconds, from 0 to 24 hours; `0s` means "no limit".
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Duration {
    millis: u32,
}

impl Duration {
    /// The longest accepted time: 24 hours.
    pub const MAX: Self = Self { millis: 86_400_000 };

    /// Accepts `millis` up to [`Duration::MAX`].
    ///
    /// # Errors
    ///
    /// A [`UnitError`] for a longer time.
    pub fn from_millis(millis: u64) -> Result<Self, UnitError> {
        match u32::try_from(millis) {
            Ok(millis) if millis <= Self::MAX.millis => Ok(Self { millis }),
            _ => Err(UnitError::new("longer than 24h")),
        }
    }

    /// The time in milliseconds.
    pub fn millis(self) -> u32 {
        self.millis
    }

    /// Whether this is `0s`, which means "no limit".
    pub fn is_zero(self) -> bool {
        self.millis == 0
    }
}

impl FromStr for Duration {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split_unit(text);
        let factor = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => {
                return Err(UnitError::new(format!(
                    "`{text}` is not a duration such as `800ms`, `2s`, `5m` or `1h`"
                ))
                .nearly(nearly::duration(text)));
            }
        };
        let millis = whole_number(number, text)?.checked_mul(factor);
        Self::from_millis(millis.unwrap_or(u64::MAX)).map_err(|_| {
            UnitError::new(format!("`{text}` is longer than 24h")).nearly(nearly::duration(text))
        })
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.millis {
            0 => formatter.write_str("0s"),
            millis if millis % 3_600_000 == 0 => write!(formatter, "{}h", millis / 3_600_000),
            millis if millis % 60_000 == 0 => write!(formatter, "{}m", millis / 60_000),
            millis if millis % 1_000 == 0 => write!(formatter, "{}s", millis / 1_000),
            millis => write!(formatter, "{millis}ms"),
        }
    }
}

from_text!(
    Duration,
    "a duration such as `800ms`, `2s`, `5m` or `1h`",
    "^[0-9]+(ms|s|m|h)$"
);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<u32, String> {
        let parsed: Result<Duration, UnitError> = text.parse();
        parsed
            .map(Duration::millis)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_unit_counts_milliseconds() {
        assert_eq!(read("0s"), Ok(0));
        assert_eq!(read("800ms"), Ok(800));
        assert_eq!(read("2s"), Ok(2_000));
        assert_eq!(read("5m"), Ok(300_000));
        assert_eq!(read("24h"), Ok(86_400_000));
    }

    #[test]
    fn a_day_is_the_limit() {
        for text in ["25h", "1441m", "86400001ms", "18446744073709551615h"] {
            assert_eq!(read(text), Err(format!("`{text}` is longer than 24h")));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "2",
            "s",
            "2 s",
            "-1s",
            "1.5s",
            "2S",
            "2sec",
            "99999999999999999999s",
            "1m30s",
            "\u{e9}s",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn it_is_written_in_the_largest_whole_unit() {
        for text in ["0s", "1ms", "1500ms", "2s", "5m", "1h"] {
            let duration: Duration = text.parse().unwrap();
            assert_eq!(duration.to_string(), text);
        }
    }
}
