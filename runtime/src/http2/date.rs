//! The `Date` of responses (RFC 9110, 6.6.1), written once a second.

use std::cell::RefCell;
use std::time::{Duration, UNIX_EPOCH};

use http::header::{DATE, HeaderMap, HeaderValue};

thread_local! {
    static WRITTEN: RefCell<Option<(i64, HeaderValue)>> = const { RefCell::new(None) };
}

/// Gives `headers` the date of `unix_seconds` unless the origin said one.
pub(crate) fn insert_date(headers: &mut HeaderMap, unix_seconds: i64) {
    if headers.contains_key(DATE) {
        return;
    }
    let written = WRITTEN.with_borrow_mut(|written| {
        if written.as_ref().is_none_or(|(at, _)| *at != unix_seconds) {
            *written = date(unix_seconds).map(|value| (unix_seconds, value));
        }
        written.as_ref().map(|(_, value)| value.clone())
    });
    if let Some(value) = written {
        headers.insert(DATE, value);
    }
}

fn date(unix_seconds: i64) -> Option<HeaderValue> {
    let since = Duration::from_secs(u64::try_from(unix_seconds).ok()?);
    let text = httpdate::fmt_http_date(UNIX_EPOCH.checked_add(since)?);
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_the_origin_stays() {
        let mut headers = HeaderMap::new();
        insert_date(&mut headers, 0);
        assert_eq!(headers[DATE], "Thu, 01 Jan 1970 00:00:00 GMT");
        insert_date(&mut headers, 10);
        assert_eq!(headers[DATE], "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
