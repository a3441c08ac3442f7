//! The query: what it may hold, and its parameters, decoded once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::path::escaped;

/// The form in which a query is forwarded: `"`, `<` and `>`, which no query may hold (RFC 3986 section 3.4) and
/// every peer takes, are escaped; all else stays as it was sent.
///
/// Escapes are not touched, because `%26` and `&` mean different things to whoever reads parameters. Bytes such
/// as `|` and `{`, which browsers send as they are, stay so. A query without these three is returned
/// as it is, without copying; [`parameter`] says the same of a query and of this form of it.
pub fn query(raw: &str) -> Cow<'_, str> {
    let is_escaped = |byte: u8| matches!(byte, b'"' | b'<' | b'>');
    if !raw.bytes().any(is_escaped) {
        return Cow::Borrowed(raw);
    }
    let mut written = String::with_capacity(raw.len() + 2);
    for letter in raw.chars() {
        match u8::try_from(letter) {
            Ok(byte) if is_escaped(byte) => written.extend(escaped(byte).map(char::from)),
            Ok(_) | Err(_) => written.push(letter),
        }
    }
    Cow::Owned(written)
}

/// The value of the first parameter called `name` in a raw query, decoded; `None` when there is none.
///
/// Parameters are separated by `&`; `+` is a blank and `%HH` a byte, as browsers send forms
/// (<https://url.spec.whatwg.org/#urlencoded-parsing>). A `%` without two hex digits stands for itself.
/// A parameter without `=` has the empty value.
pub fn parameter<'q>(query: &'q str, name: &str) -> Option<Cow<'q, [u8]>> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (*decode(key) == *name.as_bytes()).then(|| decode(value))
        })
}

/// All parameters of a raw query, decoded, each with the value of its first; [`parameter`] says the same of each name.
pub fn parameters(query: &str) -> BTreeMap<Cow<'_, [u8]>, Cow<'_, [u8]>> {
    let mut found = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        found.entry(decode(key)).or_insert_with(|| decode(value));
    }
    found
}

fn decode(raw: &str) -> Cow<'_, [u8]> {
    if !raw.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Cow::Borrowed(raw.as_bytes());
    }
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = match after {
            [high, low, behind @ ..] if byte == b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                digit(*high).zip(digit(*low)).and_then(|(high, low)| {
                    u8::try_from(high * 16 + low)
                        .ok()
                        .map(|value| (value, behind))
                })
            }
            _ => None,
        };
        let (value, behind) = match escaped {
            Some(escaped) => escaped,
            None if byte == b'+' => (b' ', after),
            None => (byte, after),
        };
        decoded.push(value);
        rest = behind;
    }
    Cow::Owned(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_duplicates_counts() {
        assert_eq!(parameter("a=1&a=2", "a").as_deref(), Some(&b"1"[..]));
    }

    #[test]
    fn names_and_values_are_decoded_once() {
        assert_eq!(
            parameter("%61=x%2By+z%2525", "a").as_deref(),
            Some(&b"x+y z%25"[..])
        );
        assert_eq!(parameter("a=%zz%", "a").as_deref(), Some(&b"%zz%"[..]));
    }

    #[test]
    fn what_a_query_may_not_hold_is_escaped_and_means_the_same() {
        let raw = "q=<a \u{e4}>\"|{}&r=%3c";
        assert_eq!(query(raw), "q=%3Ca \u{e4}%3E%22|{}&r=%3c");
        assert_eq!(parameter(&query(raw), "q"), parameter(raw, "q"));
        assert_eq!(query("q=%22<"), "q=%22%3C");
        assert!(matches!(query("q=a&r={}"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_bare_name_is_present_and_empty() {
        assert_eq!(parameter("x&flag", "flag").as_deref(), Some(&b""[..]));
        assert_eq!(parameter("x&flag", "f"), None);
    }
}
