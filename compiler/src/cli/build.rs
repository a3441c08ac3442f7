//! `weft build`: from a spec to a snapshot.

use std::path::{Path, PathBuf};

use serde::Serialize;
use weft_snapshot::layout::Bundle;
use weft_spec::units::Date;

use crate::Surroundings;
use crate::diagnostic::{Diagnostic, Format, Severity};
use crate::parse::Values;
use crate::source::Sources;

use super::load::Loaded;
use super::store::{self, Published};
use super::{Context, Verdict, load, output};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The spec: a folder or a file.
    #[arg(default_value = ".")]
    spec: PathBuf,
    /// Where the snapshot is written, as an OCI image layout.
    #[arg(short, long, value_name = "DIST")]
    output: PathBuf,
    /// The number of this snapshot; that in DIST plus one when something changed, by default.
    #[arg(long, value_name = "N")]
    generation: Option<u64>,
    /// The day on which the spec is checked, in UTC; no clock is asked, and without a day nothing is said
    /// about what expires. The snapshot does not depend on it.
    #[arg(long, value_name = "DATE")]
    now: Option<Date>,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let Loaded {
        sources,
        values,
        found,
    } = load::spec(&arguments.spec, &context.values)?;
    let surroundings = Surroundings {
        today: arguments.now,
        snapshots: Some(super::frozen::snapshots(context, &arguments.spec)),
        ..Surroundings::default()
    };
    let (bundle, found) = compile((&sources, &values), &surroundings, found);
    let verdict = output::findings(context, &found, &sources)?;
    let Some(bundle) = bundle else {
        return Ok(Verdict::Rejected);
    };
    let published = store::publish(&arguments.output, &bundle, arguments.generation)?;
    show(context, &arguments.output, &published)?;
    Ok(verdict)
}

/// Compiles unless the values are wrong already.
pub(super) fn compile(
    (sources, values): (&Sources, &Values),
    surroundings: &Surroundings,
    mut found: Vec<Diagnostic>,
) -> (Option<Bundle>, Vec<Diagnostic>) {
    if found.iter().any(|found| found.severity == Severity::Error) {
        return (None, found);
    }
    let (bundle, more) = crate::compile(sources, values, surroundings);
    found.extend(more);
    (bundle, found)
}

/// Prints what was written.
pub(super) fn show(context: &Context, dist: &Path, published: &Published) -> anyhow::Result<()> {
    match context.format {
        Format::Human => output::people(&text(dist, published)),
        Format::Json => output::result(&json(published)?),
        // These are formats of findings; what was written is no finding.
        Format::Sarif | Format::Github => Ok(()),
    }
}

fn text(dist: &Path, published: &Published) -> String {
    let nodes = &published.manifest.nodes;
    let width = nodes.keys().map(String::len).max().unwrap_or_default();
    let mut lines: Vec<String> = nodes
        .iter()
        .map(|(node, slice)| {
            let digest: String = slice.digest.hex().chars().take(12).collect();
            let size = output::size(slice.size);
            let is_changed = published.is_changed(node);
            let state = if is_changed { "changed" } else { "unchanged" };
            format!("{node:width$}  {digest}  {size:>10}  {state}\n")
        })
        .collect();
    let previous = published.previous.as_ref();
    let before = previous.map(|stored| stored.index.generation);
    let is_new = before != Some(published.generation);
    let state = if is_new { "" } else { ", unchanged" };
    let (generation, dist) = (published.generation, dist.display());
    lines.push(format!("generation {generation} in {dist}{state}\n"));
    lines.concat()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    generation: u64,
    nodes: Vec<NodeLine<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeLine<'a> {
    node: &'a str,
    digest: String,
    size: u64,
    changed: bool,
}

fn json(published: &Published) -> anyhow::Result<String> {
    let nodes = published
        .manifest
        .nodes
        .iter()
        .map(|(node, slice)| NodeLine {
            node,
            digest: slice.digest.to_string(),
            size: slice.size,
            changed: published.is_changed(node),
        });
    let summary = Summary {
        generation: published.generation,
        nodes: nodes.collect(),
    };
    Ok(format!("{}\n", serde_json::to_string(&summary)?))
}
