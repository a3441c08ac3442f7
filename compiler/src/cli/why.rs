//! `weft why`: what happens to a request, and which lines of the spec decide it.

use std::path::PathBuf;

use anyhow::bail;

use super::{Context, Verdict};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The request, as `METHOD URL`.
    #[arg(value_name = "'METHOD URL'")]
    request: String,
    /// A header of the request, as `name: value`; may be given several times.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Who sends it: `service/web` through its own sidecar; a client of a gateway by default.
    #[arg(long, value_name = "NODE")]
    from: Option<String>,
    /// The node that receives it, when several could.
    #[arg(long)]
    node: Option<String>,
    /// The spec: a folder or a file; `.` by default.
    #[arg(long, conflicts_with = "snapshot")]
    spec: Option<PathBuf>,
    /// A snapshot instead of a spec.
    #[arg(long, value_name = "DIST")]
    snapshot: Option<PathBuf>,
}

pub(super) fn run(_context: &Context, _arguments: &Arguments) -> anyhow::Result<Verdict> {
    bail!("not yet")
}
