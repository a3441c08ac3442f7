//! Tests of all requests of a region.

use weft_check::assertions::region::{Taker, takers};
use weft_check::rules::Facts;
use weft_front::model::assertion::Region;
use weft_front::model::test::Expect;

use super::facets::Facets;

/// What is not as expected for some request of a region.
pub(super) fn failures(facts: &Facts<'_>, region: &Region, expect: &Expect) -> Vec<String> {
    if expect.is_empty() {
        return Vec::new();
    }
    let takers = match takers(facts, region) {
        Ok(takers) if takers.is_empty() => return vec!["its region has no request".to_owned()],
        Ok(takers) => takers,
        Err(unknown) => return vec![format!("unknown: {unknown}")],
    };
    let wrong = |taker: &Taker<'_>| {
        let found = Facets::of_rule(facts.mesh, taker.rule);
        let broken = found.broken(expect).into_iter().next()?;
        let shown = taker
            .counterexample(String::new(), weft_spec::Span::NONE)
            .shown;
        Some(format!("{broken}, shown by: {}", shown.unwrap_or_default()))
    };
    takers.iter().find_map(wrong).into_iter().collect()
}
