//! `weft inspect`: a snapshot as JSON.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde_json::json;
use weft_front::diagnostic::nearest;
use weft_snapshot::layout::Descriptor;
use weft_snapshot::{Slice, limits};

use super::{Verdict, output, store};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The snapshot: a folder that `weft build` has written.
    dist: PathBuf,
    /// Print all that one node does (`gateway/public`, `service/orders`) instead of the list of nodes.
    #[arg(long)]
    node: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let dist = &arguments.dist;
    let Some(stored) = store::read(dist)? else {
        bail!("no snapshot at `{}`", dist.display());
    };
    let value = match &arguments.node {
        None => {
            let describe = |slice: &Descriptor| json!({"digest": slice.digest.to_string(), "size": slice.size});
            let nodes = stored.manifest.nodes.iter();
            let nodes: serde_json::Map<_, _> = nodes
                .map(|(node, slice)| (node.clone(), describe(slice)))
                .collect();
            json!({
                "mesh": stored.manifest.mesh,
                "generation": stored.index.generation,
                "manifest": describe(&stored.index.manifest),
                "origins": describe(&stored.manifest.origins),
                "nodes": nodes,
            })
        }
        Some(node) => {
            let Some(slice) = stored.manifest.nodes.get(node) else {
                let known = stored.manifest.nodes.keys().map(String::as_str);
                match nearest(node, known) {
                    Some(near) => {
                        bail!("the snapshot has no node `{node}`; did you mean `{near}`?")
                    }
                    None => bail!("the snapshot has no node `{node}`"),
                }
            };
            let bytes = store::blob(dist, slice.digest, limits::SLICE_BYTES)?;
            let slice =
                Slice::check(bytes).with_context(|| format!("reading the slice of `{node}`"))?;
            serde_json::to_value(slice.plan())?
        }
    };
    output::result(&format!("{value:#}\n"))?;
    Ok(Verdict::Clean)
}
