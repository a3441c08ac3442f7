//! The path of a client that was redirected, as a rewrite of the path that it asked for first.

use weft_snapshot::plan::{PathPattern, PathRewrite, RewritePart};
use weft_space::languages::Languages;
use weft_space::preimage::preimage;

/// A path by the one that was asked for first.
#[derive(Clone, Debug)]
pub(super) enum PathNow {
    /// The same.
    Asked,
    /// A rewrite of those of a pattern.
    New {
        pattern: PathPattern,
        rewrite: PathRewrite,
    },
}

impl PathNow {
    /// The paths that were asked for and are now those of a pattern, each with what they are now. None where that is no pattern.
    pub(super) fn within(
        &self,
        wanted: &PathPattern,
        languages: &mut Languages,
    ) -> Option<Vec<(PathPattern, Self)>> {
        let (pattern, rewrite) = match self {
            Self::Asked => return Some(vec![(wanted.clone(), Self::Asked)]),
            Self::New { pattern, rewrite } => (pattern, rewrite),
        };
        if let PathPattern::Regex { regex } = wanted {
            let has = languages.matches(regex, rewrite.constant()?.as_bytes());
            let all = || (pattern.clone(), self.clone());
            return Some(has.then(all).into_iter().collect());
        }
        let found = preimage(pattern, rewrite, wanted)?.into_iter();
        Some(
            found
                .map(|asked| (asked.clone(), refined(pattern, rewrite, asked)))
                .collect(),
        )
    }

    /// The only path that it can be.
    pub(super) fn constant(&self) -> Option<String> {
        match self {
            Self::Asked => None,
            Self::New { rewrite, .. } => rewrite.constant(),
        }
    }

    /// What becomes of it, a path of `pattern`, by a redirect there.
    pub(super) fn redirected(self, pattern: &PathPattern, new: PathRewrite) -> Option<Self> {
        let (asked, now) = match self {
            Self::Asked => {
                let pattern = pattern.clone();
                return Some(Self::New {
                    pattern,
                    rewrite: new,
                });
            }
            Self::New { pattern, rewrite } => (pattern, rewrite),
        };
        let part = |part: &RewritePart| match part {
            RewritePart::Literal { .. } => Some(part.clone()),
            RewritePart::Segment { index } => now.parts.get(usize::try_from(*index).ok()?).cloned(),
        };
        let mut parts: Vec<RewritePart> = new.parts.iter().map(part).collect::<Option<_>>()?;
        let mut rest_from = None;
        if let Some(from) = new.rest_from {
            let kept = now.parts.get(usize::try_from(from).ok()?..)?;
            parts.extend_from_slice(kept);
            rest_from = now.rest_from;
        }
        Some(Self::New {
            pattern: asked,
            rewrite: PathRewrite { parts, rest_from },
        })
    }
}

/// The same rewrite for fewer paths: segments that are told apart now are parts of their own.
fn refined(pattern: &PathPattern, rewrite: &PathRewrite, asked: PathPattern) -> PathNow {
    let mut rewrite = rewrite.clone();
    if let (
        PathPattern::Segments { segments: old, .. },
        PathPattern::Segments { segments, rest },
        Some(_),
    ) = (pattern, &asked, rewrite.rest_from)
    {
        let position = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let added = (old.len()..segments.len()).map(|at| RewritePart::Segment {
            index: position(at),
        });
        rewrite.parts.extend(added);
        rewrite.rest_from = rest.then(|| position(segments.len()));
    }
    PathNow::New {
        pattern: asked,
        rewrite,
    }
}
