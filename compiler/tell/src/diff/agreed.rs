//! Paths of which two rewrites make the same, so that nothing changes for them although the rules differ.
//!
//! A comparison of tables tells outcomes apart by number, whatever the path. Where it shows a path that both rules send on as
//! the same one, the rules are taken apart: before each, one for the paths about which they agree, with a number of its own.
//! All rules with either outcome are, so that a number still means one thing.

use std::collections::{BTreeMap, BTreeSet};

use weft_snapshot::plan::{PathPattern, PathRewrite, RewritePart, Segment};
use weft_space::languages::Languages;
use weft_space::preimage::preimage;
use weft_space::{Difference, Entry, Region, takes_path};

use super::pairs::Pair;
use crate::both::Both;

/// So many patterns take the rules of a host apart; what they leave is told as a change.
const MOST: usize = 32;

/// Paths for which two outcomes are one.
#[derive(Debug)]
pub(super) struct Agreed {
    pattern: PathPattern,
    outcomes: Both<u32>,
}

/// The agreements about pairs of outcomes, as far as they are looked at.
pub(super) fn all(found: BTreeMap<Both<u32>, Vec<PathPattern>>) -> Vec<Agreed> {
    let found = found.into_iter().flat_map(|(outcomes, patterns)| {
        let patterns = patterns.into_iter();
        patterns.map(move |pattern| Agreed { pattern, outcomes })
    });
    found.take(MOST).collect()
}

/// Whether a request of a region is sent on with one path by both rules, which are the same in everything else.
pub(super) fn shows_nothing(region: &Region, rewrites: Pair<&PathRewrite>) -> bool {
    let is_one = |path: &str| {
        let made = rewrites.map(|new| new.map_or(path.to_owned(), |new| new.apply(path)));
        made.old == made.new
    };
    let is_told = region.old_refusal.is_none() && region.new_refusal.is_none();
    let mut cells = region.cells.iter();
    is_told && cells.any(|cell| is_one(&cell.witness.path))
}

/// Paths that a rule takes, with the number of what becomes of them.
type Piece = (PathPattern, u32);

/// The parts of the rules of both sides about which an agreement is.
#[derive(Debug)]
pub(super) struct Refined {
    /// For each side, for each of its rules.
    pieces: Both<Vec<Vec<Piece>>>,
}

impl Refined {
    /// Takes rules apart; nothing where there is nothing to be taken apart, or where a rule cannot be.
    pub(super) fn both(tables: Both<&Difference<'_>>, agreed: &[Agreed]) -> Option<Self> {
        if agreed.is_empty() {
            return None;
        }
        let numbers = tables.into_iter().flat_map(|table| &table.actions).copied();
        let fresh = numbers.max()?.checked_add(1)?;
        let side = |table: &Difference<'_>| -> Option<Vec<Vec<Piece>>> {
            let rules = table.entries.iter().zip(&table.actions);
            rules
                .map(|(entry, action)| pieces(entry.path, *action, agreed, fresh))
                .collect()
        };
        Some(Self {
            pieces: tables.map(side).present()?,
        })
    }

    /// Both sides with their rules taken apart.
    pub(super) fn tables<'run>(
        &'run self,
        whole: Both<&Difference<'run>>,
    ) -> Both<Difference<'run>> {
        let sides = whole.zip(self.pieces.as_ref());
        sides.map(|(whole, pieces)| parted(whole, pieces))
    }

    /// The regions of such tables by the rules as they were.
    pub(super) fn put_back(&self, regions: Vec<Region>) -> Vec<Region> {
        let Both { old, new } = self.pieces.as_ref().map(|pieces| positions(pieces));
        let mut found = regions;
        for region in &mut found {
            let whole = |at: Option<usize>, (positions, parted): &(Vec<usize>, BTreeSet<usize>)| {
                let at = at.and_then(|at| positions.get(at).copied());
                (at, at.is_some_and(|at| !parted.contains(&at)))
            };
            let ((old, is_all_of_old), (new, is_all_of_new)) =
                (whole(region.old, &old), whole(region.new, &new));
            (region.old, region.new) = (old, new);
            region.is_all_of_old &= is_all_of_old;
            region.is_all_of_new &= is_all_of_new;
        }
        found
    }
}

/// A table with before each rule its pieces.
fn parted<'run>(whole: &Difference<'run>, pieces: &'run [Vec<Piece>]) -> Difference<'run> {
    let mut table = Difference {
        entries: Vec::new(),
        actions: Vec::new(),
    };
    for ((entry, action), pieces) in whole.entries.iter().zip(&whole.actions).zip(pieces) {
        for (path, action) in pieces {
            let conditions = entry.conditions.clone();
            table.entries.push(Entry { path, conditions });
            table.actions.push(*action);
        }
        table.entries.push(entry.clone());
        table.actions.push(*action);
    }
    table
}

/// The rule of each entry, and the rules that were taken apart.
fn positions(pieces: &[Vec<Piece>]) -> (Vec<usize>, BTreeSet<usize>) {
    let rules = pieces.iter().enumerate();
    let rules = rules.flat_map(|(at, pieces)| std::iter::repeat_n(at, pieces.len() + 1));
    let parted = pieces.iter().enumerate();
    let parted = parted.filter(|(_, pieces)| !pieces.is_empty());
    (rules.collect(), parted.map(|(at, _)| at).collect())
}

/// The parts of a rule with this outcome; nothing where some are no pattern.
fn pieces(path: &PathPattern, action: u32, agreed: &[Agreed], fresh: u32) -> Option<Vec<Piece>> {
    let mut found = Vec::new();
    for (one, number) in agreed.iter().zip(fresh..) {
        if one.outcomes.into_iter().any(|outcome| outcome == action) {
            let common = common(path, &one.pattern)?.into_iter();
            found.extend(common.map(|path| (path, number)));
        }
    }
    Some(found)
}

/// The paths of two patterns; nothing where they are none.
fn common(path: &PathPattern, other: &PathPattern) -> Option<Vec<PathPattern>> {
    let (segments, rest) = match (path, other) {
        (PathPattern::Segments { segments, rest }, _) => (segments, rest),
        (
            PathPattern::Regex { .. },
            PathPattern::Segments {
                segments,
                rest: false,
            },
        ) => {
            let text = |segment: &Segment| match segment {
                Segment::Literal { text } => Some(format!("/{text}")),
                Segment::Any { .. } => None,
            };
            let one: String = segments.iter().map(text).collect::<Option<_>>()?;
            let has = takes_path(path, &one, &mut Languages::default());
            return Some(has.then(|| other.clone()).into_iter().collect());
        }
        (PathPattern::Regex { .. }, _) => return None,
    };
    let count = u32::try_from(segments.len()).ok()?;
    let same = PathRewrite {
        parts: (0..count)
            .map(|index| RewritePart::Segment { index })
            .collect(),
        rest_from: rest.then_some(count),
    };
    preimage(path, &same, other)
}

#[cfg(test)]
mod tests {
    use crate::diff::tests::reported;

    const SPEC: &str = r#"
    mesh: {name: shop, trustDomain: shop.example, mtls: disabled, defaults: {timeout: {request: 15s}}}
    services: {s: {protocol: http, endpoints: ["127.0.0.1:1"]}}
    gateways: {g: {listeners: {w: {port: 80, protocol: http}}}}
    routes: {r: {on: g/w, host: "*", rules: [RULE]}}
    "#;

    /// The paths that a change of the rule of a host is shown with.
    fn shown(old: &str, new: &str) -> Vec<String> {
        let spec = |rule: &str| SPEC.replace("RULE", rule);
        let found = reported(&spec(old), &spec(new));
        let shown = found.statements.iter().map(|one| {
            let witness = one.witness.as_ref().map(|shown| shown.request.clone());
            format!("{} {}", witness.unwrap_or_default(), one.is_whole)
        });
        shown.collect()
    }

    #[test]
    fn a_path_that_both_send_on_as_one_is_no_change() {
        let none: [&str; 0] = [];
        // `/` becomes `/` with and without the rewrite.
        let changed = shown("{rewrite: {path: /}, to: s}", "{to: s}");
        let [only] = changed.as_slice() else {
            panic!("{changed:?}");
        };
        assert!(!only.starts_with("GET http://x.example/ "), "{only}");
        assert_eq!(
            shown(
                "{path: /, rewrite: {path: /}, to: s}",
                "{path: /, rewrite: {host: x.test, path: /}, to: s}"
            )
            .len(),
            1
        );
        // Only what is not below `/a` is another path now.
        let parted = shown(
            "{path: '/{x}/**', rewrite: {path: '/a/**'}, to: s}",
            "{path: '/{x}/**', to: s}",
        );
        let [only] = parted.as_slice() else {
            panic!("{parted:?}");
        };
        assert!(!only.contains("example/a"), "{only}");
        assert_eq!(
            shown(
                "{path: /a/**, rewrite: {path: '/a/**'}, to: s}, {path: '/{x}/**', to: s}",
                "{path: '/{x}/**', to: s}"
            ),
            none
        );
        assert_eq!(
            shown(
                "{path: /a/b, to: s}, {path: '/{x}/**', rewrite: {path: '/a/**'}, to: s}",
                "{path: '/{x}/**', rewrite: {path: '/a/**'}, to: s}"
            ),
            none
        );
        // The same for what redirects say.
        let moved = shown(
            "{redirect: {host: x.test, port: 8443, path: /}}",
            "{redirect: {host: x.test, port: 8443}}",
        );
        assert!(!moved[0].starts_with("GET http://x.example/ "), "{moved:?}");
    }
}
