//! New paths of rewrites and redirects, read against the pattern of their rule.

use std::collections::BTreeMap;

use weft_snapshot::plan::{PathPattern, PathRewrite, RewritePart, Segment};

use crate::path;

/// Reads the new path of a rewrite against the pattern of its rule.
///
/// # Errors
///
/// What is wrong with it, as the middle of a sentence.
pub fn rewrite(text: &str, pattern: &PathPattern) -> Result<PathRewrite, String> {
    let (old, old_rest): (&[Segment], bool) = match pattern {
        PathPattern::Segments { segments, rest } => (segments, *rest),
        PathPattern::Regex { .. } => (&[], false),
    };
    let positions: BTreeMap<&str, usize> = old
        .iter()
        .enumerate()
        .filter_map(|(position, segment)| match segment {
            Segment::Any { name } => Some((name.as_str(), position)),
            Segment::Literal { .. } => None,
        })
        .collect();
    let PathPattern::Segments { segments, rest } =
        path::parse_repeating(text).map_err(|error| error.message)?
    else {
        return Err("is a regular expression".to_owned());
    };
    if rest && !old_rest {
        return Err("ends in `/**`, but the path of the rule does not".to_owned());
    }
    let parts = segments.into_iter().map(|segment| match segment {
        Segment::Literal { text } => Ok(RewritePart::Literal { text }),
        Segment::Any { name } => match positions.get(name.as_str()) {
            Some(position) => Ok(RewritePart::Segment {
                index: u32::try_from(*position).unwrap_or(u32::MAX),
            }),
            None => Err(format!(
                "uses `{{{name}}}`, which the path of the rule does not have"
            )),
        },
    });
    Ok(PathRewrite {
        parts: parts.collect::<Result<_, _>>()?,
        rest_from: rest.then(|| u32::try_from(old.len()).unwrap_or(u32::MAX)),
    })
}
