//! Who may ask, when the endpoint is on a TCP port that every program and every browser of this machine reaches.
//!
//! A page of the Web cannot choose the Host that its browser sends, nor leave out Origin, nor add a header of its own
//! without asking first (Fetch standard, CORS). A request that another proxy passed on says so by what it adds.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderName, Uri};

/// What a call that changes something must carry, with any value.
pub(super) const CHANGES: HeaderName = HeaderName::from_static("x-weft-admin");

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// What proxies add to what they pass on; ours always the first.
const PASSED_ON: [HeaderName; 3] = [
    HeaderName::from_static("x-forwarded-for"),
    http::header::FORWARDED,
    http::header::VIA,
];

/// Why a request is refused; for people.
pub(super) type Rejection = &'static str;

/// How a client reaches the endpoint.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reach {
    /// By a TCP port: any program, and any page that a browser shows.
    Port,
    /// By a socket file, whose permissions say who may.
    File,
}

/// Judges a request for any page.
pub(super) fn check(reach: Reach, headers: &HeaderMap) -> Result<(), Rejection> {
    match reach {
        Reach::Port => check_reader(headers),
        Reach::File => Ok(()),
    }
}

fn check_reader(headers: &HeaderMap) -> Result<(), Rejection> {
    if !headers
        .get_all(HOST)
        .iter()
        .all(|host| is_local(host.as_bytes()))
    {
        return Err("the Host is not this machine: use 127.0.0.1, [::1] or localhost");
    }
    let has_foreign_origin = headers.get_all(ORIGIN).iter().any(|origin| {
        let origin = origin.as_bytes();
        let host = origin.strip_prefix(b"http://");
        !host.is_some_and(is_local)
    });
    let is_from_elsewhere = headers
        .get_all(FETCH_SITE)
        .iter()
        .any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
    if has_foreign_origin || is_from_elsewhere {
        return Err("a page of another origin may not ask");
    }
    Ok(())
}

/// Judges a request that changes something, beyond [`check`].
pub(super) fn check_changer(headers: &HeaderMap) -> Result<(), Rejection> {
    if PASSED_ON.iter().any(|name| headers.contains_key(name)) {
        return Err("the call came through a proxy: ask directly");
    }
    if !headers.contains_key(CHANGES) {
        return Err("send the header `x-weft-admin: yes` with calls that change something");
    }
    Ok(())
}

/// Whether `host`, with or without a port, is a loopback address or `localhost`.
fn is_local(host: &[u8]) -> bool {
    let Ok(authority) = std::str::from_utf8(host) else {
        return false;
    };
    let Some(host) = authority
        .parse::<Uri>()
        .ok()
        .and_then(|uri| uri.authority().map(|authority| authority.host().to_owned()))
    else {
        return false;
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let field = |(name, value): &(&'static str, &'static str)| {
            let value = http::HeaderValue::from_static(value);
            (HeaderName::from_static(name), value)
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn tools_on_this_machine_may_read() {
        for host in [
            "127.0.0.1:15000",
            "127.0.0.1",
            "localhost:9",
            "LOCALHOST",
            "[::1]:15000",
            "127.8.0.1:1",
        ] {
            assert_eq!(check_reader(&headers(&[("host", host)])), Ok(()), "{host}");
        }
        // HTTP/1.0 has none.
        assert_eq!(check_reader(&headers(&[])), Ok(()));
        let own_page = [
            ("host", "localhost:1"),
            ("origin", "http://localhost:1"),
            ("sec-fetch-site", "same-origin"),
        ];
        assert_eq!(check_reader(&headers(&own_page)), Ok(()));
    }

    #[test]
    fn pages_of_the_web_may_not() {
        for host in [
            "rebound.example",
            "rebound.example:15000",
            "10.0.0.1",
            "127.0.0.1.example",
            "",
            "a b",
        ] {
            assert!(check_reader(&headers(&[("host", host)])).is_err(), "{host}");
        }
        for origin in [
            "http://shop.example",
            "null",
            "https://localhost.example",
            "",
        ] {
            assert!(
                check_reader(&headers(&[("host", "localhost"), ("origin", origin)])).is_err(),
                "{origin}"
            );
        }
        for site in ["cross-site", "same-site"] {
            assert!(
                check_reader(&headers(&[("host", "localhost"), ("sec-fetch-site", site)])).is_err(),
                "{site}"
            );
        }
    }

    #[test]
    fn changing_calls_come_directly_and_on_purpose() {
        assert!(check_changer(&headers(&[])).is_err());
        assert_eq!(check_changer(&headers(&[("x-weft-admin", "yes")])), Ok(()));
        for name in ["x-forwarded-for", "forwarded", "via"] {
            assert!(
                check_changer(&headers(&[("x-weft-admin", "yes"), (name, "x")])).is_err(),
                "{name}"
            );
        }
    }
}
