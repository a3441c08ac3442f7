//! Which requests of a caller the `allow` of a service admits.
//!
//! A permission admits requests by caller, method and path. One permission must admit a request alone, so
//! a set of requests counts as admitted in full when a single permission covers it.

use weft_snapshot::plan::{PathPattern, PathRewrite, RewritePart, Segment};
use weft_space::languages::Languages;
use weft_space::path::Relation;
use weft_spec::Spanned;
use weft_spec::units::Method;

use super::{Allow, Callers, Service};

/// How much of what a caller asks for is admitted.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Admission {
    /// Nothing: the caller is in no permission.
    NoCaller,
    /// Nothing: permissions for the caller admit other requests.
    Never,
    /// A part.
    Partly,
    /// Everything.
    Fully,
}

/// What is admitted of requests by all of `callers` with these methods (empty: no statement) and paths.
pub fn admission(
    service: &Service,
    callers: Callers,
    methods: &[Spanned<Method>],
    path: &PathPattern,
    languages: &mut Languages,
) -> Admission {
    let allows = service.allow.iter().filter(|allow| allow.names(callers));
    let allows: Vec<&Allow> = allows.collect();
    if allows.is_empty() {
        return Admission::NoCaller;
    }
    if methods.is_empty() {
        return one_method(&allows, None, path, languages);
    }
    let admissions: Vec<Admission> = methods
        .iter()
        .map(|method| one_method(&allows, Some(&method.value), path, languages))
        .collect();
    let all = |wanted| admissions.iter().all(|admission| *admission == wanted);
    if all(Admission::Fully) {
        Admission::Fully
    } else if all(Admission::Never) {
        Admission::Never
    } else {
        Admission::Partly
    }
}

fn one_method(
    allows: &[&Allow],
    method: Option<&Method>,
    path: &PathPattern,
    languages: &mut Languages,
) -> Admission {
    let mut best = Admission::Never;
    for allow in allows {
        let admits_method = match method {
            None => true,
            Some(method) => {
                allow.methods.is_empty() || allow.methods.iter().any(|one| one.value == *method)
            }
        };
        if !admits_method {
            continue;
        }
        let admitted = match languages.relate_paths(path, &allow.path.value).relation {
            Relation::Disjoint => Admission::Never,
            Relation::Equal | Relation::Narrower => Admission::Fully,
            Relation::Wider | Relation::Overlapping => Admission::Partly,
        };
        best = best.max(admitted);
    }
    best
}

/// The paths that a rewrite makes of the paths of a pattern.
pub fn rewritten(pattern: &PathPattern, rewrite: &PathRewrite) -> PathPattern {
    let old = |index: u32| match pattern {
        PathPattern::Segments { segments, .. } => usize::try_from(index)
            .ok()
            .and_then(|index| segments.get(index))
            .cloned(),
        PathPattern::Regex { .. } => None,
    };
    let segments = rewrite.parts.iter().map(|part| match part {
        RewritePart::Literal { text } => Segment::Literal { text: text.clone() },
        RewritePart::Segment { index } => old(*index).unwrap_or(Segment::Any {
            name: format!("segment-{index}"),
        }),
    });
    PathPattern::Segments {
        segments: segments.collect(),
        rest: rewrite.rest_from.is_some(),
    }
}
