//! Whether one entry takes one request, asked the plain way: no trie, no atoms, no cubes.
//!
//! It finds who blocks a dead rule, and it is what the algebra is tested against.

use weft_snapshot::Headers as _;
use weft_snapshot::canonical::parameter;
use weft_snapshot::plan::{Condition, PathPattern, Segment, ValueTest};

use super::entry::Entry;
use super::request::WitnessRequest;
use crate::model::languages::Languages;
use crate::model::path::written;

/// Whether the entry matches the request.
pub(crate) fn takes(
    entry: &Entry<'_>,
    request: &WitnessRequest,
    languages: &mut Languages,
) -> bool {
    let conditions = &entry.conditions;
    let has_method = conditions.methods.is_empty() || conditions.methods.contains(&request.method);
    let is_from = conditions.sources.as_ref().is_none_or(|sources| {
        request
            .source
            .as_ref()
            .is_some_and(|source| sources.contains(source))
    });
    has_method
        && is_from
        && takes_path(entry.path, &request.path, languages)
        && conditions.headers.iter().all(|condition| {
            let value = request.values(&condition.name).next();
            passes(&condition.test, value, languages)
        })
        && conditions.query.iter().all(|condition| {
            let query = request.query.as_deref();
            let value = query.and_then(|query| parameter(query, &condition.name));
            passes(&condition.test, value.as_deref(), languages)
        })
}

/// The first thing that an entry asks of a request and does not get; nothing if it matches.
pub(crate) fn first_failure(
    entry: &Entry<'_>,
    request: &WitnessRequest,
    languages: &mut Languages,
) -> Option<String> {
    if !takes_path(entry.path, &request.path, languages) {
        return Some(format!("its path is {}", written(entry.path)));
    }
    let conditions = &entry.conditions;
    if !conditions.methods.is_empty() && !conditions.methods.contains(&request.method) {
        return Some(format!("its method is {}", conditions.methods.join("|")));
    }
    for condition in &conditions.headers {
        let value = request.values(&condition.name).next();
        if !passes(&condition.test, value, languages) {
            return Some(asked_for("header", condition, value));
        }
    }
    for condition in &conditions.query {
        let query = request.query.as_deref();
        let value = query.and_then(|query| parameter(query, &condition.name));
        if !passes(&condition.test, value.as_deref(), languages) {
            return Some(asked_for("parameter", condition, value.as_deref()));
        }
    }
    None
}

fn asked_for(kind: &str, condition: &Condition, value: Option<&[u8]>) -> String {
    let name = &condition.name;
    let wanted = match &condition.test {
        ValueTest::Exact { text } => format!("be `{text}`"),
        ValueTest::Regex { regex } => format!("match `{regex}`"),
        ValueTest::Present => "be there".to_owned(),
        ValueTest::Absent => "not be there".to_owned(),
    };
    let found = value.map_or("is not there".to_owned(), |value| {
        format!(
            "is `{}`",
            crate::words::shown(&String::from_utf8_lossy(value))
        )
    });
    format!("{kind} `{name}` must {wanted}, and {found}")
}

/// Whether a canonical path is in a pattern.
pub(super) fn takes_path(pattern: &PathPattern, path: &str, languages: &mut Languages) -> bool {
    match pattern {
        PathPattern::Regex { regex } => languages.matches(regex, path.as_bytes()),
        PathPattern::Segments { segments, rest } => {
            let mut found = path.split('/').skip(1);
            let fits = segments.iter().all(|wanted| match (wanted, found.next()) {
                (Segment::Literal { text }, Some(found)) => text == found,
                (Segment::Any { .. }, Some(found)) => !found.is_empty(),
                (_, None) => false,
            });
            fits && (*rest || found.next().is_none())
        }
    }
}

fn passes(test: &ValueTest, value: Option<&[u8]>, languages: &mut Languages) -> bool {
    match (test, value) {
        (ValueTest::Absent, value) => value.is_none(),
        (_, None) => false,
        (ValueTest::Present, Some(_)) => true,
        (ValueTest::Exact { text }, Some(value)) => text.as_bytes() == value,
        (ValueTest::Regex { regex }, Some(value)) => languages.matches(regex, value),
    }
}
