//! Which day: `2026-12-31`.

use std::fmt;
use std::str::FromStr;

use time::{Month, OffsetDateTime};

use super::{Nearly, UnitError, from_text, nearly};

/// A day, `YYYY-MM-DD`, in UTC.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Date(time::Date);

impl Date {
    /// The day of a time in seconds since 1970-01-01 UTC; none before 1970 and after 9999.
    pub fn of_unix_seconds(seconds: i64) -> Option<Self> {
        let seconds = Some(seconds).filter(|seconds| 0 <= *seconds)?;
        let time = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
        Some(Self(time.date()))
    }

    /// The first second after the day, in seconds since 1970-01-01 UTC.
    pub fn end_unix_seconds(self) -> i64 {
        // Not the midnight of the next day: the last of all days has none.
        self.0.midnight().assume_utc().unix_timestamp() + 86_400
    }
}

impl FromStr for Date {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = || {
            let meant = nearly::date(text).filter(|meant| *meant != Nearly::Write(text.to_owned()));
            UnitError::new(format!("`{text}` is not a day such as `2026-12-31`")).nearly(meant)
        };
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
        let narrow = |number: u16| u8::try_from(number).map_err(|_| wrong());
        let month = Month::try_from(narrow(month)?).map_err(|_| wrong())?;
        let date = time::Date::from_calendar_date(i32::from(year), month, narrow(day)?);
        date.map(Self).map_err(|_| wrong())
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.0.to_calendar_date();
        write!(formatter, "{year:04}-{:02}-{day:02}", u8::from(month))
    }
}

from_text!(
    Date,
    "a day such as `2026-12-31`",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    deserialize_identifier
);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<i64> {
        let parsed: Result<Date, UnitError> = text.parse();
        parsed.ok().map(Date::end_unix_seconds)
    }

    #[test]
    fn a_day_ends_when_the_next_one_begins() {
        assert_eq!(read("1970-01-01"), Some(86_400));
        assert_eq!(read("1999-12-31"), Some(946_684_800));
        assert_eq!(read("2024-02-29"), Some(1_709_251_200));
        assert_eq!(read("2026-11-23"), Some(1_795_478_400));
    }

    #[test]
    fn every_second_of_a_day_is_of_that_day() {
        let mut end = 0;
        let mut days = 0;
        while let Some(day) = Date::of_unix_seconds(end) {
            assert_eq!(Some(day), day.to_string().parse().ok(), "{day}");
            assert_eq!(Date::of_unix_seconds(end + 86_399), Some(day));
            assert_eq!(day.end_unix_seconds(), end + 86_400);
            end = day.end_unix_seconds();
            days += 1;
        }
        assert_eq!(days, 2_932_897, "from 1970-01-01 to 9999-12-31");
        assert_eq!(Date::of_unix_seconds(-1), None);
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in [
            "2026-02-29",
            "2100-02-29",
            "2026-04-31",
            "2026-13-01",
            "2026-00-10",
            "2026-01-00",
            "1969-12-31",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "2026-1-1",
            "2026/01/01",
            "01.01.2026",
            "2026-01-01-01",
            "2026-01-01T00:00:00Z",
            "+026-01-01",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
