//! `weft inspect`: a snapshot as JSON.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use weft_front::diagnostic::nearest;
use weft_snapshot::layout::{Descriptor, Known};
use weft_snapshot::{Slice, limits};

use super::{Verdict, output, stored};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The snapshot: the newest of a folder that `weft build` or a tool for image layouts has written, or `DIST:TAG`.
    dist: PathBuf,
    /// Print all that one node does (`gateway/public`, `service/orders`) instead of the list of nodes.
    #[arg(long)]
    node: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let dist = &arguments.dist;
    let Some(found) = stored::read(dist)? else {
        return Err(stored::none(dist));
    };
    let value = match &arguments.node {
        None => {
            let describe = |slice: &Descriptor| json!({"digest": slice.digest.to_string(), "size": slice.size});
            let nodes = found.manifest.nodes.iter();
            let nodes: serde_json::Map<_, _> = nodes
                .map(|(node, slice)| (node.clone(), describe(slice)))
                .collect();
            json!({
                "mesh": found.manifest.mesh,
                "generation": found.generation,
                "manifest": describe(&found.descriptor),
                "origins": describe(&found.manifest.origins),
                "nodes": nodes,
                "snapshots": snapshots(&found.dist)?,
            })
        }
        Some(node) => {
            let Some(slice) = found.manifest.nodes.get(node) else {
                let known = found.manifest.nodes.keys().map(String::as_str);
                match nearest(node, known) {
                    Some(near) => {
                        bail!("the snapshot has no node `{node}`; did you mean `{near}`?")
                    }
                    None => bail!("the snapshot has no node `{node}`"),
                }
            };
            let bytes = stored::blob(&found.dist, slice.digest, limits::SLICE_BYTES)?;
            let slice =
                Slice::check(bytes).with_context(|| format!("reading the slice of `{node}`"))?;
            serde_json::to_value(slice.plan())?
        }
    };
    output::result(&format!("{value:#}\n"))?;
    Ok(Verdict::Clean)
}

/// All snapshots that a folder holds, the newest first, each with its tags; behind them what cannot be read, with the reason.
fn snapshots(dist: &Path) -> anyhow::Result<Vec<Value>> {
    let Some(index) = stored::index(dist)? else {
        return Ok(Vec::new());
    };
    let mut by_manifest: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    let held = stored::all(dist, &index, &mut Known::default())?;
    for found in held.found {
        let key = (Reverse(found.generation), found.descriptor.digest);
        by_manifest.entry(key).or_default().extend(found.tags);
    }
    let all = by_manifest.into_iter();
    let all = all.map(|((generation, digest), tags)| {
        json!({"generation": generation.0, "tags": tags, "manifest": digest.to_string()})
    });
    let damaged = held.damaged.into_iter().map(|one| {
        let digest = one.descriptor.digest.to_string();
        json!({"tags": one.tags, "manifest": digest, "unreadable": one.why})
    });
    Ok(all.chain(damaged).collect())
}
