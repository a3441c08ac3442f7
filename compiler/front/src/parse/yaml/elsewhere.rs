//! What other tools take a plain scalar for that is a text to us.
//!
//! A spec is also read by editors, `yq`, scripts and formatters, of which each knows one of three sets of numbers: that of YAML 1.1
//! (`PyYAML`, `ruamel.yaml`, `js-yaml` 3), that of YAML 1.2 (`yaml` for Node, which editors use, and `js-yaml` 4), and that of Go (`yaml.v2`,
//! `yaml.v3`). What one of them takes for a number is one here. `docs/decisions/a-text-that-is-a-number-elsewhere.md` says what each of them reads.

use super::Style;
use super::scalar::Scalar;

/// What some tool takes a scalar for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Elsewhere {
    /// A number: `1.10`, `01234`, `0x1F`, `1e3`, `1_000`, `12:30`.
    Number,
    /// A word that means something: `yes`, `off`.
    Word,
    /// A day or a time: `2026-12-31`.
    Date,
}

/// Whole numbers of more digits are not exact to tools that have no other numbers than those of IEEE 754.
const EXACT_DIGITS: usize = 15;

impl Elsewhere {
    /// What a tool takes a plain value for that is a text to us.
    pub(crate) fn of_value(text: &str) -> Option<Self> {
        // Most texts begin with a letter and are longer than any of the words.
        let first = *text.as_bytes().first()?;
        if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
            return is_word(text).then_some(Self::Word);
        }
        if is_number(text) {
            Some(Self::Number)
        } else {
            is_date(text).then_some(Self::Date)
        }
    }

    /// What a tool takes a plain key for, where that is written otherwise afterwards. A key is always a text to us.
    pub(crate) fn of_key(text: &str) -> Option<Self> {
        match Scalar::read(text, Style::Plain) {
            Scalar::Text(text) => Self::of_value(text),
            Scalar::Number(_) | Scalar::Negative(_) => {
                let is_kept = text.len() <= EXACT_DIGITS && text != "-0";
                (!is_kept).then_some(Self::Number)
            }
            Scalar::Boolean(_) => (text != "true" && text != "false").then_some(Self::Word),
            Scalar::Nothing => Some(Self::Word),
        }
    }
}

fn is_word(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y"
            | "n"
            | "N"
            | "yes"
            | "Yes"
            | "YES"
            | "no"
            | "No"
            | "NO"
            | "on"
            | "On"
            | "ON"
            | "off"
            | "Off"
            | "OFF"
            // PyYAML and ruamel.yaml read these as the default of a mapping and as a merge, and refuse them as values.
            | "="
            | "<<"
    )
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    is_in_base(unsigned) || is_sexagesimal(unsigned) || is_decimal(unsigned)
}

/// `0x1F`, `0o17`, `0b101`; Go takes capital letters too.
fn is_in_base(text: &str) -> bool {
    let Some((prefix, digits)) = text.split_at_checked(2) else {
        return false;
    };
    let is_digit: fn(u8) -> bool = match prefix {
        "0x" | "0X" => |byte| byte.is_ascii_hexdigit(),
        "0o" | "0O" => |byte| (b'0'..=b'7').contains(&byte),
        "0b" | "0B" => |byte| matches!(byte, b'0' | b'1'),
        _ => return false,
    };
    digits.bytes().any(is_digit) && digits.bytes().all(|byte| byte == b'_' || is_digit(byte))
}

/// `12:30:45`, `190:20.5`: numbers to the base of 60 in YAML 1.1.
fn is_sexagesimal(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let is_sixtieth = |part: &str| match part.as_bytes() {
        [last] => last.is_ascii_digit(),
        [first, last] => (b'0'..=b'5').contains(first) && last.is_ascii_digit(),
        _ => false,
    };
    let rest: Vec<&str> = parts.collect();
    !rest.is_empty()
        && begins_with_digit(first)
        && digits(first) == first.len()
        && digits(fraction) == fraction.len()
        && rest.into_iter().all(is_sixtieth)
}

/// `01234`, `1_000`, `1.10`, `5.`, `.5`, `1e3`.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let is_exponent = |exponent: &str| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    (begins_with_digit(whole) || (whole.is_empty() && begins_with_digit(fraction)))
        && digits(whole) == whole.len()
        && digits(fraction) == fraction.len()
        && exponent.is_none_or(is_exponent)
}

fn begins_with_digit(text: &str) -> bool {
    text.bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_digit())
}

/// How many digits and `_` a text begins with.
fn digits(text: &str) -> usize {
    text.bytes()
        .take_while(|byte| byte.is_ascii_digit() || *byte == b'_')
        .count()
}

/// `2026-12-31`, `2026-1-2`, with or without a time behind it.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let number = |part: Option<&str>, lengths: std::ops::RangeInclusive<usize>| {
        part.is_some_and(|part| {
            lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    if !number(parts.next(), 4..=4) || !number(parts.next(), 1..=2) {
        return false;
    }
    let rest = parts.next().unwrap_or_default();
    let day = rest.bytes().take_while(u8::is_ascii_digit).count();
    let behind = rest.get(day..).unwrap_or_default();
    let time = behind
        .strip_prefix(['T', 't', ' ', '\t'])
        .map(str::trim_start);
    let is_time = |time: &str| {
        time.contains(':')
            && time
                .bytes()
                .next()
                .is_some_and(|byte| byte.is_ascii_digit())
    };
    (1..=2).contains(&day) && (behind.is_empty() || time.is_some_and(is_time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_are(texts: &[&str], meant: Option<Elsewhere>) {
        for text in texts {
            assert_eq!(Elsewhere::of_value(text), meant, "{text}");
        }
    }

    #[test]
    fn what_one_tool_takes_for_a_number_is_one() {
        let numbers = [
            "1.10",
            "01234",
            "08",
            "00",
            "0x1F",
            "0X1F",
            "-0x1F",
            "+0b1",
            "0b101",
            "0o17",
            "0O17",
            "1e3",
            "1E3",
            "1.5e3",
            "1.5e+3",
            "1e400",
            "1_000",
            "1__0",
            "1_",
            "0_7",
            "1._",
            "1_0.5",
            "+5",
            "+0",
            "-01",
            ".5",
            "-.5",
            "5.",
            "0.5",
            "1.0",
            ".inf",
            "-.inf",
            "+.INF",
            ".nan",
            ".NaN",
            "12:30",
            "12:30:45",
            "190:20:30",
            "-1:30",
            "0:30",
            "08:30",
            "10:5",
            "1:2.5",
            "18446744073709551616",
        ];
        all_are(&numbers, Some(Elsewhere::Number));
    }

    #[test]
    fn words_and_dates_of_yaml_1_1_are_known() {
        all_are(
            &["y", "N", "yes", "No", "ON", "off", "=", "<<"],
            Some(Elsewhere::Word),
        );
        let dates = [
            "2026-12-31",
            "2026-1-2",
            "2026-13-45",
            "2026-12-31T10:00:00Z",
            "2026-12-31 10:00:00",
            "2001-12-14t21:59:43.10-05:00",
        ];
        all_are(&dates, Some(Elsewhere::Date));
    }

    #[test]
    fn what_all_tools_take_for_a_text_is_none() {
        let texts = [
            "",
            "_1",
            ".",
            "..",
            "...",
            "-",
            "+",
            "-.",
            "e3",
            "1e",
            "1e+",
            "1.2.3",
            "1,000",
            "0x",
            "0b",
            "0o",
            "0o8",
            "0b2",
            "10:60",
            "8080:80",
            "127.0.0.1:80",
            "10.0.0.0/8",
            "10%",
            "2s",
            "5xx",
            "v1",
            "NaN",
            "nULL",
            "yEs",
            "Infinity",
            "2026-12",
            "2026-12-31x",
            "2026-12-31T",
            "26-12-31",
            "2026-123-1",
            "1:2:",
            ":30",
            "+.nan",
            "1-2",
            "--1",
            "0x1G",
        ];
        all_are(&texts, None);
    }

    #[test]
    fn keys_that_are_written_as_they_are_read_stay() {
        for key in ["404", "0", "-5", "true", "orders", "999999999999999"] {
            assert_eq!(Elsewhere::of_key(key), None, "{key}");
        }
        for key in ["1.10", "-0", "9007199254740993", "01"] {
            assert_eq!(Elsewhere::of_key(key), Some(Elsewhere::Number), "{key}");
        }
        for key in ["True", "no", "~", "null"] {
            assert_eq!(Elsewhere::of_key(key), Some(Elsewhere::Word), "{key}");
        }
    }
}
