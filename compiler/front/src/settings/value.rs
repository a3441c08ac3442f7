//! Values of settings, and how people write and read them.

use std::fmt::{self, Write as _};

use weft_snapshot::plan::{HeaderChanges, PathRewrite, RewritePart};
use weft_spec::policy::RetryOn;
use weft_spec::units::{Duration, Share, Size};

use crate::words;

/// The value of a setting, in the unit of the setting.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Value {
    /// Switched off, which is less than any number.
    Off,
    /// A number: milliseconds, tries, parts of a million, bytes.
    Number(u64),
    /// No limit, which is more than any number.
    Unlimited,
    /// Yes or no.
    Flag(bool),
    /// One of several words.
    Word(&'static str),
    /// Reasons to try again, sorted, each once.
    Reasons(Vec<RetryOn>),
    /// Changes of headers, apart because few places say any; none where nothing is changed.
    Headers(Option<Box<HeaderChanges>>),
    /// A new path; none for the old one.
    Path(Option<PathRewrite>),
    /// A text; none where nothing is said.
    Text(Option<String>),
}

impl Value {
    /// The number; none for anything else.
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Off
            | Self::Unlimited
            | Self::Flag(_)
            | Self::Word(_)
            | Self::Reasons(_)
            | Self::Headers(_)
            | Self::Path(_)
            | Self::Text(_) => None,
        }
    }

    /// The number as milliseconds, tries or parts of a million.
    pub fn narrow(&self) -> Option<u32> {
        self.number()
            .map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// The word; none for anything else.
    pub fn word(&self) -> Option<&'static str> {
        if let Self::Word(word) = self {
            return Some(word);
        }
        None
    }

    /// The reasons to try again; none for anything else.
    pub fn reasons(&self) -> &[RetryOn] {
        if let Self::Reasons(reasons) = self {
            return reasons;
        }
        &[]
    }

    /// Whether it is a yes.
    pub fn is_yes(&self) -> bool {
        *self == Self::Flag(true)
    }

    /// A number, or no limit.
    pub fn limit(number: Option<impl Into<u64>>) -> Self {
        number.map_or(Self::Unlimited, |number| Self::Number(number.into()))
    }

    /// A time, where zero is no limit.
    pub(super) fn time(duration: Duration) -> Self {
        Self::limit((!duration.is_zero()).then(|| duration.millis()))
    }
}

/// How an empty list is written where one value is expected.
const NONE: &str = "none";

/// What a setting is measured in, which says how its values are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    /// Milliseconds; written `800ms`, and `0s` for no limit.
    Time,
    /// Milliseconds; written `60s`, and `off` for none at all.
    TimeOrOff,
    /// How many; written `3`.
    Count,
    /// Parts of a million; written `20%`, and `off` for no bound.
    Share,
    /// Bytes; written `64KiB`.
    Bytes,
    /// Yes and no, by the words for each.
    Switch(&'static str, &'static str),
    /// A list that has this word or none, which is written by itself where one value is expected.
    Listed(&'static str),
    /// One of these words.
    Words(&'static [&'static str]),
    /// Reasons to try again.
    Reasons,
    /// Changes of headers.
    Headers,
    /// A path.
    Path,
    /// A text.
    Text,
}

impl Unit {
    /// A value as a spec writes it.
    pub fn written(self, value: &Value) -> String {
        match (self, value) {
            (Self::Time | Self::TimeOrOff, Value::Number(millis)) => time(*millis),
            (_, Value::Off) | (Self::Share, Value::Unlimited) => "off".to_owned(),
            (Self::Time, Value::Unlimited) => "0s".to_owned(),
            (Self::Share, Value::Number(parts)) => words::percent(*parts),
            (Self::Bytes, Value::Number(bytes)) => size(*bytes),
            (_, Value::Number(number)) => number.to_string(),
            (_, Value::Unlimited) => "no limit".to_owned(),
            (Self::Switch(yes, no), Value::Flag(flag)) => if *flag { yes } else { no }.to_owned(),
            (Self::Listed(word), Value::Flag(flag)) => if *flag { word } else { NONE }.to_owned(),
            (_, Value::Flag(flag)) => flag.to_string(),
            (_, Value::Word(word)) => (*word).to_owned(),
            (_, Value::Reasons(reasons)) => {
                let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                format!("[{}]", reasons.join(", "))
            }
            (_, Value::Headers(changes)) => changes
                .as_deref()
                .map_or_else(|| "as they came".to_owned(), headers),
            (_, Value::Path(None)) => "as it came".to_owned(),
            (_, Value::Path(Some(path))) => self::path(path),
            (_, Value::Text(text)) => text.clone().unwrap_or_else(|| "as it came".to_owned()),
        }
    }

    /// The word of a list that has it or not; none for other units.
    pub(super) fn listed(self) -> Option<&'static str> {
        if let Self::Listed(word) = self {
            Some(word)
        } else {
            None
        }
    }

    /// A value for people who compare: what is written `0s` is no limit.
    pub fn in_words(self, value: &Value) -> String {
        match (self, value) {
            (Self::Time | Self::Share, Value::Unlimited) => "no limit".to_owned(),
            _ => self.written(value),
        }
    }

    /// Reads what a spec writes where a value is expected or bounded.
    ///
    /// # Errors
    ///
    /// What a value of this unit looks like.
    pub fn read(self, text: &str) -> Result<Value, String> {
        let found = match self {
            Self::Time => text.parse().ok().map(Value::time),
            Self::TimeOrOff if text == "off" => Some(Value::Off),
            Self::TimeOrOff => {
                let time: Option<Duration> = text.parse().ok();
                time.map(|time| Value::Number(u64::from(time.millis())))
            }
            Self::Count => text.parse().ok().map(Value::Number),
            Self::Share if text == "off" => Some(Value::Unlimited),
            Self::Share => {
                let share: Option<Share> = text.parse().ok();
                share.map(|share| Value::Number(u64::from(share.parts_per_million())))
            }
            Self::Bytes => {
                let size: Option<Size> = text.parse().ok();
                size.map(|size| Value::Number(size.bytes()))
            }
            Self::Switch(yes, no) => [(yes, true), (no, false)]
                .into_iter()
                .find(|(word, _)| *word == text)
                .map(|(_, flag)| Value::Flag(flag)),
            Self::Listed(word) => [(word, true), (NONE, false)]
                .into_iter()
                .find(|(word, _)| *word == text)
                .map(|(_, flag)| Value::Flag(flag)),
            Self::Words(words) => words
                .iter()
                .find(|word| **word == text)
                .map(|word| Value::Word(word)),
            Self::Reasons | Self::Headers | Self::Path | Self::Text => None,
        };
        found.ok_or_else(|| self.to_string())
    }

    /// An example of a value, as text.
    fn example(self) -> &'static str {
        match self {
            Self::Time => "2s",
            Self::TimeOrOff => "60s",
            Self::Count => "2",
            Self::Share => "20%",
            Self::Bytes => "64KiB",
            Self::Switch(yes, _) | Self::Listed(yes) => yes,
            Self::Words(words) => words.first().copied().unwrap_or_default(),
            Self::Reasons => "[reset, 503]",
            Self::Headers => "{set: {x-a: b}}",
            Self::Path => "/new/**",
            Self::Text => "text",
        }
    }
}

/// What a value of this unit looks like: ``a duration such as `2s` ``.
impl fmt::Display for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Time | Self::TimeOrOff => "a duration",
            Self::Count => "a number",
            Self::Share => "a share",
            Self::Bytes => "a size",
            Self::Switch(yes, no) => return write!(formatter, "`{yes}` or `{no}`"),
            Self::Listed(word) => return write!(formatter, "`{word}` or `{NONE}`"),
            Self::Words(words) => return write!(formatter, "one of `{}`", words.join("`, `")),
            Self::Reasons => "a list of reasons",
            Self::Headers => "changes of headers",
            Self::Path => "a path",
            Self::Text => "a text",
        };
        write!(formatter, "{kind} such as `{}`", self.example())
    }
}

fn time(millis: u64) -> String {
    words::limit(u32::try_from(millis).unwrap_or(u32::MAX))
}

/// Bytes in the largest unit that gives a whole number.
fn size(bytes: u64) -> String {
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let whole = units
        .into_iter()
        .find(|(_, unit)| bytes != 0 && bytes.is_multiple_of(*unit));
    match whole {
        Some((name, unit)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes}B"),
    }
}

fn headers(changes: &HeaderChanges) -> String {
    let HeaderChanges { remove, set, add } = changes;
    let mut parts: Vec<String> = remove.iter().map(|name| format!("-{name}")).collect();
    parts.extend(set.iter().map(|(name, value)| format!("{name}={value}")));
    parts.extend(add.iter().map(|(name, value)| format!("+{name}={value}")));
    if parts.is_empty() {
        "as they came".to_owned()
    } else {
        parts.join(" ")
    }
}

/// A new path, with the positions of what it keeps: `/v2/{1}/{2}/**`.
pub fn path(path: &PathRewrite) -> String {
    let parts = path.parts.iter().map(|part| match part {
        RewritePart::Literal { text } => format!("/{text}"),
        RewritePart::Segment { index } => format!("/{{{index}}}"),
    });
    let mut text: String = parts.collect();
    if let Some(from) = path.rest_from {
        // Writing to a string cannot fail.
        let _ = write!(text, "/{{{from}}}/**");
    }
    if text.is_empty() {
        "/".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Unit, Value};

    #[test]
    fn what_is_written_is_read_again() {
        let units = [
            (Unit::Time, "0s"),
            (Unit::Time, "1500ms"),
            (Unit::TimeOrOff, "off"),
            (Unit::Count, "3"),
            (Unit::Share, "off"),
            (Unit::Share, "12.5%"),
            (Unit::Bytes, "0B"),
            (Unit::Bytes, "64KiB"),
            (Unit::Bytes, "1025B"),
            (Unit::Switch("pass", "drop"), "drop"),
            (Unit::Words(&["merge", "keep"]), "keep"),
        ];
        for (unit, text) in units {
            let value = unit.read(text).unwrap_or(Value::Flag(false));
            assert_eq!(unit.written(&value), text, "{unit:?}");
        }
    }
}
