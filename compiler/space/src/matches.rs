//! What one entry makes of one request, asked the plain way: no trie, no atoms, no cubes.
//!
//! It finds who blocks a dead rule, and it is what the algebra is tested against.

use weft_snapshot::Headers as _;
use weft_snapshot::canonical::{Field, parameter};
use weft_snapshot::head::is_forwarded;
use weft_snapshot::identity::names;
use weft_snapshot::plan::{Condition, PathPattern, Segment, ValueTest};

use super::entry::{Entry, Repeats};
use super::request::WitnessRequest;
use super::values::asks_for_value;
use crate::languages::Languages;
use crate::path::written;

/// What an entry makes of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Match {
    /// It leaves it to those behind.
    Passes,
    /// It takes it.
    Takes,
    /// It refuses it, because a header that came in several lines has no value.
    Refuses,
}

/// Whether the entry takes the request.
pub fn takes(entry: &Entry<'_>, request: &WitnessRequest, languages: &mut Languages) -> bool {
    matched(entry, request, languages) == Match::Takes
}

/// What the entry makes of the request.
pub fn matched(entry: &Entry<'_>, request: &WitnessRequest, languages: &mut Languages) -> Match {
    let conditions = &entry.conditions;
    let is_unclear = |condition: &&Condition| {
        asks_for_value(&condition.test) && request.field(&condition.name) == Field::Repeated
    };
    let (unclear, clear): (Vec<&Condition>, Vec<&Condition>) =
        conditions.headers.iter().partition(is_unclear);
    let has_method = is_forwarded(&request.method)
        && (conditions.methods.is_empty() || conditions.methods.contains(&request.method));
    let is_from = conditions.sources.as_ref().is_none_or(|sources| {
        request
            .source
            .as_ref()
            .is_some_and(|source| sources.iter().any(|entry| names(entry, source)))
    });
    let holds = has_method
        && is_from
        && takes_path(entry.path, &request.path, languages)
        && clear.iter().all(|condition| {
            let field = request.field(&condition.name);
            header_passes(&condition.test, &field, languages)
        })
        && conditions.query.iter().all(|condition| {
            let query = request.query.as_deref();
            let value = query.and_then(|query| parameter(query, &condition.name));
            passes(&condition.test, value.as_deref(), languages)
        });
    match (holds, unclear.is_empty(), conditions.repeats) {
        (false, _, _) | (true, false, Repeats::LeftOut) => Match::Passes,
        (true, true, _) => Match::Takes,
        (true, false, Repeats::Refused) => Match::Refuses,
    }
}

fn header_passes(test: &ValueTest, field: &Field<'_>, languages: &mut Languages) -> bool {
    match (test, field) {
        (test, Field::Absent) => passes(test, None, languages),
        (test, Field::Value(value)) => passes(test, Some(value), languages),
        (ValueTest::Present, Field::Repeated) => true,
        (_, Field::Repeated) => false,
    }
}

/// The first thing that an entry asks of a request and does not get; nothing if it takes or refuses it.
pub fn first_failure(
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
        let field = request.field(&condition.name);
        let is_unclear = field == Field::Repeated && asks_for_value(&condition.test);
        if !is_unclear && !header_passes(&condition.test, &field, languages) {
            let found = match &field {
                Field::Absent => NOT_THERE.to_owned(),
                Field::Value(value) => is_value(value),
                Field::Repeated => "came more than once".to_owned(),
            };
            return Some(asked_for("header", condition, &found));
        }
    }
    for condition in &conditions.query {
        let query = request.query.as_deref();
        let value = query.and_then(|query| parameter(query, &condition.name));
        if !passes(&condition.test, value.as_deref(), languages) {
            let found = value.as_deref().map_or(NOT_THERE.to_owned(), is_value);
            return Some(asked_for("parameter", condition, &found));
        }
    }
    None
}

const NOT_THERE: &str = "is not there";

fn is_value(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    format!("is `{}`", crate::path::shown(&text))
}

fn asked_for(kind: &str, condition: &Condition, found: &str) -> String {
    let name = &condition.name;
    let wanted = match &condition.test {
        ValueTest::Exact { text } => format!("be `{text}`"),
        ValueTest::Regex { regex } => format!("match `{regex}`"),
        ValueTest::Present => "be there".to_owned(),
        ValueTest::Absent => "not be there".to_owned(),
    };
    format!("{kind} `{name}` must {wanted}, and {found}")
}

/// Whether a canonical path is in a pattern.
pub fn takes_path(pattern: &PathPattern, path: &str, languages: &mut Languages) -> bool {
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
