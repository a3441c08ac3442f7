//! Which paths a rewrite turns into those of a pattern.
//!
//! Policies of a service are about paths that arrive, rules of a gateway about paths that are asked for; to hold one against
//! the other, patterns of the first are taken back to the second. A new path keeps segments or replaces them,
//! so what is taken back is a pattern again, or two.

use weft_snapshot::plan::{PathPattern, PathRewrite, RewritePart, Segment};

/// The paths of `asked` that become paths of `arriving`: none, one pattern, or two that share nothing. Nothing at all where
/// they are no patterns, because `arriving` is an expression and the new path has parts of the old one.
pub fn preimage(
    asked: &PathPattern,
    rewrite: &PathRewrite,
    arriving: &PathPattern,
) -> Option<Vec<PathPattern>> {
    let (segments, rest) = match arriving {
        PathPattern::Segments { segments, rest } => (segments.as_slice(), *rest),
        PathPattern::Regex { .. } => return None,
    };
    let (old, old_rest): (&[Segment], bool) = match asked {
        PathPattern::Segments { segments, rest } => (segments, *rest),
        PathPattern::Regex { .. } => (&[], false),
    };
    // The rest of a new path begins where the pattern ends; nothing else is written by the compiler.
    let keeps_rest = match rewrite.rest_from {
        Some(from) if usize::try_from(from) == Ok(old.len()) && old_rest => true,
        Some(_) => return None,
        None => false,
    };
    let Some(mut kept) = constrained(old, &rewrite.parts, segments) else {
        return Some(Vec::new());
    };
    let pattern = |segments: Vec<Segment>, rest: bool| match asked {
        PathPattern::Segments { .. } => PathPattern::Segments { segments, rest },
        // All its paths become one.
        PathPattern::Regex { .. } => asked.clone(),
    };
    let new = rewrite.parts.len();
    if !keeps_rest {
        let fits = segments.len() == new || (segments.len() < new && rest);
        return Some(fits.then(|| pattern(kept, old_rest)).into_iter().collect());
    }
    if segments.len() <= new {
        let fits = rest || segments.len() == new;
        return Some(fits.then(|| pattern(kept, rest)).into_iter().collect());
    }
    let below = segments.get(new..).unwrap_or_default();
    let mut found = Vec::new();
    if new == 0 && is_root(below) && !rest {
        // Where nothing is left of a path, it becomes `/`.
        found.push(pattern(kept.clone(), false));
    }
    kept.extend_from_slice(below);
    found.push(pattern(kept, rest));
    Some(found)
}

/// The old segments where the new ones have to be like others; none if they cannot be.
fn constrained(old: &[Segment], parts: &[RewritePart], wanted: &[Segment]) -> Option<Vec<Segment>> {
    let mut kept = old.to_vec();
    for (part, wanted) in parts.iter().zip(wanted) {
        match (part, wanted) {
            (RewritePart::Literal { text }, Segment::Literal { text: wanted }) => {
                (text == wanted).then_some(())?;
            }
            (RewritePart::Literal { text }, Segment::Any { .. }) => {
                (!text.is_empty()).then_some(())?;
            }
            (RewritePart::Segment { .. }, Segment::Any { .. }) => {}
            (RewritePart::Segment { index }, Segment::Literal { text: wanted }) => {
                let kept = kept.get_mut(usize::try_from(*index).ok()?)?;
                let fits = match kept {
                    Segment::Literal { text } => text == wanted,
                    // A free segment is never empty.
                    Segment::Any { .. } => !wanted.is_empty(),
                };
                fits.then_some(())?;
                *kept = Segment::Literal {
                    text: wanted.clone(),
                };
            }
        }
    }
    Some(kept)
}

fn is_root(segments: &[Segment]) -> bool {
    matches!(segments, [Segment::Literal { text }] if text.is_empty())
}

#[cfg(test)]
mod tests {
    use weft_testing::{Random, rounds};

    use super::preimage;
    use crate::path::{parse, written};
    use crate::rewrite::rewrite;
    use crate::takes_path;

    fn taken_back(asked: &str, new: &str, arriving: &str) -> Vec<String> {
        let asked = parse(asked).unwrap();
        let new = rewrite(new, &asked).unwrap();
        let found = preimage(&asked, &new, &parse(arriving).unwrap()).unwrap();
        found.iter().map(written).collect()
    }

    #[test]
    fn patterns_are_taken_back_segment_by_segment() {
        assert_eq!(taken_back("/v1/**", "/x/**", "/x/a/**"), ["/v1/a/**"]);
        assert_eq!(taken_back("/v1/**", "/x/**", "/**"), ["/v1/**"]);
        assert_eq!(taken_back("/v1/**", "/x/**", "/x"), ["/v1"]);
        assert!(taken_back("/v1/**", "/x/**", "/y/**").is_empty());
        assert_eq!(taken_back("/v1/**", "/**", "/"), ["/v1", "/v1/"]);
        assert_eq!(taken_back("/{a}/{b}", "/{b}/{a}", "/x/{c}"), ["/{a}/x"]);
        assert!(taken_back("/{a}", "/{a}/{a}", "/x/y").is_empty());
        assert_eq!(taken_back("/{a}", "/{a}/{a}", "/x/x"), ["/x"]);
        assert_eq!(taken_back("/{a}/**", "/n", "/n/**"), ["/{a}/**"]);
    }

    #[test]
    fn a_path_is_in_it_if_its_new_path_is_in_the_pattern() {
        let asked = [
            "/a/**",
            "/{x}/**",
            "/a/{x}",
            "/{x}/{y}",
            "/**",
            "/a/",
            "/{x}/b/**",
        ];
        let new = [
            "/**",
            "/n/**",
            "/{x}/n",
            "/n",
            "/{y}/{x}",
            "/",
            "/{x}/{x}/**",
            "/n/",
        ];
        let arriving = [
            "/",
            "/**",
            "/n",
            "/n/**",
            "/n/{z}",
            "/{z}/n",
            "/a/b",
            "/a/",
            "/{z}",
            "/{z}/{z}/**",
        ];
        let mut languages = crate::languages::Languages::default();
        let mut compared = 0;
        for seed in 0..rounds(4_000) {
            let mut random = Random::new(u64::from(seed));
            let pattern = parse(random.pick(&asked)).unwrap();
            let wanted = crate::path::parse_repeating(random.pick(&arriving)).unwrap();
            let Ok(rewrite) = rewrite(random.pick(&new), &pattern) else {
                continue;
            };
            let found = preimage(&pattern, &rewrite, &wanted).unwrap();
            for _ in 0..20 {
                let mut path = String::new();
                for _ in 0..=random.below(3) {
                    path.push('/');
                    path.push_str(random.pick(&["a", "b", "n"]));
                }
                if random.one_in(4) {
                    path.push('/');
                }
                if !takes_path(&pattern, &path, &mut languages) {
                    continue;
                }
                let is_found = found
                    .iter()
                    .filter(|one| takes_path(one, &path, &mut languages))
                    .count();
                let is_wanted = takes_path(&wanted, &rewrite.apply(&path), &mut languages);
                assert_eq!(is_found, usize::from(is_wanted), "{seed}: {path}");
                compared += 1;
            }
        }
        assert!(10_000 < compared, "{compared}");
    }
}
