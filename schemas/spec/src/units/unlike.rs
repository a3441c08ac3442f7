//! Texts that no unit could be: a time without an end, a negative share. There is nothing to write in their place but advice.

use super::nearly::{self, Nearly};
use super::{Duration, split_unit};

/// No time at all, one without an end, or one that is too long or too short for a limit.
pub(super) fn a_duration(text: &str) -> Option<Nearly> {
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
        let meant = nearly::duration(time);
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
        let seconds = nearly::product(text, 1_000)?;
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
pub(super) fn a_share(text: &str) -> Option<Nearly> {
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
