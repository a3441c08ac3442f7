//! How long an idle connection to an HTTP/1.1 upstream is kept: as long as the service says, and less than the upstream
//! itself says.
//!
//! A server that closes an idle connection cannot know that a request is on its way. It may announce when it will
//! (`Keep-Alive: timeout=5`, RFC 2068, 19.7.1; Node, Apache and uvicorn do), so the connection is let go before.

use http::{HeaderMap, HeaderName};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// The time of a connection whose last response had `headers`, in milliseconds; 0 keeps it for no other request.
///
/// `wanted` is what the service says. What the upstream announces counts less a second, at most a fifth of it: that is how
/// long a request may be on its way, and clocks may differ.
pub(super) fn limit(wanted: u64, headers: &HeaderMap) -> u64 {
    match announced(headers) {
        None => wanted,
        Some(announced) => wanted.min(announced.saturating_sub((announced / 5).min(1_000))),
    }
}

/// The smallest `timeout` of a response, in milliseconds.
fn announced(headers: &HeaderMap) -> Option<u64> {
    let values = headers.get_all(KEEP_ALIVE).into_iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let parameters = texts.flat_map(|text| text.split(','));
    let seconds = parameters.filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_timeout = name.trim().eq_ignore_ascii_case("timeout");
        value.trim().parse::<u64>().ok().filter(|_| is_timeout)
    });
    seconds.min().map(|seconds| seconds.saturating_mul(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(wanted: u64, announced: &str) -> u64 {
        let mut headers = HeaderMap::new();
        headers.insert("keep-alive", announced.parse().unwrap());
        limit(wanted, &headers)
    }

    #[test]
    fn the_smaller_of_both_counts_with_a_margin_for_what_is_announced() {
        assert_eq!(limit(60_000, &HeaderMap::new()), 60_000);
        assert_eq!(kept(60_000, "timeout=5"), 4_000);
        assert_eq!(kept(60_000, "timeout=1"), 800);
        assert_eq!(kept(60_000, "max=100, Timeout = 30"), 29_000);
        assert_eq!(kept(60_000, "timeout=3600"), 60_000);
        assert_eq!(kept(2_000, "timeout=5"), 2_000);
    }

    #[test]
    fn what_announces_nothing_changes_nothing() {
        for text in ["", "max=5", "timeout", "timeout=soon", "timeout=-1"] {
            assert_eq!(kept(60_000, text), 60_000, "{text}");
        }
        assert_eq!(kept(60_000, "timeout=0"), 0);
        assert_eq!(kept(0, "timeout=5"), 0);
    }
}
