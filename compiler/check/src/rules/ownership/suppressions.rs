//! Marks the findings that are accepted, and reports the suppressions that accept nothing.
//!
//! It runs behind all rules, because it looks at what they found. A finding belongs to a place if it points there. Who may accept it
//! is [`super::harm`]'s matter. Errors are never accepted: what is wrong for sure is corrected.

use std::collections::{BTreeMap, BTreeSet};

use weft_front::diagnostic::{Diagnostic, Diagnostics, Severity, Suppressed};
use weft_front::model::Suppression;
use weft_front::model::owners::PlaceOwners;
use weft_front::model::suppression::{SpecPart, Subject, is_within};
use weft_spec::Span;

use super::foreign_suppression;
use super::harm::{self, Harmed};
use super::stale_suppression::CODE;
use crate::rules::facts::Facts;

/// Marks what is accepted and reports what accepts nothing.
pub(in crate::rules) fn apply(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let rejected = diagnostics.has_errors();
    // Of what is only counted nobody knows where it is.
    let is_cut = diagnostics.is_cut();
    let suppressions = &facts.mesh.suppressions;
    let mut by_code: BTreeMap<&str, Vec<(Span, usize)>> = BTreeMap::new();
    for (position, one) in suppressions.iter().enumerate() {
        if one.code.value != CODE.name && !one.grant.is_over(facts.today) {
            let regions = one.place.regions.iter();
            let regions = regions.map(|region| (*region, position));
            by_code.entry(&one.code.value).or_default().extend(regions);
        }
    }
    let by_code = by_code.into_iter();
    let by_code: BTreeMap<&str, ByPlace> = by_code
        .map(|(code, regions)| (code, ByPlace::new(regions)))
        .collect();
    let owners = PlaceOwners::new(facts.mesh);
    let mut foreign = Vec::new();
    let mut uses = vec![Use::default(); suppressions.len()];
    for finding in diagnostics.each_mut() {
        let Some(by_place) = by_code.get(finding.code.name) else {
            continue;
        };
        let places = harm::places(finding);
        let about: BTreeSet<usize> = places.flat_map(|place| by_place.holding(place)).collect();
        for position in about {
            let Some((suppression, met)) = suppressions.get(position).zip(uses.get_mut(position))
            else {
                continue;
            };
            if finding.severity == Severity::Error {
                met.meets_error = true;
                continue;
            }
            if let Err(harmed) = harm::may_accept((facts.mesh, &owners), finding, suppression) {
                // Said once, and not of a code of the platform, which is said without looking at findings.
                if !met.is_foreign && Harmed::by(finding.code.name) != Harmed::Platform {
                    let mesh = facts.mesh;
                    foreign.push(foreign_suppression::harms_others(mesh, suppression, harmed));
                }
                met.is_foreign = true;
                continue;
            }
            met.accepts = true;
            finding
                .suppressed
                .get_or_insert_with(|| accepted(facts, suppression));
        }
    }
    diagnostics.extend(foreign);
    for (one, used) in suppressions.iter().zip(&uses) {
        if one.grant.is_over(facts.today) {
            diagnostics.push(ended(one));
        } else if !used.accepts && !used.is_foreign && !rejected && !is_cut && is_known(facts, one)
        {
            diagnostics.push(accepts_nothing(one));
        } else if !used.accepts && used.meets_error {
            diagnostics.push(meets_errors(one));
        }
    }
}

/// The regions of suppressions by where they begin, so that a finding is held against few of them.
struct ByPlace {
    /// Each with the position of its suppression.
    regions: Vec<(Span, usize)>,
    /// The last byte of a region up to each position, in its file.
    ends: Vec<u32>,
}

impl ByPlace {
    fn new(mut regions: Vec<(Span, usize)>) -> Self {
        regions.sort_unstable();
        let mut furthest = None;
        let ends = regions.iter().map(|(region, _)| {
            let before = furthest.filter(|(file, _)| *file == region.file);
            let end = before.map_or(region.end, |(_, end)| region.end.max(end));
            furthest = Some((region.file, end));
            end
        });
        Self {
            ends: ends.collect(),
            regions,
        }
    }

    /// The suppressions of which a region holds something.
    fn holding(&self, span: Span) -> impl Iterator<Item = usize> {
        let key = |span: Span| (span.file, span.start);
        let behind = self
            .regions
            .partition_point(|(region, _)| key(*region) <= key(span));
        let before = self.regions.iter().zip(&self.ends).take(behind).rev();
        let before = before
            .take_while(move |((region, _), end)| region.file == span.file && span.end <= **end);
        let before = before.map(|(known, _)| known);
        before
            .filter(move |(region, _)| is_within(span, *region))
            .map(|(_, position)| *position)
    }
}

/// What a suppression met.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    accepts: bool,
    meets_error: bool,
    /// Whether it is about a finding that others have to accept.
    is_foreign: bool,
}

fn accepted(facts: &Facts<'_>, one: &Suppression) -> Suppressed {
    let grant = &one.grant;
    Suppressed {
        span: one.code.span,
        reason: grant.reason.value.clone(),
        owner: facts.mesh.owner_name(grant.owner.value).to_owned(),
        until: grant.until.value.to_string(),
    }
}

// Without a day, rules that need one are silent; without an analysis, so are those about its host. Then there might be something to
// suppress that nobody sees.
fn is_known(facts: &Facts<'_>, one: &Suppression) -> bool {
    facts.today.is_some()
        && one.code.value != CODE.name
        && crate::rules::is_code(&one.code.value)
        && facts
            .hosts()
            .iter()
            .filter(|host| concerns(facts, &one.place, host.host.host))
            .all(|host| host.analysis.is_ok())
}

fn concerns(facts: &Facts<'_>, place: &SpecPart, host: &str) -> bool {
    match &place.subject {
        Subject::Host(subject) => subject == host,
        Subject::Route(id) => facts.mesh.routes.entry(*id).host(host).is_some(),
        Subject::Service(_) | Subject::Gateway(_) => true,
    }
}

fn ended(one: &Suppression) -> Diagnostic {
    let until = &one.grant.until;
    let message = format!("this suppression ended on {}", until.value);
    Diagnostic::new(&CODE, until.span, message)
        .label(one.code.span, "shown again")
        .help("remove it, or agree on another day")
}

fn accepts_nothing(one: &Suppression) -> Diagnostic {
    let message = format!("there is no finding `{}` here to suppress", one.code.value);
    Diagnostic::new(&CODE, one.code.span, message)
        .label(one.place.span, "nothing is found here")
        .help("remove the suppression")
}

fn meets_errors(one: &Suppression) -> Diagnostic {
    let message = format!("what is found of `{}` here are errors", one.code.value);
    Diagnostic::new(&CODE, one.code.span, message)
        .label(one.place.span, "looked for here")
        .note("warnings and remarks can be suppressed, errors cannot")
        .help("correct the errors and remove the suppression")
}

#[cfg(test)]
mod tests {
    use weft_spec::{FileId, Span};

    use super::ByPlace;

    #[test]
    fn suppressions_are_found_by_the_regions_that_hold_a_finding() {
        let span = |file: u32, start: u32, end: u32| Span::new(FileId(file), start, end);
        let regions = [
            span(0, 0, 100),
            span(0, 10, 20),
            span(0, 30, 40),
            span(1, 0, 50),
            span(0, 10, 20),
        ];
        let numbered = regions.iter().copied().zip(0..).collect();
        let by_place = ByPlace::new(numbered);
        let holding = |span: Span| {
            let mut found: Vec<usize> = by_place.holding(span).collect();
            found.sort_unstable();
            found
        };
        assert_eq!(holding(span(0, 12, 20)), [0, 1, 4]);
        assert_eq!(holding(span(0, 25, 26)), [0]);
        assert_eq!(holding(span(0, 35, 41)), [0]);
        assert_eq!(holding(span(1, 0, 50)), [3]);
        assert!(holding(span(2, 0, 1)).is_empty());
        // Those that end before are not looked at.
        let many = (0..1_000)
            .map(|at| (span(0, 10 * at, 10 * at + 5), 0))
            .collect();
        assert_eq!(ByPlace::new(many).holding(span(0, 9_991, 9_992)).count(), 1);
    }
}
