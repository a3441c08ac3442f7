//! Which day: `2026-12-31`.

use std::fmt;
use std::str::FromStr;

use super::{UnitError, from_text};

/// A day, `YYYY-MM-DD`, in UTC.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The day of a time in seconds since 1970-01-01 UTC; none before 1970 and after 9999.
    pub fn of_unix_seconds(seconds: i64) -> Option<Self> {
        // Civil from days: Howard Hinnant, as below, the other way round.
        let days = seconds.div_euclid(86_400) + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = (month_from_march + 2) % 12 + 1;
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        if !(1970..=9999).contains(&year) {
            return None;
        }
        Some(Self {
            year: u16::try_from(year).ok()?,
            month: u8::try_from(month).ok()?,
            day: u8::try_from(day_of_year - (153 * month_from_march + 2) / 5 + 1).ok()?,
        })
    }

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
