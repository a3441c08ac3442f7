//! For which paths two rewrites make the same.
//!
//! A rewrite to `/` changes nothing about `/`, one of `/{x}/**` to `/a/**` nothing below `/a`. What two rewrites agree about is
//! a pattern as long as no two parts of the old path have to be alike; that is left out, so what is given here is
//! true, and may be less than all.

use weft_snapshot::plan::{PathPattern, PathRewrite, RewritePart, Segment};

/// A rewrite for old paths of any number of segments, or of one.
struct Aligned {
    parts: Vec<RewritePart>,
    rest_from: Option<usize>,
    segments: Option<usize>,
}

/// Patterns of paths of which two rewrites make the same, where they can be applied at all; none stands for no rewrite.
pub fn agreement(one: Option<&PathRewrite>, other: Option<&PathRewrite>) -> Vec<PathPattern> {
    let (ones, others) = (shapes(one), shapes(other));
    let pairs = ones.iter();
    let pairs = pairs.flat_map(|one| others.iter().map(move |other| (one, other)));
    pairs.filter_map(|(one, other)| meet(one, other)).collect()
}

fn shapes(rewrite: Option<&PathRewrite>) -> Vec<Aligned> {
    let (parts, rest_from) = match rewrite {
        None => (Vec::new(), Some(0)),
        Some(PathRewrite { parts, rest_from }) => {
            let from = rest_from.and_then(|from| usize::try_from(from).ok());
            (parts.clone(), from)
        }
    };
    let root = rest_from.filter(|from| parts.is_empty() && 0 < *from);
    // Where nothing is left of a path, it becomes `/`.
    let root = root.map(|from| Aligned {
        parts: vec![RewritePart::Literal {
            text: String::new(),
        }],
        rest_from: None,
        segments: Some(from),
    });
    let general = Aligned {
        parts,
        rest_from,
        segments: None,
    };
    [general].into_iter().chain(root).collect()
}

impl Aligned {
    fn part(&self, at: usize) -> Option<RewritePart> {
        if let Some(part) = self.parts.get(at) {
            return Some(part.clone());
        }
        let index = self.rest_from? + at - self.parts.len();
        let index = u32::try_from(index).ok()?;
        Some(RewritePart::Segment { index })
    }

    /// The number of segments of an old path whose new one has so many.
    fn segments_for(&self, length: usize) -> Option<usize> {
        (length + self.rest_from?).checked_sub(self.parts.len())
    }

    /// The number of segments of the new path of an old one.
    fn length_of(&self, segments: usize) -> Option<usize> {
        match self.rest_from {
            None => Some(self.parts.len()),
            Some(from) => Some(self.parts.len() + segments.checked_sub(from)?),
        }
    }
}

/// How many segments the old path has, none where that is open, and how many of the new ones have to be compared.
fn lengths(one: &Aligned, other: &Aligned) -> Option<(Option<usize>, usize)> {
    let fixed = match (one.rest_from, other.rest_from) {
        (Some(_), None) => Some(one.segments_for(other.parts.len())?),
        (None, Some(_)) => Some(other.segments_for(one.parts.len())?),
        (Some(_), Some(_)) | (None, None) => None,
    };
    let mut known = [fixed, one.segments, other.segments].into_iter().flatten();
    if let Some(segments) = known.next() {
        let length = one.length_of(segments)?;
        let is_one = known.all(|other| other == segments);
        let is_alike = is_one && other.length_of(segments) == Some(length);
        return is_alike.then_some((Some(segments), length));
    }
    let (left, right) = (one.parts.len(), other.parts.len());
    let from = |shape: &Aligned| shape.rest_from.unwrap_or_default();
    (from(one) + right == from(other) + left).then_some((None, left.max(right)))
}

fn meet(one: &Aligned, other: &Aligned) -> Option<PathPattern> {
    let (count, length) = lengths(one, other)?;
    let mut texts: Vec<Option<String>> = vec![None; count.unwrap_or_default()];
    for at in 0..length {
        let (index, text) = match (one.part(at)?, other.part(at)?) {
            (RewritePart::Literal { text }, RewritePart::Literal { text: other }) => {
                (text == other).then_some(())?;
                continue;
            }
            (RewritePart::Segment { index }, RewritePart::Segment { index: other }) => {
                // Two segments that have to be alike are no pattern.
                (index == other).then_some(())?;
                continue;
            }
            (RewritePart::Segment { index }, RewritePart::Literal { text })
            | (RewritePart::Literal { text }, RewritePart::Segment { index }) => (index, text),
        };
        let index = usize::try_from(index).ok()?;
        if count.is_none() && texts.len() <= index {
            texts.resize(index + 1, None);
        }
        let known = texts.get_mut(index)?;
        known
            .as_ref()
            .is_none_or(|known| *known == text)
            .then_some(())?;
        *known = Some(text);
    }
    let segments = texts.into_iter().enumerate();
    let segments = segments.map(|(at, text)| match text {
        Some(text) => Segment::Literal { text },
        None => Segment::Any {
            name: format!("s{at}"),
        },
    });
    Some(PathPattern::Segments {
        segments: segments.collect(),
        rest: count.is_none(),
    })
}

#[cfg(test)]
mod tests {
    use weft_snapshot::plan::PathRewrite;
    use weft_testing::{Random, rounds};

    use super::agreement;
    use crate::languages::Languages;
    use crate::path::{parse, written};
    use crate::rewrite::rewrite;
    use crate::takes_path;

    fn agreed(pattern: &str, one: &str, other: &str) -> Vec<String> {
        let pattern = parse(pattern).unwrap();
        let new = |text: &str| (text != "-").then(|| rewrite(text, &pattern).unwrap());
        let found = agreement(new(one).as_ref(), new(other).as_ref());
        found.iter().map(written).collect()
    }

    #[test]
    fn what_both_make_the_same_is_a_pattern() {
        assert_eq!(agreed("/**", "/", "-"), ["/"]);
        assert_eq!(agreed("/{x}/**", "/a/**", "-"), ["/a/**"]);
        assert_eq!(agreed("/a/**", "/**", "/"), ["/{s0}/", "/{s0}"]);
        assert_eq!(agreed("/{x}/{y}", "/a/{y}", "/{x}/b"), ["/a/b/**"]);
        assert_eq!(agreed("/{x}/**", "/x/a/**", "-"), [""; 0]);
        assert_eq!(agreed("/{x}/{y}", "/{y}/{x}", "-"), [""; 0]);
        assert_eq!(agreed("/a", "/b", "/c"), [""; 0]);
    }

    #[test]
    fn a_path_that_is_in_it_becomes_the_same() {
        let patterns = ["/**", "/{x}/**", "/{x}/{y}", "/a/{x}", "/a/**", "/{x}/b/**"];
        let news = [
            "-",
            "-",
            "/**",
            "/",
            "/a",
            "/a/**",
            "/{x}",
            "/{x}/**",
            "/{x}/b",
            "/{y}/{x}",
            "/b/{x}/**",
        ];
        let mut languages = Languages::default();
        let apply = |new: Option<&PathRewrite>, path: &str| match new {
            Some(new) => new.apply(path),
            None => path.to_owned(),
        };
        let (mut alike, mut found_alike) = (0, 0);
        for seed in 0..rounds(4_000) {
            let mut random = Random::new(u64::from(seed));
            let pattern = parse(random.pick(&patterns)).unwrap();
            let mut new = || match random.pick(&news) {
                "-" => Some(None),
                text => rewrite(text, &pattern).ok().map(Some),
            };
            let (Some(one), Some(other)) = (new(), new()) else {
                continue;
            };
            let agreed = agreement(one.as_ref(), other.as_ref());
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
                let is_alike = apply(one.as_ref(), &path) == apply(other.as_ref(), &path);
                let is_found = agreed
                    .iter()
                    .any(|one| takes_path(one, &path, &mut languages));
                assert!(
                    is_alike || !is_found,
                    "{seed}: {path} {one:?} {other:?} {agreed:?}"
                );
                alike += u32::from(is_alike);
                found_alike += u32::from(is_found);
            }
        }
        // Only what asks for two segments alike is left out.
        assert!(
            1_000 < found_alike && alike < found_alike * 11 / 10,
            "{found_alike} of {alike}"
        );
    }
}
