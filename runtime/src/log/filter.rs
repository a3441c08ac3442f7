//! What the log is asked to say.

use std::str::FromStr;

use tracing_subscriber::filter::{LevelFilter, Targets};

/// The crates whose lines are the proxy's own.
const OWN: [&str; 2] = ["weft_runtime", "weft_proxy"];

/// Which events become lines: a level for Weft's own, and one for each other crate that was asked for.
///
/// Other crates are silent unless they are named: their events are about the insides of one connection, and
/// a peer could make them write as much as it likes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogFilter {
    own: LevelFilter,
    others: Vec<(String, LevelFilter)>,
}

impl LogFilter {
    pub(super) fn targets(&self) -> Targets {
        let others = self
            .others
            .iter()
            .map(|(name, level)| (name.as_str(), *level));
        Targets::new()
            .with_default(LevelFilter::OFF)
            .with_targets(OWN.map(|name| (name, self.own)))
            .with_targets(others)
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self {
            own: LevelFilter::INFO,
            others: Vec::new(),
        }
    }
}

impl FromStr for LogFilter {
    type Err = String;

    /// Reads `LEVEL` and `CRATE=LEVEL`, in any number and order, with commas between.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut filter = Self::default();
        for part in text.split(',') {
            match part.split_once('=') {
                None => filter.own = level(part)?,
                Some((name, part)) if is_path(name) => {
                    filter.others.push((name.to_owned(), level(part)?));
                }
                Some((name, _level)) => return Err(format!("`{name}` names no crate")),
            }
        }
        Ok(filter)
    }
}

fn level(text: &str) -> Result<LevelFilter, String> {
    match text {
        "off" => Ok(LevelFilter::OFF),
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err(format!(
            "`{text}` is no level: use `off`, `error`, `warn`, `info`, `debug` or `trace`"
        )),
    }
}

fn is_path(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
    !name.is_empty() && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    fn says(filter: &str, target: &str, level: Level) -> bool {
        let filter: LogFilter = filter.parse().unwrap();
        filter.targets().would_enable(target, &level)
    }

    #[test]
    fn other_crates_are_silent_unless_they_are_named() {
        assert!(says("info", "weft_runtime::control", Level::INFO));
        assert!(!says("info", "weft_runtime::control", Level::DEBUG));
        assert!(!says("trace", "h2::codec", Level::ERROR));
        assert!(says("warn,h2=debug", "h2::codec", Level::DEBUG));
        assert!(!says("warn,h2=debug", "hyper", Level::ERROR));
        assert!(!says("warn,h2=debug", "weft_runtime", Level::INFO));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for wrong in ["", "loud", "info,", "=info", "a b=info", "h2=", "h2=all"] {
            assert!(wrong.parse::<LogFilter>().is_err(), "{wrong}");
        }
    }
}
