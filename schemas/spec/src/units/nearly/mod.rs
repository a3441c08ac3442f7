//! What somebody probably meant whose text is nearly right: `1.5s` for `1500ms`, `10MB` for `10MiB`.
//!
//! Other products write the same quantities in other forms. What is certain is given as the text to write; where a text could mean two
//! things (is `30` in seconds or in milliseconds?) there is only advice. Nothing here is accepted.

use super::{Duration, split_unit};

/// What to write, or what to think of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Nearly {
    /// The same in our form.
    Write(String),
    /// There are several; the order says what to decide.
    Advice(String),
}

/// Milliseconds of a day, beyond which no time is accepted.
const LONGEST: u64 = 86_400_000;
/// Nobody waits so many seconds, so a number from here on is one of milliseconds.
const SURELY_MILLISECONDS: u64 = 1_000;

/// A duration in a form of Go, Envoy, nginx, ISO 8601, or prose.
pub(super) fn duration(text: &str) -> Option<Nearly> {
    let text = text.trim().to_lowercase();
    if text.chars().all(|symbol| symbol.is_ascii_digit()) {
        return number(text.parse().ok()?);
    }
    a_duration(&text).or_else(|| written_otherwise(&text))
}

/// The same time in another form.
fn written_otherwise(text: &str) -> Option<Nearly> {
    let mut rest = text.strip_prefix("pt").unwrap_or(text).trim_start();
    let mut parts: Vec<(&str, u64, &str)> = Vec::new();
    while !rest.is_empty() {
        let length = rest
            .find(|symbol: char| !symbol.is_ascii_digit() && !matches!(symbol, '.' | ',' | '_'));
        let (number, behind) = rest.split_at_checked(length.unwrap_or(rest.len()))?;
        let behind = behind.trim_start();
        let length = behind.find(|symbol: char| !symbol.is_alphabetic());
        let (unit, behind) = behind.split_at_checked(length.unwrap_or(behind.len()))?;
        let (factor, unit) = unit_of_time(unit)?;
        parts.push((number, factor, unit));
        rest = behind.trim_start();
    }
    if let [(number, factor, unit)] = parts.as_slice()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !unit.is_empty()
    {
        let is_short = number.parse::<u64>().ok()?.checked_mul(*factor)? <= LONGEST;
        return is_short.then(|| Nearly::Write(format!("{number}{unit}")));
    }
    let millis = parts
        .iter()
        .map(|(number, factor, _)| product(number, *factor))
        .try_fold(0_u64, |sum, millis| sum.checked_add(millis?))?;
    let duration = Duration::from_millis(millis)
        .ok()
        .filter(|_| !parts.is_empty())?;
    let written = if millis % 1_000 == 0 && millis % 60_000 != 0 {
        format!("{}s", millis / 1_000)
    } else {
        duration.to_string()
    };
    Some(Nearly::Write(written))
}

/// A number without a unit: seconds to nginx and HAProxy's readers, milliseconds to HAProxy and Java.
fn number(number: u64) -> Option<Nearly> {
    match number {
        0 => Some(Nearly::Write("0s".to_owned())),
        number if LONGEST < number => None,
        number if SURELY_MILLISECONDS <= number => {
            Some(Nearly::Advice(format!("write its unit: `{number}ms`")))
        }
        number => Some(Nearly::Advice(format!(
            "write its unit: `{number}s` for seconds, `{number}ms` for milliseconds"
        ))),
    }
}

/// How many milliseconds a unit has, and how it is written; a day and a week are written in hours.
fn unit_of_time(unit: &str) -> Option<(u64, &'static str)> {
    Some(match unit {
        "ms" | "msec" | "msecs" | "milli" | "millis" | "millisecond" | "milliseconds" => (1, "ms"),
        "s" | "sec" | "secs" | "second" | "seconds" => (1_000, "s"),
        "m" | "min" | "mins" | "minute" | "minutes" => (60_000, "m"),
        "h" | "hr" | "hrs" | "hour" | "hours" => (3_600_000, "h"),
        "d" | "day" | "days" => (LONGEST, ""),
        _ => return None,
    })
}

/// A decimal number times a whole one, if that is whole.
pub(super) fn product(number: &str, factor: u64) -> Option<u64> {
    let number = number.replace('_', "").replace(',', ".");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    if fraction.len() > 9 || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let digits = format!("{whole}{fraction}").parse::<u64>().ok()?;
    let scaled = digits.checked_mul(factor)?;
    (scaled % scale == 0).then(|| scaled / scale)
}

/// A size in a form of nginx, Kubernetes or prose.
pub(super) fn size(text: &str) -> Option<Nearly> {
    const ENDLESS: [&str; 6] = ["-1", "inf", "infinite", "none", "off", "unlimited"];
    let text = text.trim();
    if ENDLESS.contains(&text.to_lowercase().as_str()) {
        return Some(Nearly::Advice("leave it out for no limit".to_owned()));
    }
    let (digits, unit) = split_unit(text);
    let is_fraction = unit.starts_with('.');
    let (number, unit) = if is_fraction {
        let length = text.find(|symbol: char| !symbol.is_ascii_digit() && symbol != '.');
        text.split_at_checked(length?)?
    } else {
        (digits, unit)
    };
    if number.is_empty() {
        return None;
    }
    let unit = unit.trim_start();
    let lower = unit.to_lowercase();
    let (factor, known, smaller) = match lower.as_str() {
        "" | "b" | "byte" | "bytes" => (1, "B", "B"),
        "k" | "kb" | "ki" | "kib" => (1 << 10, "KiB", "B"),
        "m" | "mb" | "mi" | "mib" => (1 << 20, "MiB", "KiB"),
        "g" | "gb" | "gi" | "gib" => (1 << 30, "GiB", "MiB"),
        "t" | "tb" | "ti" | "tib" => {
            return Some(Nearly::Advice(
                "write it in GiB, at most `1024GiB`, or leave it out for no limit".to_owned(),
            ));
        }
        _ => return None,
    };
    let written = if is_fraction {
        let thousandth = product(number, 1 << 10)?;
        (1 < factor).then(|| format!("{thousandth}{smaller}"))?
    } else {
        format!("{number}{known}")
    };
    let is_decimal = matches!(lower.as_str(), "k" | "kb" | "m" | "mb" | "g" | "gb");
    if lower.is_empty() && number == "0" {
        return Some(Nearly::Advice(
            "leave it out for no limit, or write `0B` for none at all".to_owned(),
        ));
    }
    if lower.is_empty() {
        return Some(Nearly::Advice(format!(
            "write its unit: `{number}B` for bytes, `{number}KiB`, `{number}MiB`"
        )));
    }
    if is_decimal {
        return Some(Nearly::Advice(format!(
            "units are powers of 1024: write `{written}`"
        )));
    }
    Some(Nearly::Write(written))
}

/// A share as a number, a fraction, or with a blank.
pub(super) fn share(text: &str) -> Option<Nearly> {
    let text = text.trim();
    if let Some(fraction) = a_share(text) {
        return Some(fraction);
    }
    let number = text.trim_end_matches(['%', ' ']);
    let number = number.strip_suffix("percent").unwrap_or(number).trim_end();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if number.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let whole: u32 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let is_all = fraction.bytes().all(|byte| byte == b'0');
    if 100 < whole || (whole == 100 && !is_all) {
        return Some(Nearly::Advice("a share is at most `100%`".to_owned()));
    }
    if 4 < fraction.len() {
        return Some(Nearly::Advice(
            "write at most four digits behind the point".to_owned(),
        ));
    }
    let written = match fraction.trim_end_matches('0') {
        "" => format!("{whole}%"),
        fraction => format!("{whole}.{fraction}%"),
    };
    if text == number && whole <= 1 && !fraction.is_empty() {
        let parts = product(number, 1_000_000)?;
        let hundredths = format!("{}.{:04}", parts / 10_000, parts % 10_000);
        let hundredths = hundredths.trim_end_matches('0').trim_end_matches('.');
        return Some(Nearly::Advice(format!(
            "shares are in percent: write `{hundredths}%`, or `{written}` if that is meant"
        )));
    }
    Some(Nearly::Write(written))
}

/// A day in another order, or with a time behind it.
pub(super) fn date(text: &str) -> Option<Nearly> {
    let text = text.trim();
    let day = text.split(['T', 't', ' ']).next().unwrap_or_default();
    let parts: Vec<&str> = day.split(['-', '/', '.']).collect();
    let [first, month, last] = *parts.as_slice() else {
        return None;
    };
    let is_number =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (year, day) = match (first.len(), last.len()) {
        (4, 1 | 2) => (first, last),
        // Only with dots the day is always first.
        (1 | 2, 4) if day.contains('.') => (last, first),
        _ => return None,
    };
    let is_day = [year, month, day].iter().all(is_number) && month.len() <= 2;
    if !is_day {
        return None;
    }
    let number = |text: &str| text.parse::<u8>().unwrap_or(u8::MAX);
    let Ok(named) = time::Month::try_from(number(month)) else {
        return Some(Nearly::Advice(
            "write the year, the month from `01` to `12`, and the day".to_owned(),
        ));
    };
    let last = named.length(year.parse().ok()?);
    if day.parse::<u8>() == Ok(0) || last < number(day) {
        return Some(Nearly::Advice(format!(
            "{named} {year} has {last} days: write `{year}-{month:0>2}-{last}`"
        )));
    }
    Some(Nearly::Write(format!("{year}-{month:0>2}-{day:0>2}")))
}

/// A host with what does not belong to one.
pub(super) fn host(text: &str) -> Option<Nearly> {
    if let Some((_, suffix)) = text.rsplit_once("*.").filter(|(front, suffix)| {
        !front.is_empty() && !front.starts_with(['~', '^', '(']) && !suffix.is_empty()
    }) {
        return Some(Nearly::Advice(format!(
            "name the hosts, or write `*.{suffix}`, which takes all that is below it"
        )));
    }
    if text.starts_with(['~', '^', '(']) || text.contains(".*") || text.contains(['\\', '$', '+']) {
        return Some(Nearly::Advice(
            "a host is no regular expression: write it as it is, `*.suffix` for all below it, or `*`".to_owned(),
        ));
    }
    let lower = text.trim().to_lowercase();
    let host = lower
        .split_once("://")
        .map_or(lower.as_str(), |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    };
    let host = host.trim_end_matches('.');
    let host = host
        .strip_prefix('.')
        .map_or_else(|| host.to_owned(), |suffix| format!("*.{suffix}"));
    (host != text).then_some(Nearly::Write(host))
}

/// No time at all, one without an end, or one that is too long or too short for a limit.
fn a_duration(text: &str) -> Option<Nearly> {
    const ENDLESS: [&str; 10] = [
        "-1",
        "disabled",
        "forever",
        "inf",
        "infinite",
        "infinity",
        "never",
        "none",
        "off",
        "unlimited",
    ];
    if ENDLESS.contains(&text) {
        return Some(Nearly::Advice(
            "write `0s` for no limit, or leave it out for what is built in or said above"
                .to_owned(),
        ));
    }
    if let Some(time) = text.strip_prefix('-') {
        let meant = duration(time);
        return Some(Nearly::Advice(match meant {
            Some(Nearly::Write(time)) => {
                format!("no time is negative: write `{time}`, or `0s` for no limit")
            }
            _ if time.parse::<Duration>().is_ok() => {
                format!("no time is negative: write `{time}`, or `0s` for no limit")
            }
            _ => "no time is negative: write `0s` for no limit".to_owned(),
        }));
    }
    if text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        let seconds = product(text, 1_000)?;
        return Some(Nearly::Advice(format!(
            "write its unit: `{seconds}ms` for seconds"
        )));
    }
    let (number, unit) = split_unit(text);
    let factor: u64 = match unit.trim_start() {
        "d" | "day" | "days" => 24,
        "w" | "week" | "weeks" => 168,
        "h" | "hour" | "hours" => 1,
        "us" | "µs" | "μs" | "ns" | "micros" | "nanos" | "microseconds" | "nanoseconds"
            if !number.is_empty() =>
        {
            return Some(Nearly::Advice(
                "times are in whole milliseconds: write `1ms` or more".to_owned(),
            ));
        }
        _ => return None,
    };
    let hours = number.parse::<u64>().ok()?.saturating_mul(factor);
    (24 < hours)
        .then(|| Nearly::Advice("the longest time is `24h`, and `0s` is no limit".to_owned()))
}

/// A part of a whole, `1/3`, or a negative one.
fn a_share(text: &str) -> Option<Nearly> {
    if text.starts_with('-') {
        return Some(Nearly::Advice(
            "a share is between `0%` and `100%`".to_owned(),
        ));
    }
    let (part, whole) = text.split_once('/')?;
    let (part, whole) = (
        part.trim().parse::<u32>().ok()?,
        whole.trim().parse::<u32>().ok()?,
    );
    if whole < part || 1_000 < whole {
        return None;
    }
    let parts = part.checked_mul(1_000_000)?.checked_div(whole)?;
    let percent = format!("{}.{:04}", parts / 10_000, parts % 10_000);
    let percent = percent.trim_end_matches('0').trim_end_matches('.');
    Some(Nearly::Advice(format!("write it in percent: `{percent}%`")))
}

#[cfg(test)]
mod tests;
