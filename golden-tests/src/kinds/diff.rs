//! `diff`: what the compiler says of the step from one spec to another, in every form, to the letter.

use anyhow::Context as _;
use weft_back::snapshot::Snapshot;
use weft_back::{emit, lower};
use weft_examples::publish::Spec;
use weft_front::Surroundings;
use weft_front::parse::Values;
use weft_tell::check_spec;
use weft_tell::diff::{Side, compare_sides, github, markdown, report, sarif, text};

use crate::expectation;
use crate::folder::Case;

/// Compares the folders `old` and `new` of the case.
pub(super) fn run(case: &Case) -> anyhow::Result<()> {
    let (old, new) = (side(case, "old")?, side(case, "new")?);
    let found = report(&old, &new, &compare_sides(&old, &new));
    expectation::is_as_in(&case.path.join("expected.txt"), &text(&found))?;
    expectation::is_as_in(&case.path.join("expected.md"), &markdown(&found))?;
    expectation::is_as_in(&case.path.join("expected.sarif"), &sarif(&found))?;
    expectation::is_as_in(&case.path.join("expected.github"), &github(&found))?;
    let json = format!("{}\n", serde_json::to_string_pretty(&found)?);
    expectation::is_as_in(&case.path.join("expected.json"), &json)
}

fn side(case: &Case, name: &str) -> anyhow::Result<Side> {
    let sources = Spec::new(case.path.join(name)).sources()?;
    let (checked, found) = check_spec(&sources, &Values::default(), &Surroundings::default());
    let messages: Vec<String> = found.into_iter().map(|found| found.message).collect();
    let checked = checked.with_context(|| format!("{name} is rejected: {messages:?}"))?;
    let bundle = emit::emit(&lower::lower(&checked, &sources))?;
    let snapshot = Snapshot::of_bundle(&bundle)?;
    let spec = Some((&checked, &sources));
    Ok(Side::new(
        name.to_owned(),
        (bundle.digest(), snapshot),
        spec,
    ))
}
