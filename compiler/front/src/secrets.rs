//! What credentials look like, and texts without them.
//!
//! Apart, because the rule that finds credentials and everything that prints lines of a spec have to agree: what the one
//! calls a secret, no other shows. Hiding errs on the side of hiding: a line is looked at as text, whatever it is in YAML.

use std::borrow::Cow;
use std::ops::Range;

/// The name of the finding about a credential.
pub const SECRET_IN_SPEC: &str = "secret-in-spec";

/// Headers that carry credentials whatever their value looks like.
pub const CREDENTIAL_HEADERS: [&str; 7] = [
    "api-key",
    "authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "x-auth-token",
    "x-access-token",
];

/// How a token starts, how long it is at least, and what it is.
const TOKENS: [(&str, usize, &str); 16] = [
    ("AKIA", 20, "an AWS access key"),
    ("ASIA", 20, "an AWS access key"),
    ("ghp_", 36, "a GitHub token"),
    ("gho_", 36, "a GitHub token"),
    ("ghu_", 36, "a GitHub token"),
    ("ghs_", 36, "a GitHub token"),
    ("ghr_", 36, "a GitHub token"),
    ("github_pat_", 40, "a GitHub token"),
    ("glpat-", 20, "a GitLab token"),
    ("xoxb-", 20, "a Slack token"),
    ("xoxp-", 20, "a Slack token"),
    ("xoxa-", 20, "a Slack token"),
    ("sk_live_", 20, "a Stripe key"),
    ("rk_live_", 20, "a Stripe key"),
    ("npm_", 36, "an npm token"),
    ("AIza", 39, "a Google API key"),
];

const BEGIN: &str = "-----BEGIN";
const END: &str = "-----END";
const PRIVATE_KEY: &str = "PRIVATE KEY";

/// What a text holds that only credentials look like.
pub fn shape(value: &str) -> Option<&'static str> {
    if value.contains(BEGIN) && value.contains(PRIVATE_KEY) {
        return Some("a private key");
    }
    words(value).find_map(|(_, word)| token(word))
}

/// The text with stars, one for each byte, in the place of credentials.
pub fn hidden(text: &str) -> Cow<'_, str> {
    let places = places(text);
    if places.is_empty() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(starred(text, &places))
    }
}

/// The text with stars in these places; line breaks stay, and so do all offsets.
pub fn starred(text: &str, places: &[Range<usize>]) -> String {
    let mut places = places.to_vec();
    places.sort_by_key(|place| (place.start, place.end));
    let mut rest = places.iter().peekable();
    let mut end = 0;
    let mut shown = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        while let Some(place) = rest.next_if(|place| place.start <= at) {
            end = end.max(place.end);
        }
        if at < end && !matches!(letter, '\n' | '\r') {
            shown.extend(std::iter::repeat_n('*', letter.len_utf8()));
        } else {
            shown.push(letter);
        }
    }
    shown
}

fn places(text: &str) -> Vec<Range<usize>> {
    let tokens = words(text).filter(|(_, word)| token(word).is_some());
    let mut places: Vec<Range<usize>> = tokens
        .map(|(at, word)| at..at.saturating_add(word.len()))
        .collect();
    places.extend(private_keys(text));
    let lower = text.to_ascii_lowercase();
    for name in CREDENTIAL_HEADERS {
        let found = lower.match_indices(name);
        places.extend(found.filter_map(|(at, _)| value_of(text, at, name.len())));
    }
    places
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    let mut at = 0_usize;
    text.split(move |letter| !is_part(letter)).map(move |word| {
        // Words are parts of the text, so where they begin is a difference of addresses.
        let start = at.max(offset(text, word));
        at = start.saturating_add(word.len());
        (start, word)
    })
}

fn offset(text: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(text.as_ptr().addr())
}

fn token(word: &str) -> Option<&'static str> {
    if word.starts_with("eyJ") && 40 <= word.len() && word.matches('.').count() == 2 {
        return Some("a JSON web token");
    }
    TOKENS
        .iter()
        .find(|(prefix, length, _)| word.starts_with(prefix) && *length <= word.len())
        .map(|(_, _, what)| *what)
}

/// From behind the line that begins a private key to the line that ends it, or to the end.
fn private_keys(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices(BEGIN).filter_map(|(at, _)| {
        let rest = text.get(at..)?;
        let first = rest.lines().next().unwrap_or_default();
        let label = first.find(PRIVATE_KEY)?.saturating_add(PRIVATE_KEY.len());
        let body = rest.get(label..)?;
        let length = body.find(END).unwrap_or(body.len());
        let start = at.saturating_add(label);
        Some(start..start.saturating_add(length))
    })
}

/// The value behind the name of a header, as far as it may reach.
fn value_of(text: &str, at: usize, length: usize) -> Option<Range<usize>> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    if text.get(..at)?.ends_with(is_part) {
        return None;
    }
    let rest = text.get(at.saturating_add(length)..)?;
    let rest = rest.strip_prefix(['"', '\'']).unwrap_or(rest);
    let value = rest.trim_start_matches(' ').strip_prefix(':')?;
    let value = value.trim_start_matches(' ');
    let start = offset(text, value);
    let to_line = value.find('\n').unwrap_or(value.len());
    let length = match value.chars().next()? {
        // A condition or a list, not a value; or nothing.
        '{' | '[' | '\n' | '\r' => return None,
        quote @ ('"' | '\'') => closing(value, quote).unwrap_or(to_line),
        '|' | '>' => block(text, at, value),
        // Where a plain value ends depends on what is around it; nothing else on its line is missed.
        _ => to_line,
    };
    Some(start..start.saturating_add(length))
}

/// The length of a quoted value, of as many lines as it has.
fn closing(value: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    let mut letters = value.char_indices().skip(1);
    let end = letters.find(|(_, letter)| {
        let ends = *letter == quote && !is_escaped;
        is_escaped = quote == '"' && *letter == '\\' && !is_escaped;
        ends
    });
    end.map(|(at, _)| at.saturating_add(1))
}

/// The length of a block value: its lines are indented more than the one that it begins on.
fn block(text: &str, at: usize, value: &str) -> usize {
    let indent = |line: &str| {
        line.len()
            .saturating_sub(line.trim_start_matches(' ').len())
    };
    let line = text.get(..at).and_then(|before| before.rsplit('\n').next());
    let own = line.map_or(0, indent);
    let mut lines = value.split_inclusive('\n');
    let first = lines.next().map_or(0, str::len);
    let below = lines.take_while(|line| line.trim().is_empty() || own < indent(line));
    below.fold(first, |length, line| length.saturating_add(line.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_only_start_alike_are_fine() {
        assert_eq!(shape("AKIA and ghp_short and npm_install"), None);
        assert!(shape("x -----BEGIN EC PRIVATE KEY-----\nMHc").is_some());
        assert!(shape(&format!("token={}", "ghp_".to_owned() + &"a".repeat(36))).is_some());
    }

    #[test]
    fn what_looks_like_a_credential_is_starred_and_nothing_moves() {
        for (text, shown) in [
            ("to: orders, timeout: 1s", "to: orders, timeout: 1s"),
            (
                "remove: [authorization], cookie: {present: true}",
                "remove: [authorization], cookie: {present: true}",
            ),
            (
                "{set: {Authorization: \"Bearer a\\\"b\"}}",
                "{set: {Authorization: *************}}",
            ),
            ("x-api-key: 'a b', x", "x-api-key: *****, x"),
            ("\"cookie\" : a, b}\nc", "\"cookie\" : *****\nc"),
            ("note: AKIAABCDEFGHIJKLMNOP!", "note: ********************!"),
            ("my-cookie: a", "my-cookie: a"),
            (
                " cookie: |\n  ä\n\n  b\n to: c",
                " cookie: *\n****\n\n***\n to: c",
            ),
            (
                "a -----BEGIN PRIVATE KEY-----\n  Zm9v\n  -----END PRIVATE KEY-----",
                "a -----BEGIN PRIVATE KEY*****\n******\n**-----END PRIVATE KEY-----",
            ),
        ] {
            assert_eq!(hidden(text), shown);
            assert_eq!(hidden(text).len(), text.len());
        }
    }
}
