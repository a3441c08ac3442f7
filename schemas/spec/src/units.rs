//! Numbers with units and texts with a form: parsing is the proof.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Gives a unit its serde and schema side: it is read from text by `FromStr` and described by a pattern.
macro_rules! from_text {
    ($unit:ident, $expecting:literal, $pattern:literal) => {
        impl<'de> Deserialize<'de> for $unit {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct TextVisitor;

                impl Visitor<'_> for TextVisitor {
                    type Value = $unit;

                    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                        formatter.write_str($expecting)
                    }

                    fn visit_str<E: Error>(self, text: &str) -> Result<$unit, E> {
                        text.parse().map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(TextVisitor)
            }
        }

        impl JsonSchema for $unit {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($unit).into()
            }

            fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "description": $expecting, "pattern": $pattern})
            }
        }
    };
}

/// Why a text is not the unit that was asked for.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct UnitError {
    message: String,
}

impl UnitError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

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
                )));
            }
        };
        let millis = whole_number(number, text)?.checked_mul(factor);
        Self::from_millis(millis.unwrap_or(u64::MAX))
            .map_err(|_| UnitError::new(format!("`{text}` is longer than 24h")))
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
                )));
            }
        };
        match whole_number(number, text)?.checked_mul(factor) {
            Some(bytes) if bytes <= 1 << 40 => Ok(Self { bytes }),
            _ => Err(UnitError::new(format!("`{text}` is more than 1024GiB"))),
        }
    }
}

from_text!(
    Size,
    "a size such as `512B`, `64KiB`, `10MiB` or `1GiB`",
    "^[0-9]+(B|KiB|MiB|GiB)$"
);

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
        let wrong = || UnitError::new(format!("`{text}` is not a share such as `10%` or `0.5%`"));
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
            _ => Err(UnitError::new(format!("`{text}` is more than 100%"))),
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

/// A host in lower case: exact (`api.shop.example`), below a suffix (`*.shop.example`), or any (`*`).
///
/// At most 253 bytes; labels of letters, digits, `-` and `_`. An IP address is an exact host too.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HostPattern {
    text: String,
}

impl HostPattern {
    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for HostPattern {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = |why: &str| Err(UnitError::new(format!("`{text}` is not a host: {why}")));
        if text == "*" || (text.starts_with('[') && text.ends_with(']')) {
            return Ok(Self {
                text: text.to_owned(),
            });
        }
        if 253 < text.len() {
            return wrong("longer than 253 bytes");
        }
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return wrong("write it in lower case");
        }
        if text.contains(':') {
            return wrong("leave the port out");
        }
        let name = text.strip_prefix("*.").unwrap_or(text);
        let is_label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|byte| {
                    byte.is_ascii_lowercase()
                        || byte.is_ascii_digit()
                        || byte == b'-'
                        || byte == b'_'
                })
        };
        if name.contains('*') {
            return wrong("a `*` may only be the first label");
        }
        if !name.split('.').all(is_label) {
            return wrong("labels have letters, digits, `-` and `_`, at most 63 of them");
        }
        Ok(Self {
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

from_text!(
    HostPattern,
    "a host: exact, `*.suffix` or `*`, in lower case and without a port",
    "^(\\*|\\*\\.[a-z0-9._-]+|[a-z0-9._-]+|\\[[0-9a-f:.]+\\])$"
);

/// A request method: a token of RFC 9110, case-sensitive, at most 32 bytes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Method {
    text: String,
}

impl Method {
    /// The method as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Method {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if text.is_empty() || 32 < text.len() || !text.bytes().all(is_token) {
            return Err(UnitError::new(format!(
                "`{text}` is not a method such as `GET`"
            )));
        }
        if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
            return Err(UnitError::new(format!(
                "methods are case-sensitive: write `{}`",
                text.to_uppercase()
            )));
        }
        Ok(Self {
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

from_text!(
    Method,
    "a method such as `GET`, in upper case",
    "^[A-Z0-9!#$%&'*+.^_`|~-]{1,32}$"
);

/// A day, `YYYY-MM-DD`, in UTC.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The first second after the day, in seconds since 1970-01-01 UTC.
    pub fn end_unix_seconds(self) -> i64 {
        // Days from civil: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
        let (year, month) = (i64::from(self.year), i64::from(self.month));
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        (era * 146_097 + day_of_era - 719_468 + 1) * 86_400
    }
}

impl FromStr for Date {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = || UnitError::new(format!("`{text}` is not a day such as `2026-12-31`"));
        let mut parts = text.split('-');
        let mut part = |length: usize| -> Result<u16, UnitError> {
            let digits = parts.next().ok_or_else(wrong)?;
            if digits.len() != length || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(wrong());
            }
            digits.parse().map_err(|_| wrong())
        };
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        if parts.next().is_some() || year < 1970 {
            return Err(wrong());
        }
        let is_leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if is_leap => 29,
            2 => 28,
            _ => return Err(wrong()),
        };
        if day < 1 || days < day {
            return Err(wrong());
        }
        let narrow = |number: u16| u8::try_from(number).map_err(|_| wrong());
        Ok(Self {
            year,
            month: narrow(month)?,
            day: narrow(day)?,
        })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:04}-{:02}-{:02}",
            self.year, self.month, self.day
        )
    }
}

from_text!(
    Date,
    "a day such as `2026-12-31`",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
);

fn split_unit(text: &str) -> (&str, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at_checked(digits).unwrap_or((text, ""))
}

fn whole_number(digits: &str, text: &str) -> Result<u64, UnitError> {
    digits
        .parse()
        .map_err(|_| UnitError::new(format!("`{text}` has no whole number in front of its unit")))
}
