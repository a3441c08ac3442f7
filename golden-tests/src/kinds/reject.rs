//! `reject`, `warn` and `info`: what the compiler says about a spec, to the letter.

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
    if compiled.text.is_empty() {
        bail!("accepted without a warning");
    }
    expectation::is_as_in(&case.path.join(EXPECTED), &compiled.text)
}

/// The spec has remarks, and the text of all findings is the expected one.
pub(super) fn is_remarked_on(case: &Case) -> anyhow::Result<()> {
    let compiled = case.spec().compile()?;
    if compiled.with_remarks == compiled.text {
        bail!("accepted without a remark");
    }
    expectation::is_as_in(&case.path.join(EXPECTED), &compiled.with_remarks)
}
