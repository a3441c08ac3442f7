//! The canonical host: lower case, without port and without trailing dot.

use std::borrow::Cow;

use super::Refusal;

/// The canonical form of a `Host` field or `:authority`.
///
/// Names have labels of letters, digits, `-` and `_`, at most 63 bytes each and 253 together. An IPv6
/// address keeps its brackets. The port has at most 5 digits, none included (`a.test:`, RFC 3986 section 3.2.3),
/// and is dropped. User information is refused (RFC 9110 section 4.2.4).
///
/// # Errors
///
/// [`Refusal::BadHost`] for anything else, the empty host included.
pub fn host(raw: &str) -> Result<Cow<'_, str>, Refusal> {
    let name = without_port(raw)?;
    if let Some(address) = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        let address: std::net::Ipv6Addr = address.parse().map_err(|_| Refusal::BadHost)?;
        return Ok(Cow::Owned(format!("[{address}]")));
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || 253 < name.len() || !name.split('.').all(is_label) {
        return Err(Refusal::BadHost);
    }
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Ok(Cow::Owned(name.to_ascii_lowercase()));
    }
    Ok(Cow::Borrowed(name))
}

fn without_port(raw: &str) -> Result<&str, Refusal> {
    let colon = match raw.rfind(':') {
        Some(colon) if raw.rfind(']').is_none_or(|bracket| bracket < colon) => colon,
        _ => return Ok(raw),
    };
    let (name, port) = raw.split_at_checked(colon).ok_or(Refusal::BadHost)?;
    let digits = port.strip_prefix(':').unwrap_or(port);
    let is_number = digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if digits.is_empty() || (is_number && digits.parse::<u16>().is_ok()) {
        Ok(name)
    } else {
        Err(Refusal::BadHost)
    }
}

fn is_label(label: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=63).contains(&label.len()) && label.bytes().all(is_name)
}

/// How specifically a canonical `host` matches `pattern`, or `None` when it does not.
///
/// An exact pattern is more specific than any wildcard, a longer suffix more than a shorter one, and
/// `*` is the least specific. `*.suffix` takes one or more labels and never the apex.
pub fn host_matches(pattern: &str, host: &str) -> Option<usize> {
    if pattern == "*" {
        return Some(0);
    }
    if let Some(suffix) = pattern.strip_prefix("*.") {
        let below = host.strip_suffix(suffix)?.strip_suffix('.')?;
        return if below.is_empty() {
            None
        } else {
            Some(suffix.len())
        };
    }
    (pattern == host).then_some(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_case_and_trailing_dot_are_dropped() {
        assert_eq!(
            host("API.Shop.Example.:8443").as_deref(),
            Ok("api.shop.example")
        );
    }

    #[test]
    fn a_port_may_be_empty() {
        assert_eq!(host("a.test:").as_deref(), Ok("a.test"));
        assert_eq!(host("A.test.:").as_deref(), Ok("a.test"));
        assert_eq!(host("[::1]:").as_deref(), Ok("[::1]"));
    }

    #[test]
    fn an_address_is_a_host() {
        assert_eq!(host("127.0.0.1:80").as_deref(), Ok("127.0.0.1"));
        assert_eq!(host("[::0001]:80").as_deref(), Ok("[::1]"));
        assert_eq!(host("[::1]").as_deref(), Ok("[::1]"));
    }

    #[test]
    fn junk_is_refused() {
        for junk in [
            "",
            ".",
            "a..b",
            "a b",
            "user@host",
            ":",
            ":80",
            "a::",
            "a:b",
            "a:999999",
            "a:80:80",
            "[::1",
            "::1",
            "a/b",
            "a?b",
            "a#b",
            "ä.example",
            "a%2e",
            "a\tb",
            "*",
            "*.a",
            "[::1]x",
            "[::1]:x",
            "[::1]::",
        ] {
            assert_eq!(host(junk), Err(Refusal::BadHost), "{junk:?}");
        }
        assert_eq!(host(&"a".repeat(64)), Err(Refusal::BadHost));
        assert_eq!(host(&["a"; 128].join(".")), Err(Refusal::BadHost));
    }

    #[test]
    fn the_longest_suffix_is_the_most_specific() {
        assert_eq!(host_matches("*", "a.b.c"), Some(0));
        assert!(host_matches("*.c", "a.b.c") < host_matches("*.b.c", "a.b.c"));
        assert!(host_matches("*.b.c", "a.b.c") < host_matches("a.b.c", "a.b.c"));
    }

    #[test]
    fn a_wildcard_never_matches_its_apex() {
        assert_eq!(host_matches("*.b.c", "b.c"), None);
        assert_eq!(host_matches("*.b.c", ".b.c"), None);
        assert_eq!(host_matches("*.b.c", "xb.c"), None);
    }
}
