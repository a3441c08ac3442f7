//! `lower`: what each node is to do, read back from the slice that it would load.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, bail};
use weft_snapshot::Slice;

use crate::expectation;
use crate::folder::Case;

/// Every slice is the expected one, and no more is expected.
pub(super) fn run(case: &Case) -> anyhow::Result<()> {
    let bundle = case.spec().compile()?.accepted()?;
    let folder = case.path.join("expected");
    let mut files = BTreeSet::new();
    for node in bundle.contents().nodes.keys() {
        let bytes = bundle.slice(node).context("a slice is missing")?;
        let plan = Slice::check(bytes.to_vec())?.plan();
        let name = format!("{}.json", node.replace('/', "."));
        let text = format!("{}\n", serde_json::to_string_pretty(&plan)?);
        expectation::is_as_in(&folder.join(&name), &text)?;
        files.insert(name);
    }
    for entry in fs::read_dir(&folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !files.contains(&name) {
            bail!("{name} is expected, but there is no such node");
        }
    }
    Ok(())
}
