//! Whether one entry takes one request, asked the plain way: no trie, no atoms, no cubes.
//!
//! It finds who blocks a dead rule, and it is what the algebra is tested against.

use weft_snapshot::Headers as _;
use weft_snapshot::canonical::parameter;
use weft_snapshot::plan::{PathPattern, Segment, ValueTest};

use super::entry::Entry;
use super::request::WitnessRequest;
use crate::model::languages::Languages;

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
