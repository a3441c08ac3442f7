//! What is told of values that are nearly right.

use super::*;
use crate::units::{Date, HostPattern, Share, Size};

fn write(text: &str) -> Nearly {
    Nearly::Write(text.to_owned())
}

fn advice(found: Option<Nearly>) -> String {
    match found {
        Some(Nearly::Advice(text)) => text,
        other => format!("{other:?}"),
    }
}

#[test]
fn a_duration_that_is_nearly_right_is_written_as_one() {
    for (text, meant) in [
        ("1.5s", "1500ms"),
        ("1,5 s", "1500ms"),
        ("0.25s", "250ms"),
        ("2 s", "2s"),
        ("2S", "2s"),
        ("15 seconds", "15s"),
        ("60sec", "60s"),
        ("5min", "5m"),
        ("1m30s", "90s"),
        ("1h 30m", "90m"),
        ("1d", "24h"),
        ("PT2S", "2s"),
        ("PT1M30S", "90s"),
        ("1_000ms", "1s"),
        ("500 milliseconds", "500ms"),
        ("0", "0s"),
    ] {
        assert_eq!(duration(text), Some(write(meant)), "{text}");
        assert!(meant.parse::<Duration>().is_ok(), "{meant}");
    }
    for text in ["", "soon", "s", "0.0001s", "1x2s"] {
        assert_eq!(duration(text), None, "{text}");
    }
}

#[test]
fn what_no_limit_can_be_says_how_there_is_none() {
    for (text, meant) in [
        (
            "-2s",
            "no time is negative: write `2s`, or `0s` for no limit",
        ),
        ("-1", "write `0s` for no limit"),
        ("infinity", "write `0s` for no limit"),
        ("off", "write `0s` for no limit"),
        ("2d", "the longest time is `24h`"),
        ("48h", "the longest time is `24h`"),
        ("1w", "the longest time is `24h`"),
        ("100us", "whole milliseconds"),
        ("1.5", "`1500ms` for seconds"),
    ] {
        assert!(advice(duration(text)).contains(meant), "{text}");
    }
    assert_eq!(advice(size("unlimited")), "leave it out for no limit");
    assert_eq!(advice(size("-1")), "leave it out for no limit");
    assert!(advice(size("0")).contains("`0B` for none at all"));
    assert!(advice(size("1TiB")).contains("1024GiB"));
}

#[test]
fn a_day_that_no_month_has_is_said() {
    assert_eq!(
        advice(date("2026-02-30")),
        "February 2026 has 28 days: write `2026-02-28`"
    );
    assert!(advice(date("2027-13-01")).contains("from `01` to `12`"));
}

#[test]
fn hosts_are_no_expressions() {
    for text in ["~^.*$", "^a", "a.*", "(a|b).example"] {
        assert!(
            advice(host(text)).contains("no regular expression"),
            "{text}"
        );
    }
    assert!(advice(host("a.*.example")).contains("`*.example`"));
}

#[test]
fn a_number_is_never_seconds_for_sure() {
    assert_eq!(advice(duration("1000")), "write its unit: `1000ms`");
    assert_eq!(
        advice(duration("30")),
        "write its unit: `30s` for seconds, `30ms` for milliseconds"
    );
    assert_eq!(duration("99999999999"), None);
}

#[test]
fn a_size_that_is_nearly_right_is_written_as_one() {
    for (text, meant) in [
        ("10 MiB", "10MiB"),
        ("10Mi", "10MiB"),
        ("64kib", "64KiB"),
        ("1.5MiB", "1536KiB"),
        ("512 bytes", "512B"),
    ] {
        assert_eq!(size(text), Some(write(meant)), "{text}");
        assert!(meant.parse::<Size>().is_ok(), "{meant}");
    }
    assert_eq!(
        advice(size("10MB")),
        "units are powers of 1024: write `10MiB`"
    );
    assert_eq!(advice(size("1m")), "units are powers of 1024: write `1MiB`");
    assert!(advice(size("64")).contains("`64KiB`"));
    for text in ["", "many", "MiB", "1.5B", "0.0001MiB"] {
        assert_eq!(size(text), None, "{text}");
    }
}

#[test]
fn a_share_that_is_nearly_right_is_written_as_one() {
    for (text, meant) in [
        ("10", "10%"),
        ("10 %", "10%"),
        ("2.50", "2.5%"),
        ("100", "100%"),
        ("20 percent", "20%"),
    ] {
        assert_eq!(share(text), Some(write(meant)), "{text}");
        assert!(meant.parse::<Share>().is_ok(), "{meant}");
    }
    assert_eq!(
        advice(share("0.1")),
        "shares are in percent: write `10%`, or `0.1%` if that is meant"
    );
    for text in ["101", "100.5", "110%"] {
        assert_eq!(advice(share(text)), "a share is at most `100%`");
    }
    assert_eq!(advice(share("1/3")), "write it in percent: `33.3333%`");
    assert!(advice(share("-10%")).contains("between"));
    for text in ["", "half", "4/3"] {
        assert_eq!(share(text), None, "{text}");
    }
}

#[test]
fn days_and_hosts_are_written_in_our_form() {
    for text in ["2026-1-2", "2026/01/02", "2.1.2026", "2026-01-02T10:00:00Z"] {
        assert_eq!(date(text), Some(write("2026-01-02")), "{text}");
    }
    assert!("2026-01-02".parse::<Date>().is_ok());
    assert_eq!(date("1/2/2026"), None);
    for (text, meant) in [
        ("API.shop.example", "api.shop.example"),
        ("api.shop.example:443", "api.shop.example"),
        ("https://api.shop.example/", "api.shop.example"),
        ("api.shop.example.", "api.shop.example"),
        (".shop.example", "*.shop.example"),
    ] {
        assert_eq!(host(text), Some(write(meant)), "{text}");
        assert!(meant.parse::<HostPattern>().is_ok());
    }
}
