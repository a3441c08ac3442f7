//! `reject` and `warn`: what the compiler says about a spec, to the letter.

use anyhow::bail;

use crate::expectation;
use crate::folder::Case;

const EXPECTED: &str = "expected.txt";

/// The spec has errors, and the text is the expected one.
pub(super) fn is_rejected(case: &Case) -> anyhow::Result<()> {
    let compiled = case.spec().compile()?;
    if compiled.bundle.is_some() {
        bail!("accepted\n{}", compiled.text);
    }
    expectation::is_as_in(&case.path.join(EXPECTED), &compiled.text)
}

/// The spec has no errors, but findings, and the text is the expected one.
pub(super) fn is_accepted_with_warnings(case: &Case) -> anyhow::Result<()> {
    let compiled = case.spec().compile()?;
    if compiled.bundle.is_none() {
        bail!("rejected\n{}", compiled.text);
    }
    if compiled.found.is_empty() {
        bail!("accepted without a warning");
    }
    expectation::is_as_in(&case.path.join(EXPECTED), &compiled.text)
}
